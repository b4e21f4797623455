import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openTestApplication, type TestApplication } from '../../../test/application.ts'
import { dumpDatabase, newTenant, type TenantRows } from '../../../test/rows.ts'
import { readCertificate } from '../proof/read-certificate.ts'
import { cancelErasure } from './cancel-erasure.ts'
import { listErasures } from './list-requests.ts'
import { previewErasure } from './preview-erasure.ts'
import { requestErasure } from './request-erasure.ts'
import { retryErasure } from './retry-erasure.ts'
import { showErasure } from './show-request.ts'

let test: TestApplication
let rows: TenantRows
beforeAll(async () => {
  // No workers: what is ordered waits.
  test = await openTestApplication()
  rows = await newTenant(test.owner)
})
afterAll(() => test.close())

/** Expects the error, and that the whole database is as it was. */
async function refused(act: () => Promise<unknown>, code: string): Promise<void> {
  const before = await dumpDatabase(test.owner)
  await expect(act()).rejects.toMatchObject({ name: 'LetheError', code })
  expect(await dumpDatabase(test.owner)).toEqual(before)
}

describe('an order that cannot be carried out is refused, and nothing changes:', () => {
  const order = (...ids: string[]) => test.order(rows.tenant, ids)

  it('nobody', () => refused(() => order(), 'erasure.no_subjects'))
  it('an id that is no UUID', () => refused(() => order('42'), 'input.invalid'))
  it('an unknown id', () => refused(() => order(randomUUID()), 'user.not_found'))
  it('an id of another tenant', async () => {
    const stranger = await (await newTenant(test.owner)).deletedUser()
    await refused(() => order(stranger), 'user.not_found')
  })
  it('a user who is active or suspended', async () => {
    const active = await rows.user()
    const suspended = await rows.user({ state: 'suspended', suspended_at: new Date() })
    await refused(() => order(active), 'user.not_deleted')
    await refused(() => order(suspended), 'user.not_deleted')
  })
  it('an anonymized user', async () => {
    const anonymized = await rows.user({ state: 'anonymized', anonymized_at: new Date() })
    await refused(() => order(anonymized), 'user.not_found')
  })
  it('one bad among good ones', async () => {
    const [good, active] = [await rows.deletedUser(), await rows.user()]
    await refused(() => order(good, active), 'user.not_deleted')
    await refused(() => order(good, randomUUID()), 'user.not_found')
    await refused(() => order(good, 'x'), 'input.invalid')
  })
  it('somebody whose erasure is pending already', async () => {
    const [pending, other] = [await rows.deletedUser(), await rows.deletedUser()]
    await order(pending)
    await refused(() => order(other, pending), 'user.erasure_pending')
  })
})

it('makes the key of the tombstones, so that no batch of the first purge waits for another one', async () => {
  const first = await newTenant(test.owner)
  await test.order(first.tenant, [await first.deletedUser()])
  const { rowCount } = await test.owner.query('select from tenant_keys where tenant_id = $1', [first.tenant])
  expect(rowCount).toBe(1)
})

it('takes one of two orders of the same person that come at the same time', async () => {
  const id = await rows.deletedUser()
  const outcomes = await Promise.allSettled([test.order(rows.tenant, [id]), test.order(rows.tenant, [id])])
  expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
  expect(outcomes).toContainEqual({
    status: 'rejected',
    reason: expect.objectContaining({ code: 'user.erasure_pending' }),
  })
})

it('counts a person who is named twice once, whatever the case of the id', async () => {
  const id = await rows.deletedUser()
  const request = await test.order(rows.tenant, [id, id.toUpperCase(), id])
  expect(await test.inTenant(rows.tenant, (tx) => showErasure(tx, request))).toMatchObject({
    state: 'queued',
    subjects: { total: 1, waiting: 1 },
  })
})

it('orders nothing when the transaction that ordered it does not commit', async () => {
  const id = await rows.deletedUser()
  const before = await dumpDatabase(test.owner)
  await expect(
    test.inTenant(rows.tenant, async (tx) => {
      await requestErasure(tx, {
        operation: 'purge',
        userIds: [id],
      })
      throw new Error('the caller thought better of it')
    }),
  ).rejects.toThrow('thought better')
  expect(await dumpDatabase(test.owner)).toEqual(before)
})

describe('a look or an act that names no request or person of the tenant is refused, and nothing changes:', () => {
  const inTenant: TestApplication['inTenant'] = (tenant, work) => test.inTenant(tenant, work)

  it('a preview', async () => {
    const preview = (...ids: string[]) => inTenant(rows.tenant, (tx) => previewErasure(tx, 'purge', ids))
    await refused(() => preview(), 'erasure.no_subjects')
    await refused(() => preview('42'), 'input.invalid')
    await refused(() => preview(randomUUID()), 'user.not_found')
  })
  it('showing, cancelling, retrying, listing', async () => {
    const elsewhere = await newTenant(test.owner)
    const request = await test.order(elsewhere.tenant, [await elsewhere.deletedUser()])
    for (const unknown of [randomUUID(), request]) {
      await refused(() => inTenant(rows.tenant, (tx) => showErasure(tx, unknown)), 'erasure.not_found')
      await refused(() => inTenant(rows.tenant, (tx) => cancelErasure(tx, unknown)), 'erasure.not_found')
      await refused(() => inTenant(rows.tenant, (tx) => retryErasure(tx, unknown)), 'erasure.not_found')
      await refused(() => inTenant(rows.tenant, (tx) => readCertificate(tx, unknown)), 'erasure.not_found')
    }
    await refused(() => inTenant(rows.tenant, (tx) => showErasure(tx, 'x')), 'input.invalid')
    await refused(() => inTenant(rows.tenant, (tx) => cancelErasure(tx, 'x')), 'input.invalid')
    await refused(() => inTenant(rows.tenant, (tx) => retryErasure(tx, 'x')), 'input.invalid')
    await refused(() => inTenant(rows.tenant, (tx) => listErasures(tx, { before: 'x' })), 'input.invalid')
    await refused(() => inTenant(elsewhere.tenant, (tx) => readCertificate(tx, request)), 'certificate.not_found')
    await refused(() => inTenant(elsewhere.tenant, (tx) => retryErasure(tx, request)), 'erasure.wrong_state')
  })
})
