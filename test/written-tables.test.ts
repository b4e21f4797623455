import { readdir } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { dataMap } from '../server/datamap/data-map.ts'
import type { AnyEntry } from '../server/datamap/vocabulary.ts'
import { type Exceptions, rowsThatGo, tablesOfOtherRooms } from './writes-beside-the-map.ts'
import { readWrites, type Write, writesIn, writesOf } from './written-tables.ts'

const map: Record<string, AnyEntry> = dataMap
const root = fileURLToPath(new URL('../', import.meta.url))

/** How many statements each list holds: numbers that go down, and never up. */
const numbers = { rowsThatGo: 27, tablesOfOtherRooms: 35 }

type Found = Write & { file: string }

/** Only the running program knows the table. */
function isUnknown(table: string): boolean {
  return table.startsWith('⟨') || table === '?'
}

/** Whether the statement deletes rows about people, or makes them inactive; what cannot be known counts. */
function takesRowsAway({ does, table, columns }: Write): boolean {
  const entry = map[table]
  const about = isUnknown(table) || Object.values(entry?.columns ?? {}).some(({ is }) => is === 'subject')
  if (!about) return false
  if (does === 'deletes' || does === 'truncates') return true
  const ofDelete = entry?.about === 'themselves' ? ['state', 'deleted_at'] : []
  return columns.some(
    (column) =>
      column === '?' ||
      ofDelete.includes(column) ||
      (entry === undefined ? column === 'deletion_id' : entry.columns[column]?.is === 'deletion'),
  )
}

/** The room of each table: the file of the map that has its entry. */
async function roomsOfTables(): Promise<Map<string, string>> {
  const rooms = new Map<string, string>()
  for (const file of await readdir(`${root}server/datamap/entries`)) {
    const entries = (await import(/* @vite-ignore */ `${root}server/datamap/entries/${file}`)) as Record<
      string,
      Record<string, AnyEntry>
    >
    for (const tables of Object.values(entries)) {
      for (const table of Object.keys(tables)) rooms.set(table, file.replace(/\.ts$/, ''))
    }
  }
  return rooms
}

/** Statements by source and by what they do, in the form of the lists. */
function counted(writes: readonly Found[]): Record<string, Record<string, number>> {
  const counts: Record<string, Record<string, number>> = {}
  for (const { file, does, table } of writes) {
    counts[file] ??= {}
    counts[file][`${does} ${table}`] = (counts[file][`${does} ${table}`] ?? 0) + 1
  }
  return counts
}

function said(list: Exceptions): Record<string, Record<string, number>> {
  return Object.fromEntries(
    Object.entries(list).map(([file, statements]) => [
      file,
      Object.fromEntries(Object.entries(statements).map(([does, one]) => [does, one.statements])),
    ]),
  )
}

function numberIn(list: Exceptions): number {
  return Object.values(list)
    .flatMap((statements) => Object.values(statements))
    .reduce((sum, { statements }) => sum + statements, 0)
}

describe('the statements of the program', () => {
  let writes: Found[]
  beforeAll(async () => {
    writes = await readWrites(root)
  })

  it('delete rows about people and make them inactive by the data map only, but for a list with reasons', () => {
    // Otherwise nothing was read.
    expect(writes.length).toBeGreaterThan(150)
    expect(counted(writes.filter(takesRowsAway))).toEqual(said(rowsThatGo))
    expect(numberIn(rowsThatGo)).toBe(numbers.rowsThatGo)
  })

  it('write the tables of their own room only, but for a list with reasons', async () => {
    const rooms = await roomsOfTables()
    expect([...rooms.keys()].sort()).toEqual(Object.keys(map).sort())
    const elsewhere = writes.filter(({ file, table }) => {
      const room = file.split('/')[1]
      // What the map does not have are temporary tables.
      return isUnknown(table) || (rooms.has(table) && rooms.get(table) !== room)
    })
    expect(counted(elsewhere)).toEqual(said(tablesOfOtherRooms))
    expect(numberIn(tablesOfOtherRooms)).toBe(numbers.tablesOfOtherRooms)
  })
})

