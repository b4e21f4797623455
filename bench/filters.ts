import { entitySet } from '../server/apis/learn365/entity-sets.ts'
import { readPage } from '../server/apis/learn365/read-entities.ts'
import { newKey } from '../server/platform/crypto/seal.ts'
import { type Database, openDatabase } from '../server/platform/database/pool.ts'
import { inTenant, type TenantTransaction } from '../server/platform/database/transaction.ts'
import { type Loaded, urlOf } from './databases.ts'
import { median } from './report.ts'
import { sized } from './size.ts'

/** Properties of Learn365's users that are looked up by, with the columns that hold them. */
const properties = { Email: 'email', LoginName: 'login_name', DirectoryObjectId: 'directory_object_id' }
type FilterProperty = keyof typeof properties

/** Warmed with the first ones, which do not count. */
const warmUp = sized(50, 2)
const counted = sized(250, 10)

/** Milliseconds of one look-up, in the data set as it is and in its copies. */
export type MeasuredFilter = { property: FilterProperty; single: number; many: number }

/** The same people looked up in both databases in turn, so that a drift of the machine hits both. */
export async function measureFilters(loaded: Loaded, tenfold: Loaded): Promise<MeasuredFilter[]> {
  const [single, many] = await Promise.all([loaded, tenfold].map(openLoaded))
  if (single === undefined || many === undefined) throw new Error('There are two databases')
  try {
    const people = await somePeople(single, loaded.tenant, warmUp + counted)
    const measured: MeasuredFilter[] = []
    for (const property of Object.keys(properties) as FilterProperty[]) {
      const times = { single: [] as number[], many: [] as number[] }
      for (const person of people) {
        times.single.push(await timed(single, loaded.tenant, property, person))
        times.many.push(await timed(many, loaded.tenant, property, person))
      }
      measured.push({
        property,
        single: median(times.single.slice(warmUp)),
        many: median(times.many.slice(warmUp)),
      })
    }
    return measured
  } finally {
    await Promise.all([single.close(), many.close()])
  }
}

/** Opens the loaded database; it has to be closed before somebody clones or drops it. */
export function openLoaded({ appUrl, name }: Loaded): Promise<Database> {
  return openDatabase({ url: urlOf(appUrl, name), masterKey: newKey() })
}

/** A statement that a filter sends, with the value that it looks for. */
export type FilterStatement = { property: FilterProperty; text: string; values: readonly unknown[]; wanted: string }

/** What is sent for each of the filters, to be explained. */
export async function filterStatements(database: Database, tenant: string): Promise<FilterStatement[]> {
  const [person] = await somePeople(database, tenant, 1)
  if (person === undefined) throw new Error('The data set has no people')
  const statements: FilterStatement[] = []
  for (const property of Object.keys(properties) as FilterProperty[]) {
    await inTenant(database, tenant, async (tx) => {
      const watched: TenantTransaction = Object.create(tx, {
        query: {
          value(text: string, values: readonly unknown[]) {
            statements.push({ property, text, values, wanted: person[property] })
            return tx.query(text, values)
          },
        },
      })
      await lookUp(watched, property, person[property])
    })
  }
  return statements
}

type Person = Record<FilterProperty, string>

async function somePeople(database: Database, tenant: string, number: number): Promise<Person[]> {
  const columns = Object.entries(properties).map(([property, column]) => `${column}::text as "${property}"`)
  const { rows } = await inTenant(database, tenant, (tx) =>
    tx.query<Person>(
      `select ${columns.join(', ')} from users
       where tenant_id = $1 and ${Object.values(properties)
         .map((column) => `${column} is not null`)
         .join(' and ')}
       order by md5(id::text) limit $2`,
      [tenant, number],
    ),
  )
  if (rows.length < number) throw new Error(`${number} people can be looked up by all of these, not ${rows.length}`)
  return rows
}

async function timed(database: Database, tenant: string, property: FilterProperty, person: Person): Promise<number> {
  const started = performance.now()
  await inTenant(database, tenant, (tx) => lookUp(tx, property, person[property]))
  return performance.now() - started
}

async function lookUp(tx: TenantTransaction, property: FilterProperty, value: string): Promise<void> {
  const literal = property === 'DirectoryObjectId' ? value : `'${value.replaceAll("'", "''")}'`
  const { value: found } = await readPage(tx, entitySet('Users'), { raw: { $filter: `${property} eq ${literal}` } })
  if (found.length !== 1) throw new Error(`one user has this ${property}, and ${found.length} were found`)
}
