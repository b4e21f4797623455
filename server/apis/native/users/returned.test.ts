import { randomUUID } from 'node:crypto'
import { Readable } from 'node:stream'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Credential, openTestHttp, type TestHttp } from '../../../../test/http.ts'
import { importUsers } from '../../../imports/users/import-users.ts'

let http: TestHttp
let tenant: string
let key: Credential
beforeAll(async () => {
  http = await openTestHttp()
  await http.startWorkers()
  tenant = await http.tenant('Returns')
  key = await http.key(tenant)
})
afterAll(() => http.close())

const call = async (method: string, address: string, body?: unknown) =>
  (await http.call(method, `/api/v1${address}`, { as: key, ...(body !== undefined && { body }) })).json

async function purged(fields: Record<string, string>): Promise<string> {
  const { id } = await call('POST', '/users', fields)
  await call('DELETE', `/users/${id}`)
  return (await http.purge(tenant, [id])).id
}

it('lists who came back, how and when: with a group, with an import, and created again in another case', async () => {
  const ann = { email: 'ann@returned.example', directory_object_id: randomUUID() }
  const bob = { email: 'bob@returned.example', ref: 'R-2' }
  const cleo = { email: 'cleo@returned.example', ref: 'R-3' }
  const requests = [await purged(ann), await purged(bob), await purged(cleo)]
  expect(await call('GET', '/returned-users')).toEqual({ returned_users: [], next: null })

  const group = await call('POST', '/groups', { display_name: 'Millers' })
  await call('POST', `/groups/${group.id}/sync`, { members: [ann] })
  const { run } = await importUsers(http.database, tenant, {
    source: Readable.from(['ref,email\nR-2,bob@returned.example\n']),
    file: 'people.csv',
    purged: 'create',
  })
  const created = await call('POST', '/users', { ...cleo, email: 'CLEO@Returned.Example' })
  await call('POST', '/users', { email: 'new@returned.example' })

  const { returned_users, next } = await call('GET', '/returned-users')
  expect(returned_users).toMatchObject([
    { how: 'creation', user_id: created.id, group_id: null, import_run_id: null, request_id: requests[2] },
    { how: 'import', import_run_id: run, group_id: null, request_id: requests[1] },
    { how: 'directory_group', group_id: group.id, group_name: 'Millers', request_id: requests[0] },
  ])
  expect(next).toBeNull()
  expect((await call('GET', `/users/${created.id}`)).reappeared).toMatchObject({ how: 'creation' })
  expect((await call('GET', `/users/${created.id}`)).roles).toEqual(['learner'])

  const pages = []
  for (let after: string | null = ''; after !== null; ) {
    const page = await call('GET', `/returned-users?limit=1${after === '' ? '' : `&after=${after}`}`)
    pages.push(...page.returned_users)
    after = page.next
  }
  expect(pages).toEqual(returned_users)
})

it('does not take another person with a reused address for one who came back', async () => {
  await purged({ email: 'shared@returned.example' })
  const before = (await call('GET', '/returned-users')).returned_users.length
  await call('POST', '/users', { email: 'shared@returned.example', another_person: true })
  expect((await call('GET', '/returned-users')).returned_users).toHaveLength(before)
})
