import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { openTestApplication, type TestApplication } from '../../../test/application.ts'
import { dumpDatabase, newTenant, type TenantRows } from '../../../test/rows.ts'
import { createApiKey } from '../../access/api-keys.ts'
import { listAudit } from '../../audit/list-audit.ts'
import { placeHold } from '../../holds/place-hold.ts'
import { updateUser } from '../../people/accounts/update-user.ts'
import { deleteUsers } from '../../people/lifecycle/delete-users.ts'
import { inTenant, type TenantTransaction } from '../../platform/database/transaction.ts'
import type { Initiator } from '../../platform/initiator.ts'
import { updateTenant } from '../../tenancy/update-tenant.ts'
import { requestErasure } from '../requests/request-erasure.ts'
import { showErasure } from '../requests/show-request.ts'
import { approveErasure } from '../safeguards/decide.ts'
import { previewPolicy } from './affected-people.ts'
import { listRetentionRuns } from './list-runs.ts'
import {
  createPolicy,
  deletePolicy,
  disablePolicy,
  enablePolicy,
  listPolicies,
  type PolicyFields,
  showPolicy,
  updatePolicy,
} from './policies.ts'
import { runDuePolicies } from './run-due-policies.ts'
import { runPolicy } from './run-policy.ts'

const day = 86_400_000
const noon = Date.parse('2026-03-10T12:00:00Z')

let test: TestApplication
let rows: TenantRows
let boss: string
beforeAll(async () => {
  test = await openTestApplication()
})
afterAll(() => test.close())
beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: noon })
  // The policies of earlier tests stay off.
  await test.owner.query(
    "begin; set local lethe_test.fixture = 'yes'; update retention_policies set enabled = false; commit",
  )
  rows = await newTenant(test.owner)
  boss = await rows.administrator()
})
afterEach(() => {
  vi.useRealTimers()
})

const by = (userId: string): Initiator => ({ from: 'api', userId })
const run = <T>(work: (tx: TenantTransaction) => Promise<T>, initiator: Initiator = by(boss)) =>
  inTenant(test.database, rows.tenant, work, { initiator })
const create = ({ name = 'Leavers', days = 30, ...fields }: PolicyFields = {}, initiator?: Initiator) =>
  run((tx) => createPolicy(tx, { ...fields, name, days }), initiator)
const deletedAgo = (milliseconds: number) => rows.deletedUser({ deleted_at: new Date(noon - milliseconds) })
const preview = (id: string, options = {}) => run(async (tx) => previewPolicy(tx, await showPolicy(tx, id), options))
const start = (id: string, expectedPeople: number, initiator?: Initiator) =>
  run((tx) => runPolicy(tx, id, { expectedPeople }), initiator)
const enable = (id: string, expectedPeople: number, initiator?: Initiator) =>
  run((tx) => enablePolicy(tx, id, { expectedPeople }), initiator)
const runsOf = async (policyId: string) => (await run((tx) => listRetentionRuns(tx, { policyId }))).runs
const newGroup = () => rows.insert('directory_groups', { display_name: `Group ${randomUUID()}` })

async function subjectsOf(request: string | null | undefined): Promise<Map<string, string>> {
  const { rows: found } = await test.owner.query<{ user_id: string; state: string }>(
    'select user_id, state from erasure_subjects where request_id = $1',
    [request],
  )
  return new Map(found.map(({ user_id, state }) => [user_id, state]))
}

/** Who made the request, and by which way. */
async function madeBy(request: string | null | undefined) {
  const { rows: found } = await test.owner.query(
    'select initiated_from, requested_by from erasure_requests where id = $1',
    [request],
  )
  return found[0]
}

