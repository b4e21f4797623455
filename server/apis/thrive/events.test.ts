import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { basic, type Credential, openTestHttp, type TestHttp } from '../../../test/http.ts'
import { createApiKey } from '../../access/api-keys.ts'
import { createOAuthClient } from '../../access/oauth-clients.ts'
import { placeHold } from '../../holds/place-hold.ts'
import type { Scope } from '../../permissions/principal.ts'
import { updateTenant } from '../../tenancy/update-tenant.ts'

let http: TestHttp
let tenant: string
let key: Credential
beforeAll(async () => {
  http = await openTestHttp()
  tenant = await http.tenant('Acme')
  key = await keyOf(tenant)
  await http.startWorkers()
})
afterAll(() => http.close())

async function keyOf(of: string): Promise<Credential> {
  const { secret } = await http.inTenant(of, (tx) =>
    createApiKey(tx, { name: 'Thrive', access: 'full_control', kind: 'thrive' }),
  )
  return basic(of, secret)
}

async function token(of: string, scopes: Scope[]): Promise<Credential> {
  const { client, secret } = await http.inTenant(of, (tx) => createOAuthClient(tx, { name: 'Client', scopes }))
  const form = new URLSearchParams({ grant_type: 'client_credentials' })
  const headers = { ...basic(client.id, secret), 'content-type': 'application/x-www-form-urlencoded' }
  const { json } = await http.call('POST', `/oauth2/token/${of}`, { body: form.toString(), headers })
  return { authorization: `Bearer ${json.access_token}` }
}

const began = Date.now() - 3600_000
type Sent = { id?: unknown; timestamp?: unknown; eventType?: unknown; content?: unknown }

function event(eventType: string, user: object, at = 0): Sent {
  const timestamp = new Date(began + at * 1000).toISOString()
  return { id: randomUUID(), timestamp, eventType, content: { user } }
}

const send = (body: Sent | string, as: Credential = key) => http.call('POST', '/webhooks', { as, body })
const show = (ref: string) => http.call('GET', `/rest/v1/users/ref/${ref}`, { as: key })
const applied = { status: 200, json: { success: true, applied: true } }
const late = { status: 200, json: { success: true, applied: false, reason: 'late' } }

