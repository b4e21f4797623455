import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Credential, openTestHttp, type TestHttp } from '../../../../test/http.ts'

let http: TestHttp
let key: Credential
let tenant: string
beforeAll(async () => {
  http = await openTestHttp()
  tenant = await http.tenant('Acme')
  key = await http.key(tenant)
})
afterAll(() => http.close())

const ann = { email: 'ann@example.org', first_name: 'Ann', last_name: 'Aster', ref: '4711' }

describe('/api/v1/users', () => {
  it('leads a user through the whole life', async () => {
    const created = await http.call('POST', '/api/v1/users', { as: key, body: ann })
    expect(created).toMatchObject({ status: 201, json: { ...ann, display_name: 'Ann Aster', state: 'active' } })
    const path = `/api/v1/users/${created.json.id}`
    expect(created.headers.get('location')).toBe(path)
    const call = (method: string, rest = '', body?: unknown) =>
      http.call(method, `${path}${rest}`, { as: key, ...(body !== undefined && { body }) })

    expect(await call('GET')).toMatchObject({
      status: 200,
      json: { ...ann, product_accounts: [{ product: 'learn', active: true }], groups: [], pending_erasure: null },
    })
    expect(await call('PATCH', '', { job_title: 'Head of Gardens', ref: null })).toMatchObject({
      status: 200,
      json: { job_title: 'Head of Gardens', ref: null },
    })
    expect(await call('PUT', '/roles', { roles: ['author'] })).toMatchObject({
      status: 200,
      json: { roles: ['author'] },
    })
    expect(await call('POST', '/suspend')).toMatchObject({ status: 200, json: { state: 'suspended' } })
    expect(await call('POST', '/reactivate')).toMatchObject({ status: 200, json: { state: 'active' } })
    expect(await call('DELETE')).toMatchObject({ status: 200, json: { inactive: { product_accounts: 1 } } })
    expect(await call('GET')).toMatchObject({ status: 200, json: { state: 'deleted', former_roles: ['author'] } })
    expect(await call('POST', '/restore?with_roles=true')).toMatchObject({ json: { active: { product_accounts: 1 } } })
    expect(await call('GET')).toMatchObject({ json: { state: 'active', roles: ['author', 'learner'] } })
  })

  it('pages through a list in any order, filtered', async () => {
    for (let number = 0; number < 12; number++) {
      await http.call('POST', '/api/v1/users', {
        as: key,
        body: { first_name: `Page ${String(number).padStart(2, '0')}`, department: number % 2 === 0 ? 'Even' : 'Odd' },
      })
    }
    for (const sort of ['id', 'created', 'name']) {
      for (const order of ['ascending', 'descending']) {
        const names: string[] = []
        let after = ''
        for (;;) {
          const page = await http.call(
            'GET',
            `/api/v1/users?department=Even&sort=${sort}&order=${order}&limit=4${after && `&after=${after}`}`,
            { as: key },
          )
          expect(page.status).toBe(200)
          names.push(...page.json.users.map((user: { first_name: string }) => user.first_name))
          if (page.json.next === null) break
          after = page.json.next
        }
        const expected = ['Page 00', 'Page 02', 'Page 04', 'Page 06', 'Page 08', 'Page 10']
        expect(names).toEqual(order === 'ascending' ? expected : expected.toReversed())
      }
    }
    const found = await http.call('GET', '/api/v1/users?search=PAGE%2011&kind=internal&role=learner', { as: key })
    expect(found.json.users).toMatchObject([{ first_name: 'Page 11' }])
  })

  it('hands out everything that is held about a user as a ZIP file', async () => {
    const { json } = await http.call('POST', '/api/v1/users', { as: key, body: { first_name: 'Zoe' } })
    const response = await fetch(`${http.url}/api/v1/users/${json.id}/export`, { headers: key })
    expect(response.status).toBe(200)
    expect(response.headers.get('content-disposition')).toBe(`attachment; filename="export-${json.id}.zip"`)
    const content = Buffer.from(await response.arrayBuffer())
    expect(content.subarray(0, 4).toString('latin1')).toBe('PK\x03\x04')
    expect(content.toString('latin1')).toContain('index.html')
    expect(content.toString('latin1')).toContain('data/about-users.json')
  })

  it('does not let somebody make an administrator who may not give roles', async () => {
    const administrator = await http.person(tenant, 'administrator')
    const create = (as: Credential) => http.call('POST', '/api/v1/users', { as, body: { roles: ['administrator'] } })
    expect(await create(administrator)).toMatchObject({ status: 201, json: { roles: ['administrator'] } })
    expect(await create(key)).toMatchObject({ status: 403, json: { code: 'access.beyond_own' } })
    const manager = await http.person(tenant, 'manager')
    expect(
      await http.call('PUT', `/api/v1/users/${manager.userId}/roles`, {
        as: manager,
        body: { roles: ['administrator'] },
      }),
    ).toMatchObject({ status: 403, json: { code: 'access.forbidden' } })
  })

  it('makes no second person of a used address unless that is said', async () => {
    const post = (body: object) => http.call('POST', '/api/v1/users', { as: key, body })
    const { json: user } = await post({ email: 'maiden@example.org' })
    await http.call('PATCH', `/api/v1/users/${user.id}`, { as: key, body: { email: 'married@example.org' } })
    const refused = await post({ email: 'Maiden@example.org' })
    expect(refused).toMatchObject({ status: 409, json: { code: 'user.known_before', details: { ids: [user.id] } } })
    expect(JSON.stringify(refused.json)).not.toMatch(/maiden|married/i)
    expect(await post({ email: 'maiden@example.org', another_person: true })).toMatchObject({ status: 201 })
  })

  it('lets a learner read and export the own record, and nobody else', async () => {
    const learner = await http.person(tenant, 'learner')
    const other = await http.person(tenant, 'learner')
    const statuses = await Promise.all(
      [`${learner.userId}`, `${learner.userId}/export`, `${other.userId}`, `${other.userId}/export`].map(
        async (rest) => (await http.call('GET', `/api/v1/users/${rest}`, { as: learner })).status,
      ),
    )
    expect(statuses).toEqual([200, 200, 403, 403])
    expect((await http.call('GET', '/api/v1/users', { as: learner })).status).toBe(403)
  })
})
