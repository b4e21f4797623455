import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { openTestApplication, type TestApplication } from '../../../test/application.ts'
import { newTenant, type TenantRows } from '../../../test/rows.ts'
import { createApiKey } from '../../access/api-keys.ts'
import { listAudit } from '../../audit/list-audit.ts'
import { setGroupMembers } from '../../directory/set-group-members.ts'
import { placeHold } from '../../holds/place-hold.ts'
import { releaseHold } from '../../holds/release-hold.ts'
import { deleteUsers } from '../../people/lifecycle/delete-users.ts'
import { restoreUsers } from '../../people/lifecycle/restore-users.ts'
import { inTenant, type TenantTransaction } from '../../platform/database/transaction.ts'
import type { Initiator } from '../../platform/initiator.ts'
import { updateTenant } from '../../tenancy/update-tenant.ts'
import { runErasure } from '../engine/run-erasure.ts'
import { readCertificate } from '../proof/read-certificate.ts'
import { cancelErasure } from '../requests/cancel-erasure.ts'
import { confirmErasure } from '../requests/confirm-erasure.ts'
import { deleteAndRequestErasure } from '../requests/delete-and-request.ts'
import { previewErasure } from '../requests/preview-erasure.ts'
import { requestErasure } from '../requests/request-erasure.ts'
import { requestFollowUp } from '../requests/request-follow-up.ts'
import { erasureProgress } from '../requests/request-progress.ts'
import { retryErasure } from '../requests/retry-erasure.ts'
import { showErasure } from '../requests/show-request.ts'
import { runSearch } from '../search/run-search.ts'
import { approveErasure, rejectErasure } from './decide.ts'
import { listAwaitingApproval } from './list-awaiting.ts'
import { runResumeHeld } from './resume-held.ts'
import { wakeErasures } from './wake-erasures.ts'

let test: TestApplication
let rows: TenantRows
let boss: string
let officer: string
beforeAll(async () => {
  test = await openTestApplication()
  await test.startWorkers()
})
afterAll(() => test.close())
beforeEach(async () => {
  rows = await newTenant(test.owner)
  boss = await rows.administrator({ email: `boss-${randomUUID()}@acme.example` })
  officer = await rows.user({ roles: ['learner', 'privacy_officer'] })
})

const run = <T>(work: (tx: TenantTransaction) => Promise<T>, initiator: Initiator = by(boss)) =>
  inTenant(test.database, rows.tenant, work, { initiator })
const by = (userId: string): Initiator => ({ from: 'api', userId })
const purge = (userIds: string[], initiator?: Initiator) =>
  run((tx) => requestErasure(tx, { operation: 'purge', userIds }), initiator)
const show = (request: string) => run((tx) => showErasure(tx, request))
const hold = async (...userIds: string[]) => (await run((tx) => placeHold(tx, { reason: 'legal_claim', userIds }))).id
const deleted = (email?: string) => rows.deletedUser(email === undefined ? {} : { email, login_name: email })

/** Waits until the request has the state, and shows it. */
async function inState(request: string, state: string) {
  await expect.poll(async () => (await show(request)).state, { timeout: 20_000, interval: 20 }).toBe(state)
  return await show(request)
}

async function isThere(id: string): Promise<boolean> {
  const { rowCount } = await test.owner.query('select from users where id = $1', [id])
  return rowCount === 1
}

const activities = async (request: string) =>
  (await run((tx) => listAudit(tx, { object: { id: request } }))).entries.map(({ activity }) => activity)

const messages = async (user: string) => {
  const { rows: found } = await test.owner.query('select kind from notifications where user_id = $1 order by id', [
    user,
  ])
  return found.map(({ kind }) => kind)
}

