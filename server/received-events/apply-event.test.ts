import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { openTestApplication, type TestApplication } from '../../test/application.ts'
import { describedAccount } from '../../test/described-account.ts'
import { newTenant, type TenantRows } from '../../test/rows.ts'
import { requestErasure } from '../erasure/requests/request-erasure.ts'
import { approveErasure } from '../erasure/safeguards/decide.ts'
import { placeHold } from '../holds/place-hold.ts'
import { updateUser } from '../people/accounts/update-user.ts'
import type { UserFields } from '../people/accounts/user-fields.ts'
import { deleteUsers } from '../people/lifecycle/delete-users.ts'
import { reactivateUser } from '../people/lifecycle/reactivate-user.ts'
import { restoreUsers } from '../people/lifecycle/restore-users.ts'
import { suspendUser } from '../people/lifecycle/suspend-user.ts'
import { inTenant } from '../platform/database/transaction.ts'
import type { EventType, ReceivedEvent } from './event.ts'
import { receiveEvent } from './receive-event.ts'
import { cleanReceivedEvents } from './reserve-event.ts'

let test: TestApplication
let rows: TenantRows
beforeAll(async () => {
  test = await openTestApplication()
  rows = await newTenant(test.owner)
  await rows.administrator()
  await test.startWorkers()
})
afterAll(() => test.close())
afterEach(() => {
  vi.useRealTimers()
})

const second = 1000
const hour = 3600 * second
/** The events of the tests happened in the last two hours, `at` seconds after that. */
const began = Date.now() - 2 * hour

type Given = { type: EventType; ref: string; at: number; fields?: UserFields; id?: string }

function eventOf({ type, ref, at, fields = {}, id = randomUUID() }: Given): ReceivedEvent {
  return {
    id,
    at: new Date(began + at * second),
    type,
    ref,
    body: { id, at, type, ref, fields },
    account: describedAccount(ref, fields),
  }
}

const apply = (event: ReceivedEvent, tenant = rows.tenant) =>
  receiveEvent(test.database, { tenant, initiator: { from: 'api' }, event })
const receive = (given: Given) => apply(eventOf(given))

const joined = (ref: string, at: number, fields?: UserFields) =>
  receive({ type: 'user_joined', ref, at, fields: fields ?? {} })
const updated = (ref: string, at: number, fields: UserFields) => receive({ type: 'user_updated', ref, at, fields })
const suspended = (ref: string, at: number) => receive({ type: 'user_suspended', ref, at })
const deleted = (ref: string, at: number) => receive({ type: 'user_deleted', ref, at })

async function read(ref: string) {
  const { rows: found } = await test.owner.query('select * from users where tenant_id = $1 and ref = $2', [
    rows.tenant,
    ref,
  ])
  return found[0]
}

let refs = 0
const newRef = () => `event-ref-${++refs}`
const applied = { outcome: 'applied' }
const late = { outcome: 'ignored', reason: 'late' }
const erased = { outcome: 'ignored', reason: 'erased' }

