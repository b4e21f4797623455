import pg from 'pg'
import { importedTables } from '../server/imports/oulad/import-oulad.ts'
import { type Loaded, urlOf } from './databases.ts'
import { measureFilters } from './filters.ts'
import { type ComparedTwo, compareTwo, type Measured, measureMany, measurePurgeOneInTurn, rounds } from './purge.ts'
import { mebibytes, milliseconds, type Row } from './report.ts'

/** Ten copies of the data set: each in a tenant of its own, or all of them in one tenant. */
type Layout = 'ten tenants' | 'one tenant'

const copies = 9

/** What tells the copies of one tenant apart, where a text must be unique; an address stays one. */
const unlike: Record<string, (n: string) => string> = {
  ref: (n) => `ref || '-' || ${n}`,
  external_key: (n) => `external_key || '-' || ${n}`,
  email: (n) => `${n} || '.' || email`,
  login_name: (n) => `regexp_replace(login_name, '([^|]*)$', ${n} || '.\\1')`,
  directory_object_id: (n) => `md5(directory_object_id::text || ${n})::uuid`,
}

/**
 * One purge and many purges in ten times as many rows, against the same in one copy of the data set. The two take
 * turns, so that a drift of the machine affects both.
 */
export async function benchTenFold(loaded: Loaded): Promise<Row[]> {
  const rows: Row[] = []
  for (const layout of ['ten tenants', 'one tenant'] as const) {
    const tenfold = await multiply(loaded, layout)
    const filters = await filterRows(loaded, tenfold, layout)
    const one = await measurePurgeOneInTurn(loaded, tenfold)
    const many: [Measured, Measured][] = []
    // By themselves the same people stand on the same pages as in one copy; people of all copies stand on ten times as many.
    const spread: [Measured, Measured][] = []
    let memory = 0
    for (let round = 0; round < rounds; round++) {
      const single = await measureMany(loaded, 'purge')
      const same = await measureMany(tenfold, 'purge')
      many.push([single, same])
      memory = Math.max(memory, same.memoryPeak)
      if (layout === 'one tenant') spread.push([single, await measureMany(tenfold, 'purge', 'all copies')])
    }
    await drop(tenfold)
    loaded.log(`the process held ${mebibytes(memory)} at most`)
    const row = (what: string, { ours, byHand }: ComparedTwo) => {
      const { floor, ours: tenfold, ratio } = byHand
      loaded.log(`${what}, by hand: ${milliseconds(floor)}, ${milliseconds(tenfold)}, ${ratio.toFixed(2)}`)
      return flatRow(what, ours.floor, ours.ours, ours.ratio)
    }
    rows.push(
      row(`purge of one in ten copies as ${layout}`, one),
      row(`purge of 5,000 in ten copies as ${layout}`, compareTwo(many)),
      ...(spread.length === 0 ? [] : [row(`- 5,000 of all ten copies as ${layout}`, compareTwo(spread))]),
      ...filters,
    )
  }
  return rows
}

/** The filters alone. They read the users and nothing else, so only those are copied. */
export async function benchFilters(loaded: Loaded): Promise<Row[]> {
  const rows: Row[] = []
  for (const layout of ['ten tenants', 'one tenant'] as const) {
    const tenfold = await multiply(loaded, layout, ['users'])
    rows.push(...(await filterRows(loaded, tenfold, layout)))
    await drop(tenfold)
  }
  return rows
}

async function filterRows(loaded: Loaded, tenfold: Loaded, layout: Layout): Promise<Row[]> {
  const measured = await measureFilters(loaded, tenfold)
  return measured.map(({ property, single, many }) =>
    flatRow(`$filter by ${property} in ten copies as ${layout}`, single, many),
  )
}

/** The floor of these rows is the same act in one copy. */
function flatRow(what: string, single: number, tenfold: number, ratio = tenfold / single): Row {
  return {
    what,
    floor: milliseconds(single),
    ours: milliseconds(tenfold),
    ratio,
    target: '<= 1.3',
    met: ratio <= 1.3,
  }
}

/** Drops the database of copies. */
export async function drop({ ownerUrl, name }: Loaded): Promise<void> {
  const admin = new pg.Client({ connectionString: urlOf(ownerUrl, 'postgres') })
  await admin.connect()
  await admin.query(`drop database ${name} with (force)`)
  await admin.end()
}

/**
 * Clones the loaded database and adds nine copies of the tenant's rows, written by the server itself. Internal ids begin
 * with a digit 0, because they begin with the time; a copy has its number there.
 */
export async function multiply(
  loaded: Loaded,
  layout: Layout,
  tables: readonly string[] = importedTables,
): Promise<Loaded> {
  const name = layout === 'ten tenants' ? 'lethe_bench_ten_tenants' : 'lethe_bench_ten_in_one'
  const admin = new pg.Client({ connectionString: urlOf(loaded.ownerUrl, 'postgres') })
  await admin.connect()
  await admin.query(`drop database if exists ${name} with (force)`)
  await admin.query(`create database ${name} template ${loaded.name}`)
  await admin.end()
  const owner = new pg.Client({ connectionString: urlOf(loaded.ownerUrl, name) })
  await owner.connect()
  try {
    // The copies refer to each other as the originals do.
    await owner.query(`set session_replication_role = replica; set maintenance_work_mem = '512MB'`)
    for (let copy = 1; copy <= copies; copy++) {
      const shifted = (id: string) => `('${copy}' || substr(${id}::text, 2))::uuid`
      if (layout === 'ten tenants') {
        await owner.query(
          `insert into tenants (id, name, kind) select ${shifted('id')}, name || ' ${copy}', kind from tenants where id = $1`,
          [loaded.tenant],
        )
      }
      for (const table of tables) {
        const { rows } = await owner.query<{ name: string; type: string }>(
          `select attname as name, format_type(atttypid, null) as type from pg_attribute
           where attrelid = $1::regclass and attnum > 0 and not attisdropped and attgenerated = '' and attidentity = ''`,
          [table],
        )
        // The originals, in whose tenant the copies may be.
        const id = rows.some((column) => column.name === 'id' && column.type === 'uuid') ? 'id' : 'user_id'
        const values = rows.map(({ name, type }) => {
          if (name === 'tenant_id') return layout === 'ten tenants' ? shifted(name) : name
          if (layout === 'ten tenants') return name
          return unlike[name]?.(`'${copy}'`) ?? (type === 'uuid' ? shifted(name) : name)
        })
        await owner.query(
          `insert into ${table} (${rows.map((column) => column.name).join(', ')})
           select ${values.join(', ')} from ${table} where tenant_id = $1 and substr(${id}::text, 1, 1) = '0'`,
          [loaded.tenant],
        )
      }
    }
    await owner.query('vacuum analyze')
  } finally {
    await owner.end()
  }
  return { ...loaded, name }
}
