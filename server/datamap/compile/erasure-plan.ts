import { type Act, type Operation, type Plan, peopleTable } from '../plan.ts'
import type { AnyEntry, ColumnClass, SchemaFacts } from '../vocabulary.ts'
import { mentionColumns } from './mention-columns.ts'
import { mentionLookUp } from './mention-query.ts'
import { named } from './named.ts'
import {
  assignments,
  childrenFirst,
  columnsWhere,
  emptyOf,
  entryOf,
  factsOf,
  ownRows,
  subjectOf,
  tenantColumnOf,
} from './schema.ts'
import { keeps, takersBefore, takersOf } from './takers.ts'

/** What an operation does to people, counted and done by statements over the same rows. */
export function compilePlan(operation: Operation, map: Record<string, AnyEntry>, facts: SchemaFacts): Plan {
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
    const owner = subjectOf(entry)
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
