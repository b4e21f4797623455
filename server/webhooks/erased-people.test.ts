import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { pino } from 'pino'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { openTestHttp, type TestHttp } from '../../test/http.ts'
import { dumpDatabase, newTenant, placesOf, type TenantRows } from '../../test/rows.ts'
import { webhookLink } from '../erasure/acknowledgements/links.ts'
import { verifyCertificate } from '../erasure/proof/certificate.ts'
import { readCertificate } from '../erasure/proof/read-certificate.ts'
import { showErasure } from '../erasure/requests/show-request.ts'
import { type EventKind, eventKindNames } from '../events/event-kinds.ts'
import { createUser } from '../people/accounts/create-user.ts'
import { updateUser } from '../people/accounts/update-user.ts'
import { deleteUsers } from '../people/lifecycle/delete-users.ts'
import { reactivateUser } from '../people/lifecycle/reactivate-user.ts'
import { restoreUsers } from '../people/lifecycle/restore-users.ts'
import { suspendUser } from '../people/lifecycle/suspend-user.ts'
import type { TenantTransaction } from '../platform/database/transaction.ts'
import { awardSkill } from '../skills/award-skill.ts'
import { createScaleSet } from '../skills/create-scale-set.ts'
import { createSkill } from '../skills/create-skill.ts'
import { revokeSkill } from '../skills/revoke-skill.ts'
import { type Deliverer, deliverEvents } from './deliver.ts'
import { createEndpoint, deleteEndpoint } from './endpoints.ts'
import type { Payload } from './payload.ts'
import { referencesOf, registerReferences } from './register-references.ts'
import { deliveriesOf, replayOne } from './replay.ts'

const settings = { webhookNetworks: ['127.0.0.0/8'], webhookPlainHttp: true }
const publicUrl = 'https://lethe.example.org'

let http: TestHttp
let rows: TenantRows
let receiver: Server
let deliverer: Deliverer | undefined
/** What the receiver answers now. */
let status = 200
let received: { payload: Payload; text: string }[] = []
let endpoint: string

