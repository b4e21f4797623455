import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { openTestApplication, type TestApplication } from '../../../test/application.ts'
import { newTenant, type TenantRows } from '../../../test/rows.ts'
import type { Operation } from '../../datamap/plan.ts'
import { deleteUsers } from '../../people/lifecycle/delete-users.ts'
import { restoreUsers } from '../../people/lifecycle/restore-users.ts'
import { inTenant, type TenantTransaction } from '../../platform/database/transaction.ts'
import type { Initiator } from '../../platform/initiator.ts'
import { updateTenant } from '../../tenancy/update-tenant.ts'
import { cancelErasure } from '../requests/cancel-erasure.ts'
import { confirmErasure } from '../requests/confirm-erasure.ts'
import { deleteAndRequestErasure } from '../requests/delete-and-request.ts'
import { listSubjects } from '../requests/list-subjects.ts'
import { previewErasure } from '../requests/preview-erasure.ts'
import { requestErasure } from '../requests/request-erasure.ts'
import { showErasure } from '../requests/show-request.ts'
import { cleanPlans } from './clean-plans.ts'
import { planLifetime } from './store-plan.ts'

let test: TestApplication
let rows: TenantRows
beforeAll(async () => {
  test = await openTestApplication()
  await test.startWorkers()
})
afterAll(() => test.close())

const fresh = async () => {
  rows = await newTenant(test.owner)
  await rows.administrator()
}

const run = <T>(work: (tx: TenantTransaction) => Promise<T>, initiator?: Initiator) =>
  inTenant(test.database, rows.tenant, work, initiator === undefined ? {} : { initiator })
const preview = (people: string[], { operation = 'purge' as Operation, deleteFirst = false } = {}) =>
  run((tx) => previewErasure(tx, operation, people, { deleteFirst }))
const planOf = async (...people: string[]) => (await preview(people)).plan
const purge = async (people: string[], plan: string) => {
  const { request } = await run((tx) => requestErasure(tx, { operation: 'purge', userIds: people, plan }))
  return await test.ended(rows.tenant, request)
}
const statesOf = async (request: string) => {
  const { subjects } = await run((tx) => listSubjects(tx, { request, limit: 1000 }))
  return new Map(subjects.map((subject) => [subject.user_id, subject]))
}
const isThere = async (person: string) =>
  (await test.owner.query('select from users where id = $1', [person])).rowCount === 1

/** A deleted user with a row in several tables. */
async function leaver(): Promise<string> {
  const email = `leaver-${randomUUID()}@example.org`
  const id = await rows.deletedUser({ email })
  const course = await rows.course()
  await rows.insert('enrollments', { user_id: id, course_id: course })
  await rows.insert('course_authors', { course_id: course, user_id: id })
  return id
}