describe('a person that a legal hold covers', () => {
  it('waits as held while the others are purged and certified, and is purged by itself after the release', async () => {
    const [held, one, two] = [await deleted('held@acme.example'), await deleted(), await deleted()]
    const id = await hold(held)
    const { request } = await purge([held, one, two])
    const partial = await test.ended(rows.tenant, request)
    expect(partial).toMatchObject({
      state: 'partial',
      certified: true,
      verdict: 'clean',
      subjects: { total: 3, gone: 2, done: 2, waiting: 1, held: 1, failed: 0 },
    })
    expect([await isThere(held), await isThere(one), await isThere(two)]).toEqual([true, false, false])
    await run((tx) => releaseHold(tx, id))
    const done = await inState(request, 'completed')
    expect(done).toMatchObject({ subjects: { total: 3, gone: 3, done: 3, waiting: 0, held: 0 }, verdict: 'clean' })
    expect(await isThere(held)).toBe(false)
    // A certificate and an addendum of each, in one chain.
    const { certificates } = await run((tx) => readCertificate(tx, request))
    expect(certificates).toHaveLength(4)
    const last = JSON.parse(Buffer.from(certificates[2]?.split('.')[1] ?? '', 'base64url').toString())
    expect(last.subjects).toMatchObject({ total: 3, done: 3, failed: 0 })
    expect(await activities(request)).toEqual(expect.arrayContaining(['ErasureResumed', 'ErasureCertified']))
    const { rows: keys } = await test.owner.query('select sealed_key from erasure_requests where id = $1', [request])
    expect(keys).toEqual([{ sealed_key: null }])
  })

  it.each(['purge', 'anonymize'] as const)(
    'is not erased by a request for that person alone (%s)',
    async (operation) => {
      const person = await deleted()
      const id = await hold(person)
      const made = await run((tx) => requestErasure(tx, { operation, userIds: [person] }))
      expect(made.state).toBe('held')
      expect(await test.ended(rows.tenant, made.request)).toMatchObject({
        state: 'held',
        finishedAt: null,
        certified: false,
        subjects: { held: 1, gone: 0 },
      })
      await expect(run((tx) => restoreUsers(tx, { userIds: [person] }))).rejects.toMatchObject({
        code: 'user.erasure_pending',
      })
      await run((tx) => releaseHold(tx, id))
      await inState(made.request, 'completed')
    },
  )

  it('stays held as long as one of several holds covers the person, by name or by group', async () => {
    const person = await deleted()
    const group = await rows.insert('directory_groups', { display_name: 'Witnesses' })
    await rows.insert('group_members', { group_id: group, user_id: person, deletion_id: randomUUID() })
    const first = await hold(person)
    const { id: second } = await run((tx) => placeHold(tx, { reason: 'court_proceedings', groupIds: [group] }))
    const { request } = await purge([person])
    await run((tx) => releaseHold(tx, first))
    await wakeErasures(test.database)
    expect(await show(request)).toMatchObject({ state: 'held', subjects: { held: 1 } })
    await run((tx) => releaseHold(tx, second))
    await inState(request, 'completed')
  })

  it('is not erased where the hold comes between the request and the act', async () => {
    await test.stopWorkers()
    const [person, other] = [await deleted(), await deleted()]
    const { request, state } = await purge([person, other])
    expect(state).toBe('queued')
    const id = await hold(person)
    await test.startWorkers()
    expect(await test.ended(rows.tenant, request)).toMatchObject({ state: 'partial', subjects: { held: 1, done: 1 } })
    expect(await isThere(person)).toBe(true)
    expect(await activities(request)).toContain('ErasureHeld')
    await run((tx) => releaseHold(tx, id))
    await inState(request, 'completed')
  })

  it('is erased under the plan of the preview after a hold that came later, and is not asked about again', async () => {
    const person = await deleted()
    const { plan } = await run((tx) => previewErasure(tx, 'purge', [person]))
    const id = await hold(person)
    const { request, state } = await run((tx) => requestErasure(tx, { operation: 'purge', userIds: [person], plan }))
    expect(state).toBe('held')
    await run((tx) => releaseHold(tx, id))
    await inState(request, 'completed')
  })

  it('can be taken out of the request, which then ends with those who are erased', async () => {
    const [person, other] = [await deleted(), await deleted()]
    await hold(person)
    const { request } = await purge([person, other])
    await test.ended(rows.tenant, request)
    expect(await run((tx) => cancelErasure(tx, request))).toMatchObject({ cancelled: 1 })
    expect(await show(request)).toMatchObject({ state: 'partial', subjects: { cancelled: 1, done: 1, held: 0 } })
    await run((tx) => restoreUsers(tx, { userIds: [person] }))
    const { rows: keys } = await test.owner.query('select sealed_key from erasure_requests where id = $1', [request])
    expect(keys).toEqual([{ sealed_key: null }])
  })

  it('is not erased by the retry of a request that failed', async () => {
    const person = await rows.user()
    await test.owner.query(`update users set state = 'deleted', deleted_at = now(), deletion_id = $2 where id = $1`, [
      person,
      randomUUID(),
    ])
    await test.stopWorkers()
    const { request } = await purge([person])
    await test.owner.query(`update users set state = 'active', deleted_at = null, deletion_id = null where id = $1`, [
      person,
    ])
    await test.startWorkers()
    await inState(request, 'failed')
    await test.owner.query(`update users set state = 'deleted', deleted_at = now(), deletion_id = $2 where id = $1`, [
      person,
      randomUUID(),
    ])
    await hold(person)
    await run((tx) => retryErasure(tx, request))
    await inState(request, 'held')
    expect(await isThere(person)).toBe(true)
  })

  it('stops a follow-up of a sweep as well', async () => {
    const person = await deleted()
    await hold(person)
    const request = await run((tx) =>
      requestFollowUp(tx, {
        subjects: [{ userId: person, identifiers: [{ kind: 'ref', value: 'R-77' }] }],
        reason: 'A sweep found it.',
      }),
    )
    expect(await test.ended(rows.tenant, request)).toMatchObject({ state: 'held', subjects: { held: 1 } })
  })

  it('passes the hold to the successor of its owner', async () => {
    const [person, owner] = [await rows.user(), await rows.deletedUser()]
    const { id } = await run((tx) => placeHold(tx, { reason: 'other', userIds: [person], ownerId: owner }))
    const { request } = await purge([owner])
    await inState(request, 'completed')
    const { rows: holds } = await test.owner.query('select owner_id, released_at from legal_holds where id = $1', [id])
    expect(holds).toEqual([{ owner_id: boss, released_at: null }])
  })

  it('loses identifiers of other purged people from the note of a hold, and nothing else of it', async () => {
    const [person, gone] = [await rows.user(), await deleted('gone-from-note@acme.example')]
    const { id } = await run((tx) =>
      placeHold(tx, { reason: 'other', userIds: [person], note: 'Ask gone-from-note@acme.example about case 12' }),
    )
    const { request } = await purge([gone])
    await inState(request, 'completed')
    const { rows: holds } = await test.owner.query('select note from legal_holds where id = $1', [id])
    expect(holds[0]?.note).toMatch(/^Ask .* about case 12$/)
    expect(holds[0]?.note).not.toContain('gone-from-note')
  })
})

