import { createHash } from 'node:crypto'
import canonicalize from 'canonicalize'
import type { IdentifierKind } from '../identifiers/identifier-key.ts'
import { mentionLookUp } from './mention-query.ts'
import type { AnyEntry, ColumnClass, SchemaFacts } from './vocabulary.ts'

/** A statement that a connection prepares once under its name. */
export type Statement = { name: string; text: string }

/**
 * One thing that an erasure does to one table. `effect` is what the receipt calls it: `deleted`, `removed`,
 * `reassigned`, `emptied`, or `cleared` with the name of the column.
 */
export type Act = {
  table: string
  effect: string
  /**
   * In this order. Parameters: tenant, ids of the people, and the successor where `needsSuccessor`. The last one's rows
   * count; where rows of other people are changed, it answers their owners.
   */
  statements: (Statement & { needsSuccessor: boolean; onlyWithSuccessor: boolean })[]
}

/** A column that may hold other people's identifiers. */
export type MentionColumn = {
  table: string
  column: string
  as: 'addresses' | 'text' | 'json'
  tenantColumn: string
  primaryKey: string[]
  nullable: boolean
  /** What the index is on that finds it: the search form of the column, or of several columns that share one index. */
  searched: string
  /** Columns that say whose value it is: what goes, is emptied or cleared with a person mentions nobody. */
  ownedBy: string[]
}

/** A column that names a person to a machine. */
export type IdentifierColumn = { column: string; kind: IdentifierKind }

/** What one operation does, and the counts of it. */
export type Plan = {
  /**
   * What there is to do about some people: rows of (act, person, row_count), the act by its place in `acts`. Parameters:
   * tenant, ids, and the ids of all people who are dealt with by then, at least the same ones.
   * The same statement previews, tells the erasure what to touch, and afterwards verifies that nothing is left to do.
   */
  locate: Statement
  /** In the order in which no foreign key is hurt; the people's own rows come last. */
  acts: Act[]
  mentions: MentionColumn[]
  /**
   * Finds the values of `mentions` that may hold one of a few identifiers: rows of (position, row_key, value).
   * Parameters: tenant, ids of the people whose rows are left out, patterns of search forms.
   */
  lookUpMentions: Statement
}

export type Operation = 'purge' | 'anonymize'

export type CompiledMap = {
  /** The first 16 hexadecimal digits of the SHA-256 of the map; certificates carry it. */
  version: string
  plans: Record<Operation, Plan>
  /** Locks the rows of some people and reads their identifiers: (id, state, one column each). Parameters: tenant, ids. */
  lockPeople: Statement
  /** The same without locks. */
  readPeople: Statement
  identifiers: IdentifierColumn[]
}

/** The table of the people themselves; every foreign key to it is a reference to a person. */
export const peopleTable = 'users'

/**
 * Compiles the data map into SQL. Pure: the same map and the same facts give the same statements.
 * Throws where the map contradicts the schema: these are mistakes of a developer, found by the first test that runs.
 */
export function compileDataMap(map: Record<string, AnyEntry>, facts: SchemaFacts): CompiledMap {
  requireSound(map, facts)
  const version = createHash('sha256')
    .update(canonicalize(map) ?? '')
    .digest('hex')
    .slice(0, 16)
  const own = entryOf(map, peopleTable)
  const identifiers = Object.entries(own.columns).flatMap(([column, columnClass]) =>
    columnClass.is === 'identifier' ? [{ column, kind: columnClass.kind }] : [],
  )
  const readPeople = `select id, state, ${identifiers.map(({ column }) => column).join(', ')} from ${peopleTable} where ${ownRows} order by id`
  return {
    version,
    lockPeople: named('lock_people', `${readPeople} for update`),
    readPeople: named('read_people', readPeople),
    identifiers,
    plans: { purge: compilePlan('purge', map, facts), anonymize: compilePlan('anonymize', map, facts) },
  }
}

const ownRows = 'tenant_id = $1 and id = any($2)'