describe('the plan of a preview', () => {
  beforeAll(fresh)

  it('is the same for the same rows, in whatever order the people are named', async () => {
    const [one, other] = [await leaver(), await leaver()]
    const plan = await planOf(one, other)
    expect(plan).toMatch(/^[0-9a-f]{64}$/)
    expect(await planOf(other, one)).toBe(plan)
    expect(await planOf(one)).not.toBe(plan)
  })

  it.each([
    [
      'a row more',
      async (id: string) => {
        await rows.insert('ratings', { user_id: id, course_id: await rows.course(), stars: 3 })
      },
    ],
    [
      'another row in the place of one',
      async (id: string) => {
        await test.owner.query('delete from enrollments where user_id = $1', [id])
        await rows.insert('enrollments', { user_id: id, course_id: await rows.course() })
      },
    ],
    [
      'a membership',
      async (id: string) => {
        const group = await rows.insert('directory_groups', { display_name: 'A group' })
        await rows.insert('group_members', { group_id: group, user_id: id })
      },
    ],
    [
      'a role',
      async (id: string) => {
        await test.owner.query(`update users set former_roles = '{author}' where id = $1`, [id])
      },
    ],
    [
      'a mention in a text of others',
      async (id: string) => {
        const { rows: found } = await test.owner.query('select email from users where id = $1', [id])
        await rows.catalog({ description: `Ask ${found[0].email}` })
      },
    ],
    ['a person who reports to them', async (id: string) => void (await rows.user({ manager_id: id }))],
  ])('differs after %s, and then nothing is erased until it is confirmed', async (_what, change) => {
    const [changed, other] = [await leaver(), await leaver()]
    const plan = await planOf(changed, other)
    const dump = async () =>
      (await test.owner.query('select to_jsonb(u) as row from users u where id = $1', [changed])).rows
    await change(changed)
    expect(await planOf(changed, other)).not.toBe(plan)
    const before = await dump()

    const erasure = await purge([changed, other], plan)
    expect(erasure).toMatchObject({
      state: 'partial',
      certified: true,
      failures: [],
      subjects: { total: 2, done: 1, failed: 0, plan_changed: 1 },
    })
    expect(erasure.planChanged).toEqual([{ userId: changed, changes: expect.any(Array) }])
    expect(erasure.planChanged[0]?.changes.length).toBeGreaterThan(0)
    expect((await statesOf(erasure.id)).get(changed)).toMatchObject({
      state: 'plan_changed',
      erased_at: null,
      plan_changes: erasure.planChanged[0]?.changes,
    })
    expect(await dump()).toEqual(before)
    expect(await isThere(other)).toBe(false)

    const again = await planOf(changed)
    expect(await run((tx) => confirmErasure(tx, { request: erasure.id, plan: again }))).toEqual({ people: 1 })
    expect(await test.ended(rows.tenant, erasure.id)).toMatchObject({
      state: 'completed',
      verdict: 'clean',
      subjects: { total: 2, done: 2, plan_changed: 0 },
      planChanged: [],
    })
    expect(await isThere(changed)).toBe(false)
  })

  it('tells the numbers of rows of the preview and of now, and shows equal ones where the rows are others', async () => {
    const person = await leaver()
    const plan = await planOf(person)
    await test.owner.query('delete from enrollments where user_id = $1', [person])
    await rows.insert('enrollments', { user_id: person, course_id: await rows.course({ title: 'Another' }) })
    await rows.insert('ratings', { user_id: person, course_id: await rows.course(), stars: 3 })
    const erasure = await purge([person], plan)
    expect(erasure).toMatchObject({ state: 'plan_changed', certified: false })
    expect(erasure.planChanged).toEqual([
      {
        userId: person,
        changes: [
          { table: 'enrollments', effect: 'deleted', planned: 1, found: 1 },
          { table: 'ratings', effect: 'deleted', planned: 0, found: 1 },
        ],
      },
    ])
  })

  it('fits people who refer to each other, though they are erased one after the other', async () => {
    const manager = await rows.deletedUser()
    const people = [manager]
    for (let report = 0; report < 520; report++) {
      people.push(await rows.deletedUser({ manager_id: manager, email: `r${report}.${randomUUID()}@example.org` }))
    }
    const { plan, planCoversMentions, effects } = await preview(people)
    expect(planCoversMentions).toBe(false)
    const erasure = await purge(people, plan)
    expect(erasure).toMatchObject({ state: 'completed', subjects: { total: 521, done: 521, plan_changed: 0 } })
    expect(erasure.receipt).toEqual(effects)
  })

  it('binds an anonymization as well, and a confirmation has a salt of its own', async () => {
    const [changed, other] = [await leaver(), await leaver()]
    const { plan } = await preview([changed, other], { operation: 'anonymize' })
    const group = await rows.insert('directory_groups', { display_name: 'A group' })
    await rows.insert('group_members', { group_id: group, user_id: changed })
    const { request } = await run((tx) =>
      requestErasure(tx, { operation: 'anonymize', userIds: [changed, other], plan }),
    )
    expect(await test.ended(rows.tenant, request)).toMatchObject({ state: 'partial', subjects: { plan_changed: 1 } })
    const again = await preview([changed], { operation: 'anonymize' })
    const confirmed = await run((tx) => confirmErasure(tx, { request, plan: again.plan }))
    expect(confirmed).toEqual({ people: 1, salt: expect.stringMatching(/^[\w-]{43}$/) })
    expect(await test.ended(rows.tenant, request)).toMatchObject({ state: 'completed', subjects: { done: 2 } })
  })

  it('holds no value of a person', async () => {
    const id = await rows.deletedUser({ email: 'canary-bird@example.org', ref: 'canary-ref', first_name: 'Canary' })
    await rows.catalog({ description: 'Ask canary-bird@example.org' })
    await preview([id])
    const { rows: stored } = await test.owner.query(
      `select to_jsonb(s)::text || to_jsonb(p)::text as text from erasure_plan_subjects s
       join erasure_plans p on p.id = s.plan_id where s.user_id = $1`,
      [id],
    )
    expect(stored).toHaveLength(1)
    expect(stored[0].text).toContain('scrubbed description')
    expect(stored[0].text).not.toMatch(/canary/i)
  })
})