describe('an approval', () => {
  beforeEach(() => run((tx) => updateTenant(tx, { approvalRequired: true })))

  it('of a second person lets the request run; the approvers and the requester are notified', async () => {
    const person = await deleted()
    const { request, state } = await purge([person])
    expect(state).toBe('awaiting_approval')
    expect(await test.ended(rows.tenant, request)).toMatchObject({
      state: 'awaiting_approval',
      subjects: { awaiting_approval: 1, gone: 0 },
    })
    expect((await run((tx) => listAwaitingApproval(tx))).erasures).toMatchObject([{ id: request, requestedBy: boss }])
    expect([await messages(officer), await messages(boss)]).toEqual([
      ['erasure_awaiting_approval'],
      ['erasure_accepted'],
    ])
    await run((tx) => approveErasure(tx, request, { note: 'I called the person' }), by(officer))
    await inState(request, 'completed')
    expect(await messages(boss)).toEqual(expect.arrayContaining(['erasure_approved']))
    const { rows: decisions } = await test.owner.query(
      'select decision, note, decided_by from erasure_decisions where request_id = $1',
      [request],
    )
    expect(decisions).toEqual([{ decision: 'approved', note: 'I called the person', decided_by: officer }])
    expect((await run((tx) => listAwaitingApproval(tx))).erasures).toEqual([])
    expect(await activities(request)).toContain('ErasureApproved')
    await expect(run((tx) => approveErasure(tx, request), by(officer))).rejects.toMatchObject({
      code: 'erasure.wrong_state',
    })
  })

  it('can be refused with a reason; then the people stay, and can be restored', async () => {
    const person = await deleted()
    const { request } = await purge([person])
    await run(
      (tx) => rejectErasure(tx, request, { reason: 'identity_not_verified', note: 'Not the person' }),
      by(officer),
    )
    expect(await show(request)).toMatchObject({ state: 'rejected', subjects: { rejected: 1, gone: 0 } })
    expect(await messages(boss)).toEqual(['erasure_accepted', 'erasure_rejected'])
    await run((tx) => restoreUsers(tx, { userIds: [person] }))
    await expect(run((tx) => approveErasure(tx, request), by(officer))).rejects.toMatchObject({
      code: 'erasure.wrong_state',
    })
    const unknown = run((tx) => rejectErasure(tx, request, { reason: 'a whim' as 'other' }), by(officer))
    await expect(unknown).rejects.toMatchObject({ code: 'input.invalid' })
  })

  it('is refused to the person who made the request, who created its API key, and who is named by --as', async () => {
    const { key } = await run((tx) => createApiKey(tx, { name: 'key', access: 'full_control' }), {
      from: 'command_line',
      userId: boss,
    })
    const initiators: Initiator[] = [
      by(boss),
      { from: 'api', credential: { kind: 'api_key', id: key.id, scopes: ['api/all'] } },
      { from: 'command_line', userId: boss, systemAccount: 'root' },
    ]
    for (const initiator of initiators) {
      const { request } = await purge([await deleted()], initiator)
      const asSelf: Initiator[] = [by(boss), { from: 'command_line', userId: boss }]
      for (const self of asSelf) {
        for (const decide of [
          (tx: TenantTransaction) => approveErasure(tx, request),
          (tx: TenantTransaction) => rejectErasure(tx, request, { reason: 'other' }),
        ]) {
          await expect(run(decide, self)).rejects.toMatchObject({ code: 'erasure.own_approval' })
        }
      }
      await run((tx) => approveErasure(tx, request), by(officer))
      await inState(request, 'completed')
    }
  })

  it('needs a person who may approve at this moment, also on the command line', async () => {
    const learner = await rows.user()
    const { request } = await purge([await deleted()])
    const approve = (initiator: Initiator) => run((tx) => approveErasure(tx, request), initiator)
    await expect(approve({ from: 'command_line' })).rejects.toMatchObject({ code: 'erasure.approver_needed' })
    await expect(approve({ from: 'command_line', userId: learner })).rejects.toMatchObject({ code: 'access.forbidden' })
    await test.owner.query(`update users set state = 'suspended' where id = $1`, [officer])
    await expect(approve(by(officer))).rejects.toMatchObject({ code: 'access.forbidden' })
    await expect(
      approve({ from: 'api', credential: { kind: 'api_key', id: randomUUID(), scopes: ['api/all'] } }),
    ).rejects.toMatchObject({ code: 'erasure.approver_needed' })
    expect((await show(request)).state).toBe('awaiting_approval')
  })

  it('is checked again under the lock: a request that was put into the queue without one goes back', async () => {
    const person = await deleted()
    const { request } = await purge([person])
    await test.owner.query(`update erasure_subjects set state = 'queued' where request_id = $1`, [request])
    await test.owner.query(
      `select graphile_worker.add_job('erase', json_build_object('tenant', $1::text, 'request', $2::text))`,
      [rows.tenant, request],
    )
    await inState(request, 'awaiting_approval')
    expect(await isThere(person)).toBe(true)
  })

  it('comes before the hold: an approved request of a held person is held', async () => {
    const person = await deleted()
    const id = await hold(person)
    const { request } = await purge([person])
    await run((tx) => approveErasure(tx, request), by(officer))
    expect(await show(request)).toMatchObject({ state: 'held' })
    await run((tx) => releaseHold(tx, id))
    await inState(request, 'completed')
  })

  it('is asked of new requests alone, and not of the follow-up of a sweep', async () => {
    await run((tx) => updateTenant(tx, { approvalRequired: false }))
    await test.stopWorkers()
    const { request } = await purge([await deleted()])
    await run((tx) => updateTenant(tx, { approvalRequired: true }))
    await test.startWorkers()
    await inState(request, 'completed')
    const waiting = await purge([await deleted()])
    await run((tx) => updateTenant(tx, { approvalRequired: false }))
    await wakeErasures(test.database)
    expect((await show(waiting.request)).state).toBe('awaiting_approval')
  })

  it('can be withdrawn by a cancel', async () => {
    const { request } = await purge([await deleted(), await deleted()])
    expect(await run((tx) => cancelErasure(tx, request))).toMatchObject({ cancelled: 2 })
    expect((await show(request)).state).toBe('cancelled')
  })
})