describe('the people that a policy purges', () => {
  it('were deleted at least so many days ago, to the millisecond', async () => {
    const [exact, longer] = [await deletedAgo(30 * day), await deletedAgo(31 * day)]
    await deletedAgo(30 * day - 1)
    await rows.user()
    const { id } = await create()
    const { subjects, ...counts } = await preview(id)
    expect(subjects.map((one) => one.id)).toEqual([exact, longer].sort())
    expect(counts).toMatchObject({ found: 2, people: 2, held: 0, excluded: 0, pending: 0 })
    const { request_id, requested } = await start(id, 2)
    expect(requested).toBe(2)
    expect(new Set((await subjectsOf(request_id)).keys())).toEqual(new Set([exact, longer]))
  })

  it('are found for any number of days and any age of the delete', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 400 }),
        fc.array(fc.integer({ min: 0, max: 400 * day }), { maxLength: 6 }),
        async (days, ages) => {
          rows = await newTenant(test.owner)
          boss = await rows.administrator()
          const people: string[] = []
          for (const age of ages) people.push(await deletedAgo(age))
          const { id } = await create({ days })
          const expected = people.filter((_, index) => (ages[index] ?? 0) >= days * day)
          expect((await preview(id)).subjects.map((one) => one.id)).toEqual(expected.sort())
        },
      ),
      { numRuns: 15 },
    )
  })

  it('are no members of an excluded group, active or inactive', async () => {
    const [active, inactive, other] = [
      await deletedAgo(40 * day),
      await deletedAgo(40 * day),
      await deletedAgo(40 * day),
    ]
    const [group, elsewhere] = [await newGroup(), await newGroup()]
    await rows.insert('group_members', { group_id: group, user_id: active })
    await rows.insert('group_members', { group_id: group, user_id: inactive, deletion_id: randomUUID() })
    await rows.insert('group_members', { group_id: elsewhere, user_id: other })
    const { id } = await create({ excludedGroupIds: [group] })
    expect(await preview(id)).toMatchObject({ found: 3, excluded: 2, people: 1, subjects: [{ id: other }] })
    const report = await start(id, 1)
    expect(report).toMatchObject({ found: 3, excluded: 2, requested: 1 })
    expect([...(await subjectsOf(report.request_id)).keys()]).toEqual([other])
  })

  it('wait as held where a legal hold covers them', async () => {
    const [held, free] = [await deletedAgo(40 * day), await deletedAgo(40 * day)]
    await run((tx) => placeHold(tx, { reason: 'legal_claim', userIds: [held] }))
    const { id } = await create()
    expect(await preview(id)).toMatchObject({ people: 2, held: 1 })
    const report = await start(id, 2)
    expect(report).toMatchObject({ requested: 2, held: 1 })
    expect(await subjectsOf(report.request_id)).toEqual(
      new Map([
        [held, 'held'],
        [free, 'queued'],
      ]),
    )
  })

  it('have no pending erasure, so a second run makes no request', async () => {
    const [pending, free] = [await deletedAgo(40 * day), await deletedAgo(40 * day)]
    await run((tx) => requestErasure(tx, { operation: 'anonymize', userIds: [pending] }))
    const { id } = await create()
    expect(await preview(id)).toMatchObject({ found: 2, pending: 1, people: 1 })
    const first = await start(id, 1)
    expect([...(await subjectsOf(first.request_id)).keys()]).toEqual([free])
    expect(await start(id, 0)).toMatchObject({ found: 2, pending: 2, requested: 0, request_id: null })
    expect(await runsOf(id)).toHaveLength(2)
  })
})

describe('the preview of a policy', () => {
  it('changes nothing, and pages through all people', async () => {
    const people: string[] = []
    for (let number = 0; number < 7; number++) people.push(await deletedAgo(40 * day))
    const { id } = await create()
    const before = await dumpDatabase(test.owner)
    const seen: string[] = []
    let after: string | undefined
    do {
      const { subjects, people: counted, next } = await preview(id, { limit: 3, after })
      expect(counted).toBe(7)
      seen.push(...subjects.map((one) => one.id))
      after = next
    } while (after !== undefined)
    expect(seen).toEqual(people.sort())
    expect(await dumpDatabase(test.owner)).toEqual(before)
  })
})

