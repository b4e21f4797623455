import { type Act, type Operation, type Plan, peopleTable, plannedTable } from '../plan.ts'
import type { AnyEntry, ColumnClass, SchemaFacts } from '../vocabulary.ts'
import { mentionColumns } from './mention-columns.ts'
import { mentionLookUp } from './mention-query.ts'
import { named } from './named.ts'
import { rowKey } from './row-key.ts'
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
  const branches: Branch[] = []
  const acts: Act[] = []
  const add = (act: NewAct, branch: Omit<Branch, 'act' | 'table' | 'unplanned'>) => {
    const { unplanned, about, onDelete } = entryOf(map, act.table)
    const ends = about === 'person' && onDelete === 'end' && branch.elsewhere === undefined
    branches.push({ ...branch, act: acts.length, table: act.table, unplanned: unplanned !== undefined })
    acts.push({ ...act, isPlanned: unplanned === undefined, endsOnDelete: ends })
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
      const { rights } = entry
      add(actOf(table, 'deleted', [`delete from ${table} where ${where}`]), { person: owner, where, rights })
    } else if (typeof treatment === 'object') {
      for (const column of treatment.clear) {
        const empty = emptyOf(facts, table, column)
        const present = `${where} and ${empty === 'null' ? `${column} is not null` : `${column} <> ${empty}`}`
        const statement = `update ${table} set ${column} = ${empty} where ${present}`
        add(actOf(table, `cleared ${column}`, [statement]), { person: owner, where: present })
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
      add(actOf(table, effect, statements), { person: column, where: where + others('$3::uuid[]'), elsewhere })
    }
  }

  const own = entryOf(map, peopleTable)
  const { act, where } = ownAct(operation, own, facts)
  add(act, { person: 'id', where, rights: plannedValues(operation, own) })
  const mentions = tables.flatMap((table) => mentionColumns(table, entryOf(map, table), operation, facts))
  return {
    locate: named(`locate_${operation}`, locate(branches)),
    locatePlanned: named(`planned_${operation}`, locatePlanned(branches, facts)),
    acts,
    mentions,
    lookUpMentions: named(`mentions_${operation}`, mentionLookUp(mentions)),
  }
}

/** What the plan covers of a person's own row besides its key. */
function plannedValues(operation: Operation, { rights = [], survives = [] }: AnyEntry): string[] {
  return operation === 'anonymize' ? [...rights, ...survives] : [...rights]
}

/** What becomes of the people's own rows. */
function ownAct(operation: Operation, own: AnyEntry, facts: SchemaFacts): { act: NewAct; where: string } {
  const redactions = redactionsOf(own, facts)
  if (operation === 'purge') {
    const statements = [
      `update ${peopleTable} set ${assignments(redactions)} where ${ownRows}`,
      `delete from ${peopleTable} where ${ownRows}`,
    ]
    return { act: actOf(peopleTable, 'deleted', statements), where: ownRows }
  }
  const values = { ...redactions, ...own.whenAnonymized }
  // A time is never the same again; everything else must be as the act leaves it.
  const left = Object.entries(values).flatMap(([column, value]) =>
    value === 'now()' ? [] : [`${column} is distinct from ${value}`],
  )
  const statement = `update ${peopleTable} set ${assignments(values)} where ${ownRows}`
  return { act: actOf(peopleTable, 'anonymized', [statement]), where: `${ownRows} and (${left.join(' or ')})` }
}

type NewAct = Omit<Act, 'isPlanned' | 'endsOnDelete'>

/** The rows that one act concerns. `elsewhere`: columns of people with whom a row goes, if they are among the people. */
type Branch = {
  act: number
  table: string
  person: string
  where: string
  elsewhere?: string[]
  rights?: readonly string[] | undefined
  unplanned: boolean
}

/** Counted once for all tables: an aggregate for each costs more than what there is to count. */
function locate(branches: Branch[]): string {
  const parts = branches.map(
    ({ act, person, table, where }) => `select ${act} as act, ${person} as person from ${table} where ${where}`,
  )
  return `select act, person, count(*)::int as row_count from (\n${parts.join('\nunion all\n')}\n) located group by act, person`
}

function locatePlanned(branches: Branch[], facts: SchemaFacts): string {
  const parts = branches.map(({ act, person, table, where, elsewhere = [], rights, unplanned }) => {
    const takers = elsewhere.map(
      (taker) =>
        `not exists (select from ${plannedTable} g where g.tenant_id = $1 and g.plan_id = $4::uuid and g.user_id = ${table}.${taker})`,
    )
    const planned = unplanned ? 'false' : takers.length === 0 ? 'true' : takers.join(' and ')
    const key = unplanned ? `''` : rowKey(facts, table, { person, ...(rights !== undefined && { rights }) })
    return `select ${act} as act, ${person} as person, ${planned} as planned, ${key} as row_key from ${table} where ${where}`
  })
  return (
    `select act, person, count(*)::int as row_count, (count(*) filter (where planned))::int as planned_count, ` +
    `encode(sha256(convert_to(string_agg(row_key, ',' order by row_key collate "C") filter (where planned), 'UTF8')), 'hex') as digest ` +
    `from (\n${parts.join('\nunion all\n')}\n) located group by act, person`
  )
}

function actOf(
  table: string,
  effect: string,
  texts: (string | { text: string; onlyWithSuccessor: boolean })[],
): NewAct {
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
