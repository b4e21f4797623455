import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openTestApplication, type TestApplication } from '../../../test/application.ts'
import { dumpDatabase, newTenant } from '../../../test/rows.ts'
import { restoreUsers } from '../../people/lifecycle/restore-users.ts'
import { cancelErasure } from './cancel-erasure.ts'
import { showErasure } from './show-request.ts'

let test: TestApplication
beforeAll(async () => {
  test = await openTestApplication()
})
afterAll(() => test.close())

const cancel = (tenant: string, request: string) => test.inTenant(tenant, (tx) => cancelErasure(tx, request))
const show = (tenant: string, request: string) => test.inTenant(tenant, (tx) => showErasure(tx, request))

describe('cancelling', () => {
  it('lets people go who wait: they can be restored or ordered again, and no worker touches them', async () => {
    const rows = await newTenant(test.owner)
    const people = [await rows.deletedUser({ email: 'a@acme.example' }), await rows.deletedUser()]
    const before = (await dumpDatabase(test.owner, { tenant: rows.tenant })).get('users')
    const request = await test.order(rows.tenant, people)
    await expect(test.inTenant(rows.tenant, (tx) => restoreUsers(tx, { userIds: people }))).rejects.toMatchObject({
      code: 'user.erasure_pending',
    })
    expect(await cancel(rows.tenant, request)).toEqual({ cancelled: 2, gone: 0 })
    expect(await show(rows.tenant, request)).toMatchObject({ state: 'cancelled', finishedAt: expect.any(Date) })

    await test.startWorkers()
    await test.purge(rows.tenant, [await rows.deletedUser()])
    await test.stopWorkers()
    expect((await dumpDatabase(test.owner, { tenant: rows.tenant })).get('users')).toEqual(before)
    const { rows: keys } = await test.owner.query('select sealed_key from erasure_requests where id = $1', [request])
    expect(keys).toEqual([{ sealed_key: null }])
    const [one = '', other = ''] = people
    await test.inTenant(rows.tenant, (tx) => restoreUsers(tx, { userIds: [one] }))
    expect(await test.order(rows.tenant, [other])).not.toBe(request)
  })

  it('has everyone who waits before it meets the people of a batch under way', async () => {
    const rows = await newTenant(test.owner)
    const request = await test.order(rows.tenant, await Promise.all([1, 2, 3].map(() => rows.deletedUser())))
    await test.owner.query('begin')
    // As a batch has them: the next in the order of their ids.
    await test.owner.query('select from erasure_subjects where request_id = $1 order by user_id limit 1 for update', [
      request,
    ])
    const cancelling = cancel(rows.tenant, request)
    const waiting = async () =>
      (
        await test.inTenant(rows.tenant, (tx) =>
          tx.query(`select from pg_locks where not granted and database = (
            select oid from pg_database where datname = current_database()
          ) or not granted and database is null`),
        )
      ).rowCount
    await expect.poll(waiting).toBeGreaterThan(0)
    const { rows: free } = await test.inTenant(rows.tenant, (tx) =>
      tx.query('select user_id from erasure_subjects where tenant_id = $1 and request_id = $2 for update skip locked', [
        rows.tenant,
        request,
      ]),
    )
    await test.owner.query('commit')
    expect(free).toEqual([])
    expect(await cancelling).toEqual({ cancelled: 3, gone: 0 })
  })

  it('is refused once everybody is erased, and changes nothing', async () => {
    const rows = await newTenant(test.owner)
    await test.startWorkers()
    const { id, state } = await test.purge(rows.tenant, [await rows.deletedUser()])
    await test.stopWorkers()
    expect(state).toBe('completed')
    const before = await dumpDatabase(test.owner)
    await expect(cancel(rows.tenant, id)).rejects.toMatchObject({ code: 'erasure.wrong_state' })
    expect(await dumpDatabase(test.owner)).toEqual(before)
  })

  it('is refused a second time', async () => {
    const rows = await newTenant(test.owner)
    const request = await test.order(rows.tenant, [await rows.deletedUser()])
    await cancel(rows.tenant, request)
    await expect(cancel(rows.tenant, request)).rejects.toMatchObject({ code: 'erasure.wrong_state' })
  })

  it('lets go those who failed before anything was erased, and then nothing is left that could open identifiers', async () => {
    const rows = await newTenant(test.owner)
    const [good, bad] = [await rows.deletedUser(), await rows.deletedUser({ email: 'bad@acme.example' })]
    await test.owner.query(
      `create table keeps_people (tenant_id uuid not null, user_id uuid not null, foreign key (tenant_id, user_id) references users)`,
    )
    await rows.insert('keeps_people', { user_id: bad })
    await test.startWorkers()
    const { id, state } = await test.purge(rows.tenant, [good, bad])
    await test.stopWorkers()
    expect(state).toBe('partial')
    expect(await cancel(rows.tenant, id)).toEqual({ cancelled: 1, gone: 1 })
    expect(await show(rows.tenant, id)).toMatchObject({ state: 'partial', subjects: { done: 1, cancelled: 1 } })
    await test.inTenant(rows.tenant, (tx) => restoreUsers(tx, { userIds: [bad] }))
    const { rows: keys } = await test.owner.query('select sealed_key from erasure_requests where id = $1', [id])
    expect(keys).toEqual([{ sealed_key: null }])
    await test.owner.query('drop table keeps_people')
  })
})
