import { randomBytes, randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { dataMap } from '../server/datamap/data-map.ts'
import type { AnyEntry } from '../server/datamap/vocabulary.ts'
import { purgeEnrollment } from '../server/learning/enrollments/purge-enrollment.ts'
import { deleteUsers } from '../server/people/lifecycle/delete-users.ts'
import { restoreUsers } from '../server/people/lifecycle/restore-users.ts'
import { suspendUser } from '../server/people/lifecycle/suspend-user.ts'
import { inTenant, type TenantTransaction } from '../server/platform/database/transaction.ts'
import { createTestDatabase, type TestDatabase } from './database.ts'
import { effort } from './effort.ts'
import { insertOneOfEverything } from './one-of-everything.ts'
import { buildWorld, rowsOf, worldPlan } from './random-world.ts'
import { type Dump, dumpDatabase, newTenant, type Row, type TenantRows } from './rows.ts'

let test: TestDatabase
beforeAll(async () => {
  test = await createTestDatabase()
})
afterAll(() => test.close())

const map: Record<string, AnyEntry> = dataMap
const run = <T>(tenant: string, work: (tx: TenantTransaction) => Promise<T>) => inTenant(test.database, tenant, work)
const dumpOf = (tenant: string) => dumpDatabase(test.owner, { tenant })
const rowsIn = (dump: Dump, table: string): Row[] => [...(dump.get(table)?.values() ?? [])]

function tablesWhere(wanted: (entry: AnyEntry) => boolean): string[] {
  return Object.entries(map)
    .flatMap(([table, entry]) => (wanted(entry) ? [table] : []))
    .sort()
}

/** A tenant with a user who stands in every table, and another user who stands in every table about people. */
async function standInEverything() {
  const { tenant, user } = await newTenant(test.owner)
  const userId = await user({ email: `${randomUUID()}@example.com`, roles: ['author', 'learner'] })
  const otherUserId = await user()
  await insertOneOfEverything(test.owner, { tenantId: tenant, userId, otherUserId })
  return { tenant, userId, otherUserId }
}

async function signIn(rows: TenantRows, userId: string): Promise<void> {
  const expires_at = new Date(Date.now() + 3_600_000)
  await rows.insert('sign_in_sessions', { user_id: userId, token_hash: randomBytes(32), expires_at })
}

/** What a delete makes inactive and what it ends, said a second time in other words than the data map's. */
const inactive = ['catalog_members', 'enrollments', 'group_members', 'product_accounts']
const ended = ['sign_in_sessions']

/** What was done to whom: deletes by the id of the person, and restores. */
type Done = { deleted: ReadonlyMap<string, string>; restored: ReadonlySet<string>; withRoles: boolean }

/** A row after that; undefined: it is gone. */
function rowAfter(table: string, row: Row, { deleted, restored, withRoles }: Done): Row | undefined {
  const person = String(table === 'users' ? row.id : row.user_id)
  const deletion = deleted.get(person)
  if (deletion === undefined && !restored.has(person)) return row
  if (ended.includes(table)) return undefined
  if (table === 'users') return personAfter(row, deletion, withRoles)
  const becomesInactive = deletion !== undefined && inactive.includes(table) && row.deletion_id === null
  return becomesInactive ? { ...row, deletion_id: deletion } : row
}

function personAfter(row: Row, deletion: string | undefined, withRoles: boolean): Row {
  const privileged = (row.roles as string[]).filter((role) => role !== 'learner')
  const nobody = { deleted_by: null, deleted_by_credential: null }
  if (deletion === undefined && withRoles) return { ...row, ...nobody, former_roles: [] }
  const withoutRoles = { ...row, ...nobody, roles: ['learner'], former_roles: privileged }
  if (deletion === undefined) return withoutRoles
  return { ...withoutRoles, state: 'deleted', deletion_id: deletion, deleted_at: 'some time' }
}

/** All rows but for what depends on the clock, and the record of what was done. */
function comparable(dump: Dump, change: (table: string, row: Row) => Row | undefined = (_, row) => row) {
  return rowsOf(dump, (table, row) => {
    const changed = change(table, row)
    return table !== 'users' || changed === undefined
      ? changed
      : { ...changed, updated_at: null, deleted_at: changed.deleted_at !== null }
  })
}

describe('a delete and a restore', () => {
  it('take the tables that the data map says', () => {
    expect(tablesWhere(({ onDelete }) => onDelete === 'deactivate')).toEqual(inactive)
    expect(tablesWhere(({ onDelete }) => onDelete === 'end')).toEqual(ended)
  })

  it('change every table that takes part, and no row of other people', async () => {
    const { tenant, userId } = await standInEverything()
    const before = await dumpOf(tenant)
    for (const table of [...inactive, ...ended]) {
      expect(
        rowsIn(before, table).some(({ user_id }) => user_id === userId),
        table,
      ).toBe(true)
    }
    const { deletionId, inactive: counts } = await run(tenant, (tx) => deleteUsers(tx, { userIds: [userId] }))
    expect(Object.keys(counts).sort()).toEqual(inactive)
    const done: Done = { deleted: new Map([[userId, deletionId]]), restored: new Set(), withRoles: true }
    expect(comparable(await dumpOf(tenant))).toEqual(comparable(before, (table, row) => rowAfter(table, row, done)))

    const { active } = await run(tenant, (tx) => restoreUsers(tx, { userIds: [userId], withRoles: true }))
    expect(active).toEqual(counts)
    const undone: Done = { deleted: new Map(), restored: new Set([userId]), withRoles: true }
    expect(comparable(await dumpOf(tenant))).toEqual(comparable(before, (table, row) => rowAfter(table, row, undone)))
  })

  it('give back exactly what was there, whoever is deleted with whom and stands in whose rows', async () => {
    const some = fc.subarray([0, 1, 2, 3, 4])
    const choice = fc.record({ together: some, alone: some, suspended: some, authors: some, restored: some })
    await fc.assert(
      fc.asyncProperty(worldPlan, choice, fc.boolean(), async (plan, chosen, withRoles) => {
        const world = await buildWorld(test.owner, { ...plan, erased: [], living: [0, 1, 2, 3, 4] })
        const { tenant } = world.rows
        const idsOf = (numbers: number[]) => numbers.flatMap((number) => world.people[number]?.id ?? [])
        for (const { id } of world.people) await signIn(world.rows, id)
        const authors = idsOf(chosen.authors)
        await test.owner.query(`update users set roles = '{author,learner}' where id = any ($1::uuid[])`, [authors])
        // What an earlier delete made inactive is not this one's to bring back.
        await test.owner.query(
          `update enrollments set deletion_id = gen_random_uuid()
           where id in (select id from enrollments where tenant_id = $1 order by id limit 1)`,
          [tenant],
        )
        for (const id of idsOf(chosen.suspended)) await run(tenant, (tx) => suspendUser(tx, id))
        const before = await dumpOf(tenant)

        const together = idsOf(chosen.together)
        const alone = idsOf(chosen.alone).filter((id) => !together.includes(id))
        const deleted = new Map<string, string>()
        for (const userIds of [together, ...alone.map((id) => [id])]) {
          if (userIds.length === 0) continue
          const { deletionId } = await run(tenant, (tx) => deleteUsers(tx, { userIds }))
          for (const id of userIds) deleted.set(id, deletionId)
        }
        const done: Done = { deleted, restored: new Set(), withRoles }
        expect(comparable(await dumpOf(tenant))).toEqual(comparable(before, (table, row) => rowAfter(table, row, done)))

        const restored = idsOf(chosen.restored).filter((id) => deleted.has(id))
        if (restored.length > 0) await run(tenant, (tx) => restoreUsers(tx, { userIds: restored, withRoles }))
        const stillDeleted = new Map([...deleted].filter(([id]) => !restored.includes(id)))
        const undone: Done = { deleted: stillDeleted, restored: new Set(restored), withRoles }
        expect(comparable(await dumpOf(tenant))).toEqual(
          comparable(before, (table, row) => rowAfter(table, row, undone)),
        )
      }),
      { numRuns: effort(4, 30) },
    )
  })
})

/** What goes with an enrollment, said a second time in other words than the data map's. */
const ofEnrollment = [
  'assessment_attempts',
  'issued_certificates',
  'progress',
  'record_actions',
  'submission_file_chunks',
  'submission_files',
  'submissions',
]

/** The course or training plan that a row of these tables was left behind in. */
function placeOf(dump: Dump, table: string, row: Row): unknown {
  const found = (other: string, id: unknown) => rowsIn(dump, other).find((one) => one.id === id) ?? {}
  if (row.course_id != null) return row.course_id
  if (row.training_plan_id != null) return row.training_plan_id
  if (row.module_id !== undefined) return found('modules', row.module_id).course_id
  if (row.assessment_id !== undefined) return found('assessments', row.assessment_id).course_id
  if (row.submission_id !== undefined) return placeOf(dump, 'submissions', found('submissions', row.submission_id))
  if (row.file_id !== undefined) return placeOf(dump, 'submission_files', found('submission_files', row.file_id))
  throw new Error(`A row of ${table} was left behind nowhere`)
}

/** Purges one enrollment and looks at every row of the tenant. */
async function purgeAndCompare(tenant: string, enrollment: string): Promise<Record<string, number>> {
  const before = await dumpOf(tenant)
  const purged = rowsIn(before, 'enrollments').find(({ id }) => id === enrollment) ?? {}
  const place = placeOf(before, 'enrollments', purged)
  const another = rowsIn(before, 'enrollments').some(
    (one) => one.id !== enrollment && one.user_id === purged.user_id && placeOf(before, 'enrollments', one) === place,
  )
  const goes = (table: string, row: Row) =>
    table === 'enrollments'
      ? row.id === enrollment
      : !another &&
        ofEnrollment.includes(table) &&
        row.user_id === purged.user_id &&
        placeOf(before, table, row) === place
  const { removed } = await run(tenant, (tx) => purgeEnrollment(tx, enrollment))
  expect(rowsOf(await dumpOf(tenant))).toEqual(rowsOf(before, (table, row) => (goes(table, row) ? undefined : row)))
  const expected = [...before].flatMap(([table, rows]) => {
    const count = [...rows.values()].filter((row) => goes(table, row)).length
    return count === 0 ? [] : [[table, count] as const]
  })
  expect(removed).toEqual(Object.fromEntries(expected))
  return removed
}

describe('the purge of one enrollment', () => {
  it('takes the tables that the data map says', () => {
    expect(tablesWhere(({ scope }) => scope === 'enrollment')).toEqual(ofEnrollment)
    expect(tablesWhere(({ scope }) => typeof scope === 'object')).toEqual(['enrollments'])
  })

  it('leaves nothing of it in any table, and touches no other row', async () => {
    const { tenant, userId } = await standInEverything()
    const { rows } = await test.owner.query<{ id: string }>(
      `update enrollments set state = 'withdrawn' where tenant_id = $1 and user_id = $2 returning id`,
      [tenant, userId],
    )
    const removed = await purgeAndCompare(tenant, rows[0]?.id ?? '')
    expect(Object.keys(removed).sort()).toEqual([...ofEnrollment, 'enrollments'].sort())
    const after = await dumpOf(tenant)
    for (const table of ofEnrollment) {
      expect(
        rowsIn(after, table).filter(({ user_id }) => user_id === userId),
        table,
      ).toEqual([])
    }
  })

  it('leaves nothing of it and touches no other, whoever is enrolled where and left what behind', async () => {
    const [person, place] = [fc.nat(2), fc.nat(2)]
    const trace = fc.record({ person, place, is: fc.constantFrom('learns', 'hands in', 'is certified', 'rates') })
    const plan = fc.record({
      // The last place is a training plan.
      enrollments: fc.array(fc.record({ person, place: fc.nat(3) }), { minLength: 1, maxLength: 5 }),
      traces: fc.array(trace, { maxLength: 20 }),
      plansCertified: fc.uniqueArray(person),
    })
    await fc.assert(
      fc.asyncProperty(plan, async ({ enrollments, traces, plansCertified }) => {
        const rows = await newTenant(test.owner)
        const people = [await rows.user(), await rows.user(), await rows.deletedUser()]
        const courses = [await newCourse(rows), await newCourse(rows), await newCourse(rows)]
        const trainingPlan = await rows.insert('training_plans', {
          catalog_id: await rows.catalog(),
          title: 'A plan',
        })
        for (const one of traces) {
          await leave(
            rows,
            one.is,
            people[one.person] ?? '',
            courses[one.place] ?? { id: '', module: '', assessment: '' },
          )
        }
        for (const number of plansCertified) {
          const certificate = { user_id: people[number], training_plan_id: trainingPlan, number: 'Of a plan' }
          await rows.insert('issued_certificates', certificate)
        }
        const made: string[] = []
        for (const one of enrollments) {
          const course = courses[one.place]
          const where = course === undefined ? { training_plan_id: trainingPlan } : { course_id: course.id }
          const enrollment = { user_id: people[one.person], ...where, unenrolled_at: new Date() }
          made.push(await rows.insert('enrollments', enrollment))
        }
        for (const enrollment of made) await purgeAndCompare(rows.tenant, enrollment)
      }),
      { numRuns: effort(4, 30) },
    )
  })
})

type NewCourse = { id: string; module: string; assessment: string }

async function newCourse(rows: TenantRows): Promise<NewCourse> {
  const id = await rows.course()
  const module = await rows.insert('modules', { course_id: id, title: 'A module', kind: 'page' })
  const assessment = await rows.insert('assessments', { course_id: id, title: 'An exam', kind: 'exam' })
  return { id, module, assessment }
}

/** Leaves something of a person behind in a course; what can be there once only is there once. */
async function leave(rows: TenantRows, what: string, user_id: string, course: NewCourse): Promise<void> {
  const once = (table: string, row: Row) =>
    rows.insert(table, row).catch((error: Error) => {
      if (!/_pkey/.test(error.message)) throw error
    })
  if (what === 'learns') {
    await once('progress', { user_id, module_id: course.module, percent: 40 })
    await rows.insert('record_actions', { user_id, module_id: course.module, happened_on: '2026-03-01', clicks: 3 })
  } else if (what === 'hands in') {
    await once('assessment_attempts', { user_id, assessment_id: course.assessment, score: 70 })
    const submission_id = await rows.insert('submissions', { user_id, assessment_id: course.assessment })
    const file = { user_id, submission_id, name: 'a.txt', media_type: 'text/plain', size: 1 }
    const file_id = await rows.insert('submission_files', file)
    await rows.insert('submission_file_chunks', { user_id, file_id, position: 0, content: Buffer.from('x') })
  } else if (what === 'is certified') {
    await rows.insert('issued_certificates', { user_id, course_id: course.id, number: 'Of a course' })
  } else {
    await once('ratings', { user_id, course_id: course.id, stars: 3 })
    await rows.post(course.id, user_id, 'A post')
  }
}
