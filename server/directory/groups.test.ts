import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestTenant, type TestTenant } from '../../test/people.ts'
import type { User } from '../people/accounts/user.ts'
import { deleteUsers } from '../people/lifecycle/delete-users.ts'
import { restoreUsers } from '../people/lifecycle/restore-users.ts'
import { suspendUser } from '../people/lifecycle/suspend-user.ts'
import { createGroup } from './create-group.ts'
import { listGroupsOf } from './memberships.ts'
import { setGroupMembers } from './set-group-members.ts'

let test: TestTenant
beforeAll(async () => {
  test = await createTestTenant()
})
afterAll(() => test.close())

const create = (more: object = {}) => test.run((tx) => createGroup(tx, { displayName: 'Group', ...more }))
const set = (groupId: string, ...users: User[]) =>
  test.run((tx) => setGroupMembers(tx, { groupId, userIds: users.map(({ id }) => id) }))
const isIn = async (user: User) => (await test.run((tx) => listGroupsOf(tx, user.id))).map(({ active }) => active)

describe('groups of the directory', () => {
  it('have a directory object id of their own', async () => {
    const directoryObjectId = 'd0000000-0000-4000-8000-000000000001'
    await create({ directoryObjectId })
    await expect(create({ directoryObjectId })).rejects.toMatchObject({ code: 'group.taken' })
    await create()
    await create()
  })

  it('have exactly the members that were set', async () => {
    const { id } = await create()
    const [ann, bob, eve] = [await test.user(), await test.user(), await test.user()]
    expect(await set(id, ann, bob, bob)).toEqual({ added: 2, removed: 0 })
    expect(await set(id, bob, eve)).toEqual({ added: 1, removed: 1 })
    expect([await isIn(ann), await isIn(bob), await isIn(eve)]).toEqual([[], [true], [true]])
    expect(await set(id)).toEqual({ added: 0, removed: 2 })
  })

  it('take in active users only, and keep those who were suspended since', async () => {
    const { id } = await create()
    const [ann, bob] = [await test.user(), await test.user()]
    await set(id, ann)
    for (const user of [ann, bob]) await test.run((tx) => suspendUser(tx, user.id))
    expect(await set(id, ann)).toEqual({ added: 0, removed: 0 })
    await expect(set(id, ann, bob)).rejects.toMatchObject({ code: 'user.wrong_state', details: { ids: [bob.id] } })
  })

  it('do not lose a deleted member whom a restore brings back', async () => {
    const { id } = await create()
    const ann = await test.user()
    await set(id, ann)
    await test.run((tx) => deleteUsers(tx, { userIds: [ann.id] }))
    expect(await set(id)).toEqual({ added: 0, removed: 0 })
    await expect(set(id, ann)).rejects.toMatchObject({ code: 'user.wrong_state' })
    await test.run((tx) => restoreUsers(tx, { userIds: [ann.id] }))
    expect(await isIn(ann)).toEqual([true])
  })
})