describe('a request that names a plan', () => {
  beforeAll(fresh)

  it('is refused where it is not bound to what the plan is bound to, with the way out', async () => {
    const [one, other] = [await leaver(), await leaver()]
    const plan = await planOf(one)
    const order = (given: object, initiator?: Initiator) =>
      run((tx) => requestErasure(tx, { operation: 'purge', userIds: [one], plan, ...given }), initiator)
    await expect(order({ operation: 'anonymize' })).rejects.toMatchObject({ code: 'plan.other_operation' })
    await expect(order({ userIds: [one, other] })).rejects.toMatchObject({ code: 'plan.other_people' })
    await expect(order({ userIds: [other] })).rejects.toMatchObject({ code: 'plan.other_people' })
    await expect(order({ plan: 'f'.repeat(64) })).rejects.toMatchObject({ code: 'plan.not_found' })
    await expect(order({ plan: 'F' })).rejects.toMatchObject({ code: 'input.invalid' })
    const administrator = await rows.administrator()
    await expect(order({}, { from: 'console', userId: administrator })).rejects.toMatchObject({
      code: 'plan.other_requester',
    })
    const key = { kind: 'api_key', id: randomUUID() } as const
    await expect(order({}, { from: 'api', credential: key })).rejects.toMatchObject({ code: 'plan.other_requester' })
    await expect(
      run((tx) => deleteAndRequestErasure(tx, { operation: 'purge', userIds: [one], plan })),
    ).rejects.toMatchObject({ code: 'plan.other_options' })
    await test.owner.query(`update erasure_plans set map_version = '0123456789abcdef' where digest = $1`, [plan])
    await expect(order({})).rejects.toMatchObject({ code: 'plan.other_map_version' })

    const there = rows
    await fresh()
    await expect(run((tx) => requestErasure(tx, { operation: 'purge', userIds: [one], plan }))).rejects.toMatchObject({
      code: 'plan.not_found',
    })
    rows = there
    expect(await isThere(one)).toBe(true)
  })

  it('is refused after an hour, and the plan is removed an hour later unless a person waits under it', async () => {
    const [one, waiting] = [await leaver(), await leaver()]
    const [plan, used] = [await planOf(one), await planOf(waiting)]
    await test.stopWorkers()
    const { request } = await run((tx) => requestErasure(tx, { operation: 'purge', userIds: [waiting], plan: used }))
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + planLifetime + 1000 })
    try {
      const order = () => run((tx) => requestErasure(tx, { operation: 'purge', userIds: [one], plan }))
      await expect(order()).rejects.toMatchObject({ code: 'plan.expired' })
      vi.setSystemTime(Date.now() + planLifetime)
      await cleanPlans(test)
      await expect(order()).rejects.toMatchObject({ code: 'plan.not_found' })
    } finally {
      vi.useRealTimers()
    }
    await test.startWorkers()
    expect(await test.ended(rows.tenant, request)).toMatchObject({ state: 'completed' })
    const left = await test.owner.query('select from erasure_plan_subjects where user_id = any ($1)', [[one, waiting]])
    expect(left.rowCount).toBe(0)
  })

  it('leaves people untouched of whom the plan is lost', async () => {
    const person = await leaver()
    const plan = await planOf(person)
    await test.stopWorkers()
    const { request } = await run((tx) => requestErasure(tx, { operation: 'purge', userIds: [person], plan }))
    await test.owner.query('delete from erasure_plan_subjects where user_id = $1', [person])
    await test.startWorkers()
    expect(await test.ended(rows.tenant, request)).toMatchObject({ state: 'plan_changed' })
    expect(await isThere(person)).toBe(true)
  })

  it('lets a person whose plan changed be restored, changed or named by another request', async () => {
    const person = await leaver()
    const plan = await planOf(person)
    await rows.insert('ratings', { user_id: person, course_id: await rows.course(), stars: 3 })
    const { id } = await purge([person], plan)
    await expect(run((tx) => cancelErasure(tx, id))).rejects.toMatchObject({ code: 'erasure.wrong_state' })
    await run((tx) => restoreUsers(tx, { userIds: [person] }))
    const again = await planOf(person)
    await expect(run((tx) => confirmErasure(tx, { request: id, plan: again }))).rejects.toMatchObject({
      code: 'user.not_deleted',
    })
    await run((tx) => deleteUsers(tx, { userIds: [person] }))
    expect((await purge([person], await planOf(person))).state).toBe('completed')
  })

  it('is confirmed only once it has ended, with people of it, under a plan of its operation', async () => {
    const [person, other] = [await leaver(), await leaver()]
    const plan = await planOf(person)
    await rows.insert('ratings', { user_id: person, course_id: await rows.course(), stars: 3 })
    const { id } = await purge([person], plan)
    const confirm = (named: string, request = id) => run((tx) => confirmErasure(tx, { request, plan: named }))
    await expect(confirm(await planOf(other))).rejects.toMatchObject({ code: 'plan.not_of_request' })
    await expect(confirm(await planOf(person, other))).rejects.toMatchObject({ code: 'plan.not_of_request' })
    const anonymize = await preview([person], { operation: 'anonymize' })
    await expect(confirm(anonymize.plan)).rejects.toMatchObject({ code: 'plan.other_operation' })
    await expect(confirm(plan, randomUUID())).rejects.toMatchObject({ code: 'erasure.not_found' })
    // The plan that did not fit does not fit now either.
    await confirm(plan)
    expect(await test.ended(rows.tenant, id)).toMatchObject({ state: 'plan_changed' })
    await confirm(await planOf(person))
    await expect(confirm(await planOf(other))).rejects.toMatchObject({ code: 'erasure.wrong_state' })
    expect(await test.ended(rows.tenant, id)).toMatchObject({ state: 'completed' })
  })

  it('ends for one person as one without a plan does, with the same receipt as the preview', async () => {
    const person = await leaver()
    const { rows: found } = await test.owner.query('select email from users where id = $1', [person])
    await rows.catalog({ contact_emails: [found[0].email] })
    const { plan, effects } = await preview([person])
    expect(effects).toContainEqual({ table: 'catalogs', effect: 'scrubbed contact_emails', rows: 1 })
    expect(await purge([person], plan)).toMatchObject({ state: 'completed', verdict: 'clean', receipt: effects })
  })
})