function compilePlan(operation: Operation, map: Record<string, AnyEntry>, facts: SchemaFacts): Plan {
  const tables = Object.keys(map).sort()
  const branches: string[] = []
  const acts: Act[] = []
  const add = (act: Act, person: string, where: string) => {
    branches.push(`select ${acts.length} as act, ${person} as person from ${act.table} where ${where}`)
    acts.push(act)
  }
  const aboutPerson = childrenFirst(
    tables.filter((table) => entryOf(map, table).about === 'person'),
    facts,
  )
  for (const table of aboutPerson) {
    const entry = entryOf(map, table)
    const owner = columnWhere(entry, (c) => c.is === 'subject')
    const where = `${tenantColumnOf(facts, table)} = $1 and ${owner} = any($2)`
    const treatment = operation === 'purge' ? 'delete' : entry.anonymize
    if (treatment === 'delete') {
      add(actOf(table, 'deleted', [`delete from ${table} where ${where}`]), owner, where)
    } else if (typeof treatment === 'object') {
      for (const column of treatment.clear) {
        const empty = emptyOf(facts, table, column)
        const present = `${where} and ${empty === 'null' ? `${column} is not null` : `${column} <> ${empty}`}`
        const statement = `update ${table} set ${column} = ${empty} where ${present}`
        add(actOf(table, `cleared ${column}`, [statement]), owner, present)
      }
    }
  }

  for (const table of tables) {
    const entry = entryOf(map, table)
    for (const [column, columnClass] of Object.entries(entry.columns)) {
      if (columnClass.is !== 'actor' || keeps(columnClass, operation)) continue
      const tenant = tenantColumnOf(facts, table)
      const where = `${tenant} = $1 and ${column} = any($2)`
      // Rows that go with the same people are counted where they go; counting them here too would count them twice.
      const elsewhere = takersBefore(entry, column, operation)
      const others = (people: string) => elsewhere.map((taker) => ` and ${isNoneOf(taker, people)}`).join('')
      const isNoneOf = (taker: string, people: string) =>
        factsOf(facts, table).columns[taker]?.nullable
          ? `(${taker} is null or ${taker} <> all(${people}))`
          : `${taker} <> all(${people})`
      const effect = effectOf(columnClass, column)
      const statements = actorStatements(table, column, {
        purge: columnClass.purge,
        where,
        others: others('$2'),
        takers: takersOf(entry, operation),
        entry,
        facts,
      })
      add(actOf(table, effect, statements), column, where + others('$3::uuid[]'))
    }
  }

  const own = entryOf(map, peopleTable)
  if (operation === 'purge') {
    const statements = [
      `update ${peopleTable} set ${assignments(redactionsOf(own, facts))} where ${ownRows}`,
      `delete from ${peopleTable} where ${ownRows}`,
    ]
    add(actOf(peopleTable, 'deleted', statements), 'id', ownRows)
  } else {
    const values = { ...redactionsOf(own, facts), ...own.whenAnonymized }
    // A time is never the same again; everything else must be as the act leaves it.
    const left = Object.entries(values).flatMap(([column, value]) =>
      value === 'now()' ? [] : [`${column} is distinct from ${value}`],
    )
    const statement = `update ${peopleTable} set ${assignments(values)} where ${ownRows}`
    add(actOf(peopleTable, 'anonymized', [statement]), 'id', `${ownRows} and (${left.join(' or ')})`)
  }
  const mentions = tables.flatMap((table) => mentionColumns(table, entryOf(map, table), operation, facts))
  return {
    // Counted once for all tables: an aggregate for each costs more than what there is to count.
    locate: named(
      `locate_${operation}`,
      `select act, person, count(*)::int as row_count from (\n${branches.join('\nunion all\n')}\n) located group by act, person`,
    ),
    acts,
    mentions,
    lookUpMentions: named(`mentions_${operation}`, mentionLookUp(mentions)),
  }
}

/** Whether the operation leaves this person's part as it is. */
function keeps(columnClass: Extract<ColumnClass, { is: 'actor' }>, operation: Operation): boolean {
  return operation === 'anonymize' && columnClass.anonymize === 'keep'
}

function entryOf(map: Record<string, AnyEntry>, table: string): AnyEntry {
  const entry = map[table]
  if (entry === undefined) throw new Error(`The data map has no entry for ${table}`)
  return entry
}

function actOf(table: string, effect: string, texts: (string | { text: string; onlyWithSuccessor: boolean })[]): Act {
  return {
    table,
    effect,
    statements: texts.map((given) => {
      const { text, onlyWithSuccessor } = typeof given === 'string' ? { text: given, onlyWithSuccessor: false } : given
      return { ...named('act', text), needsSuccessor: text.includes('$3'), onlyWithSuccessor }
    }),
  }
}