describe('a policy', () => {
  it('is created disabled, and enabled only with the number of people that its preview shows', async () => {
    await deletedAgo(40 * day)
    const { id, enabled, daily_at } = await create()
    expect({ enabled, daily_at }).toEqual({ enabled: false, daily_at: '03:00' })
    await runDuePolicies(test.database)
    expect(await runsOf(id)).toEqual([])
    await expect(enable(id, 0)).rejects.toMatchObject({ code: 'retention.other_people' })
    await expect(start(id, 2)).rejects.toMatchObject({ code: 'retention.other_people' })
    await expect(enable(id, Number.NaN)).rejects.toMatchObject({ code: 'input.invalid' })
    expect(await run((tx) => showPolicy(tx, id))).toMatchObject({ enabled: false, last_run_at: null })
    expect(await enable(id, 1)).toMatchObject({ enabled: true })
  })

  it('is disabled by a change of its days or groups, and by no other change', async () => {
    const { id } = await create()
    const group = await newGroup()
    const change = async (fields: PolicyFields) => (await run((tx) => updatePolicy(tx, id, fields))).enabled
    await enable(id, 0)
    expect(await change({ name: 'Former staff', dailyAt: '23:59', days: 30, excludedGroupIds: [] })).toBe(true)
    expect(await change({ excludedGroupIds: [group] })).toBe(false)
    await enable(id, 0)
    expect(await change({ excludedGroupIds: [group] })).toBe(true)
    expect(await change({ days: 29 })).toBe(false)
    expect(await run((tx) => showPolicy(tx, id))).toMatchObject({
      name: 'Former staff',
      days: 29,
      daily_at: '23:59',
      excluded_group_ids: [group],
    })
    const { entries } = await run((tx) => listAudit(tx, { object: { id } }))
    expect(entries.filter(({ activity }) => activity === 'RetentionPolicyDisabled')).toHaveLength(2)
  })

  it('refuses bad fields, and policies and groups that do not exist', async () => {
    for (const fields of [
      { days: -1 },
      { days: 1.5 },
      { days: 36_501 },
      { dailyAt: '24:00' },
      { dailyAt: '3:00' },
      { name: ' ' },
      { excludedGroupIds: ['x'] },
    ]) {
      await expect(create(fields)).rejects.toMatchObject({ code: 'input.invalid' })
    }
    const gone = randomUUID()
    await expect(create({ excludedGroupIds: [gone] })).rejects.toMatchObject({ code: 'group.not_found' })
    const missing = { code: 'retention.not_found' }
    await expect(start(gone, 0)).rejects.toMatchObject(missing)
    await expect(enable(gone, 0)).rejects.toMatchObject(missing)
    await expect(run((tx) => updatePolicy(tx, gone, {}))).rejects.toMatchObject(missing)
    await expect(run((tx) => deletePolicy(tx, gone))).rejects.toMatchObject(missing)
  })

  it('is listed, disabled and deleted, and the reports of its runs stay', async () => {
    await deletedAgo(40 * day)
    const { id } = await create()
    await enable(id, 1)
    expect(await run((tx) => disablePolicy(tx, id))).toMatchObject({ enabled: false })
    const report = await start(id, 1)
    expect((await run((tx) => listPolicies(tx))).policies.map((one) => one.id)).toEqual([id])
    await run((tx) => deletePolicy(tx, id))
    expect((await run((tx) => listPolicies(tx))).policies).toEqual([])
    expect(await runsOf(id)).toEqual([report])
  })
})