describe('a request that deletes first', () => {
  beforeAll(fresh)

  const active = async () => {
    const id = await rows.user({ email: `active-${randomUUID()}@example.org`, roles: ['learner', 'author'] })
    await rows.insert('enrollments', { user_id: id, course_id: await rows.course() })
    await rows.insert('sign_in_sessions', {
      user_id: id,
      token_hash: Buffer.from(randomUUID()),
      expires_at: new Date(Date.now() + 60_000),
    })
    return id
  }
  const order = (userIds: string[], plan: string) =>
    run((tx) => deleteAndRequestErasure(tx, { operation: 'purge', userIds, plan }))

  it('has a plan that counts as after the delete, and erases what it counts', async () => {
    const people = [await active(), await active(), await leaver()]
    const { plan, notDeleted, effects } = await preview(people, { deleteFirst: true })
    expect(notDeleted).toEqual([])
    expect(effects.map(({ table }) => table)).not.toContain('sign_in_sessions')
    expect((await preview(people)).effects.map(({ table }) => table)).toContain('sign_in_sessions')
    const { request } = await order(people, plan)
    expect(await test.ended(rows.tenant, request)).toMatchObject({ state: 'completed', receipt: effects })
  })

  it('does not even delete a person whose plan changed before, and can be confirmed', async () => {
    const [changed, other] = [await active(), await active()]
    const { plan } = await preview([changed, other], { deleteFirst: true })
    await test.owner.query(`update users set roles = '{learner,author,administrator}' where id = $1`, [changed])
    const { request } = await order([changed, other], plan)
    const erasure = await test.ended(rows.tenant, request)
    expect(erasure).toMatchObject({ state: 'partial', subjects: { done: 1, plan_changed: 1 } })
    expect(erasure.planChanged).toMatchObject([
      { userId: changed, changes: [{ table: 'users', effect: 'deleted', planned: 1, found: 1 }] },
    ])
    const { rows: state } = await test.owner.query('select state from users where id = $1', [changed])
    expect(state).toEqual([{ state: 'active' }])

    const again = await preview([changed], { deleteFirst: true })
    await run((tx) => confirmErasure(tx, { request, plan: again.plan }))
    expect(await test.ended(rows.tenant, request)).toMatchObject({ state: 'completed', subjects: { done: 2 } })
    expect(await isThere(changed)).toBe(false)
  })

  it('deletes no person and ends at once where no plan fits any more', async () => {
    const person = await active()
    const { plan } = await preview([person], { deleteFirst: true })
    await rows.insert('ratings', { user_id: person, course_id: await rows.course(), stars: 3 })
    const { request } = await order([person], plan)
    expect(await test.ended(rows.tenant, request)).toMatchObject({ state: 'plan_changed' })
    expect(await run((tx) => showErasure(tx, request))).toMatchObject({ certified: false })
    const { rows: state } = await test.owner.query('select state from users where id = $1', [person])
    expect(state).toEqual([{ state: 'active' }])
  })
})

