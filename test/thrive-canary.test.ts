import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createApiKey } from '../server/access/api-keys.ts'
import { identifierHashKey } from '../server/keyring/identifier-hash-key.ts'
import { hashEventRef } from '../server/tombstones/event-cutoffs.ts'
import { basic, type Credential, openTestHttp, type TestHttp } from './http.ts'
import { type Dump, dumpDatabase, placesOf } from './rows.ts'

let http: TestHttp
let tenant: string
let key: Credential
beforeAll(async () => {
  http = await openTestHttp()
  tenant = await http.tenant('Acme')
  const { secret } = await http.inTenant(tenant, (tx) =>
    createApiKey(tx, { name: 'Thrive', access: 'full_control', kind: 'thrive' }),
  )
  key = basic(tenant, secret)
  await http.startWorkers()
})
afterAll(() => http.close())

/** Values that stand nowhere else. `mark` tells the person and the call by which they came. */
const planted: string[] = []
function plant(mark: string): string {
  const value = `Canary${mark}${randomUUID().slice(0, 8)}`
  planted.push(value)
  return value
}

function identity(mark: string) {
  return {
    email: `${plant(`mail${mark}`)}@canary.example`,
    firstName: plant(`first${mark}`),
    lastName: plant(`last${mark}`),
    jobTitle: plant(`job${mark}`),
    additionalFields: { [plant(`name${mark}`)]: plant(`value${mark}`) },
  }
}

const began = Date.now() - 3600_000
const call = (method: string, path: string, body?: object) => http.call(method, path, { as: key, body })
const send = (eventType: string, at: number, user: object, id = plant('event')) =>
  call('POST', '/webhooks', { id, timestamp: new Date(began + at * 1000).toISOString(), eventType, content: { user } })

/** The places in the database and in the logs where a value stands: as text, or as the bytes of its text. */
function traces(dump: Dump, value: string): string[] {
  const spellings = [value, value.toLowerCase(), value.toUpperCase()]
  const hex = spellings.map((one) => Buffer.from(one).toString('hex'))
  const base64 = spellings.map((one) => Buffer.from(one).toString('base64url').slice(1, -2))
  const places = [value, ...hex, ...base64].flatMap((one) => placesOf(dump, one))
  const logs = { requests: http.requestLog(), workers: http.log() }
  const logged = Object.entries(logs).filter(([, text]) => text.toLowerCase().includes(value.toLowerCase()))
  return [...new Set([...places, ...logged.map(([name]) => name)])]
}

async function makeThroughUsers(ref: string): Promise<string> {
  const { status, json } = await call('POST', '/rest/v2/users', { ref, ...identity('post') })
  expect(status).toBe(201)
  await call('PATCH', `/rest/v2/users/ref/${ref}`, identity('patch'))
  await call('PATCH', `/rest/v2/users/ref/${ref}/suspend`, {})
  await call('PATCH', `/rest/v2/users/ref/${ref}`, { email: 'no address', firstName: plant('refused') })
  return json.id
}

async function makeThroughEvents(ref: string): Promise<string> {
  expect((await send('user_joined', 1, { ref, ...identity('joined') })).json).toMatchObject({ applied: true })
  await send('user_updated', 4, { ref, ...identity('updated') })
  await send('user_suspended', 3, { ref, ...identity('suspended') })
  const late = await send('user_updated', 2, { ref, ...identity('late') })
  expect(late.json).toMatchObject({ applied: false })
  const id = plant('event')
  await send('user_updated', 5, { ref, ...identity('first') }, id)
  expect((await send('user_updated', 5, { ref, ...identity('second') }, id)).status).toBe(422)
  expect((await send('user_updated', 6, { ref, ...identity('invalid'), email: plant('invalid') })).status).toBe(400)
  const { json } = await call('GET', `/rest/v1/users/ref/${ref}`)
  return json.id
}

it.each([
  ['through the calls and deletes by ref', makeThroughUsers, (ref: string) => call('DELETE', `/users/ref/${ref}`)],
  ['through events and deletes by an event', makeThroughEvents, (ref: string) => send('user_deleted', 10, { ref })],
])('leaves nothing of a person whom a client of Thrive makes %s', async (_, make, remove) => {
  const ref = plant('ref')
  const id = await make(ref)
  const before = await dumpDatabase(http.owner)
  expect(traces(before, ref)).toContain('users.ref')
  expect((await remove(ref)).status).toBe(200)

  // Events that come too late, and those that name a user who is not there, carry the person again.
  expect((await send('user_joined', 2, { ref, ...identity('again') })).json.applied).toBe(false)
  expect((await send('user_updated', 3, { ref, ...identity('again') })).status).toBe(404)
  expect((await call('DELETE', `/users/ref/${ref}`)).status).toBe(404)

  const { rows } = await http.owner.query<{ request_id: string }>(
    'select request_id from erasure_subjects where user_id = $1',
    [id],
  )
  const request = rows[0]?.request_id ?? ''
  await http.ended(tenant, request)
  const after = await dumpDatabase(http.owner)
  expect(planted.flatMap((value) => traces(after, value).map((place) => `${value} in ${place}`))).toEqual([])

  // What is known of the ref for a day leads neither to the history nor to the request.
  const hash = await http.inTenant(tenant, async (tx) => hashEventRef(await identifierHashKey(tx), ref).toString('hex'))
  expect(placesOf(after, hash)).toEqual(['event_cutoffs.ref_hash'])
  for (const table of ['event_cutoffs', 'received_events']) {
    const own = JSON.stringify([...(after.get(table)?.values() ?? [])])
    expect(own).not.toContain(id)
    expect(own).not.toContain(request)
  }
  const { json } = await call('GET', `/rest/v1/user/${id}`)
  expect(json).toMatchObject({ id, deleted: true, ref: null, email: null, firstName: null, lastName: null })
})

it('names no person in an error, whatever a client of Thrive sends', async () => {
  const ref = plant('ref')
  await send('user_joined', 1, { ref, ...identity('joined') })
  const refused = [
    await send('user_updated', 2, { ref, email: plant('bad') }),
    await send('user_updated', 2, { ref, managerRef: plant('manager') }),
    await send('user_updated', 2, { ref, timeZone: plant('zone') }),
    await send('user_updated', 2, { ref: plant('unknown'), email: `${plant('mail')}@canary.example` }),
    await send('user_joined', 2, { ref: plant('new'), email: plant('bad') }),
    await call('PATCH', `/rest/v2/users/ref/${ref}`, { email: plant('bad') }),
    await call('PATCH', `/rest/v2/users/ref/${plant('unknown')}`, { jobTitle: plant('job') }),
    await call('GET', `/rest/v1/users/ref/${plant('unknown')}`),
    await call('DELETE', `/users/ref/${plant('unknown')}`),
    await call('POST', '/rest/v2/users', { ref, ...identity('taken') }),
    await call('GET', `/rest/v1/audiences/${plant('group')}/members`),
  ]
  for (const { status, json } of refused) {
    expect(status).toBeGreaterThanOrEqual(400)
    // The id of an event is its sender's own.
    const { id: _, ...said } = json
    const text = JSON.stringify(said)
    expect(planted.filter((value) => text.includes(value))).toEqual([])
  }
})
