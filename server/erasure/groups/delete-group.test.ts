import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Credential, openTestHttp, type TestHttp } from '../../../test/http.ts'
import { newTenant, type TenantRows } from '../../../test/rows.ts'
import { runCommand } from '../../../test/run-command.ts'
import { setGroupMembers } from '../../directory/set-group-members.ts'
import { syncGroup } from '../../directory/sync-group.ts'
import { placeHold } from '../../holds/place-hold.ts'
import { releaseHold } from '../../holds/release-hold.ts'
import { assignGroupToCatalog, assignGroupToCourse } from '../../learning/catalogs/assign-groups.ts'
import { deleteUsers } from '../../people/lifecycle/delete-users.ts'
import { restoreUsers } from '../../people/lifecycle/restore-users.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { createPolicy, updatePolicy } from '../retention/policies.ts'
import { deleteGroup } from './delete-group.ts'

let http: TestHttp
let rows: TenantRows
let key: Credential
let group: string
beforeAll(async () => {
  http = await openTestHttp()
})
afterAll(() => http.close())
beforeEach(async () => {
  rows = await newTenant(http.owner)
  key = await http.key(rows.tenant)
  await rows.administrator()
  group = await newGroup('Bakers')
})

const run = <T>(work: (tx: TenantTransaction) => Promise<T>) => http.inTenant(rows.tenant, work)
const newGroup = (name: string) => rows.insert('directory_groups', { display_name: name })
const join = (of: string, ...userIds: string[]) =>
  Promise.all(userIds.map((user_id) => rows.insert('group_members', { group_id: of, user_id })))
const call = (method: string, path = '') => http.call(method, `/api/v1/groups/${group}${path}`, { as: key })
const isThere = async () =>
  (await http.owner.query('select from directory_groups where id = $1', [group])).rowCount === 1