describe('a cooling-off period', () => {
  beforeEach(() => run((tx) => updateTenant(tx, { coolingOffHours: 24 })))

  /** Lets the period of a request end, with the job that waits for that. */
  async function endPeriod(request: string) {
    await test.owner.query(`update erasure_requests set run_at = now() - interval '1 second' where id = $1`, [request])
    await test.owner.query(
      `update graphile_worker._private_jobs j set run_at = now()
       from graphile_worker._private_tasks t
       where t.id = j.task_id and t.identifier = 'start_erasure' and j.payload->>'request' = $1`,
      [request],
    )
  }

  it('keeps the request from running until it ends, and then starts it by itself', async () => {
    const person = await deleted()
    const { request, state, runAt } = await purge([person])
    expect(state).toBe('scheduled')
    expect(Math.abs((runAt?.getTime() ?? 0) - Date.now() - 24 * 3_600_000)).toBeLessThan(60_000)
    expect(await test.ended(rows.tenant, request)).toMatchObject({ state: 'scheduled', subjects: { scheduled: 1 } })
    await wakeErasures(test.database)
    expect((await show(request)).state).toBe('scheduled')
    await endPeriod(request)
    await inState(request, 'completed')
    expect(await activities(request)).toContain('ErasureStarted')
  })

  it('ends without its job too, by the hourly one', async () => {
    const { request } = await purge([await deleted()])
    await test.owner.query(`delete from graphile_worker._private_jobs where payload->>'request' = $1`, [request])
    await test.owner.query(`update erasure_requests set run_at = now() where id = $1`, [request])
    await wakeErasures(test.database)
    await inState(request, 'completed')
  })

  it('can be used to cancel; then the people can be restored', async () => {
    const person = await deleted()
    const { request } = await purge([person])
    expect(await run((tx) => cancelErasure(tx, request))).toMatchObject({ cancelled: 1 })
    await endPeriod(request)
    await wakeErasures(test.database)
    expect((await show(request)).state).toBe('cancelled')
    await run((tx) => restoreUsers(tx, { userIds: [person] }))
  })

  it('begins with the approval, and a hold of the meantime stops the person', async () => {
    await run((tx) => updateTenant(tx, { approvalRequired: true }))
    const person = await deleted()
    const { request, runAt } = await purge([person])
    expect(runAt).toBe(null)
    await run((tx) => approveErasure(tx, request), by(officer))
    const scheduled = await show(request)
    expect(scheduled.state).toBe('scheduled')
    expect(Math.abs((scheduled.runAt?.getTime() ?? 0) - Date.now() - 24 * 3_600_000)).toBeLessThan(60_000)
    const id = await hold(person)
    await endPeriod(request)
    await inState(request, 'held')
    await run((tx) => releaseHold(tx, id))
    await inState(request, 'completed')
  })

  it('is checked again under the lock: a request that was put into the queue too early goes back', async () => {
    const person = await deleted()
    const { request } = await purge([person])
    await test.owner.query(`update erasure_subjects set state = 'queued' where request_id = $1`, [request])
    await test.owner.query(
      `select graphile_worker.add_job('erase', json_build_object('tenant', $1::text, 'request', $2::text))`,
      [rows.tenant, request],
    )
    await inState(request, 'scheduled')
    expect(await isThere(person)).toBe(true)
  })
})