describe('an event', () => {
  it('creates, changes, suspends and reactivates a user', async () => {
    const ref = newRef()
    expect(await joined(ref, 1, { first_name: 'Ann', email: 'ann@example.org' })).toEqual(applied)
    expect(await read(ref)).toMatchObject({ state: 'active', first_name: 'Ann', roles: ['learner'] })
    expect(await updated(ref, 2, { first_name: 'Anna' })).toEqual(applied)
    expect(await suspended(ref, 3)).toEqual(applied)
    expect(await read(ref)).toMatchObject({ state: 'suspended', first_name: 'Anna', email: 'ann@example.org' })
    expect(await joined(ref, 4, { last_name: 'Aster' })).toEqual(applied)
    expect(await read(ref)).toMatchObject({ state: 'active', first_name: 'Anna', last_name: 'Aster' })
  })

  it('that comes again with the same body is applied once, and returns the same', async () => {
    const ref = newRef()
    const first = eventOf({ type: 'user_joined', ref, at: 1, fields: { city: 'Rome' } })
    expect(await apply(first)).toEqual(applied)
    await updated(ref, 1, { city: 'Oslo' })
    expect(await apply(first)).toEqual(applied)
    expect(await read(ref)).toMatchObject({ city: 'Oslo' })
    const ignored = eventOf({ type: 'user_updated', ref, at: 0, fields: { city: 'Bonn' } })
    expect([await apply(ignored), await apply(ignored)]).toEqual([late, late])
  })

  it('with the id of another event is refused', async () => {
    const ref = newRef()
    const id = randomUUID()
    await receive({ id, type: 'user_joined', ref, at: 1 })
    await expect(receive({ id, type: 'user_suspended', ref, at: 2 })).rejects.toMatchObject({
      code: 'event.other_body',
    })
    expect(await read(ref)).toMatchObject({ state: 'active' })
  })

  it('without an id, or from the future, is refused', async () => {
    const at = (Date.now() - began + 6 * 60 * second) / second
    const refused = (field: string) => ({ code: 'input.invalid', details: { field } })
    await expect(receive({ type: 'user_joined', ref: newRef(), at })).rejects.toMatchObject(refused('timestamp'))
    await expect(receive({ type: 'user_joined', ref: newRef(), at: 1, id: ' ' })).rejects.toMatchObject(refused('id'))
    await expect(receive({ type: 'user_joined', ref: ' ', at: 1 })).rejects.toMatchObject(refused('ref'))
    expect(await receive({ type: 'user_joined', ref: newRef(), at: at - 120 })).toEqual(applied)
  })

  it('about a ref without a user may come again once the user is there', async () => {
    const ref = newRef()
    const change = eventOf({ type: 'user_updated', ref, at: 2, fields: { city: 'Rome' } })
    expect(await apply(change)).toEqual({ outcome: 'unknown_user' })
    await joined(ref, 1)
    expect(await apply(change)).toEqual(applied)
    expect(await read(ref)).toMatchObject({ city: 'Rome' })
  })

  it('that a check refuses leaves nothing, so that its repetition is a new attempt', async () => {
    const ref = newRef()
    const event = eventOf({ type: 'user_joined', ref, at: 1 })
    const withEmail = (email: string) => ({ ...event, account: describedAccount(ref, { email }) })
    await expect(apply(withEmail('no address'))).rejects.toMatchObject({ code: 'input.invalid' })
    expect(await apply(withEmail('ann@example.org'))).toEqual(applied)
  })
})