describe('a request that erases none of its people because their plans changed', () => {
  beforeAll(fresh)

  const ofRequest = async (request: string) =>
    (
      await test.owner.query(
        `select r.sealed_key is null as "keyGone", array(
           select a.activity from audit_entries a where a.tenant_id = r.tenant_id and a.object_id = r.id order by a.id
         ) as activities
         from erasure_requests r where r.id = $1`,
        [request],
      )
    ).rows[0]

  it('ends as changed, destroys its key, and the trail does not call it a failure', async () => {
    const person = await leaver()
    const plan = await planOf(person)
    await rows.insert('ratings', { user_id: person, course_id: await rows.course(), stars: 3 })
    const erasure = await purge([person], plan)
    expect(erasure).toMatchObject({ state: 'plan_changed', certified: false, subjects: { failed: 0 } })
    expect(await ofRequest(erasure.id)).toEqual({
      keyGone: true,
      activities: ['ErasureOrdered', 'ErasureEndedUntouched'],
    })
    await run(async (tx) =>
      confirmErasure(tx, { request: erasure.id, plan: (await previewErasure(tx, 'purge', [person])).plan }),
    )
    expect(await test.ended(rows.tenant, erasure.id)).toMatchObject({ state: 'completed', verdict: 'clean' })
  })

  it('is a failure, and keeps the key for a retry, if a person failed', async () => {
    const [changed, broken] = [await leaver(), await leaver()]
    const plan = await planOf(changed, broken)
    await rows.insert('ratings', { user_id: changed, course_id: await rows.course(), stars: 3 })
    await test.stopWorkers()
    const { request } = await run((tx) => requestErasure(tx, { operation: 'purge', userIds: [changed, broken], plan }))
    await test.owner.query(`update users set state = 'active', deleted_at = null, deletion_id = null where id = $1`, [
      broken,
    ])
    await test.startWorkers()
    expect(await test.ended(rows.tenant, request)).toMatchObject({
      state: 'failed',
      subjects: { plan_changed: 1, failed: 1 },
    })
    const { keyGone, activities } = await ofRequest(request)
    expect([keyGone, activities.includes('ErasureFailed'), activities.includes('ErasureEndedUntouched')]).toEqual([
      false,
      true,
      false,
    ])
  })
})

