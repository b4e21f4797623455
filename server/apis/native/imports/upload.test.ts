import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Credential, openTestHttp, type TestHttp } from '../../../../test/http.ts'
import { createUser } from '../../../people/accounts/create-user.ts'
import { deleteUsers } from '../../../people/lifecycle/delete-users.ts'

let http: TestHttp
let tenant: string
let key: Credential
let number = 0
beforeAll(async () => {
  http = await openTestHttp()
  await http.startWorkers()
})
afterAll(() => http.close())
beforeEach(async () => {
  tenant = await http.tenant(`Tenant ${++number}`)
  key = await http.key(tenant)
  await http.inTenant(tenant, (tx) => createUser(tx, { roles: ['administrator'] }))
})

const csv = { 'content-type': 'text/csv' }
const upload = (body: string | Buffer, query = '', as = key, headers: Record<string, string> = csv) =>
  http.call('POST', `/api/v1/imports${query}`, { as, body, headers })
const get = async (path: string) => (await http.call('GET', path, { as: key })).json
const emails = async () =>
  (
    await http.owner.query('select email from users where tenant_id = $1 and email is not null order by 1', [tenant])
  ).rows.map(({ email }) => email)

describe('an import of users over HTTP', () => {
  it('creates and changes users, and has a log with its rows and its file', async () => {
    const file = 'email,first_name\nann@example.org,Ann\nno address,Bob\n'
    const sent = await upload(file, '?file_name=people.csv')
    expect(sent).toMatchObject({
      status: 200,
      json: {
        dry_run: false,
        run: expect.any(String),
        counts: { read: 2, created: 1, rejected: 1 },
        rejected_rows: [{ line: 3, reason: expect.stringContaining('email') }],
      },
    })
    const path = `/api/v1/imports/${sent.json.run}`
    expect(sent.headers.get('location')).toBe(path)
    expect(await emails()).toEqual(['ann@example.org'])
    expect(await get(path)).toMatchObject({ state: 'finished', format: 'users', file_name: 'people', file: 'kept' })
    expect((await get(`${path}/rows`)).rows).toMatchObject([
      { line: 2, outcome: 'created' },
      { line: 3, outcome: 'rejected' },
    ])
    expect((await http.call('GET', `${path}/file`, { as: key })).text).toBe(file)
    expect((await upload(file)).json.counts).toMatchObject({ created: 0, unchanged: 1, rejected: 1 })
  })

  it('logs the name of the file without the extension of a table, and leaves an address in it whole', async () => {
    for (const [given, logged] of [
      ['people.CSV', 'people'],
      ['ann@example.org.csv', 'ann@example.org'],
      ['ann@example.org', 'ann@example.org'],
      ['.csv', '.csv'],
    ]) {
      const { json } = await upload('email\nann@example.org\n', `?file_name=${given}`)
      expect(await get(`/api/v1/imports/${json.run}`)).toMatchObject({ file_name: logged })
    }
  })

  it('changes nothing in a dry run, and leaves no run', async () => {
    const { status, json } = await upload('email\nann@example.org\n', '?dry_run=true')
    expect([status, json]).toEqual([200, expect.objectContaining({ dry_run: true, run: null })])
    expect(json.counts.created).toBe(1)
    expect(await emails()).toEqual([])
    expect((await get('/api/v1/imports')).imports).toEqual([])
  })

  it('follows the policy for purged people, that of the request before that of the tenant', async () => {
    const { id } = await http.inTenant(tenant, (tx) => createUser(tx, { email: 'gone@example.org' }))
    await http.inTenant(tenant, (tx) => deleteUsers(tx, { userIds: [id] }))
    await http.purge(tenant, [id])
    const file = 'email\ngone@example.org\n'
    expect((await upload(file)).json.counts).toMatchObject({ created: 0, skippedFor: { purged: 1 } })
    expect((await upload(file, '?purged=create')).json.counts).toMatchObject({ created: 1 })
  })

  it('applies roles only where it is told so', async () => {
    const roles = async () =>
      (await http.owner.query('select roles from users where tenant_id = $1 and email is not null', [tenant])).rows
    await upload('email,roles\nann@example.org,administrator\n')
    expect(await roles()).toEqual([{ roles: ['learner'] }])
    expect((await upload('email,roles\nann@example.org,author\n', '?with_roles=true')).status).toBe(200)
    expect(await roles()).toEqual([{ roles: expect.arrayContaining(['author']) }])
  })

  it('says which line is not UTF-8, and refuses a file without a usable head', async () => {
    const bytes = Buffer.concat([Buffer.from('email,first_name\nann@example.org,'), Buffer.from([0xff, 0x0a])])
    expect((await upload(bytes)).json).toMatchObject({ counts: { rejected: 1 }, rejected_rows: [{ line: 2 }] })
    for (const body of ['', 'nothing,of,this\n1,2,3\n', '{"email":"ann@example.org"}']) {
      const refused = await upload(body)
      expect([body, refused.status, refused.json.code]).toEqual([body, 422, expect.stringMatching(/^(input|import)\./)])
    }
    expect(await emails()).toEqual([])
  })

  it('refuses another content type, a file that is too large, and a key that may only read', async () => {
    expect((await upload('{}', '', key, { 'content-type': 'application/json' })).status).toBe(415)
    const large = await upload(`email\n${'x'.repeat(32 * 1024 * 1024)}\n`)
    expect([large.status, large.json.code]).toEqual([413, 'request.too_large'])
    const reader = await http.key(tenant, 'read_only')
    expect((await upload('email\nann@example.org\n', '', reader)).status).toBe(403)
    expect(await emails()).toEqual([])
  })
})
