import { peopleTable } from '../plan.ts'
import type { AnyEntry, SchemaFacts } from '../vocabulary.ts'
import { identifiersOf } from './identifiers.ts'
import { columnsWhere, entryOf, factsOf } from './schema.ts'

/**
 * Finds what the types cannot: a foreign key to a person without the class subject or actor, or the reverse. Also a
 * table about a person without exactly one subject, and rows that stay but point to deleted rows. Also identifiers and
 * deletes that the columns of the table do not allow.
 */
export function requireSound(map: Record<string, AnyEntry>, facts: SchemaFacts): void {
  requireClassesOfKeys(map, facts)
  for (const [table, entry] of Object.entries(map)) {
    requireKnownOwners(table, entry)
    if (table !== peopleTable) requireSubjects(table, entry, facts)
  }
  requireKeysOfIdentifiers(map, facts)
  requireDeletions(map, facts)
  requireReferences(map, facts)
  requireEmptiable(map, facts)
}

function requireClassesOfKeys(map: Record<string, AnyEntry>, facts: SchemaFacts): void {
  for (const [table, { foreignKeys }] of Object.entries(facts)) {
    for (const { columns, references } of foreignKeys) {
      if (references !== peopleTable) continue
      const column = columns.at(-1) ?? ''
      const is = entryOf(map, table).columns[column]?.is
      if (is !== 'subject' && is !== 'actor') {
        throw new Error(`${table}.${column} points to a person; classify it as subject or actor, not as ${is}`)
      }
    }
  }
}

function requireKnownOwners(table: string, entry: AnyEntry): void {
  for (const [column, columnClass] of Object.entries(entry.columns)) {
    if (columnClass.is !== 'sealed' || columnClass.opensFor === undefined) continue
    const whose = entry.columns[columnClass.opensFor]?.is
    if (whose === 'subject' || whose === 'erased_id') continue
    throw new Error(`${table}.${column} opens for ${columnClass.opensFor}, which says of nobody that the row is theirs`)
  }
}

function requireSubjects(table: string, entry: AnyEntry, facts: SchemaFacts): void {
  for (const [column, { is }] of Object.entries(entry.columns)) {
    if (is !== 'subject' && is !== 'actor') continue
    const points = factsOf(facts, table).foreignKeys.some(
      ({ columns, references }) => references === peopleTable && columns.at(-1) === column,
    )
    if (!points) throw new Error(`${table}.${column} is classified as ${is} but has no foreign key to a person`)
  }
  const subjects = columnsWhere(entry, (c) => c.is === 'subject').length
  if ((entry.about === 'person') !== (subjects === 1)) {
    throw new Error(`${table} is about ${entry.about} and has ${subjects} subjects; a table about a person has one`)
  }
}

function requireReferences(map: Record<string, AnyEntry>, facts: SchemaFacts): void {
  for (const [table, { foreignKeys }] of Object.entries(facts)) {
    for (const { columns, references } of foreignKeys) {
      const target = map[references]
      // Whoever points to the people's own rows is a subject or an actor, and is done with before them.
      if (target === undefined || references === peopleTable) continue
      const taken = actorsWhoseRowsGo(target, factsOf(facts, references).primaryKey)
      const why =
        taken.length > 0
          ? `go with ${taken.join(' or ')}`
          : whyRowsGo(target, entryOf(map, table), { sameTable: table === references })
      if (why === undefined) continue
      throw new Error(`${table} (${columns.join(', ')}) points to rows of ${references}, which ${why}`)
    }
  }
}

/** Why rows of `target` go while rows of `entry` that point to them stay. Undefined: they go together, or stay. */
function whyRowsGo(target: AnyEntry, entry: AnyEntry, { sameTable }: { sameTable: boolean }): string | undefined {
  if (target.about === 'person' && (sameTable || entry.about !== 'person')) return 'go with another person'
  if (target.anonymize === 'delete' && entry.anonymize !== 'delete') {
    return 'go when a person is anonymized, and stay themselves'
  }
  if (isOfEnrollment(target) && !isOfEnrollment(entry)) return 'go when one enrollment is purged, and stay themselves'
  return undefined
}

function requireEmptiable(map: Record<string, AnyEntry>, facts: SchemaFacts): void {
  for (const [table, { anonymize }] of Object.entries(map)) {
    for (const column of typeof anonymize === 'object' ? anonymize.clear : []) {
      const { type, nullable } = factsOf(facts, table).columns[column] ?? { type: 'none', nullable: false }
      if (nullable || ['text', 'jsonb'].includes(type) || type.endsWith('[]')) continue
      throw new Error(`${table}.${column} is to be cleared, but it cannot be empty`)
    }
  }
}

/** Columns of people whose erasure deletes the row, though it is about nobody or somebody else. */
function actorsWhoseRowsGo(entry: AnyEntry, primaryKey: string[]): string[] {
  return Object.entries(entry.columns).flatMap(([column, columnClass]) => {
    if (columnClass.is !== 'actor') return []
    const goes = columnClass.purge === 'remove' || (columnClass.purge === 'reassign' && primaryKey.includes(column))
    return goes ? [column] : []
  })
}

function isOfEnrollment({ scope }: AnyEntry): boolean {
  return scope !== undefined && scope !== 'person'
}

/** Identifiers that are texts are compared by a key and a similar form, UUIDs as they are. */
function requireKeysOfIdentifiers(map: Record<string, AnyEntry>, facts: SchemaFacts): void {
  const columns = factsOf(facts, peopleTable).columns
  for (const { column, key, similar } of identifiersOf(map)) {
    const isUuid = columns[column]?.type === 'uuid'
    if (isUuid !== (key === undefined) || isUuid !== (similar === undefined)) {
      throw new Error(`${peopleTable}.${column} needs a key and a similar form, unless it is a UUID`)
    }
  }
  for (const [table, entry] of Object.entries(map)) {
    for (const [column, one] of Object.entries(entry.columns)) {
      if (one.is !== 'derived') continue
      if (entry.columns[one.from]?.is === 'identifier') continue
      throw new Error(`${table}.${column} is derived from ${one.from}, which is no identifier`)
    }
  }
}

/** What a delete makes inactive has one column for the id of the delete, which may be empty, and nothing else has one. */
function requireDeletions(map: Record<string, AnyEntry>, facts: SchemaFacts): void {
  for (const [table, entry] of Object.entries(map)) {
    const deletions = columnsWhere(entry, ({ is }) => is === 'deletion')
    const wanted = table === peopleTable || entry.onDelete === 'deactivate' ? 1 : 0
    if (deletions.length !== wanted) {
      throw new Error(`${table} has ${deletions.length} columns for the id of a delete; what becomes inactive has one`)
    }
    for (const column of deletions) {
      const { type, nullable } = factsOf(facts, table).columns[column] ?? { type: 'none', nullable: false }
      if (type !== 'uuid' || !nullable) throw new Error(`${table}.${column} holds the id of a delete, or nothing`)
    }
  }
}