/** The name follows from the text, so that a connection never takes an old plan for a new statement. */
function named(kind: string, text: string): Statement {
  return { name: `${kind}_${createHash('sha256').update(text).digest('hex').slice(0, 16)}`, text }
}

function effectOf(columnClass: Extract<ColumnClass, { is: 'actor' }>, column: string): string {
  const effects = { remove: 'removed', reassign: 'reassigned', empty: 'emptied', null: `cleared ${column}` }
  return effects[columnClass.purge]
}

function actorStatements(
  table: string,
  column: string,
  options: {
    purge: 'null' | 'remove' | 'reassign' | 'empty'
    where: string
    others: string
    takers: string[]
    entry: AnyEntry
    facts: SchemaFacts
  },
): (string | { text: string; onlyWithSuccessor: boolean })[] {
  const { purge, where, others, takers, entry, facts } = options
  if (purge === 'null') {
    const owners = takers.length === 0 ? '' : ` returning jsonb_build_array(${takers.join(', ')}) as owners`
    return [`update ${table} set ${column} = null where ${where}${others}${owners}`]
  }
  if (purge === 'remove') return [`delete from ${table} where ${where}`]
  if (purge === 'empty') {
    const emptied = columnsWhere(entry, (c) => c.is === 'content').map(
      (name) => `${name} = ${factsOf(facts, table).columns[name]?.nullable ? 'null' : "''"}`,
    )
    return [`update ${table} set ${[`${column} = null`, ...emptied].join(', ')} where ${where}`]
  }
  const { primaryKey, columns } = factsOf(facts, table)
  if (!primaryKey.includes(column)) return [`update ${table} set ${column} = $3::uuid where ${where}${others}`]
  // The person is part of the key: the successor's row is a new one, and may exist already.
  const names = Object.keys(columns).filter((name) => columns[name]?.generated === undefined)
  const values = names.map((name) => (name === column ? '$3::uuid' : name))
  const rest = primaryKey.filter((name) => name !== column)
  return [
    {
      text: `insert into ${table} (${names.join(', ')}) select distinct on (${rest.join(', ')}) ${values.join(', ')} from ${table} where ${where} on conflict do nothing`,
      onlyWithSuccessor: true,
    },
    `delete from ${table} where ${where}`,
  ]
}

/** What a person's row is overwritten with; the database computes derived columns anew. */
function redactionsOf(entry: AnyEntry, facts: SchemaFacts): Record<string, string> {
  return Object.fromEntries(
    Object.entries(entry.columns).flatMap(([column, { is }]) => {
      if (is === 'identifier' || is === 'identity' || is === 'actor') return [[column, 'null']]
      if (is === 'mention' || is === 'content') return [[column, emptyOf(facts, peopleTable, column)]]
      return []
    }),
  )
}

function assignments(values: Record<string, string>): string {
  return Object.entries(values)
    .map(([column, value]) => `${column} = ${value}`)
    .join(', ')
}

function emptyOf(facts: SchemaFacts, table: string, column: string): string {
  const { type, nullable } = factsOf(facts, table).columns[column] ?? { type: 'text', nullable: true }
  if (nullable) return 'null'
  return type === 'jsonb' || type.endsWith('[]') ? "'{}'" : "''"
}

function mentionColumns(table: string, entry: AnyEntry, operation: Operation, facts: SchemaFacts): MentionColumn[] {
  const { primaryKey, columns } = factsOf(facts, table)
  const takers = takersOf(entry, operation)
  const emptiers = columnsWhere(entry, (c) => c.is === 'actor' && c.purge === 'empty' && !keeps(c, operation))
  const cleared = operation === 'anonymize' && typeof entry.anonymize === 'object' ? entry.anonymize.clear : []
  const clearers = columnsWhere(entry, (c) => c.is === 'subject').filter((owner) => !takers.includes(owner))
  // What describes people is in every row, so one index serves all of it.
  const describing = `lethe_search_form(array[${columnsWhere(entry, (c) => c.is === 'identity').join(', ')}])`
  return Object.entries(entry.columns).flatMap(([column, columnClass]) => {
    const isText = columnClass.is === 'content' || columnClass.is === 'identity'
    const as = columnClass.is === 'mention' ? columnClass.as : isText ? 'text' : undefined
    if (as === undefined) return []
    return [
      {
        table,
        column,
        as,
        tenantColumn: tenantColumnOf(facts, table),
        primaryKey,
        nullable: columns[column]?.nullable ?? false,
        searched: columnClass.is === 'identity' ? describing : searchForm(column, as),
        ownedBy: [
          ...takers,
          ...(columnClass.is === 'content' ? emptiers : []),
          ...(cleared.includes(column) ? clearers : []),
        ],
      },
    ]
  })
}