describe('POST /webhooks', () => {
  it('takes the events of the reference as they stand there', async () => {
    const of = { ref: 'UID30084022' }
    await send(event('user_joined', { ref: 'UID0034234555', email: 'boss@example.org' }))
    const example = {
      id: 'UNIQUEREFERENCE111000',
      timestamp: '2020-03-09T22:18:26.625Z',
      eventType: 'user_joined',
      content: {
        user: {
          ...of,
          email: 'user@thrivelearning.example',
          firstName: 'Thomas',
          lastName: 'Jefferson',
          jobTitle: 'Director',
          managerRef: 'UID0034234555',
          startDate: '2021-08-19T18:00:00.000Z',
          timeZone: 'Europe/London',
          languageCode: 'en-gb',
        },
      },
    }
    expect(await send(example)).toMatchObject(applied)
    expect((await show('UID30084022')).json).toMatchObject({
      firstName: 'Thomas',
      lastName: 'Jefferson',
      email: 'user@thrivelearning.example',
      status: 'active',
      role: 'learner',
      languageCode: 'en-gb',
      positions: [{ title: 'Director', manager: { id: expect.any(String) } }],
    })
    const next = (id: string, eventType: string, user: object) => send({ ...example, id, eventType, content: { user } })
    expect(await next('2', 'user_updated', { ...of, email: 'other@thrivelearning.example' })).toMatchObject(applied)
    expect((await show('UID30084022')).json).toMatchObject({
      email: 'other@thrivelearning.example',
      firstName: 'Thomas',
    })
    expect(await next('3', 'user_suspended', of)).toMatchObject(applied)
    expect((await show('UID30084022')).json).toMatchObject({ status: 'inactive' })
    expect(await next('4', 'user_deleted', of)).toMatchObject(applied)
    expect((await show('UID30084022')).status).toBe(404)
  })

  it('answers an event that comes again the same, and refuses its id for another one', async () => {
    const first = event('user_joined', { ref: 'twice', firstName: 'Ann' }, 1)
    const { text } = await send(first)
    expect((await send(first)).text).toBe(text)
    const other = { ...first, content: { user: { ref: 'twice', firstName: 'Eve' } } }
    expect(await send(other)).toMatchObject({ status: 422, json: { status: 422, code: 'event.other_body' } })
    expect((await show('twice')).json).toMatchObject({ firstName: 'Ann' })
    // The order of members is no difference.
    const { id, ...rest } = first
    expect((await send({ ...rest, id })).text).toBe(text)
  })

  it('applies a delete once that comes sixteen times at once, and says the same to all', async () => {
    const { json: user } = await http.call('POST', '/rest/v2/users', {
      as: key,
      body: { ref: 'sixteen', firstName: 'Ann', lastName: 'Aster', loginMethod: 'ref' },
    })
    const deletion = { ...event('user_deleted', { ref: 'sixteen' }), timestamp: new Date().toISOString() }
    const answers = await Promise.all(Array.from({ length: 16 }, () => send(deletion)))
    expect(new Set(answers.map(({ status, text }) => `${status} ${text}`))).toEqual(
      new Set(['200 {"success":true,"applied":true}']),
    )
    const { rows } = await http.owner.query('select state from erasure_subjects where user_id = $1', [user.id])
    expect(rows).toHaveLength(1)
  })

  it('changes a user only by what is newer, field by field, in whatever words the field is stored', async () => {
    const user = {
      ref: 'fields',
      email: 'one@example.org',
      additionalFields: { site: 'Rome' },
      timeZone: 'Europe/Rome',
    }
    await send(event('user_joined', user, 1))
    expect(await send(event('user_updated', { ref: 'fields', email: 'three@example.org' }, 3))).toMatchObject(applied)
    expect(await send(event('user_updated', { ref: 'fields', email: 'two@example.org' }, 2))).toMatchObject(late)
    const two = { ref: 'fields', email: 'two@example.org', jobTitle: 'Cook', additionalFields: { floor: 2 } }
    expect(await send(event('user_updated', two, 2))).toMatchObject(applied)
    expect((await show('fields')).json).toMatchObject({
      email: 'three@example.org',
      additionalFields: { site: 'Rome', floor: 2 },
      positions: [{ title: 'Cook' }],
    })
    const { rows } = await http.owner.query(`select login_name from users where ref = 'fields'`)
    expect(rows).toEqual([{ login_name: 'three@example.org' }])
    // A change at another address is newer than an event that is on its way.
    await http.call('PATCH', '/rest/v2/users/ref/fields', { as: key, body: { jobTitle: 'Chef', languageCode: 'it' } })
    expect(await send(event('user_updated', { ref: 'fields', jobTitle: 'Maid', languageCode: 'fr' }, 5))).toMatchObject(
      late,
    )
  })

  it('answers what is not valid with the names of the event', async () => {
    const names = { id: 'EVENT-1', timestamp: '2026-11-01T00:00:00.000Z', eventType: 'user_updated' }
    const bad = (over: Sent) => send({ ...names, content: { user: { ref: 'bad' } }, ...over })
    const body = (field: string) => ({
      status: 400,
      json: { error: { status: 400, error: 'Bad Request', message: expect.any(String) }, field },
    })
    expect(await bad({ content: {} })).toMatchObject({
      ...body('content.user'),
      json: { ...names, field: 'content.user' },
    })
    expect(await bad({ content: { user: {} } })).toMatchObject(body('content.user.ref'))
    expect(await bad({ content: { user: { ref: '' } } })).toMatchObject(body('content.user.ref'))
    expect(await bad({ content: { user: { ref: 'bad', emial: 'x' } } })).toMatchObject(body('content.user.emial'))
    expect(await bad({ timestamp: 'yesterday' })).toMatchObject(body('timestamp'))
    expect(await bad({ timestamp: '2026-02-30T00:00:00Z' })).toMatchObject(body('timestamp'))
    expect(await bad({ timestamp: '2026-02-03T25:00:00Z' })).toMatchObject(body('timestamp'))
    expect(await bad({ timestamp: new Date(Date.now() + 600_000).toISOString() })).toMatchObject(body('timestamp'))
    expect(await bad({ timestamp: 1583792306 })).toMatchObject(body('timestamp'))
    expect(await bad({ id: undefined })).toMatchObject(body('id'))
    expect(await bad({ id: 'x'.repeat(256) })).toMatchObject(body('id'))
    expect(await bad({ eventType: 'user_promoted' })).toMatchObject(body('eventType'))
    const joined = { eventType: 'user_joined', content: { user: { ref: 'bad', email: 'no address' } } }
    expect(await bad(joined)).toMatchObject({ ...body('email'), json: { ...names, eventType: 'user_joined' } })
    const deletion = await bad({ eventType: 'user_deleted', content: { user: { ref: 'bad', role: 'king' } } })
    expect(deletion.json).toMatchObject({ eventType: 'user_suspended', error: { status: 400 } })
    for (const text of ['', '{', '[]', 'null', '"text"']) {
      const { status, json } = await send(text)
      expect([status, json], text).toMatchObject([400, { id: expect.any(String), eventType: 'user_suspended' }])
    }
    expect((await show('bad')).status).toBe(404)
  })

  it('answers what the state of the tenant refuses in the standard shape, and changes nothing', async () => {
    expect(await send(event('user_updated', { ref: 'nobody' }))).toMatchObject({
      status: 404,
      json: { status: 404, error: 'Not Found', message: expect.any(String) },
    })
    const own = await http.tenant('Held')
    const as = await keyOf(own)
    await send(event('user_joined', { ref: 'held' }), as)
    const { rows } = await http.owner.query('select id from users where tenant_id = $1', [own])
    await http.inTenant(own, (tx) => placeHold(tx, { reason: 'legal_claim', userIds: [rows[0].id] }))
    expect(await send(event('user_deleted', { ref: 'held' }, 1), as)).toMatchObject({
      status: 422,
      json: { status: 422, error: 'Unprocessable Entity', code: 'user.held' },
    })
    const { rows: after } = await http.owner.query('select state from users where tenant_id = $1', [own])
    expect(after).toEqual([{ state: 'active' }])
  })

  it('names the pending request where an approval comes first, the same one again', async () => {
    const own = await http.tenant('Approving')
    const as = await keyOf(own)
    await http.inTenant(own, (tx) => updateTenant(tx, { approvalRequired: true }))
    await send(event('user_joined', { ref: 'waits' }), as)
    const deletion = event('user_deleted', { ref: 'waits' }, 1)
    const [first, again] = [await send(deletion, as), await send(deletion, as)]
    expect(first).toMatchObject({ status: 422, json: { code: 'user.erasure_pending' } })
    expect(again.text).toBe(first.text)
    const { rows } = await http.owner.query('select id from erasure_requests where tenant_id = $1', [own])
    expect(rows).toHaveLength(1)
    expect(first.json.message).toContain(rows[0].id)
    expect(await send(event('user_joined', { ref: 'waits' }, 0), as)).toMatchObject(late)
  })

  it('is open to api/webhooks and api/all alone, and api/webhooks opens nothing else', async () => {
    const webhooks = await token(tenant, ['api/webhooks'])
    const joins = () => event('user_joined', { ref: 'by-token', firstName: 'Ann' })
    expect(await send(joins(), webhooks)).toMatchObject(applied)
    expect(await send(joins(), await token(tenant, ['api/all']))).toMatchObject(applied)
    for (const scopes of [['api/read'], ['api/write'], ['api/read', 'api/write']] as Scope[][]) {
      expect(await send(joins(), await token(tenant, scopes))).toMatchObject({ status: 403, json: { status: 403 } })
    }
    expect(await send(joins(), {})).toMatchObject({ status: 401, json: { status: 401, error: 'Unauthorized' } })
    const elsewhere: [string, string][] = [
      ['GET', '/rest/v1/users'],
      ['GET', '/rest/v1/users/ref/by-token'],
      ['POST', '/rest/v2/users'],
      ['DELETE', '/users/ref/by-token'],
      ['DELETE', '/rest/v2/users/ref/by-token'],
      ['GET', '/api/v1/users'],
      ['GET', '/api/v1/webhooks/endpoints'],
    ]
    for (const [method, path] of elsewhere) {
      expect([403, 404, 422], `${method} ${path}`).toContain((await http.call(method, path, { as: webhooks })).status)
    }
    expect((await show('by-token')).status).toBe(200)
  })

  it('gives no roles beyond those of the credential', async () => {
    const webhooks = await token(tenant, ['api/webhooks'])
    for (const role of ['administrator', 'learneradmin']) {
      expect(await send(event('user_joined', { ref: `role-${role}`, role }), webhooks)).toMatchObject({ status: 403 })
      expect((await show(`role-${role}`)).status).toBe(404)
    }
    expect(await send(event('user_joined', { ref: 'role-learner', role: 'learner' }), webhooks)).toMatchObject(applied)
  })

  it('reaches no user of another tenant', async () => {
    const other = await http.tenant('Other')
    const as = await keyOf(other)
    await send(event('user_joined', { ref: 'mine', firstName: 'Ann' }, 1))
    expect(await send(event('user_deleted', { ref: 'mine' }, 2), as)).toMatchObject({ status: 404 })
    const same = event('user_joined', { ref: 'theirs' }, 1)
    expect([await send(same), await send({ ...same, content: { user: { ref: 'ours' } } }, as)]).toMatchObject([
      applied,
      applied,
    ])
    expect((await show('mine')).json).toMatchObject({ firstName: 'Ann', status: 'active' })
    const mismatched = basic(
      other,
      Buffer.from(String(key.authorization).slice(6), 'base64').toString().split(':')[1] ?? '',
    )
    expect(await send(event('user_deleted', { ref: 'mine' }, 3), mismatched)).toMatchObject({ status: 401 })
  })
})