describe('the reader of statements', () => {
  const takesAway = (source: string) => writesIn('source.ts', source).some(takesRowsAway)

  // biome-ignore-start lint/suspicious/noTemplateCurlyInString: These are sources.
  it.each([
    ['a delete in capitals and on several lines', 'tx.query(`DELETE\n  FROM\n  progress\n where true`)'],
    [
      'a delete in the middle of another statement',
      'q(`with gone as (delete from only ratings returning 1) select 1`)',
    ],
    ['a delete with a comment in it', 'q(`delete /* all */ from -- of it\n "progress"`)'],
    ['a delete with a schema', "q('delete from public.progress')"],
    ['a delete whose table is a constant', "const table = 'progress'\nq(`delete from ${table} where true`)"],
    ['a delete whose table nobody can know', 'q(`delete from ${tableOf(it)} where true`)'],
    ['a delete of two texts', "q('delete ' + 'from ' + 'progress')"],
    ['a delete of a list of texts', "q(['delete from', table].join(' '))"],
    ['a delete in a hole of another text', 'q(`select ${all ? `1; delete from progress` : 2}`)'],
    ['a delete in a part of a sum', "q('select ' + (all ? 'delete from progress' : '') + ' from x')"],
    ['a delete of the query builder', "tx.db.deleteFrom('progress').execute()"],
    ['a delete of the query builder from a table with another name', "tx.db.deleteFrom('progress as p').execute()"],
    ['a delete of the query builder from a variable', 'tx.db.deleteFrom(table).execute()'],
    ['a merge', 'q(`merge into progress using t on true when matched then delete`)'],
    ['a truncate', 'q(`truncate table progress`)'],
    ['a delete of a person', 'q(`update enrollments e set deletion_id = $1 where true`)'],
    [
      'the same behind another column',
      'q(`update enrollments set note = (select a, b from c where d), deletion_id = $1`)',
    ],
    ['the same in a list of columns', 'q(`update enrollments set (note, deletion_id) = ($1, $2)`)'],
    ['the same in columns nobody can know', 'q(`update enrollments set ${assignments} where true`)'],
    [
      'the same where a row is there already',
      'q(`insert into enrollments (id) values ($1) on conflict (id) do update set deletion_id = null`)',
    ],
    ['the same of the query builder', "tx.db.updateTable('enrollments').set({ deletion_id: id }).execute()"],
    ['the same of the query builder, by name', "tx.db.updateTable('enrollments').set('deletion_id', id).execute()"],
    ['the delete of a user', "q(`update users set state = 'deleted' where id = $1`)"],
  ])('sees %s', (_, source) => {
    expect(takesAway(source)).toBe(true)
  })

  it.each([
    ['a lock', 'q(`select id from enrollments where deletion_id = $1 for no key update of enrollments skip locked`)'],
    ['a condition', "q(`update enrollments set note = 'where deletion_id = 1' where deletion_id = $1`)"],
    ['a row that is about no person', 'q(`delete from skills where id = $1`)'],
    ['a row that is added', 'q(`insert into enrollments (id, deletion_id) values ($1, null) on conflict do nothing`)'],
    ['what is selected', 'q(`select deletion_id, user_id from enrollments`)'],
  ])('takes %s for what it is', (_, source) => {
    expect(takesAway(source)).toBe(false)
  })

  // biome-ignore-end lint/suspicious/noTemplateCurlyInString: These are sources.

  it('finds each statement of a text, however it is written', () => {
    const table = fc.constantFrom(...Object.keys(map).filter((name) => !name.includes('.')))
    const statement = fc.record({ table, does: fc.constantFrom('inserts', 'updates', 'deletes' as const) })
    const blank = fc.constantFrom(' ', '\n', '  ', ' /* a */ ', ' -- b\n ')
    const written = fc.tuple(fc.array(statement, { minLength: 1, maxLength: 5 }), blank, fc.boolean(), fc.boolean())
    fc.assert(
      fc.property(written, ([statements, space, capitals, asPart]) => {
        const texts = statements.map(({ table: name, does }) => {
          const words = {
            inserts: `insert into ${name} (id) values ($1)`,
            updates: `update ${name} set id = $1 where id = $2`,
            deletes: `delete from ${name} where id = $1`,
          }[does]
          const spaced = words.replaceAll(' ', space)
          return capitals ? spaced.toUpperCase() : spaced
        })
        const sql = asPart
          ? `with ${texts.map((text, index) => `p${index} as (${text})`).join(', ')} select 1`
          : texts.join(';\n')
        const order = (a: string, b: string) => (a < b ? -1 : 1)
        expect(
          writesOf(sql)
            .map(({ does, table: name }) => `${does} ${name}`)
            .sort(order),
        ).toEqual(statements.map(({ does, table: name }) => `${does} ${name}`).sort(order))
      }),
    )
  })
})