beforeAll(async () => {
  http = await openTestHttp()
  receiver = createServer((request, response) => {
    const pieces: Buffer[] = []
    request.on('data', (piece: Buffer) => pieces.push(piece))
    request.on('end', () => {
      const text = Buffer.concat(pieces).toString('utf8')
      received.push({ payload: JSON.parse(text), text })
      response.writeHead(status).end()
    })
  })
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve))
})
afterAll(async () => {
  receiver.closeAllConnections()
  receiver.close()
  await http.close()
})
beforeEach(async () => {
  rows = await newTenant(http.owner)
  received = []
  status = 200
  const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`
  const made = await run((tx) => createEndpoint(tx, { name: 'HR', url, events: eventKindNames }, settings))
  endpoint = made.endpoint.id
})
afterEach(async () => {
  await deliverer?.stop()
  deliverer = undefined
  await http.stopWorkers()
})

const run = <T>(work: (tx: TenantTransaction) => Promise<T>) => http.inTenant(rows.tenant, work)

/** Delivers what is due until nothing is pending. The jobs of erasures need workers, which would deliver too: so not both. */
async function deliverAll(): Promise<void> {
  await http.stopWorkers()
  await http.owner.query(`update webhook_deliveries set due_at = now() where state = 'pending'`)
  deliverer = deliverEvents(http.database, settings, pino({ level: 'silent' }), {
    interval: 20,
    linkOf: async (tx, given) => (await webhookLink(tx, { ...given, publicUrl }))?.url,
  })
  await vi.waitFor(
    async () => {
      const { rowCount } = await http.owner.query(`select from webhook_deliveries where state = 'pending'`)
      expect(rowCount).toBe(0)
    },
    { timeout: 10_000, interval: 50 },
  )
  await deliverer.stop()
  deliverer = undefined
}

/** Workers without a network to the receiver: what is announced stays pending. */
async function erase(operation: 'purge' | 'anonymize', person: string): Promise<string> {
  await http.startWorkers()
  const { id, state } = await http[operation](rows.tenant, [person])
  await http.stopWorkers()
  expect(state).toBe('completed')
  return id
}

const person = {
  ref: 'ref-canary-4711',
  email: 'jane.canary@acme.example',
  login_name: 'canary.login',
  first_name: 'Janina-Canary',
  last_name: 'Doe-Canary',
  external_identity_id: 'idp|canary-4711',
}
const canaries = [...Object.values(person), 'their-canary-1']

/** Does each action that is announced of a user, and deletes the user. */
async function liveThrough(): Promise<string> {
  const { id } = await run((tx) => createUser(tx, { ...person }))
  await run((tx) => registerReferences(tx, endpoint, [{ userId: id, reference: 'their-canary-1' }]))
  await run((tx) => updateUser(tx, id, { department: 'Kitchen' }))
  await run((tx) => suspendUser(tx, id))
  await run((tx) => reactivateUser(tx, id))
  const skill = await run(async (tx) => {
    const scale = await createScaleSet(tx, { title: 'Scale', levels: [{ title: 'Expert', value: 5 }] })
    const { id: skillId } = await createSkill(tx, { title: 'Baking', scaleSetId: scale.id })
    return { skillId, levelId: scale.levelIds[0] ?? '' }
  })
  await run((tx) => awardSkill(tx, { userId: id, ...skill }))
  await run((tx) => revokeSkill(tx, { userId: id, ...skill }))
  await run((tx) => deleteUsers(tx, { userIds: [id] }))
  await run((tx) => restoreUsers(tx, { userIds: [id] }))
  await run((tx) => deleteUsers(tx, { userIds: [id] }))
  return id
}

const kindsOf = () => received.map(({ payload }) => payload.type).sort()
const listed = async () => (await run((tx) => deliveriesOf(tx, endpoint, { limit: 1000 }))).deliveries

async function expectNoCanary(): Promise<void> {
  const dump = await dumpDatabase(http.owner, { tenant: rows.tenant })
  for (const canary of canaries) expect([canary, placesOf(dump, canary)]).toEqual([canary, []])
  expect(http.log()).not.toMatch(/canary/i)
}

describe.each(['purge', 'anonymize'] as const)('a %s', (operation) => {
  const erased: EventKind = operation === 'purge' ? 'user.purged' : 'user.anonymized'

  it('takes every delivery about the person: pending, delivered and dead', async () => {
    const others = await run((tx) => createUser(tx, { ref: 'stays' }))
    await deliverAll()
    const id = await liveThrough()
    const before = await listed()
    const kinds: EventKind[] = ['user.created', 'user.updated', 'user.deactivated', 'user.activated', 'user.deleted']
    expect(before.map(({ kind }) => kind)).toEqual(
      expect.arrayContaining([...kinds, 'user.restored', 'skill.awarded', 'skill.revoked']),
    )
    const [delivered, dead] = before.filter(({ user_id }) => user_id === id)
    await http.owner.query(
      `update webhook_deliveries set state = case when id = $1 then 'delivered' else 'dead' end, due_at = null,
         ended_at = now() where id = any ($2)`,
      [delivered?.id, [delivered?.id, dead?.id]],
    )
    const request = await erase(operation, id)
    const after = await listed()
    expect(after.map(({ kind }) => kind).sort()).toEqual(['erasure.completed', 'user.created', erased].sort())
    expect(after.filter(({ user_id }) => user_id === others.id)).toHaveLength(1)
    await expectNoCanary()
    received = []
    await deliverAll()
    expect(kindsOf()).toEqual(['erasure.completed', erased].sort())
    expect(request).toBe(received[0]?.payload.data.request_id)
  })

  it('tells the reference once, and never again when the delivery has ended', async () => {
    const id = await liveThrough()
    const request = await erase(operation, id)
    await deliverAll()
    const event = received.find(({ payload }) => payload.type === erased)
    expect(event?.payload.data).toEqual({
      ...(operation === 'purge' && { user_id: id }),
      reference: 'their-canary-1',
      request_id: request,
      acknowledge_url: expect.stringContaining(`${publicUrl}/acknowledge/`),
    })
    expect(event?.payload.user).toBe(null)
    if (operation === 'anonymize') for (const { text } of received) expect(text).not.toContain(id)
    for (const { text } of received) {
      for (const canary of Object.values(person)) expect(text).not.toContain(canary)
    }
    const { rows: sealed } = await http.owner.query(
      'select from webhook_deliveries where tenant_id = $1 and sealed_reference is not null',
      [rows.tenant],
    )
    expect(sealed).toEqual([])
    received = []
    for (const { id: delivery } of await listed()) await run((tx) => replayOne(tx, endpoint, delivery))
    await deliverAll()
    expect(kindsOf()).toEqual(['erasure.completed', erased].sort())
    for (const { text } of received) expect(text).not.toMatch(/canary/i)
    await expectNoCanary()
  })

  it('keeps no reference of a delivery that dies', async () => {
    const id = await liveThrough()
    await erase(operation, id)
    status = 500
    await http.owner.query(
      `update webhook_deliveries set give_up_at = now() - interval '1 second' where tenant_id = $1`,
      [rows.tenant],
    )
    await deliverAll()
    const { rows: left } = await http.owner.query<{ state: string; sealed: boolean }>(
      'select state, sealed_reference is not null as sealed from webhook_deliveries where tenant_id = $1',
      [rows.tenant],
    )
    expect(left.length).toBeGreaterThan(0)
    expect(left.every(({ state, sealed }) => state === 'dead' && !sealed)).toBe(true)
    await expectNoCanary()
  })
})

it('a receiver acknowledges by the link of its delivery, which works once and is the same in each attempt', async () => {
  const request = await erase('purge', await rows.deletedUser({ ref: 'emp-1' }))
  status = 500
  deliverer = deliverEvents(http.database, settings, pino({ level: 'silent' }), {
    interval: 20,
    linkOf: async (tx, given) => (await webhookLink(tx, { ...given, publicUrl }))?.url,
  })
  await vi.waitFor(() => expect(received.length).toBeGreaterThan(0), { timeout: 10_000 })
  await deliverer.stop()
  status = 200
  await deliverAll()
  const urls = new Set(received.map(({ payload }) => payload.data.acknowledge_url ?? ''))
  expect(urls.size).toBe(1)
  const [path = ''] = [...urls].map((url) => url.slice(publicUrl.length))
  const headers = { accept: 'application/json', 'content-type': 'application/json' }
  for (const _ of [1, 2]) expect((await http.call('POST', path, { headers, body: '' })).status).toBe(200)
  await http.startWorkers()
  await vi.waitFor(
    async () => {
      const file = await run((tx) => readCertificate(tx, request))
      expect((await verifyCertificate(file)).addenda.at(-1)?.acknowledgements).toMatchObject([
        { receiver: 'webhook', id: endpoint },
      ])
    },
    { timeout: 10_000 },
  )
  const receivers = async () => (await run((tx) => showErasure(tx, request))).receivers
  expect(await receivers()).toMatchObject([{ kind: 'webhook', name: 'HR', acknowledged_at: expect.any(Date) }])
  await run((tx) => deleteEndpoint(tx, endpoint))
  expect(await receivers()).toMatchObject([{ kind: 'webhook', name: null, acknowledged_at: expect.any(Date) }])
})

describe('references', () => {
  it('are registered, replaced and removed, all or none, and go with the endpoint', async () => {
    const [one, other] = [await rows.user(), await rows.user()]
    const key = await http.key(rows.tenant)
    const put = (references: object[], as = key) =>
      http.call('PUT', `/api/v1/webhooks/${endpoint}/references`, { as, body: { references } })
    const listed = async () =>
      (await http.call('GET', `/api/v1/webhooks/${endpoint}/references`, { as: key })).json.references
    expect(
      (
        await put([
          { user_id: one, reference: 'a' },
          { user_id: other, reference: 'b' },
        ])
      ).status,
    ).toBe(204)
    expect(await listed()).toEqual(
      expect.arrayContaining([
        { user_id: one, reference: 'a' },
        { user_id: other, reference: 'b' },
      ]),
    )
    const unknown = '0190a0b1-7d2c-7c3e-8a54-1f2e3d4c5b6a'
    expect(
      (
        await put([
          { user_id: one, reference: 'c' },
          { user_id: unknown, reference: 'x' },
        ])
      ).status,
    ).toBe(404)
    expect(
      (
        await put([
          { user_id: one, reference: 'c' },
          { user_id: one, reference: 'd' },
        ])
      ).status,
    ).toBe(422)
    expect(
      (
        await put([
          { user_id: one, reference: 'c' },
          { user_id: other, reference: null },
        ])
      ).status,
    ).toBe(204)
    expect(await listed()).toEqual([{ user_id: one, reference: 'c' }])
    const stranger = await http.key((await newTenant(http.owner)).tenant)
    expect((await put([{ user_id: one, reference: 'z' }], stranger)).status).toBe(404)
    expect((await put([{ user_id: one, reference: 'z' }], await http.key(rows.tenant, 'read_only'))).status).toBe(403)
    await run((tx) => deleteEndpoint(tx, endpoint))
    const { rows: left } = await http.owner.query('select from webhook_references where tenant_id = $1', [rows.tenant])
    expect(left).toEqual([])
  })

  it('cannot be registered while an erasure of the user is pending', async () => {
    const id = await rows.deletedUser()
    const request = await http.order(rows.tenant, [id])
    await expect(
      run((tx) => registerReferences(tx, endpoint, [{ userId: id, reference: 'late' }])),
    ).rejects.toMatchObject({ code: 'user.erasure_pending' })
    expect((await run((tx) => referencesOf(tx, endpoint))).references).toEqual([])
    await http.startWorkers()
    await http.ended(rows.tenant, request)
  })
})