describe('the deletion of a group', () => {
  it('counts beforehand who loses which catalog and course, and then closes them to its members', async () => {
    const [catalog, other] = [await rows.catalog({ title: 'Baking' }), await rows.catalog({ title: 'Milling' })]
    const course = await rows.course({ catalog_id: other, title: 'Flour' })
    const [loses, member, elsewhere] = [await rows.user(), await rows.user(), await rows.user()]
    const second = await newGroup('Cooks')
    await join(group, loses, member, elsewhere)
    await join(second, elsewhere)
    await rows.insert('catalog_members', { catalog_id: catalog, user_id: member })
    await rows.insert('catalog_members', { catalog_id: other, user_id: elsewhere })
    await run((tx) => assignGroupToCatalog(tx, { catalogId: catalog, groupId: group }))
    await run((tx) => assignGroupToCatalog(tx, { catalogId: catalog, groupId: second }))
    await run((tx) => assignGroupToCourse(tx, { courseId: course, groupId: group }))
    const expected = {
      members: 3,
      deleted_members: 0,
      places: [
        { kind: 'catalog', id: catalog, title: 'Baking', losing: 1 },
        { kind: 'course', id: course, title: 'Flour', losing: 2 },
      ],
      losing: 2,
      user_ids: [loses, member].sort(),
      holds: [],
      retention_policies: [],
    }
    expect(await call('GET', '/deletion')).toMatchObject({ status: 200, json: expected })
    expect(await isThere()).toBe(true)
    expect(await call('DELETE', '?expected_members=2')).toMatchObject({
      status: 409,
      json: { code: 'group.other_members' },
    })
    expect(await call('DELETE', '?expected_members=3')).toMatchObject({ status: 200, json: expected })
    expect(await isThere()).toBe(false)
    expect(await call('GET')).toMatchObject({ status: 404, json: { code: 'group.not_found' } })
    const { rows: trail } = await http.owner.query(
      'select activity, count(*)::int as n from audit_entries where tenant_id = $1 and activity = any ($2) group by 1 order by 1',
      [rows.tenant, ['CatalogGroupUnassigned', 'CourseGroupUnassigned', 'GroupDeleted', 'GroupMemberRemoved']],
    )
    expect(trail).toEqual([
      { activity: 'CatalogGroupUnassigned', n: 1 },
      { activity: 'CourseGroupUnassigned', n: 1 },
      { activity: 'GroupDeleted', n: 1 },
      { activity: 'GroupMemberRemoved', n: 3 },
    ])
  })

  it('ends the memberships of deleted users too: a restore brings the person back without it', async () => {
    const person = await rows.user()
    await join(group, person)
    await run((tx) => deleteUsers(tx, { userIds: [person] }))
    expect((await call('GET', '/deletion')).json).toMatchObject({ members: 0, deleted_members: 1 })
    expect((await call('DELETE')).status).toBe(200)
    await run((tx) => restoreUsers(tx, { userIds: [person] }))
    const { rowCount } = await http.owner.query('select from group_members where user_id = $1', [person])
    expect(rowCount).toBe(0)
  })

  it('is refused while a legal hold covers people through it, and a released hold forgets it', async () => {
    await join(group, await rows.user())
    const { id } = await run((tx) => placeHold(tx, { reason: 'court_proceedings', groupIds: [group] }))
    expect((await call('GET', '/deletion')).json.holds).toEqual([{ id, reason: 'court_proceedings' }])
    const refused = await call('DELETE')
    expect(refused).toMatchObject({ status: 409, json: { code: 'group.held' } })
    expect(refused.json.detail).toContain(id)
    expect(await isThere()).toBe(true)
    await run((tx) => releaseHold(tx, id))
    expect((await call('DELETE')).status).toBe(200)
    expect(await http.call('GET', `/api/v1/holds/${id}`, { as: key })).toMatchObject({
      status: 200,
      json: { group_ids: [] },
    })
  })

  it('is refused while a retention policy leaves out its members', async () => {
    const policy = await run((tx) => createPolicy(tx, { name: 'Old', days: 30, excludedGroupIds: [group] }))
    expect((await call('GET', '/deletion')).json.retention_policies).toEqual([{ id: policy.id, name: 'Old' }])
    expect(await call('DELETE')).toMatchObject({ status: 409, json: { code: 'group.excluded' } })
    await run((tx) => updatePolicy(tx, policy.id, { excludedGroupIds: [] }))
    expect((await call('DELETE')).status).toBe(200)
  })

  it('leaves the mark of the people who came back with it', async () => {
    const directoryId = randomUUID()
    const gone = await rows.deletedUser({ directory_object_id: directoryId })
    await http.startWorkers()
    await http.purge(rows.tenant, [gone])
    await run((tx) => syncGroup(tx, { groupId: group, members: [{ directory_object_id: directoryId }] }))
    expect((await call('DELETE')).status).toBe(200)
    const { json } = await http.call('GET', '/api/v1/returned-users', { as: key })
    expect(json.returned_users).toMatchObject([{ group_id: group }])
    await http.stopWorkers()
  })

  it('never leaves a hold, a policy or a member with a group that is gone, whichever comes first', async () => {
    for (const act of [
      (id: string) => run((tx) => placeHold(tx, { reason: 'legal_claim', groupIds: [id] })),
      (id: string) => run((tx) => createPolicy(tx, { name: 'Old', days: 30, excludedGroupIds: [id] })),
      async (id: string) => {
        const person = await rows.user()
        return await run((tx) => setGroupMembers(tx, { groupId: id, userIds: [person] }))
      },
    ]) {
      for (let round = 0; round < 10; round++) {
        const id = await newGroup(`Round ${round}`)
        const [other, deletion] = await Promise.allSettled([act(id), run((tx) => deleteGroup(tx, id))])
        const codes = [other, deletion].flatMap((one) => (one.status === 'rejected' ? [one.reason.code] : []))
        for (const code of codes) expect(['group.not_found', 'group.held', 'group.excluded']).toContain(code)
        expect(codes.length).toBeLessThan(2)
        const { rowCount } = await http.owner.query('select from directory_groups where id = $1', [id])
        expect(rowCount).toBe(deletion.status === 'fulfilled' ? 0 : 1)
      }
    }
  })

  it('works at the command line, which shows the people and asks', async () => {
    const catalog = await rows.catalog({ title: 'Baking' })
    await join(group, await rows.user({ display_name: 'Ann Aster' }))
    await run((tx) => assignGroupToCatalog(tx, { catalogId: catalog, groupId: group }))
    const environment = {
      DATABASE_URL: http.appUrl,
      LETHE_MASTER_KEY: http.database.masterKey.toString('base64'),
      LETHE_TENANT: rows.tenant,
    }
    const preview = await runCommand(environment, ['group', 'delete', group, '--preview'])
    expect(preview).toMatchObject({ code: 0 })
    expect(preview.stdout).toMatch(/Baking +1[\s\S]*Ann Aster/)
    expect(await runCommand(environment, ['group', 'delete', group])).toMatchObject({ code: 2 })
    expect(await isThere()).toBe(true)
    expect(await runCommand(environment, ['group', 'delete', group, '--yes', '--json'])).toMatchObject({ code: 0 })
    expect(await isThere()).toBe(false)
  })
})
