import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openTestApplication, type TestApplication } from '../../test/application.ts'
import { listAudit } from '../audit/list-audit.ts'
import { assignGroupToCatalog } from '../learning/catalogs/assign-groups.ts'
import { createCatalog } from '../learning/catalogs/create-catalog.ts'
import { listCatalogMembers } from '../learning/catalogs/list-catalog-members.ts'
import { createCourse } from '../learning/courses/create-course.ts'
import { enroll } from '../learning/enrollments/enroll.ts'
import { createUser } from '../people/accounts/create-user.ts'
import { findUser } from '../people/accounts/find-users.ts'
import { deleteUsers } from '../people/lifecycle/delete-users.ts'
import { restoreUsers } from '../people/lifecycle/restore-users.ts'
import { suspendUser } from '../people/lifecycle/suspend-user.ts'
import type { TenantTransaction } from '../platform/database/transaction.ts'
import { createTenant } from '../tenancy/tenants.ts'
import { type ReturningMembers, updateTenant } from '../tenancy/update-tenant.ts'
import { showTranscript } from '../views/transcript.ts'
import { showUser } from '../views/user-details.ts'
import { createGroup } from './create-group.ts'
import { groupsThatBringBack } from './reappearances.ts'
import { type DirectoryMember, syncGroup } from './sync-group.ts'

let test: TestApplication
let tenant: string
let number = 0
beforeAll(async () => {
  test = await openTestApplication()
  await test.startWorkers()
  tenant = (await createTenant(test.database, { name: 'Acme', kind: 'enterprise' })).id
  await run((tx) => createUser(tx, { roles: ['administrator'] }))
})
afterAll(() => test.close())

const run = <T>(work: (tx: TenantTransaction) => Promise<T>) => test.inTenant(tenant, work)

function person(more: Partial<DirectoryMember> = {}): DirectoryMember {
  number += 1
  const login_name = `i:0#.f|membership|p${number}@acme.example`
  return { directory_object_id: randomUUID(), login_name, email: `p${number}@acme.example`, first_name: 'P', ...more }
}

const newGroup = async () => (await run((tx) => createGroup(tx, { displayName: 'Bakers' }))).id
const sync = (groupId: string, ...members: DirectoryMember[]) => run((tx) => syncGroup(tx, { groupId, members }))
const idOf = async ({ directory_object_id }: DirectoryMember) =>
  (await run((tx) => findUser(tx, { by: 'directory_object_id', value: directory_object_id }))).id
const remove = (id: string) => run((tx) => deleteUsers(tx, { userIds: [id] }))
const purge = async (id: string) => {
  await remove(id)
  return (await test.purge(tenant, [id])).id
}
const allow = (returningMembers: ReturningMembers) => run((tx) => updateTenant(tx, { returningMembers }))
const nothing = {
  added: 0,
  removed: 0,
  created: [],
  reappeared: [],
  blocked: [],
  known_before: [],
  deleted: [],
  suspended: [],
}

describe('a synchronisation of a group', () => {
  it('makes the members those of the directory, and users of those who are new', async () => {
    const [group, ann, bob] = [await newGroup(), person(), person()]
    const first = await sync(group, ann, bob, { ...ann, directory_object_id: ann.directory_object_id.toUpperCase() })
    const ids = [await idOf(ann), await idOf(bob)]
    expect(first).toEqual({ ...nothing, added: 2, created: ids })
    expect((await run((tx) => findUser(tx, { by: 'id', value: ids[0] ?? '' }))).roles).toEqual(['learner'])
    expect(await sync(group, ann, bob)).toEqual(nothing)
    expect(await sync(group, bob)).toEqual({ ...nothing, removed: 1 })
    expect(await sync(group, ann, bob)).toEqual({ ...nothing, added: 1 })
  })

  it('leaves deleted users deleted until somebody restores them, and reports them', async () => {
    const [group, ann] = [await newGroup(), person()]
    await sync(group, ann)
    const id = await idOf(ann)
    await remove(id)
    expect(await sync(group, ann)).toEqual({ ...nothing, deleted: [id] })
    await run((tx) => restoreUsers(tx, { userIds: [id] }))
    expect(await sync(group, ann)).toEqual(nothing)
  })

  it('lets suspended users stay in the group and not come into it', async () => {
    const [group, other, ann] = [await newGroup(), await newGroup(), person()]
    await sync(group, ann)
    const id = await idOf(ann)
    await run((tx) => suspendUser(tx, id))
    expect(await sync(group, ann)).toEqual(nothing)
    expect(await sync(other, ann)).toEqual({ ...nothing, suspended: [id] })
  })

  it('makes a person once, by two groups at the same time too', async () => {
    const [one, two] = [await newGroup(), await newGroup()]
    const everybody = Array.from({ length: 5 }, () => person())
    const results = await Promise.all([sync(one, ...everybody), sync(two, ...everybody)])
    expect(results.map(({ added }) => added)).toEqual([5, 5])
    expect(results.flatMap(({ created }) => created)).toHaveLength(5)
  })

  it('changes nothing where one member is described wrongly', async () => {
    const [group, ann] = [await newGroup(), person()]
    const wrong = sync(group, ann, person({ email: 'no address' }))
    await expect(wrong).rejects.toMatchObject({ code: 'input.invalid', details: { field: 'email' } })
    await expect(idOf(ann)).rejects.toMatchObject({ code: 'user.not_found' })
    await expect(sync(group, { directory_object_id: 'x' })).rejects.toMatchObject({ code: 'input.invalid' })
    await expect(sync(randomUUID(), ann)).rejects.toMatchObject({ code: 'group.not_found' })
  })
})