describe('the schedule', () => {
  it('runs an enabled policy once a day after its time, also with several workers', async () => {
    const person = await deletedAgo(40 * day)
    const { id } = await create({ dailyAt: '13:00' })
    await enable(id, 1)
    await runDuePolicies(test.database)
    expect(await runsOf(id)).toEqual([])

    vi.setSystemTime(Date.parse('2026-03-10T13:00:30Z'))
    await Promise.all([runDuePolicies(test.database), runDuePolicies(test.database), runDuePolicies(test.database)])
    vi.setSystemTime(Date.parse('2026-03-10T23:59:00Z'))
    await runDuePolicies(test.database)
    const [report, ...others] = await runsOf(id)
    expect(others).toEqual([])
    expect(report).toMatchObject({ scheduled_on: '2026-03-10', found: 1, requested: 1, held: 0 })
    expect(await subjectsOf(report?.request_id)).toEqual(new Map([[person, 'queued']]))

    vi.setSystemTime(Date.parse('2026-03-11T13:00:00Z'))
    await runDuePolicies(test.database)
    expect((await runsOf(id)).map((one) => [one.scheduled_on, one.requested])).toEqual([
      ['2026-03-11', 0],
      ['2026-03-10', 1],
    ])
  })

  it('runs two policies that find the same person, and only one of them requests the erasure', async () => {
    await deletedAgo(40 * day)
    const policies = [await create(), await create({ days: 10 })]
    for (const { id } of policies) await enable(id, 1)
    await Promise.all([runDuePolicies(test.database), runDuePolicies(test.database)])
    const reports = (await Promise.all(policies.map(({ id }) => runsOf(id)))).flat()
    expect(reports.map(({ requested, pending }) => [requested, pending]).sort()).toEqual([
      [0, 1],
      [1, 0],
    ])
  })

  it('acts in the name of the owner, and notifies the owner', async () => {
    await deletedAgo(40 * day)
    await run((tx) => updateTenant(tx, { approvalRequired: true }))
    const { id } = await create()
    await enable(id, 1)
    await runDuePolicies(test.database)
    const [report] = await runsOf(id)
    const request = report?.request_id ?? ''
    expect(await madeBy(request)).toEqual({ initiated_from: 'policy', requested_by: boss })
    expect(await run((tx) => showErasure(tx, request))).toMatchObject({ state: 'awaiting_approval' })
    await expect(run((tx) => approveErasure(tx, request))).rejects.toMatchObject({ code: 'erasure.own_approval' })
    const { rows: told } = await test.owner.query('select kind from notifications where user_id = $1', [boss])
    expect(told.map(({ kind }) => kind)).toContain('retention_requested')
    const { entries } = await run((tx) => listAudit(tx, { object: { id } }))
    expect(entries.map(({ activity }) => activity)).toContain('RetentionPolicyRun')
  })

  it('counts the person who changed or enabled it last as the requester, also behind an API key', async () => {
    const other = await rows.administrator()
    const { id } = await create()
    expect((await enable(id, 0, by(other))).owner_id).toBe(other)
    const { key } = await run((tx) => createApiKey(tx, { name: 'Robot', access: 'full_control' }))
    const program: Initiator = { from: 'api', credential: { kind: 'api_key', id: key.id } }
    expect((await run((tx) => updatePolicy(tx, id, { name: 'By a program' }), program)).owner_id).toBe(boss)
  })

  it('goes on in the name of the successor after a purge of the owner', async () => {
    const owner = await rows.administrator()
    const { id } = await create({}, by(owner))
    await enable(id, 0, by(owner))
    await run((tx) => deleteUsers(tx, { userIds: [owner] }))
    await test.startWorkers()
    const { request } = await run((tx) => requestErasure(tx, { operation: 'purge', userIds: [owner] }))
    await test.ended(rows.tenant, request)
    await test.stopWorkers()
    expect(await run((tx) => showPolicy(tx, id))).toMatchObject({ owner_id: boss, enabled: true })
    await deletedAgo(40 * day)
    // The hourly jobs of these workers may have run the policy for this day already.
    vi.setSystemTime(noon + day)
    await runDuePolicies(test.database)
    const reports = await runsOf(id)
    const made = reports.find(({ request_id }) => request_id !== null)
    expect(await madeBy(made?.request_id)).toEqual({ initiated_from: 'policy', requested_by: boss })
  })

  it('names no person as the requester while the owner is deleted or may not request erasures', async () => {
    const leave = (owner: string) => run((tx) => deleteUsers(tx, { userIds: [owner] }))
    const demote = (owner: string) => run((tx) => updateUser(tx, owner, { roles: ['learner'] }))
    for (const lose of [leave, demote]) {
      rows = await newTenant(test.owner)
      boss = await rows.administrator()
      const owner = await rows.administrator()
      const { id } = await create({}, by(owner))
      await deletedAgo(40 * day)
      await enable(id, 1, by(owner))
      await lose(owner)
      await runDuePolicies(test.database)
      const [report] = await runsOf(id)
      expect(await madeBy(report?.request_id)).toEqual({ initiated_from: 'policy', requested_by: null })
    }
  })

  it('lets a policy that fails stop no other one, and tries it again', async () => {
    await deletedAgo(40 * day)
    const broken = await create({ days: 35 })
    await enable(broken.id, 1)
    const others = rows
    rows = await newTenant(test.owner)
    boss = await rows.administrator()
    await deletedAgo(40 * day)
    const sound = await create()
    await enable(sound.id, 1)
    await test.owner.query(`
      create function fail_retention() returns trigger language plpgsql as $$ begin raise 'broken disk'; end $$`)
    await test.owner.query(
      `create trigger fail before insert on retention_runs for each row when (new.policy_id = '${broken.id}')
       execute function fail_retention()`,
    )
    await expect(runDuePolicies(test.database)).rejects.toThrow('1 retention policies could not run')
    await test.owner.query('drop trigger fail on retention_runs')
    expect(await runsOf(sound.id)).toHaveLength(1)
    rows = others
    expect(await runsOf(broken.id)).toEqual([])
    await runDuePolicies(test.database)
    expect(await runsOf(broken.id)).toMatchObject([{ requested: 1 }])
  })
})
