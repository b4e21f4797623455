import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { openTestApplication, type TestApplication } from '../../../test/application.ts'
import { type MailServer, mailSettings, startMailServer } from '../../../test/mail-server.ts'
import { newTenant, type TenantRows } from '../../../test/rows.ts'
import { createApiKey } from '../../access/api-keys.ts'
import { readConfig } from '../../config.ts'
import { inTenant } from '../../platform/database/transaction.ts'
import { updateTenant } from '../../tenancy/update-tenant.ts'
import { cancelErasure } from './cancel-erasure.ts'
import { countOverdue, listErasures } from './list-requests.ts'
import { requestErasure } from './request-erasure.ts'
import { showErasure } from './show-request.ts'

let test: TestApplication
let server: MailServer
let rows: TenantRows
beforeAll(async () => {
  test = await openTestApplication()
  server = await startMailServer()
  test.app.config = readConfig(mailSettings(server))
})
afterAll(async () => {
  await test.close()
  await server.close()
})
beforeEach(async () => {
  server.mails.length = 0
  rows = await newTenant(test.owner)
})

const messagesOf = async (user: string): Promise<{ kind: string; body: string }[]> =>
  (await test.owner.query('select kind, body from notifications where user_id = $1 order by id', [user])).rows

describe('the requester', () => {
  it('is told in the product and by e-mail when a request is accepted and when it has ended, with counts', async () => {
    const requester = await rows.administrator({ email: 'officer@acme.example' })
    const people = [await rows.deletedUser({ email: 'leaver@acme.example' }), await rows.deletedUser()]
    const request = await test.order(rows.tenant, people, requester)
    expect(await messagesOf(requester)).toMatchObject([
      { kind: 'erasure_accepted', body: expect.stringContaining(`${request} is accepted: the purge of 2 people`) },
    ])
    await test.startWorkers()
    expect(await test.ended(rows.tenant, request)).toMatchObject({ state: 'completed' })
    await expect.poll(() => server.mails.length, { timeout: 20_000 }).toBe(2)
    await test.stopWorkers()
    expect((await messagesOf(requester)).map(({ kind }) => kind)).toEqual([
      'erasure_accepted',
      'erasure_done',
      'erasure_completed',
    ])
    expect(server.mails.map(({ to }) => to)).toEqual([['officer@acme.example'], ['officer@acme.example']])
    const ended = server.mails.find(({ text }) => text.includes(' has ended:'))?.text
    expect(ended).toContain(`${request} has ended: 2 of 2 people purged. The search found no residual data.`)
    expect(JSON.stringify([server.mails, await messagesOf(requester)])).not.toContain('leaver')
  })

  it('is told of people who failed, and of a cancel by another person', async () => {
    const requester = await rows.administrator({ email: 'officer@acme.example' })
    const cancelled = await test.order(rows.tenant, [await rows.deletedUser(), await rows.deletedUser()], requester)
    await test.inTenant(rows.tenant, (tx) => cancelErasure(tx, cancelled))
    const bad = await rows.deletedUser()
    const failing = await test.order(rows.tenant, [bad], requester)
    await test.owner.query(`update users set state = 'active', deleted_at = null, deletion_id = null where id = $1`, [
      bad,
    ])
    await test.startWorkers()
    expect(await test.ended(rows.tenant, failing)).toMatchObject({ state: 'failed' })
    await test.stopWorkers()
    expect(await messagesOf(requester)).toMatchObject([
      { kind: 'erasure_accepted' },
      { kind: 'erasure_completed', body: expect.stringContaining('0 of 2 people purged, 2 cancelled. Nothing was') },
      { kind: 'erasure_accepted' },
      { kind: 'erasure_failed', body: expect.stringContaining('0 of 1 person purged, 1 failed.') },
    ])
  })

  it('is the user responsible for the key that made the request, who gets no e-mail', async () => {
    const owner = await rows.administrator({ email: 'owner@acme.example' })
    const { key } = await inTenant(
      test.database,
      rows.tenant,
      (tx) => createApiKey(tx, { name: 'HR', access: 'full_control' }),
      {
        initiator: { from: 'console', userId: owner },
      },
    )
    const { request } = await inTenant(
      test.database,
      rows.tenant,
      async (tx) => requestErasure(tx, { operation: 'purge', userIds: [await rows.deletedUser()] }),
      { initiator: { from: 'api', credential: { kind: 'api_key', id: key.id } } },
    )
    await test.startWorkers()
    await test.ended(rows.tenant, request)
    await test.stopWorkers()
    expect((await messagesOf(owner)).map(({ kind }) => kind)).toEqual(['erasure_completed'])
    expect(server.mails.filter(({ to }) => to.includes('owner@acme.example'))).toEqual([])
  })
})

describe('a due date', () => {
  it('is 30 days after the request unless the tenant says otherwise, and a later setting changes no request', async () => {
    const day = 24 * 60 * 60 * 1000
    const daysOf = async (request: string) => {
      const { createdAt, dueAt } = await test.inTenant(rows.tenant, (tx) => showErasure(tx, request))
      return (dueAt.getTime() - createdAt.getTime()) / day
    }
    const first = await test.order(rows.tenant, [await rows.deletedUser()])
    await test.inTenant(rows.tenant, (tx) => updateTenant(tx, { erasureDueDays: 7 }))
    const second = await test.order(rows.tenant, [await rows.deletedUser()])
    expect([await daysOf(first), await daysOf(second)]).toEqual([30, 7])
    for (const erasureDueDays of [0, 3651, 1.5]) {
      await expect(test.inTenant(rows.tenant, (tx) => updateTenant(tx, { erasureDueDays }))).rejects.toMatchObject({
        code: 'input.invalid',
      })
    }
  })

  it('marks requests that are past it and have not ended, or have people who failed, and no others', async () => {
    const inTime = await test.order(rows.tenant, [await rows.deletedUser()])
    const late = await test.order(rows.tenant, [await rows.deletedUser()])
    const failed = await test.order(rows.tenant, [await rows.deletedUser()])
    const cancelled = await test.order(rows.tenant, [await rows.deletedUser()])
    await test.inTenant(rows.tenant, (tx) => cancelErasure(tx, cancelled))
    await test.owner.query(`update erasure_requests set due_at = now() - interval '1 second' where id = any ($1)`, [
      [late, failed, cancelled],
    ])
    await test.owner.query(`update erasure_requests set finished_at = now() where id = $1`, [failed])
    await test.owner.query(`update erasure_subjects set state = 'failed' where request_id = $1`, [failed])
    const listed = (overdue: boolean) => test.inTenant(rows.tenant, (tx) => listErasures(tx, { overdue }))
    expect((await listed(true)).map(({ id }) => id)).toEqual([failed, late])
    expect((await listed(false)).map(({ id, overdue }) => [id, overdue])).toEqual([
      [cancelled, false],
      [failed, true],
      [late, true],
      [inTime, false],
    ])
    expect(await countOverdue(test.database)).toBe(2)
  })
})
