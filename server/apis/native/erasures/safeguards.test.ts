import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Credential, openTestHttp, type TestHttp } from '../../../../test/http.ts'
import { dumpDatabase, placesOf } from '../../../../test/rows.ts'
import { updateTenant } from '../../../tenancy/update-tenant.ts'

let http: TestHttp
let tenant: string
let boss: Credential & { userId: string }
let officer: Credential & { userId: string }
let number = 0
beforeAll(async () => {
  http = await openTestHttp()
  await http.startWorkers()
})
afterAll(() => http.close())
beforeEach(async () => {
  tenant = await http.tenant(`Acme ${++number}`)
  boss = await http.person(tenant, 'administrator')
  officer = await http.person(tenant, 'privacy_officer')
})

const call = (as: Credential, method: string, path: string, body?: object) =>
  http.call(method, path.startsWith('/odata') ? path : `/api/v1${path}`, { as, body })
const newUser = async (email = `user-${++number}@example.org`): Promise<string> =>
  (await call(boss, 'POST', '/users', { email, login_name: email })).json.id
const purge = (as: Credential, id: string) =>
  call(as, 'POST', '/erasures', { operation: 'purge', subjects: [{ id }], delete_first: true })
const stateOf = async (request: string) => (await call(boss, 'GET', `/erasures/${request}`)).json.state
const ended = (request: string) => expect.poll(() => stateOf(request), { timeout: 20_000 }).toBe('completed')

describe('over HTTP', () => {
  it('a hold stops an erasure until its release', async () => {
    const id = await newUser()
    const placed = await call(officer, 'POST', '/holds', { reason: 'court_proceedings', user_ids: [id] })
    expect(placed).toMatchObject({ status: 201, json: { people: 1 } })
    const hold = placed.json.id
    expect((await call(boss, 'GET', `/holds/${hold}/people`)).json.people).toMatchObject([{ id, named: true }])
    const asked = await purge(boss, id)
    expect(asked).toMatchObject({ status: 202, json: { state: 'held' } })
    const request = asked.json.id
    expect((await call(boss, 'GET', `/users/${id}`)).json.state).toBe('deleted')
    expect((await call(boss, 'POST', '/holds', { reason: 'other' })).json.code).toBe('hold.empty')
    expect((await call(officer, 'POST', `/holds/${hold}/release`)).status).toBe(204)
    expect((await call(officer, 'POST', `/holds/${hold}/release`)).json.code).toBe('hold.released')
    await ended(request)
    expect((await call(boss, 'GET', '/holds')).json.holds).toEqual([])
    expect((await call(boss, 'POST', '/holds', { reason: 'other', user_ids: [id] })).json.code).toBe('user.not_found')
  })

  it('a second person approves: neither the requester, nor the creator of the key, nor a program', async () => {
    await http.inTenant(tenant, (tx) => updateTenant(tx, { approvalRequired: true }))
    const made = await call(boss, 'POST', '/keys', { name: 'key', access: 'full_control' })
    expect(made.status).toBe(201)
    const key = { authorization: `Basic ${Buffer.from(`api:${made.json.secret}`).toString('base64')}` }
    for (const requester of [boss, key]) {
      const asked = await purge(requester, await newUser())
      expect(asked).toMatchObject({ status: 202, json: { state: 'awaiting_approval' } })
      const request = asked.json.id
      expect((await call(officer, 'GET', '/approvals')).json.erasures).toMatchObject([{ erasure: { id: request } }])
      for (const [verb, body] of [
        ['approve', {}],
        ['reject', { reason_code: 'other' }],
      ] as const) {
        const own = await call(boss, 'POST', `/erasures/${request}/${verb}`, body)
        expect(own).toMatchObject({ status: 403, json: { code: 'erasure.own_approval' } })
        const program = await call(key, 'POST', `/erasures/${request}/${verb}`, body)
        expect(program.status).toBe(403)
      }
      expect(await stateOf(request)).toBe('awaiting_approval')
      expect((await call(officer, 'POST', `/erasures/${request}/approve`, {})).status).toBe(204)
      await ended(request)
      expect((await call(officer, 'POST', `/erasures/${request}/approve`, {})).json.code).toBe('erasure.wrong_state')
    }
  })

  it("Learn365's Purge answers 202 with what a person waits for", async () => {
    const key = await http.key(tenant)
    const [held, unapproved] = ['held@example.org', 'unapproved@example.org']
    const id = await newUser(held)
    await newUser(unapproved)
    const { json: hold } = await call(officer, 'POST', '/holds', { reason: 'legal_claim', user_ids: [id] })
    const first = await call(key, 'POST', `/odata/v2/Users('${held}')/Purge`)
    expect(first).toMatchObject({ status: 202, json: { State: 'held' } })
    await http.inTenant(tenant, (tx) => updateTenant(tx, { approvalRequired: true }))
    const second = await call(key, 'POST', `/odata/v2/Users('${unapproved}')/Purge`)
    expect(second).toMatchObject({ status: 202, json: { State: 'awaiting_approval' } })
    await call(officer, 'POST', `/holds/${hold.id}/release`)
    await call(officer, 'POST', `/erasures/${second.json.RequestId}/approve`, {})
    for (const { json } of [first, second]) await ended(json.RequestId)
  })

  it('an identifier in the notes of holds and decisions, and in a requester’s reason, is gone after the purge and in no log', async () => {
    const canary = 'canary.of.notes@example.org'
    const gone = await newUser(canary)
    await http.inTenant(tenant, (tx) => updateTenant(tx, { approvalRequired: true }))
    const text = `Ask ${canary.toUpperCase()} about case 12`
    const { json: hold } = await call(officer, 'POST', '/holds', {
      reason: 'other',
      note: text,
      user_ids: [await newUser()],
    })
    for (const [verb, body] of [
      ['approve', { note: text }],
      ['reject', { reason_code: 'other', note: text }],
    ] as const) {
      const asked = await call(boss, 'POST', '/erasures', {
        operation: 'purge',
        subjects: [{ id: await newUser() }],
        delete_first: true,
        reason: text,
      })
      expect((await call(officer, 'POST', `/erasures/${asked.json.id}/${verb}`, body)).status).toBe(204)
      if (verb === 'approve') await ended(asked.json.id)
    }
    expect(placesOf(await dumpDatabase(http.owner, { tenant }), canary)).toEqual(
      expect.arrayContaining(['legal_holds.note', 'erasure_decisions.note', 'erasure_requests.reason']),
    )
    const asked = await purge(boss, gone)
    // The approval of its own erasure names the person too.
    await call(officer, 'POST', `/erasures/${asked.json.id}/approve`, { note: text })
    await ended(asked.json.id)
    expect(placesOf(await dumpDatabase(http.owner, { tenant }), canary)).toEqual([])
    expect((await call(boss, 'GET', `/holds/${hold.id}`)).json.note).toMatch(/^Ask .* about case 12$/)
    expect(http.log().toLowerCase()).not.toContain(canary)
    expect(http.requestLog().toLowerCase()).not.toContain(canary)
  })
})
