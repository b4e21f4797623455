import { afterAll, beforeAll, expect, it } from 'vitest'
import { openTestApplication, type TestApplication } from '../../../test/application.ts'
import { type CountingProxy, type Counts, openCountingProxy } from '../../../test/counting-proxy.ts'
import { newTenant } from '../../../test/rows.ts'
import type { Operation } from '../../datamap/plan.ts'
import { type Database, openDatabase } from '../../platform/database/pool.ts'
import { inTenant, type TenantTransaction } from '../../platform/database/transaction.ts'
import { previewErasure } from '../requests/preview-erasure.ts'
import { requestErasure } from '../requests/request-erasure.ts'
import { runErasure } from './run-erasure.ts'

let test: TestApplication
let proxy: CountingProxy
let database: Database
beforeAll(async () => {
  test = await openTestApplication()
  proxy = await openCountingProxy(test.appUrl)
  database = await openDatabase({ url: proxy.url, masterKey: test.app.masterKey, max: 1 })
})
afterAll(async () => {
  await database.close()
  await proxy.close()
  await test.close()
})

/** What the erasure of one person asks of the database, once the connection knows its statements. */
async function countErasure(
  operation: Operation,
  { planned = false } = {},
): Promise<Record<'request' | 'erase', Counts>> {
  const rows = await newTenant(test.owner)
  const administrator = await rows.administrator()
  const initiator = { from: 'command_line', userId: administrator } as const
  const counted = []
  for (let round = 0; round < 4; round++) {
    const email = `jane${round}@acme.example`
    const person = await rows.deletedUser({ email, login_name: email })
    const course = await rows.course()
    await rows.insert('course_authors', { course_id: course, user_id: person })
    await rows.post(course, person, 'Hello')
    await rows.insert('enrollments', { user_id: person, course_id: course })
    const preview = (tx: TenantTransaction) => previewErasure(tx, operation, [person])
    const plan = planned ? (await inTenant(database, rows.tenant, preview, { initiator })).plan : undefined
    proxy.take()
    const { request } = await inTenant(
      database,
      rows.tenant,
      (tx) => requestErasure(tx, { operation, userIds: [person], plan }),
      { initiator },
    )
    const requested = proxy.take()
    const { rows: jobs } = await test.owner.query<{ payload: { request: string } }>(
      `select payload from graphile_worker._private_jobs where payload->>'request' = $1`,
      [request],
    )
    const payload = jobs[0]?.payload
    if (payload === undefined) throw new Error('the request has no job')
    await runErasure(database, payload)
    counted.push({ request: requested, erase: proxy.take() })
    const { rows: statements } = await test.owner.query('select from erasure_certificates where request_id = $1', [
      request,
    ])
    expect(statements).toHaveLength(1)
  }
  const last = counted.at(-1)
  if (last === undefined) throw new Error('nothing was counted')
  return last
}

it.each([
  // Of the statements of a request, two tell the requester that it is accepted. One of the erasure reads the holds.
  ['purge', { request: 10, erase: 39 }],
  ['anonymize', { request: 11, erase: 37 }],
] as const)('the %s of one person takes no more statements and round trips than it did', async (operation, most) => {
  const { request, erase } = await countErasure(operation)
  expect(request.statements).toBeLessThanOrEqual(most.request)
  expect(erase.statements).toBeLessThanOrEqual(most.erase)
  // Answers may arrive in parts on a busy machine. One round trip for each statement would be three times as many.
  expect(request.roundTrips).toBeLessThanOrEqual(5)
  expect(erase.roundTrips).toBeLessThanOrEqual(12)
})

it('the plan of a preview adds one statement to the request of one person, and none to the purge', async () => {
  const [without, planned] = [await countErasure('purge'), await countErasure('purge', { planned: true })]
  expect(planned.request.statements).toBe(without.request.statements + 1)
  expect(planned.erase.statements).toBe(without.erase.statements)
})