describe('people who erase themselves', () => {
  it('are refused: the user, the creator of the API key, alone or among others, with or without a delete', async () => {
    const { key } = await run((tx) => createApiKey(tx, { name: 'key', access: 'full_control' }), {
      from: 'command_line',
      userId: boss,
    })
    const second = await rows.administrator()
    const other = await deleted()
    const initiators: Initiator[] = [
      by(boss),
      { from: 'command_line', userId: boss },
      { from: 'api', credential: { kind: 'api_key', id: key.id, scopes: ['api/all'] } },
    ]
    for (const initiator of initiators) {
      for (const operation of ['purge', 'anonymize'] as const) {
        for (const userIds of [[boss], [other, boss]]) {
          await expect(
            run((tx) => deleteAndRequestErasure(tx, { operation, userIds }), initiator),
          ).rejects.toMatchObject({ code: 'erasure.own' })
        }
      }
    }
    expect(await isThere(boss)).toBe(true)
    const { rows: states } = await test.owner.query('select state from users where id = any($1)', [[boss, second]])
    expect(states.map(({ state }) => state)).toEqual(['active', 'active'])
  })
})

describe('the last administrator', () => {
  it('cannot go, alone, in bulk, or by two deletes at once', async () => {
    const second = await rows.administrator()
    const asOfficer = by(officer)
    const all = (userIds: string[]) =>
      run((tx) => deleteAndRequestErasure(tx, { operation: 'purge', userIds }), asOfficer)
    await expect(all([boss, second, await deleted()])).rejects.toMatchObject({ code: 'user.last_administrator' })
    const outcomes = await Promise.allSettled([all([boss]), all([second])])
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    const { rows: left } = await test.owner.query(
      `select id from users where tenant_id = $1 and state = 'active' and 'administrator' = any (roles)`,
      [rows.tenant],
    )
    expect(left).toHaveLength(1)
    const last = String(left[0]?.id)
    await expect(all([last])).rejects.toMatchObject({ code: 'user.last_administrator' })
    await expect(run((tx) => deleteUsers(tx, { userIds: [last] }), asOfficer)).rejects.toMatchObject({
      code: 'user.last_administrator',
    })
  })
})