describe('the newest change wins', () => {
  it('among events, for each field on its own', async () => {
    const ref = newRef()
    await joined(ref, 1, { city: 'Rome', office: 'A' })
    expect(await updated(ref, 9, { city: 'Oslo' })).toEqual(applied)
    expect(await updated(ref, 5, { city: 'Bonn', office: 'B' })).toEqual(applied)
    expect(await read(ref)).toMatchObject({ city: 'Oslo', office: 'B' })
    expect(await updated(ref, 4, { city: 'Cork', office: 'C' })).toEqual(late)
    expect(await updated(ref, 9, { city: 'Kiel' })).toEqual(applied)
    expect(await read(ref)).toMatchObject({ city: 'Kiel', office: 'B' })
  })

  it('between suspending and joining', async () => {
    const ref = newRef()
    await joined(ref, 1)
    await suspended(ref, 5)
    expect(await joined(ref, 3)).toEqual(late)
    expect(await read(ref)).toMatchObject({ state: 'suspended' })
    await joined(ref, 7)
    expect(await suspended(ref, 6)).toEqual(late)
    expect(await read(ref)).toMatchObject({ state: 'active' })
  })

  it('when the user was suspended before the event that created the user came', async () => {
    const ref = newRef()
    expect(await suspended(ref, 5)).toEqual({ outcome: 'unknown_user' })
    await joined(ref, 3, { city: 'Rome' })
    expect(await read(ref)).toMatchObject({ state: 'suspended', city: 'Rome' })
  })

  it('over events that are older than a change by another way, for that field only', async () => {
    const ref = newRef()
    await joined(ref, 1, { city: 'Rome' })
    const { id } = await read(ref)
    await test.inTenant(rows.tenant, (tx) => updateUser(tx, id, { city: 'Oslo' }))
    expect(await updated(ref, 60, { city: 'Bonn' })).toEqual(late)
    expect(await updated(ref, 61, { office: 'B' })).toEqual(applied)
    expect(await updated(ref, 62, { city: 'Bonn' })).toEqual(late)
    expect(await read(ref)).toMatchObject({ city: 'Oslo', office: 'B' })
    const now = (Date.now() - began) / second + 1
    expect(await updated(ref, now, { city: 'Bonn' })).toEqual(applied)
  })

  it('over events that are older than a suspension or a reactivation by another way', async () => {
    const ref = newRef()
    await joined(ref, 1)
    const { id } = await read(ref)
    await test.inTenant(rows.tenant, (tx) => suspendUser(tx, id))
    expect(await joined(ref, 60)).toEqual(late)
    expect(await read(ref)).toMatchObject({ state: 'suspended' })
    await test.inTenant(rows.tenant, (tx) => reactivateUser(tx, id))
    expect(await suspended(ref, 61)).toEqual(late)
    expect(await deleted(ref, 62)).toEqual(late)
    expect(await read(ref)).toMatchObject({ state: 'active' })
  })

  it('over events that are older than a change that no entry of the audit trail names, for all fields', async () => {
    const ref = newRef()
    await joined(ref, 1, { city: 'Rome' })
    await test.owner.query(`update users set office = 'imported', updated_at = now() where ref = $1`, [ref])
    expect(await updated(ref, 60, { city: 'Bonn' })).toEqual(late)
    expect(await suspended(ref, 61)).toEqual(applied)
  })

  it('over events about a user that something else created after them', async () => {
    const ref = newRef()
    await rows.user({ ref, city: 'Rome' })
    expect(await updated(ref, 1, { city: 'Bonn' })).toEqual(late)
    expect(await deleted(ref, 1)).toEqual(late)
    expect(await read(ref)).toMatchObject({ state: 'active', city: 'Rome' })
  })
})

describe('a deleted user', () => {
  it('stays deleted, whatever the time of the event', async () => {
    const ref = newRef()
    await joined(ref, 1)
    const { id } = await read(ref)
    await test.inTenant(rows.tenant, (tx) => deleteUsers(tx, { userIds: [id] }))
    expect(await joined(ref, 60)).toEqual(late)
    expect(await suspended(ref, 61)).toEqual(late)
    expect(await updated(ref, 62, { city: 'Rome' })).toEqual(late)
    const now = (Date.now() - began) / second + 1
    const refused = { code: 'user.taken_by_deleted', details: { id } }
    await expect(joined(ref, now)).rejects.toMatchObject(refused)
    await expect(updated(ref, now, { city: 'Rome' })).rejects.toMatchObject(refused)
    expect(await read(ref)).toMatchObject({ state: 'deleted', city: null })
    await test.inTenant(rows.tenant, (tx) => restoreUsers(tx, { userIds: [id] }))
    expect(await suspended(ref, 63)).toEqual(late)
    expect(await joined(ref, now)).toEqual(applied)
  })

  it('is anonymized by an event that came after the delete', async () => {
    const ref = newRef()
    await joined(ref, 1)
    const { id } = await read(ref)
    await test.inTenant(rows.tenant, (tx) => deleteUsers(tx, { userIds: [id] }))
    expect(await deleted(ref, 60)).toEqual(applied)
    expect(await read(ref)).toBe(undefined)
  })
})

