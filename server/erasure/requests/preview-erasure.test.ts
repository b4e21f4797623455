import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openTestApplication, type TestApplication } from '../../../test/application.ts'
import { effort } from '../../../test/effort.ts'
import { buildWorld, erasedOf, rowsOf, scrubbed, worldPlan } from '../../../test/random-world.ts'
import { dumpDatabase, insertRow, newTenant, placesOf, type Row } from '../../../test/rows.ts'
import { previewErasure } from './preview-erasure.ts'

let test: TestApplication
beforeAll(async () => {
  test = await openTestApplication()
  await test.startWorkers()
})
afterAll(() => test.close())

/** What must be left of a row, said a second time in other words than the data map's; undefined: nothing. */
function leftOf(
  table: string,
  row: Row,
  purged: Set<string>,
  identifiers: string[],
  successor: string,
): Row | undefined {
  if (table === 'users' && purged.has(String(row.id))) return undefined
  if (purged.has(String(row.user_id)) && !table.endsWith('_authors')) return undefined
  if (table === 'posts' && purged.has(String(row.author_id))) return { ...row, author_id: null, body: '' }
  return Object.fromEntries(
    Object.entries(row).map(([column, value]) => {
      if (purged.has(String(value))) return [column, column === 'user_id' ? successor : null]
      if (column === 'contact_emails' && Array.isArray(value)) {
        return [column, value.filter((address) => !identifiers.includes(String(address)))]
      }
      return [column, scrubbed(value, identifiers)]
    }),
  )
}

/** An erasure leaves hashes with the imports that run, which look for them in their files at their end. */
function withoutNote(table: string, row: Row): Row {
  return table === 'import_runs' && row.finished_at === null ? { ...row, erased_words: [] } : row
}

describe('a purge of people who refer to each other', () => {
  it('does what the preview counted, table by table, and nothing to anybody else', async () => {
    await fc.assert(
      fc.asyncProperty(worldPlan, async (plan) => {
        const world = await buildWorld(test.owner, plan)
        const { tenant } = world.rows
        const { ids, identifiers } = erasedOf(world, plan)
        const before = await dumpDatabase(test.owner, { tenant })
        const preview = await test.inTenant(tenant, (tx) => previewErasure(tx, 'purge', [...ids]))

        const request = await test.order(tenant, [...ids], world.administrator)
        const details = await test.ended(tenant, request)
        expect(details).toMatchObject({ state: 'completed', failures: [] })
        expect(details.receipt).toEqual(preview.effects)
        expect(preview.people).toBe(ids.size)

        const after = await dumpDatabase(test.owner, { tenant })
        const isMine = (table: string, row: Row) =>
          (table === 'erasure_requests' && row.id === request) ||
          table === 'erasure_plans' ||
          (table === 'notifications' && row.user_id === world.administrator)
        expect(rowsOf(after, (table, row) => (isMine(table, row) ? undefined : withoutNote(table, row)))).toEqual(
          rowsOf(before, (table, row) => leftOf(table, row, ids, identifiers, world.administrator)),
        )
        for (const identifier of identifiers) expect(placesOf(after, identifier)).toEqual([])
        for (const id of ids) {
          const onRecord = ['erasure_ledger.user_id', 'erasure_subjects.user_id', 'tombstones.user_id']
          expect([...onRecord, 'audit_entries.subject_id']).toEqual(expect.arrayContaining(placesOf(after, id)))
        }
      }),
      { numRuns: effort(4, 20) },
    )
  })
})

it('counts for one person what the purge of that person does', async () => {
  const rows = await newTenant(test.owner)
  const id = await rows.deletedUser({ email: 'one@acme.example', login_name: 'one@acme.example' })
  await rows.catalog({ contact_emails: ['one@acme.example'], description: 'one@acme.example, one@acme.example' })
  const course = await rows.course()
  await rows.insert('enrollments', { user_id: id, course_id: course, enrolled_by: id, note: 'one@acme.example' })
  await rows.insert('ratings', { user_id: id, course_id: course, stars: 5 })
  const { effects } = await test.inTenant(rows.tenant, (tx) => previewErasure(tx, 'purge', [id]))
  expect(effects).toEqual([
    { table: 'catalogs', effect: 'scrubbed contact_emails', rows: 1 },
    { table: 'catalogs', effect: 'scrubbed description', rows: 1 },
    { table: 'enrollments', effect: 'deleted', rows: 1 },
    { table: 'ratings', effect: 'deleted', rows: 1 },
    { table: 'users', effect: 'deleted', rows: 1 },
  ])
  expect((await test.purge(rows.tenant, [id])).receipt).toEqual(effects)
})

it('changes nothing but the plans of previews', async () => {
  const rows = await newTenant(test.owner)
  const id = await rows.deletedUser({ email: 'one@acme.example' })
  await insertRow(test.owner, 'catalogs', { tenant_id: rows.tenant, title: 'one@acme.example' })
  const dump = async () =>
    new Map([...(await dumpDatabase(test.owner))].filter(([name]) => !/^erasure_plan/.test(name)))
  const before = await dump()
  await test.inTenant(rows.tenant, (tx) => previewErasure(tx, 'purge', [id]))
  expect(await dump()).toEqual(before)
})
