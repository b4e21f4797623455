import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Credential, openTestHttp, type TestHttp } from '../../../../test/http.ts'
import { rotateSigningKey } from '../../../access/rotate-signing-key.ts'
import { installationTrail } from '../../../audit/installation-trail.ts'
import { sealWaiting } from '../../../audit/seal-audit.ts'

let http: TestHttp
let tenant: string
let key: Credential
let officer: Credential & { userId: string }
beforeAll(async () => {
  http = await openTestHttp()
  tenant = await http.tenant('Acme')
  key = await http.key(tenant)
  officer = await http.person(tenant, 'privacy_officer')
})
afterAll(() => http.close())

const get = (rest = '') => http.call('GET', `/api/v1/audit${rest}`, { as: officer })

describe('/api/v1/audit', () => {
  it('tells who did what over HTTP, the newest first, in pages', async () => {
    const { json: user } = await http.call('POST', '/api/v1/users', { as: key, body: { first_name: 'Ann' } })
    const administrator = await http.person(tenant, 'administrator')
    await http.call('DELETE', `/api/v1/users/${user.id}`, { as: administrator })
    const about = await get(`?subject=${user.id}`)
    expect(about.json.entries).toMatchObject([
      { activity: 'UserDeleted', actor: { kind: 'user', id: administrator.userId, from: 'console' } },
      { activity: 'UserCreated', actor: { kind: 'api_key', from: 'api' } },
    ])
    expect((await get(`?actor=${administrator.userId}&activity=UserDeleted`)).json.entries).toHaveLength(1)
    const first = await get('?limit=1')
    const second = await get(`?limit=1&after=${first.json.next}`)
    expect(second.json.entries[0].id < first.json.entries[0].id).toBe(true)
    expect((await get('?from=2999-01-01T00:00:00Z')).json).toEqual({ entries: [], next: null })
    expect(await get('?from=yesterday')).toMatchObject({ status: 422, json: { field: 'from' } })
    expect(await get('?object_kind=nothing')).toMatchObject({ status: 422 })
  })

  it('is exported whole, as JSON lines and as CSV', async () => {
    const listed = (await get('?limit=1000')).json.entries
    const lines = (await get('/export')).text.trim().split('\n')
    expect(lines.map((line) => JSON.parse(line).id).slice(-listed.length)).toEqual(
      listed.map(({ id }: { id: string }) => id),
    )
    const csv = await get('/export?format=csv&activity=UserDeleted')
    expect(csv.headers.get('content-type')).toBe('text/csv; charset=utf-8')
    expect(csv.text.trim().split('\n')).toHaveLength(2)
    expect((await get('/export?activity=TenantUpdated')).text).toBe('')
    expect(await get('/export?object_kind=nothing')).toMatchObject({ status: 422 })
  })

  it('of the installation is read, exported and verified by operators, and by nobody else', async () => {
    const operator = await http.operator()
    const read = (rest = '') => http.call('GET', `/api/v1/installation/audit${rest}`, { as: operator })
    await rotateSigningKey(http.database, 'token')
    const { json } = await read('?limit=2')
    expect(json.entries).toMatchObject([
      { activity: 'SigningKeyRotated', object: { kind: 'installation' }, details: { purpose: 'token' } },
      { activity: 'OperatorSignedIn', actor: { kind: 'operator' } },
    ])
    expect((await read(`?limit=1&after=${json.next}`)).json.entries).toMatchObject([{ activity: 'OperatorCreated' }])
    const [, { actor }] = json.entries
    expect((await read(`?actor=${actor.id}`)).json.entries).toEqual([json.entries[1]])
    expect((await read('?activity=UserCreated')).json).toEqual({ entries: [], next: null })
    expect((await read('/export?activity=OperatorSignedIn')).text).toBe(`${JSON.stringify(json.entries[1])}\n`)
    await sealWaiting(http.app.database, { tenant: installationTrail })
    expect((await read('/verification')).json).toMatchObject({ sealed: 3, unsealed: 0, problems: [] })
    for (const path of ['', '/export', '/verification']) {
      for (const as of [key, officer, await http.person(tenant, 'administrator')]) {
        const { status } = await http.call('GET', `/api/v1/installation/audit${path}`, { as })
        expect([path, status]).toEqual([path, 403])
      }
    }
    expect((await get('?actor_kind=operator')).json.entries).toEqual([])
  })

  it('is verified', async () => {
    await http.startWorkers()
    for (;;) if ((await get('/verification')).json.unsealed === 0) break
    expect((await get('/verification')).json).toMatchObject({ problems: [], sealed: expect.any(Number) })
    await http.stopWorkers()
  })
})