describe('an erased user', () => {
  it('that an event anonymized returns neither by older events nor by late ones, and a newer one makes another user', async () => {
    const ref = newRef()
    await joined(ref, 1, { email: `${ref}@example.org` })
    const { id } = await read(ref)
    const deletion = eventOf({ type: 'user_deleted', ref, at: 10 })
    expect(await apply(deletion)).toEqual(applied)
    expect(await joined(ref, 9)).toEqual(erased)
    expect(await updated(ref, 9, { city: 'Rome' })).toEqual({ outcome: 'unknown_user' })
    expect(await read(ref)).toBe(undefined)
    expect(await joined(ref, 11)).toEqual(applied)
    const other = await read(ref)
    expect(other.id).not.toBe(id)
    // The same event does not delete the other user, nor does an older one.
    expect(await apply(deletion)).toEqual(applied)
    expect(await deleted(ref, 9)).toEqual(late)
    expect(await suspended(ref, 10)).toEqual(late)
    expect(await read(ref)).toMatchObject({ id: other.id, state: 'active' })
  })

  it('that an administrator anonymized returns by no event that is older than that', async () => {
    const ref = newRef()
    const user = await rows.deletedUser({ ref })
    await test.anonymize(rows.tenant, [user])
    expect(await joined(ref.toUpperCase(), 100)).toEqual(erased)
    const now = (Date.now() - began) / second + 1
    expect(await joined(ref, now)).toEqual(applied)
  })

  it('that was anonymized stays away for a day, and then nothing is known of the ref', async () => {
    const ref = newRef()
    await joined(ref, 1)
    expect(await deleted(ref, 10)).toEqual(applied)
    const cutoffs = async () =>
      (await test.owner.query('select * from event_cutoffs where tenant_id = $1', [rows.tenant])).rows
    const before = await cutoffs()
    const mine = before.filter(({ deleted_at }) => deleted_at?.getTime() === began + 10 * second)
    expect(mine.length).toBeGreaterThan(0)
    expect(Object.keys(mine[0]).sort()).toEqual(['deleted_at', 'expires_at', 'ref_hash', 'suspended_at', 'tenant_id'])
    const requests = await test.owner.query('select event_at from erasure_requests where event_at is not null')
    expect(requests.rows).toEqual([])

    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 24 * hour - 5 * 60 * second })
    expect(await joined(ref, 9)).toEqual(erased)
    vi.setSystemTime(Date.now() + 10 * 60 * second)
    await cleanReceivedEvents(test)
    expect(await cutoffs()).toEqual([])
    expect(await joined(ref, 9)).toEqual(applied)
  })

  it('that was purged returns by no event that is older than the purge, whatever identifier it has', async () => {
    const ref = newRef()
    const email = `${ref}@example.org`
    await joined(ref, 1, { email })
    const { id } = await read(ref)
    await test.inTenant(rows.tenant, (tx) => deleteUsers(tx, { userIds: [id] }))
    await test.purge(rows.tenant, [id])
    expect(await joined(ref, 100)).toEqual(erased)
    const other = newRef()
    expect(await joined(other, 100, { email })).toEqual(erased)
    const now = (Date.now() - began) / second + 1
    expect(await joined(ref, now, { email, roles: ['manager', 'learner'] })).toEqual(applied)
    const returned = await read(ref)
    expect(returned).toMatchObject({ roles: ['learner'] })
    const marks = await test.owner.query('select user_id from reappearances where user_id = $1', [returned.id])
    expect(marks.rows).toHaveLength(1)
  })

  it('that never was here is not created by an event that is older than the one that deleted it', async () => {
    const ref = newRef()
    expect(await deleted(ref, 5)).toEqual({ outcome: 'unknown_user' })
    expect(await joined(ref, 4)).toEqual(erased)
    expect(await joined(ref, 6)).toEqual(applied)
  })

  it('leaves no times of events beside the anonymous history', async () => {
    const ref = newRef()
    await joined(ref, 1)
    const { id } = await read(ref)
    expect(await deleted(ref, 3)).toEqual(applied)
    const { rows: left } = await test.owner.query('select state, event_times from users where id = $1', [id])
    expect(left).toEqual([{ state: 'anonymized', event_times: null }])
  })
})

