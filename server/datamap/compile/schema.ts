import type { AnyEntry, ColumnClass, SchemaFacts } from '../vocabulary.ts'

/** The map's entry for a table. */
export function entryOf(map: Record<string, AnyEntry>, table: string): AnyEntry {
  const entry = map[table]
  if (entry === undefined) throw new Error(`The data map has no entry for ${table}`)
  return entry
}

/** The columns of an entry whose class passes the test. */
export function columnsWhere(entry: AnyEntry, test: (columnClass: ColumnClass) => boolean): string[] {
  return Object.entries(entry.columns).flatMap(([column, columnClass]) => (test(columnClass) ? [column] : []))
}

/** The column that says whose the rows of a table about people are. */
export function subjectOf(entry: AnyEntry): string {
  const [column] = columnsWhere(entry, ({ is }) => is === 'subject')
  if (column === undefined) throw new Error(`An entry about a person has no subject: ${entry.holds}`)
  return column
}

/** What the database says about a table. */
export function factsOf(facts: SchemaFacts, table: string) {
  const found = facts[table]
  if (found === undefined) throw new Error(`The database has no table ${table}`)
  return found
}

/** The registry of tenants is separated by its own id, every other table by tenant_id. */
export function tenantColumnOf(facts: SchemaFacts, table: string): string {
  return 'tenant_id' in factsOf(facts, table).columns ? 'tenant_id' : 'id'
}

/** Sorts tables so that a row is deleted before the rows that it points to. */
export function childrenFirst(tables: string[], facts: SchemaFacts): string[] {
  const wanted = new Set(tables)
  const ordered: string[] = []
  const visit = (table: string, path: string[]) => {
    if (ordered.includes(table)) return
    if (path.includes(table)) throw new Error(`Foreign keys go round in a circle: ${[...path, table].join(', ')}`)
    for (const other of tables) {
      const pointsHere = factsOf(facts, other).foreignKeys.some(({ references }) => references === table)
      if (other !== table && pointsHere && wanted.has(other)) visit(other, [...path, table])
    }
    ordered.push(table)
  }
  for (const table of tables) visit(table, [])
  return ordered
}

/** What a column is overwritten with where it is to say nothing. */
export function emptyOf(facts: SchemaFacts, table: string, column: string): string {
  const { type, nullable } = factsOf(facts, table).columns[column] ?? { type: 'text', nullable: true }
  if (nullable) return 'null'
  return type === 'jsonb' || type.endsWith('[]') ? "'{}'" : "''"
}

/** The assignments of an update. */
export function assignments(values: Record<string, string>): string {
  return Object.entries(values)
    .map(([column, value]) => `${column} = ${value}`)
    .join(', ')
}

/** The condition of the rows of the people themselves: parameters tenant, ids. */
export const ownRows = 'tenant_id = $1 and id = any($2)'
