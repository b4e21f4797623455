import { open, seal } from '../../platform/crypto/seal.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { type Bind, compileFilter } from './compile-filter.ts'
import type { EntitySet, Property } from './entity-model.ts'
import { odataError } from './errors.ts'
import { type Expansion, type QueryOptions, type RawOptions, readOptions } from './query-options.ts'

/** An entity as the answer has it. */
export type Entity = Record<string, unknown>

export type Page = {
  value: Entity[]
  /** How many there are without paging, where that was asked for. */
  count: number | undefined
  /** The options of the next page; undefined at the end. */
  next: RawOptions | undefined
}

/** Learn365 answers at most so many entities at once. */
export const largestPage = 10_000
/** With the entities of another set below each of them, fewer. */
const largestExpandedPage = 500
/** So many entities may stand below those of one page altogether. */
const mostExpanded = 50_000

/** How a value is written into the token of the next page and read from it again. */
const sqlTypes: Record<Property['type'], string> = {
  'Edm.String': 'text',
  'Edm.Guid': 'uuid',
  'Edm.Boolean': 'boolean',
  'Edm.Int32': 'integer',
  'Edm.DateTimeOffset': 'timestamptz',
  'Collection(Edm.String)': 'text[]',
}

type Row = Record<string, unknown>

/**
 * A page of the entities that the options ask for. The next page begins after the last entity of this one, by its
 * values. So pages neither repeat nor skip an unchanged entity, whatever is created or erased meanwhile. The token of
 * the next page is encrypted, because the values may be those of a person, and holds for this query only.
 *
 * Throws `odata.query`.
 */
export async function readPage(
  tx: TenantTransaction,
  set: EntitySet,
  options: { raw: RawOptions; pageSize?: number | undefined; where?: Where },
): Promise<Page> {
  const { raw } = options
  const query = readOptions(set, raw)
  const values: unknown[] = [tx.tenantId, ...(set.parameters ?? [])]
  const bind: Bind = (value) => `$${values.push(value)}`
  const conditions = conditionsOf(set, query, bind, options.where)
  const counted = query.count ? countRows(tx, set, conditions, [...values]) : undefined

  const sorts = sortsOf(set, query)
  const purpose = `learn365 page ${JSON.stringify([tx.tenantId, set.name, raw.$filter, raw.$orderby])}`
  if (query.skipToken !== undefined) {
    conditions.push(beyond(sorts, readToken(tx.masterKey, query.skipToken, purpose), bind))
  }
  const limit = Math.min(query.top ?? Number.POSITIVE_INFINITY, pageSize(query, options.pageSize))
  const columns = Object.entries(set.properties).map(([name, { sql }]) => `${sql} as "${name}"`)
  const keys = sorts.map(({ sql }, index) => `(${sql})::text as "~${index}"`)
  const { rows } = await tx.query<Row>(
    `select ${[...columns, ...keys].join(', ')} from ${set.source}${conditions.map((one) => ` and ${one}`).join('')}
     order by ${sorts.map(({ sql, descending }) => `${sql} ${descending ? 'desc nulls last' : 'asc nulls first'}`).join(', ')}
     limit ${bind(limit + 1)}${query.skip > 0 ? ` offset ${bind(query.skip)}` : ''}`,
    values,
  )
  const page = rows.slice(0, limit)
  const last = page.at(-1)
  const left = query.top === undefined ? undefined : query.top - page.length
  const more = rows.length > limit && last !== undefined && left !== 0
  return {
    value: await entitiesOf(tx, set, query, page),
    count: await counted,
    next: more ? nextOptions(raw, left, writeToken(tx.masterKey, sorts, last, purpose)) : undefined,
  }
}

/** How many entities the filter leaves. Throws `odata.query`. */
export async function countEntities(tx: TenantTransaction, set: EntitySet, raw: RawOptions): Promise<number> {
  const values: unknown[] = [tx.tenantId, ...(set.parameters ?? [])]
  const conditions = conditionsOf(set, readOptions(set, raw), (value) => `$${values.push(value)}`)
  return await countRows(tx, set, conditions, values)
}

/** Narrows a set by something that is no option of the caller: conditions in SQL. */
export type Where = (bind: Bind) => string

/** The one entity for which the condition holds; undefined where there is none. Throws `odata.query`. */
export async function readEntity(
  tx: TenantTransaction,
  set: EntitySet,
  options: { raw: RawOptions; where: Where },
): Promise<Entity | undefined> {
  const query = readOptions(set, options.raw)
  const values: unknown[] = [tx.tenantId, ...(set.parameters ?? [])]
  const condition = options.where((value) => `$${values.push(value)}`)
  const columns = Object.entries(set.properties).map(([name, { sql }]) => `${sql} as "${name}"`)
  const { rows } = await tx.query<Row>(
    `select ${columns.join(', ')} from ${set.source} and ${condition} limit 1`,
    values,
  )
  const [entity] = await entitiesOf(tx, set, query, rows)
  return entity
}

function conditionsOf(set: EntitySet, query: QueryOptions, bind: Bind, where?: Where): string[] {
  return [
    ...(where === undefined ? [] : [where(bind)]),
    ...(query.filter === undefined ? [] : [compileFilter(query.filter, set, bind)]),
  ]
}