function searchForm(column: string, as: MentionColumn['as']): string {
  return `lethe_search_form(${as === 'json' ? `${column}::text` : column})`
}

/** Columns whose person takes the whole row along, or whose row it is in the table of people. */
function takersOf(entry: AnyEntry, operation: Operation): string[] {
  const goes = operation === 'purge' || entry.about === 'themselves' || entry.anonymize === 'delete'
  return columnsWhere(
    entry,
    (c) => (c.is === 'subject' && goes) || (c.is === 'actor' && c.purge === 'remove' && !keeps(c, operation)),
  )
}

/** The takers that a row is counted under before this column: a row that several of them take is counted once. */
function takersBefore(entry: AnyEntry, column: string, operation: Operation): string[] {
  const takers = takersOf(entry, operation)
  const position = takers.indexOf(column)
  const subjects = columnsWhere(entry, (c) => c.is === 'subject')
  return position === -1
    ? takers
    : takers.filter((taker, index) => taker !== column && (index < position || subjects.includes(taker)))
}

function columnsWhere(entry: AnyEntry, test: (columnClass: ColumnClass) => boolean): string[] {
  return Object.entries(entry.columns).flatMap(([column, columnClass]) => (test(columnClass) ? [column] : []))
}

function columnWhere(entry: AnyEntry, test: (columnClass: ColumnClass) => boolean): string {
  const [column] = columnsWhere(entry, test)
  if (column === undefined) throw new Error(`An entry about a person has no subject: ${entry.holds}`)
  return column
}

function factsOf(facts: SchemaFacts, table: string) {
  const found = facts[table]
  if (found === undefined) throw new Error(`The database has no table ${table}`)
  return found
}

/** The registry of tenants is separated by its own id, every other table by tenant_id. */
function tenantColumnOf(facts: SchemaFacts, table: string): string {
  return 'tenant_id' in factsOf(facts, table).columns ? 'tenant_id' : 'id'
}

/** Sorts tables so that a row is deleted before the rows that it points to. */
function childrenFirst(tables: string[], facts: SchemaFacts): string[] {
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

/**
 * Finds what the types cannot: a foreign key to a person without the class subject or actor, or the reverse. Also a
 * table about a person without exactly one subject, and rows that stay but point to deleted rows.
 */
function requireSound(map: Record<string, AnyEntry>, facts: SchemaFacts): void {
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
  for (const [table, entry] of Object.entries(map)) {
    for (const [column, columnClass] of Object.entries(entry.columns)) {
      if (columnClass.is !== 'sealed' || columnClass.opensFor === undefined) continue
      const whose = entry.columns[columnClass.opensFor]?.is
      if (whose !== 'subject' && whose !== 'erased_id') {
        throw new Error(
          `${table}.${column} opens for ${columnClass.opensFor}, which says of nobody that the row is theirs`,
        )
      }
    }
    if (table === peopleTable) continue
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
  for (const [table, { foreignKeys }] of Object.entries(facts)) {
    for (const { columns, references } of foreignKeys) {
      const target = map[references]
      // Whoever points to the people's own rows is a subject or an actor, and is done with before them.
      if (target === undefined || references === peopleTable) continue
      const taken = actorsWhoseRowsGo(target, factsOf(facts, references).primaryKey)
      const why =
        taken.length > 0
          ? `go with ${taken.join(' or ')}`
          : target.about === 'person' && (table === references || entryOf(map, table).about !== 'person')
            ? 'go with another person'
            : target.anonymize === 'delete' && entryOf(map, table).anonymize !== 'delete'
              ? 'go when a person is anonymized, and stay themselves'
              : undefined
      if (why === undefined) continue
      throw new Error(`${table} (${columns.join(', ')}) points to rows of ${references}, which ${why}`)
    }
  }
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