describe('a purged person who is still in a group of the directory', () => {
  it('is announced before, and reappears in the catalog as a new user without records, marked so', async () => {
    const [group, ann] = [await newGroup(), person()]
    await sync(group, ann)
    const before = await idOf(ann)
    const catalogId = await run(async (tx) => {
      const { id } = await createCatalog(tx, { title: 'Bakery' })
      const course = await createCourse(tx, { catalogId: id, title: 'Bread' })
      await assignGroupToCatalog(tx, { catalogId: id, groupId: group })
      await enroll(tx, { userId: before, courseId: course.id })
      return id
    })
    const inCatalog = async () => (await run((tx) => listCatalogMembers(tx, { catalogId }))).members
    await remove(before)
    expect(await run((tx) => groupsThatBringBack(tx, [before]))).toEqual([
      { group_id: group, display_name: 'Bakers', people: 1, at_next_sync: 'create' },
    ])
    const request_id = (await test.purge(tenant, [before])).id
    expect(await inCatalog()).toEqual([])

    const { directory_object_id } = ann
    const result = await sync(group, ann)
    const id = await idOf(ann)
    expect(id).not.toBe(before)
    expect(result).toEqual({
      ...nothing,
      added: 1,
      created: [id],
      reappeared: [{ id, directory_object_id, request_id }],
    })
    const reappeared = {
      how: 'directory_group',
      group_id: group,
      group_name: 'Bakers',
      import_run_id: null,
      request_id,
      reappeared_at: expect.any(Date),
    }
    expect(await inCatalog()).toMatchObject([
      { id, added_to_catalog: false, groups: [{ group_id: group, display_name: 'Bakers' }], reappeared },
    ])
    const { user, reappeared: why } = await run((tx) => showUser(tx, { by: 'id', value: id }))
    expect(user).toMatchObject({ state: 'active', roles: ['learner'], former_roles: [] })
    expect(why).toEqual(reappeared)
    expect(await run((tx) => showTranscript(tx, id))).toEqual({
      user_id: id,
      courses: [],
      training_plans: [],
      skills: [],
      certificates: [],
    })
    const { entries } = await run((tx) => listAudit(tx, { subject: id }))
    expect(entries).toContainEqual(
      expect.objectContaining({ activity: 'UserReappeared', details: { group, request: request_id } }),
    )
    expect(await sync(group, ann)).toEqual(nothing)
    // Purged once more, nothing of the second time is left either.
    expect(await purge(id)).not.toBe(request_id)
    expect((await sync(group)).removed).toBe(0)
  })

  it('is kept out where the tenant wants it so', async () => {
    const [group, ann, bob] = [await newGroup(), person(), person()]
    await sync(group, ann)
    await allow('block')
    try {
      const id = await idOf(ann)
      await remove(id)
      expect(await run((tx) => groupsThatBringBack(tx, [id]))).toMatchObject([{ at_next_sync: 'block' }])
      const request_id = (await test.purge(tenant, [id])).id
      const { directory_object_id } = ann
      expect(await sync(group, ann, bob)).toEqual({
        ...nothing,
        added: 1,
        created: [await idOf(bob)],
        blocked: [{ directory_object_id, request_id }],
      })
      await expect(idOf(ann)).rejects.toMatchObject({ code: 'user.not_found' })
    } finally {
      await allow('create')
    }
    expect((await sync(group, ann, bob)).reappeared).toHaveLength(1)
  })

  it('is not taken for somebody else who got the same address', async () => {
    const [group, ann] = [await newGroup(), person()]
    await sync(group, ann)
    await purge(await idOf(ann))
    const successor = { ...ann, directory_object_id: randomUUID() }
    const { created, reappeared } = await sync(group, successor)
    expect(created).toEqual([await idOf(successor)])
    expect(reappeared).toEqual([])
  })

  it('is recognised by the login name where no directory object id was known', async () => {
    const [group, ann] = [await newGroup(), person()]
    const { id } = await run((tx) => createUser(tx, { login_name: ann.login_name ?? null }))
    const request_id = await purge(id)
    expect((await sync(group, ann)).reappeared).toMatchObject([{ request_id }])
  })

  it('comes back unmarked after an anonymization, which leaves no link', async () => {
    const [group, ann] = [await newGroup(), person()]
    await sync(group, ann)
    const id = await idOf(ann)
    await remove(id)
    await test.anonymize(tenant, [id])
    const { created, reappeared } = await sync(group, ann)
    expect(created).toEqual([await idOf(ann)])
    expect(reappeared).toEqual([])
  })
})