describe('an event that cannot be applied now', () => {
  it('about a user whose erasure waits for an approval names the request, the same one again', async () => {
    const ref = newRef()
    const own = await newTenant(test.owner, { approval_required: true })
    await own.administrator()
    const officer = await own.user({ roles: ['privacy_officer', 'learner'] })
    const run = (given: Given) => apply(eventOf(given), own.tenant)
    await run({ type: 'user_joined', ref, at: 1 })
    const event = eventOf({ type: 'user_deleted', ref, at: 2 })
    const refusal = await apply(event, own.tenant).catch((error: unknown) => error)
    expect(refusal).toMatchObject({ code: 'user.erasure_pending', details: { request: expect.any(String) } })
    const { request } = (refusal as { details: { request: string } }).details
    await expect(apply(event, own.tenant)).rejects.toMatchObject({ details: { request } })
    const now = (Date.now() - began) / second + 1
    const refused = { code: 'user.erasure_pending', details: { request } }
    await expect(run({ type: 'user_joined', ref, at: now })).rejects.toMatchObject(refused)
    expect(await run({ type: 'user_joined', ref, at: 3 })).toEqual(late)
    await inTenant(test.database, own.tenant, (tx) => approveErasure(tx, request), {
      initiator: { from: 'console', userId: officer },
    })
    await test.ended(own.tenant, request)
    expect(await apply(event, own.tenant)).toEqual(applied)
    expect(await run({ type: 'user_joined', ref, at: 1.5 })).toEqual(erased)
  })

  it('because no worker is running leaves the user as before, and a repetition is a new attempt', async () => {
    const ref = newRef()
    await joined(ref, 1)
    await test.stopWorkers()
    const event = eventOf({ type: 'user_deleted', ref, at: 2 })
    await expect(apply(event)).rejects.toMatchObject({ code: 'erasure.no_worker' })
    expect(await read(ref)).toMatchObject({ state: 'active' })
    const { rows: kept } = await test.owner.query('select from received_events where outcome is null')
    expect(kept).toEqual([])
    await test.startWorkers()
    expect(await apply(event)).toEqual(applied)
  })

  it('about a user that a legal hold covers changes nothing', async () => {
    const ref = newRef()
    await joined(ref, 1)
    const { id } = await read(ref)
    await test.inTenant(rows.tenant, (tx) => placeHold(tx, { reason: 'legal_claim', userIds: [id] }))
    await expect(receive({ type: 'user_deleted', ref, at: 2 })).rejects.toMatchObject({ code: 'user.held' })
    expect(await read(ref)).toMatchObject({ state: 'active' })
  })

  it('is refused for a pending purge too, and the last administrator stays', async () => {
    const ref = newRef()
    const own = await newTenant(test.owner)
    const run = (given: Given) => apply(eventOf(given), own.tenant)
    await own.user({ ref, roles: ['learner', 'administrator'], created_at: new Date(began) })
    await test.owner.query('update users set updated_at = created_at where ref = $1', [ref])
    for (const type of ['user_suspended', 'user_deleted'] as const) {
      await expect(run({ type, ref, at: 5 })).rejects.toMatchObject({ code: 'user.last_administrator' })
    }
    const purged = await own.deletedUser({ ref: `${ref}-2`, deleted_at: new Date(began) })
    await test.stopWorkers()
    const { request } = await test.inTenant(own.tenant, (tx) =>
      requestErasure(tx, { operation: 'purge', userIds: [purged] }),
    )
    const refused = { code: 'user.erasure_pending', details: { request } }
    await expect(run({ type: 'user_joined', ref: `${ref}-2`, at: 5 })).rejects.toMatchObject(refused)
    await test.startWorkers()
  })
})

it('an event that is ignored stands in the audit trail, without a value of the person', async () => {
  const ref = newRef()
  await joined(ref, 5)
  await suspended(ref, 6)
  await joined(ref, 4)
  const { id } = await read(ref)
  const { rows: entries } = await test.owner.query(
    `select details, sealed_values from audit_entries where subject_id = $1 and activity = 'EventIgnored'`,
    [id],
  )
  expect(entries).toEqual([{ details: '{"event":"user_joined","reason":"late"}', sealed_values: null }])
})