it('answers the progress of a request that waits, with what it waits for', async () => {
  const person = await deleted()
  await hold(person)
  const { request } = await purge([person])
  expect(await run((tx) => erasureProgress(tx, request))).toMatchObject({
    state: 'held',
    finishedAt: null,
    runAt: null,
    subjects: { waiting: 1, held: 1, scheduled: 0, awaiting_approval: 0 },
  })
})

/** Work that stops once, and goes on when the test lets it. `reached` resolves when it has stopped. */
function gate() {
  const [reached, open] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  return {
    reached: reached.promise,
    open: () => open.resolve(),
    async pass() {
      reached.resolve()
      await open.promise
    },
  }
}

describe('two acts at the same time', () => {
  const jobs = async (task: string) =>
    (
      await test.owner.query(
        `select from graphile_worker._private_jobs j join graphile_worker._private_tasks t on t.id = j.task_id
         where t.identifier = $1`,
        [task],
      )
    ).rowCount

  it('the approval and the release of the hold leave no person on hold', async () => {
    await run((tx) => updateTenant(tx, { approvalRequired: true }))
    const person = await deleted()
    const id = await hold(person)
    const { request } = await purge([person])
    const stop = gate()
    const approving = run(async (tx) => {
      await approveErasure(tx, request)
      await stop.pass()
    }, by(officer))
    await stop.reached
    await run((tx) => releaseHold(tx, id))
    await expect.poll(() => jobs('resume_held'), { timeout: 10_000 }).toBe(0)
    stop.open()
    await approving
    await inState(request, 'completed')
  })

  it('the cancel of held people and the end of the search destroy the key', async () => {
    await test.stopWorkers()
    const [person, other] = [await deleted(), await deleted()]
    await hold(person)
    const { request } = await purge([person, other])
    await runErasure(test.database, { tenant: rows.tenant, request })
    const stop = gate()
    const cancelling = run(async (tx) => {
      await cancelErasure(tx, request)
      await stop.pass()
    })
    await stop.reached
    const searching = runSearch(test.database)
    // It waits for the cancel, or would have ended by now.
    await Promise.race([searching, new Promise((resolve) => setTimeout(resolve, 1500))])
    stop.open()
    await Promise.all([cancelling, searching])
    await test.startWorkers()
    expect(await inState(request, 'partial')).toMatchObject({ subjects: { done: 1, cancelled: 1 }, certified: true })
    const { rows: keys } = await test.owner.query('select sealed_key from erasure_requests where id = $1', [request])
    expect(keys).toEqual([{ sealed_key: null }])
  })

  it('a search that took long says nothing of people who were erased since', async () => {
    await test.stopWorkers()
    const [person, other] = [await deleted('late@acme.example'), await deleted('early@acme.example')]
    const id = await hold(person)
    const { request } = await purge([person, other])
    await runErasure(test.database, { tenant: rows.tenant, request })
    const stop = gate()
    const { reading } = test.database
    const lend: typeof reading.lend = async (work) => {
      await stop.pass()
      return await reading.lend(work)
    }
    const slow = runSearch({ ...test.database, reading: Object.create(reading, { lend: { value: lend } }) })
    await stop.reached
    await runSearch(test.database)
    await run((tx) => releaseHold(tx, id))
    await runResumeHeld(test.database, rows.tenant)
    await runErasure(test.database, { tenant: rows.tenant, request })
    expect(await show(request)).toMatchObject({ subjects: { done: 2 }, certified: true, finishedAt: null })
    stop.open()
    await slow
    expect(await show(request)).toMatchObject({ state: 'running', finishedAt: null, verdict: 'search_outstanding' })
    await test.startWorkers()
    await inState(request, 'completed')
  })

  it('a hold of a group and a person who comes into it: the second waits for the first', async () => {
    const group = await rows.insert('directory_groups', { display_name: 'Witnesses' })
    const person = await rows.user()
    const stop = gate()
    const placing = run(async (tx) => {
      await placeHold(tx, { reason: 'legal_claim', groupIds: [group] })
      await stop.pass()
    })
    await stop.reached
    let joined = false
    const joining = run((tx) => setGroupMembers(tx, { groupId: group, userIds: [person] })).then(() => {
      joined = true
    })
    await Promise.race([joining, new Promise((resolve) => setTimeout(resolve, 500))])
    expect(joined).toBe(false)
    stop.open()
    await Promise.all([placing, joining])
  })
})

