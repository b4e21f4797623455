import { type EnrollmentPart, type EnrollmentPlan, peopleTable } from '../plan.ts'
import type { AnyEntry, SchemaFacts } from '../vocabulary.ts'
import { named } from './named.ts'
import { childrenFirst, entryOf, factsOf, subjectOf, tenantColumnOf } from './schema.ts'

/** The table of enrollments, its columns that say what an enrollment is in, and the tables that those point to. */
type Enrollments = { table: string; columns: readonly string[]; places: Map<string, string> }

/** A way by foreign keys: the column that leads from each table to the next. */
type Way = { to: string; columns: string[]; tables: string[] }

/**
 * Compiles the purge of one enrollment: which tables it reaches, and by which way. Undefined where the map has no table of
 * enrollments. Throws where a table of the scope has no way to an enrollment or to what it is in, or several.
 */
export function compileEnrollment(map: Record<string, AnyEntry>, facts: SchemaFacts): EnrollmentPlan | undefined {
  const enrollments = enrollmentsOf(map, facts)
  const inScope = Object.keys(map)
    .sort()
    .filter((table) => entryOf(map, table).scope === 'enrollment')
  if (enrollments === undefined) {
    if (inScope.length > 0)
      throw new Error(`${inScope[0]} has the scope of an enrollment, but no table has enrollments`)
    return undefined
  }
  const { table, columns, places } = enrollments
  const own = new Map([[table, `${factsOf(facts, table).primaryKey.at(-1)} = $3`]])
  const left = new Map(columns.map((column) => [column, new Map<string, string>()]))
  for (const one of inScope) {
    const ways = waysOf(one, enrollments, map, facts)
    const direct = ways.filter(({ to }) => to === table)
    // A row that points to the enrollment belongs to that one, whatever course it leads to as well.
    const counted = direct.length > 0 ? direct : ways
    if (counted.length === 0) {
      throw new Error(`${one} has the scope of an enrollment, but no foreign key leads to ${wanted(enrollments)}`)
    }
    for (const way of counted) {
      if (counted.filter(({ to }) => to === way.to).length > 1) {
        throw new Error(`${one} has the scope of an enrollment, but several foreign keys lead to ${way.to}`)
      }
      const condition = conditionOf(way, map, facts)
      const column = columns.find((name) => places.get(name) === way.to)
      if (way.to === table) own.set(one, condition)
      else if (column !== undefined) left.get(column)?.set(one, condition)
    }
  }
  return {
    table,
    own: partOf('enrollment', own, map, facts),
    left: Object.fromEntries(
      [...left]
        .filter(([, conditions]) => conditions.size > 0)
        .map(([column, conditions]) => [column, partOf(column, conditions, map, facts)]),
    ),
  }
}

function enrollmentsOf(map: Record<string, AnyEntry>, facts: SchemaFacts): Enrollments | undefined {
  const all = Object.entries(map).flatMap(([table, { scope }]) =>
    typeof scope === 'object' ? [{ table, columns: scope.enrollmentIn }] : [],
  )
  if (all.length > 1)
    throw new Error(`${all.map(({ table }) => table).join(' and ')} both say that they have enrollments`)
  const [found] = all
  if (found === undefined) return undefined
  const places = new Map<string, string>()
  for (const column of found.columns) {
    const key = factsOf(facts, found.table).foreignKeys.find(({ columns }) => columns.at(-1) === column)
    if (key === undefined) throw new Error(`${found.table}.${column} has no foreign key to what an enrollment is in`)
    places.set(column, key.references)
  }
  return { ...found, places }
}

function wanted({ table, places }: Enrollments): string {
  return [table, ...places.values()].join(' or ')
}

/** Every way from a table to the enrollments, or to what they are in; no way goes on behind those, or leads over people. */
function waysOf(
  from: string,
  enrollments: Enrollments,
  map: Record<string, AnyEntry>,
  facts: SchemaFacts,
  passed: readonly string[] = [],
): Way[] {
  const ends = new Set([enrollments.table, ...enrollments.places.values()])
  return factsOf(facts, from).foreignKeys.flatMap(({ columns, references }): Way[] => {
    const column = columns.at(-1)
    if (column === undefined || references === peopleTable || references === from || passed.includes(references))
      return []
    if (ends.has(references)) return [{ to: references, columns: [column], tables: [from] }]
    if (map[references] === undefined) return []
    return waysOf(references, enrollments, map, facts, [...passed, from]).map((way) => ({
      to: way.to,
      columns: [column, ...way.columns],
      tables: [from, ...way.tables],
    }))
  })
}

function conditionOf({ columns, tables }: Way, map: Record<string, AnyEntry>, facts: SchemaFacts): string {
  const [column, ...others] = columns
  const [, next] = tables
  if (next === undefined) return `${column} = $3`
  const rest = conditionOf({ to: '', columns: others, tables: tables.slice(1) }, map, facts)
  return `${column} in (select ${factsOf(facts, next).primaryKey.at(-1)} from ${next} where ${ofPerson(next, map, facts)}${rest})`
}

/** Limits rows to the tenant, and those about people to the person. */
function ofPerson(table: string, map: Record<string, AnyEntry>, facts: SchemaFacts): string {
  const entry = entryOf(map, table)
  const person = entry.about === 'person' ? `${subjectOf(entry)} = $2 and ` : ''
  return `${tenantColumnOf(facts, table)} = $1 and ${person}`
}

function partOf(
  name: string,
  conditions: ReadonlyMap<string, string>,
  map: Record<string, AnyEntry>,
  facts: SchemaFacts,
): EnrollmentPart {
  const rows = childrenFirst([...conditions.keys()], facts).map((table) => ({
    table,
    where: `${ofPerson(table, map, facts)}${conditions.get(table)}`,
  }))
  const counts = rows.map(
    ({ table, where }, act) => `select ${act} as act, count(*)::int as row_count from ${table} where ${where}`,
  )
  return {
    locate: named(
      `locate_${name}`,
      `select act, row_count from (\n${counts.join('\nunion all\n')}\n) located where row_count > 0`,
    ),
    acts: rows.map(({ table, where }) => ({ table, ...named('act', `delete from ${table} where ${where}`) })),
  }
}
