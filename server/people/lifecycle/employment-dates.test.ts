import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestTenant, type TestTenant } from '../../../test/people.ts'
import type { User } from '../accounts/user.ts'
import { deleteUsers } from './delete-users.ts'
import { applyDueDates, type EmploymentDates, setEmploymentDates, suspendNow } from './employment-dates.ts'
import { reactivateUser } from './reactivate-user.ts'
import { restoreUsers } from './restore-users.ts'
import { suspendUser } from './suspend-user.ts'

let test: TestTenant
beforeAll(async () => {
  test = await createTestTenant()
})
afterAll(() => test.close())

const day = 24 * 60 * 60 * 1000
const inDays = (days: number) => new Date(Date.now() + days * day)
const set = (user: User, dates: EmploymentDates) => test.run((tx) => setEmploymentDates(tx, user.id, dates))
const stateOf = async ({ id }: User) =>
  (await test.owner.query('select state from users where id = $1', [id])).rows[0].state
/** Works on what is due in so many days. The database has a clock of its own, so the times move and not the clock. */
async function wait(days: number): Promise<void> {
  await test.owner.query(`update users set next_change_at = next_change_at - $1 * interval '1 day'`, [days])
  await test.owner.query(`update users set ends_at = ends_at - $1 * interval '1 day'`, [days])
  await applyDueDates(test.database, pino({ level: 'silent' }))
}

describe('the start of a user', () => {
  it('suspends the account until it comes', async () => {
    const user = await test.user({})
    const startsAt = inDays(2)
    expect(await set(user, { startsAt })).toMatchObject({ state: 'suspended', starts_at: startsAt, ends_at: null })
    await wait(1)
    expect(await stateOf(user)).toBe('suspended')
    await wait(1.01)
    expect(await stateOf(user)).toBe('active')
  })

  it('lets the user in at once where it moves into the past', async () => {
    const user = await test.user({})
    await set(user, { startsAt: inDays(2) })
    expect((await set(user, { startsAt: inDays(3) })).state).toBe('suspended')
    expect((await set(user, { startsAt: inDays(-1) })).state).toBe('active')
  })

  it('reactivates no user who was suspended for another reason', async () => {
    const [before, meanwhile] = [await test.user({}), await test.user({})]
    await test.run((tx) => suspendUser(tx, before.id))
    await set(before, { startsAt: inDays(1) })
    await set(meanwhile, { startsAt: inDays(1) })
    await test.run((tx) => suspendNow(tx, meanwhile.id))
    await wait(2)
    expect([await stateOf(before), await stateOf(meanwhile)]).toEqual(['suspended', 'suspended'])
    expect((await set(before, { startsAt: inDays(-1) })).state).toBe('suspended')
  })
})

describe('the end of a user', () => {
  it('suspends the account when it comes, and once only', async () => {
    const user = await test.user({})
    const endsAt = inDays(2)
    expect(await set(user, { endsAt })).toMatchObject({ state: 'active', ends_at: endsAt })
    await wait(1)
    expect(await stateOf(user)).toBe('active')
    await wait(1.01)
    expect(await stateOf(user)).toBe('suspended')
    await test.run((tx) => reactivateUser(tx, user.id))
    await wait(1)
    expect(await stateOf(user)).toBe('active')
  })

  it('suspends the account at once where it is over, and lets nobody in again where it moves', async () => {
    const user = await test.user({})
    expect((await set(user, { endsAt: inDays(-1) })).state).toBe('suspended')
    expect((await set(user, { endsAt: inDays(1) })).state).toBe('suspended')
    expect((await set(user, { endsAt: null })).state).toBe('suspended')
  })

  it('comes for a user who started, and for one who was reactivated before', async () => {
    const [started, reactivated] = [await test.user({}), await test.user({})]
    await set(started, { startsAt: inDays(1), endsAt: inDays(3) })
    await set(reactivated, { endsAt: inDays(3) })
    await test.run((tx) => suspendUser(tx, reactivated.id))
    await test.run((tx) => reactivateUser(tx, reactivated.id))
    await wait(2)
    expect([await stateOf(started), await stateOf(reactivated)]).toEqual(['active', 'active'])
    await wait(1.01)
    expect([await stateOf(started), await stateOf(reactivated)]).toEqual(['suspended', 'suspended'])
  })

  it('comes for a deleted user after the restore', async () => {
    const user = await test.user({})
    await set(user, { endsAt: inDays(1) })
    await test.run((tx) => deleteUsers(tx, { userIds: [user.id] }))
    await wait(2)
    expect(await stateOf(user)).toBe('deleted')
    await test.run((tx) => restoreUsers(tx, { userIds: [user.id] }))
    await wait(0)
    expect(await stateOf(user)).toBe('suspended')
  })

  it('leaves the last administrator in', async () => {
    const administrator = await test.user({ roles: ['administrator'] })
    const user = await test.user({})
    await expect(set(administrator, { endsAt: inDays(-1) })).rejects.toMatchObject({ code: 'user.last_administrator' })
    await set(administrator, { endsAt: inDays(1) })
    await set(user, { endsAt: inDays(1) })
    await wait(2)
    expect([await stateOf(administrator), await stateOf(user)]).toEqual(['active', 'suspended'])
    await test.user({ roles: ['administrator'] })
    await wait(1)
    expect(await stateOf(administrator)).toBe('suspended')
  })

  it('is after the start', async () => {
    const user = await test.user({})
    await expect(set(user, { startsAt: inDays(2), endsAt: inDays(1) })).rejects.toMatchObject({
      details: { field: 'ends_at' },
    })
    await expect(set(user, { endsAt: new Date(Number.NaN) })).rejects.toMatchObject({ details: { field: 'ends_at' } })
  })
})