describe('a request that left people out because of their plan', () => {
  beforeEach(() => run((tx) => updateTenant(tx, { approvalRequired: true })))

  const look = (userIds: string[]) =>
    run(async (tx) => (await previewErasure(tx, 'purge', userIds, { deleteFirst: true })).plan)
  const change = (id: string) =>
    test.owner.query(`update users set roles = '{learner,author,administrator}' where id = $1`, [id])
  const order = (userIds: string[], plan: string) =>
    run((tx) => deleteAndRequestErasure(tx, { operation: 'purge', userIds, plan }))

  it('ends for them too when it is refused: no new plan goes around the refusal', async () => {
    const [changed, other] = [await rows.user(), await rows.user()]
    const plan = await look([changed, other])
    await change(changed)
    const { request } = await order([changed, other], plan)
    expect(await show(request)).toMatchObject({ subjects: { awaiting_approval: 1, plan_changed: 1 } })
    await run((tx) => rejectErasure(tx, request, { reason: 'unfounded' }), by(officer))
    expect(await show(request)).toMatchObject({ state: 'rejected', subjects: { rejected: 2, plan_changed: 0 } })
    const again = await look([changed])
    await expect(run((tx) => confirmErasure(tx, { request, plan: again }))).rejects.toMatchObject({
      code: 'erasure.wrong_state',
    })
  })

  it('asks for its approval when a new plan confirms them', async () => {
    const person = await rows.user()
    const plan = await look([person])
    await change(person)
    const { request } = await order([person], plan)
    await inState(request, 'plan_changed')
    const before = (await messages(officer)).filter((kind) => kind === 'erasure_awaiting_approval').length
    const again = await look([person])
    await run((tx) => confirmErasure(tx, { request, plan: again }))
    expect((await show(request)).state).toBe('awaiting_approval')
    const after = (await messages(officer)).filter((kind) => kind === 'erasure_awaiting_approval').length
    expect(after).toBe(before + 1)
    expect(await isThere(person)).toBe(true)
    await run((tx) => approveErasure(tx, request), by(officer))
    await inState(request, 'completed')
  })
})