describe('the plan of an anonymization', () => {
  beforeAll(async () => {
    await fresh()
    await run((tx) => updateTenant(tx, { survivingFields: ['team', 'shift'] }))
  })

  const planned = async (person: string) => (await preview([person], { operation: 'anonymize' })).plan
  const anonymize = async (person: string, plan: string) => {
    const { request } = await run((tx) => requestErasure(tx, { operation: 'anonymize', userIds: [person], plan }))
    return await test.ended(rows.tenant, request)
  }
  const fieldsOf = async (person: string) =>
    (await test.owner.query('select custom_fields from users where id = $1', [person])).rows[0].custom_fields
  const leaverWith = (fields: object) =>
    rows.deletedUser({ email: `${randomUUID()}@example.org`, custom_fields: JSON.stringify(fields) })
  const set = (person: string, fields: object) =>
    test.owner.query('update users set custom_fields = $2 where id = $1', [person, JSON.stringify(fields)])

  it.each([
    ['another value', { team: 'B' }],
    ['one more field', { team: 'A', shift: 'night' }],
    ['a field that is gone', {}],
  ])('does not fit after %s among the fields that survive', async (_what, after) => {
    const person = await leaverWith({ team: 'A' })
    const plan = await planned(person)
    await set(person, after)
    expect(await anonymize(person, plan)).toMatchObject({
      state: 'plan_changed',
      planChanged: [{ changes: [{ table: 'users', effect: 'anonymized', planned: 1, found: 1 }] }],
    })
    expect(await fieldsOf(person)).toEqual(after)
  })

  it('does not fit after a change of which fields survive', async () => {
    const person = await leaverWith({ team: 'A', salary: 'high' })
    const plan = await planned(person)
    await run((tx) => updateTenant(tx, { survivingFields: ['team', 'shift', 'salary'] }))
    expect(await anonymize(person, plan)).toMatchObject({ state: 'plan_changed' })
    await run((tx) => updateTenant(tx, { survivingFields: ['team', 'shift'] }))
    expect(await anonymize(await leaverWith({ team: 'A' }), plan).catch(({ code }) => code)).toBe('plan.other_people')
  })

  it('still fits after a change of what is cleared anyway', async () => {
    const person = await leaverWith({ team: 'A', desk: '4' })
    const plan = await planned(person)
    await set(person, { team: 'A', desk: '5' })
    await test.owner.query(`update users set department = 'Sales', first_name = 'Ann' where id = $1`, [person])
    expect(await anonymize(person, plan)).toMatchObject({ state: 'completed' })
    expect(await fieldsOf(person)).toEqual({ team: 'A' })
  })
})