async function countRows(
  tx: TenantTransaction,
  set: EntitySet,
  conditions: readonly string[],
  values: readonly unknown[],
): Promise<number> {
  const { rows } = await tx.query<{ number: number }>(
    `select count(*)::int as number from ${set.source}${conditions.map((one) => ` and ${one}`).join('')}`,
    values,
  )
  return rows[0]?.number ?? 0
}

type Sort = { sql: string; type: string; descending: boolean }

/** The key last, so that no two entities are alike. */
function sortsOf(set: EntitySet, query: QueryOptions): Sort[] {
  const orderBy = query.orderBy.some(({ name }) => name === set.key)
    ? query.orderBy
    : [...query.orderBy, { name: set.key, descending: false }]
  return orderBy.flatMap(({ name, descending }) => {
    const property = set.properties[name]
    if (property === undefined) return []
    const type = sqlTypes[property.type]
    return [{ sql: type === 'text' ? `${property.sql} collate "C"` : property.sql, type, descending }]
  })
}

/** What comes after these values in the order of the sorts. Null comes before everything else. */
function beyond(sorts: readonly Sort[], last: readonly (string | null)[], bind: Bind): string {
  const parameters = sorts.map(({ type }, index) => {
    const value = last[index] ?? null
    return value === null ? undefined : `${bind(value)}::${type}`
  })
  const alternatives = sorts.map(({ sql, descending }, index) => {
    const same = sorts.slice(0, index).map((sort, before) => {
      const value = parameters[before]
      return value === undefined ? `${sort.sql} is null` : `${sort.sql} = ${value}`
    })
    return [...same, further(sql, parameters[index], descending)].join(' and ')
  })
  return `(${alternatives.map((one) => `(${one})`).join(' or ')})`
}

function further(sql: string, value: string | undefined, descending: boolean): string {
  if (value === undefined) return descending ? 'false' : `${sql} is not null`
  return descending ? `(${sql} < ${value} or ${sql} is null)` : `${sql} > ${value}`
}

function writeToken(masterKey: Buffer, sorts: readonly Sort[], last: Row, purpose: string): string {
  const values = sorts.map((_, index) => last[`~${index}`])
  return seal(masterKey, Buffer.from(JSON.stringify(values)), purpose).toString('base64url')
}

function readToken(masterKey: Buffer, token: string, purpose: string): (string | null)[] {
  try {
    return JSON.parse(open(masterKey, Buffer.from(token, 'base64url'), purpose).toString('utf8'))
  } catch (error) {
    throw odataError('odata.query', { option: '$skiptoken', reason: 'follow @odata.nextLink unchanged' }, error)
  }
}

function nextOptions(raw: RawOptions, left: number | undefined, token: string): RawOptions {
  const { $skip: _, $count: __, $top: ___, ...rest } = raw
  return { ...rest, ...(left !== undefined && { $top: String(left) }), $skiptoken: token }
}

function pageSize({ expand }: QueryOptions, preferred: number | undefined): number {
  const largest = expand.some(({ navigation }) => navigation.many) ? largestExpandedPage : largestPage
  return Math.max(1, Math.min(largest, preferred ?? largest))
}

async function entitiesOf(
  tx: TenantTransaction,
  set: EntitySet,
  query: QueryOptions,
  rows: readonly Row[],
): Promise<Entity[]> {
  const entities = rows.map((row) => entityOf(set, query.select, row))
  for (const expansion of query.expand) await expand(tx, expansion, rows, entities)
  return entities
}

function entityOf(set: EntitySet, select: readonly string[] | undefined, row: Row): Entity {
  return Object.fromEntries((select ?? Object.keys(set.properties)).map((name) => [name, jsonOf(row[name])]))
}

function jsonOf(value: unknown): unknown {
  return value instanceof Date ? value.toISOString() : (value ?? null)
}

/** Puts the entities of another set below those of a page; one statement, whatever their number. */
async function expand(
  tx: TenantTransaction,
  { name, navigation, target, select }: Expansion,
  rows: readonly Row[],
  entities: readonly Entity[],
): Promise<void> {
  const to = target.properties[navigation.to]
  const key = target.properties[target.key]
  if (to === undefined || key === undefined) throw new TypeError(`${target.name} has no property ${navigation.to}`)
  const wanted = [...new Set(rows.map((row) => row[navigation.from]).filter((value) => value !== null))]
  const match = to.equals === undefined ? `${to.sql} = wanted.value` : `(${to.equals('wanted.value')})`
  const columns = Object.entries(target.properties).map(([property, { sql }]) => `${sql} as "${property}"`)
  const source = (navigation.many !== true && target.sourceOfReferred) || target.source
  // A lateral join, so that each value is looked up through an index.
  const { rows: found } = await tx.query<Row>(
    `select found.* from unnest($2::${sqlTypes[to.type]}[]) as wanted (value)
     cross join lateral (
       select ${columns.join(', ')} from ${source} and ${match} order by ${target.inOrder ?? key.sql}
     ) found
     limit ${mostExpanded + 1}`,
    [tx.tenantId, wanted],
  )
  if (found.length > mostExpanded) {
    throw odataError('odata.query', {
      option: '$expand',
      reason: `one page would hold more than ${mostExpanded} entities; ask for fewer with $top or $filter`,
    })
  }
  const groups = Map.groupBy(found, (row) => row[navigation.to])
  for (const [index, entity] of entities.entries()) {
    const group = (groups.get(rows[index]?.[navigation.from]) ?? []).map((row) => entityOf(target, select, row))
    entity[name] = navigation.many ? group : (group[0] ?? null)
  }
}
