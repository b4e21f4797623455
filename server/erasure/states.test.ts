import { randomUUID } from 'node:crypto'
import { globSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/database.ts'
import { insertRow, newTenant } from '../../test/rows.ts'
import { pendingStates, subjectStates } from '../people/lifecycle/erasure-states.ts'
import { inTenant } from '../platform/database/transaction.ts'
import { listErasures } from './requests/list-requests.ts'
import { requestStates, stepStates, steps } from './states.ts'

const root = path.join(import.meta.dirname, '../..')
const lists = ['server/erasure/states.ts', 'server/people/lifecycle/erasure-states.ts']

/** States and steps beside each other in a text: a list, a union, an array of SQL, or alternatives of one column. */
function spelledLists(text: string, words: ReadonlySet<string>): string[] {
  const quoted = `'[a-z_]+'`
  const compared = '(?:[!=]==|=|<>)'
  return [
    ...text.matchAll(new RegExp(`${quoted}(?:\\s*[,|]\\s*${quoted})+`, 'g')),
    ...text.matchAll(/\{[a-z_]+(?:,[a-z_]+)+\}/g),
    ...text.matchAll(
      new RegExp(`([\\w.]+) ${compared} ${quoted}\\s*(?:\\|\\||&&|or|and)\\s*\\1 ${compared} ${quoted}`, 'g'),
    ),
  ].flatMap(([list, column]) => {
    const found = [...list.replaceAll(column ?? ' ', ' ').matchAll(/'([a-z_]+)'|(?<=[{,])([a-z_]+)/g)]
    return found.length > 1 && found.every(([, one, other]) => words.has(one ?? other ?? '')) ? [list] : []
  })
}

describe('the states of erasures', () => {
  const words = new Set<string>([...Object.keys(subjectStates), ...requestStates, ...stepStates, ...steps])

  it('are listed in two files alone', async () => {
    const files = globSync('server/**/*.ts', { cwd: root }).filter(
      (file) => !file.endsWith('.test.ts') && !file.includes('generated') && !lists.includes(file),
    )
    expect(files.length).toBeGreaterThan(300)
    const spelled: [string, string][] = []
    for (const file of files) {
      const text = await readFile(path.join(root, file), 'utf8')
      if (!text.includes('erasure')) continue
      spelled.push(...spelledLists(text, words).map((list): [string, string] => [file, list]))
    }
    expect(spelled).toEqual([])
  })

  it.each([
    [`state in ('queued', 'running')`],
    [`type State = 'queued' | 'done'`],
    [`unnest('{resolve,erase}'::text[])`],
    [`if (state === 'queued' || state === 'held') return`],
    [`where s.state = 'failed' or s.state = 'held'`],
    [`const order = [\n  'resolve',\n  'erase',\n]`],
  ])('are found by that test where a file spells %j', (text) => {
    expect(spelledLists(text, words)).toHaveLength(1)
  })

  it.each([[`['registered', 'in_progress', 'completed', 'failed']`], [`state = 'failed'`], [`'waiting' | 'running'`]])(
    'are not found in %j, which lists other things',
    (text) => {
      expect(spelledLists(text, words)).toEqual([])
    },
  )
})

describe('the database', () => {
  let test: TestDatabase
  beforeAll(async () => {
    test = await createTestDatabase()
  })
  afterAll(() => test.close())

  /** The words that a check constraint on one column allows. */
  async function allowed(table: string, column: string): Promise<string[]> {
    const { rows } = await test.owner.query<{ definition: string }>(
      `select pg_get_constraintdef(c.oid) as definition
       from pg_constraint c join pg_attribute a on a.attrelid = c.conrelid and c.conkey = array[a.attnum]
       where c.contype = 'c' and c.conrelid = $1::regclass and a.attname = $2`,
      [table, column],
    )
    return rows.flatMap(({ definition }) => wordsOf(definition))
  }

  const wordsOf = (definition: string) => [...definition.matchAll(/'([a-z_]+)'/g)].map(([, word]) => word ?? '')

  it('allows the states of a person that the code lists', async () => {
    expect((await allowed('erasure_subjects', 'state')).sort()).toEqual(Object.keys(subjectStates).sort())
  })

  it('allows the steps and their states that the code lists', async () => {
    expect((await allowed('erasure_steps', 'step')).sort()).toEqual([...steps].sort())
    expect((await allowed('erasure_steps', 'state')).sort()).toEqual([...stepStates].sort())
  })

  it('keeps a person in one request for as long as the code calls the erasure pending', async () => {
    const { rows } = await test.owner.query<{ predicate: string }>(
      `select pg_get_expr(indpred, indrelid) as predicate from pg_index
       where indexrelid = 'erasure_subjects_pending'::regclass`,
    )
    expect(wordsOf(rows[0]?.predicate ?? '').sort()).toEqual([...pendingStates].sort())
  })

  it('counts the same requests as overdue, over all tenants, as the list of a tenant marks', async () => {
    const rows = await newTenant(test.owner)
    const made = new Map<string, string>()
    for (const state of Object.keys(subjectStates)) {
      for (const ended of [false, true]) {
        const { id } = await insertRow(test.owner, 'erasure_requests', {
          tenant_id: rows.tenant,
          operation: 'purge',
          initiated_from: 'command_line',
          map_version: '0'.repeat(16),
          due_at: '2020-01-01',
          finished_at: ended ? '2020-01-02' : null,
        })
        await insertRow(test.owner, 'erasure_subjects', {
          tenant_id: rows.tenant,
          request_id: id,
          user_id: randomUUID(),
          state,
        })
        made.set(String(id), `${state}${ended ? ', ended' : ''}`)
      }
    }
    const named = (ids: string[]) => ids.map((id) => made.get(id)).sort()
    const { rows: counted } = await test.owner.query<{ request_id: string }>('select * from overdue_erasure_requests()')
    const listed = await inTenant(test.database, rows.tenant, (tx) => listErasures(tx, { limit: 1000, overdue: true }))
    const pending = Object.keys(subjectStates).filter((state) => pendingStates.some((one) => one === state))
    expect(named(counted.map(({ request_id }) => request_id))).toEqual(
      [...Object.keys(subjectStates), ...pending.map((state) => `${state}, ended`)].sort(),
    )
    expect(named(listed.map(({ id }) => id))).toEqual(named(counted.map(({ request_id }) => request_id)))
  })
})
