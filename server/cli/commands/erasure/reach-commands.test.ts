import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openTestApplication, type TestApplication } from '../../../../test/application.ts'
import { openTestProvider, type TestProvider } from '../../../../test/identity-provider.ts'
import { newTenant, type TenantRows } from '../../../../test/rows.ts'
import { runCommand } from '../../../../test/run-command.ts'
import { requestErasureByProvider } from '../../../erasure/reach/request-by-provider.ts'

let test: TestApplication
let provider: TestProvider
let folder: string
beforeAll(async () => {
  test = await openTestApplication()
  provider = await openTestProvider(test.database)
  folder = await mkdtemp(path.join(os.tmpdir(), 'lethe-reach-'))
  await test.startWorkers()
})
afterAll(async () => {
  await rm(folder, { recursive: true })
  await test.close()
})

const lethe = (args: string[], tenant?: TenantRows) =>
  runCommand(
    {
      DATABASE_URL: test.appUrl,
      LETHE_MASTER_KEY: test.app.masterKey.toString('base64'),
      LETHE_PUBLIC_URL: 'https://lethe.example.org',
      ...(tenant !== undefined && { LETHE_TENANT: tenant.tenant }),
    },
    args,
  )
const json = async (args: string[], tenant?: TenantRows) => {
  const { code, stdout, stderr } = await lethe([...args, '--json'], tenant)
  expect([code, stderr]).toEqual([0, expect.anything()])
  return JSON.parse(stdout)
}
const settled = () =>
  expect
    .poll(
      async () => {
        const { rows } = await test.owner.query(
          `select (select count(*) from erasure_reaches where finished_at is null)
           + (select count(*) from erasure_requests where finished_at is null) as n`,
        )
        return Number(rows[0].n)
      },
      { timeout: 20_000 },
    )
    .toBe(0)

describe('lethe reach', () => {
  it('lists what waits, and takes a yes or a no', async () => {
    expect((await lethe(['reach', 'list'])).stdout).toContain('Nothing waits')
    const [origin, trial, other] = [
      await newTenant(test.owner),
      await newTenant(test.owner, { kind: 'trial' }),
      await newTenant(test.owner, { kind: 'trial' }),
    ]
    const person = await origin.deletedUser({ email: 'a@reach.example' })
    const [yes, no] = [await trial.user({ email: 'a@reach.example' }), await other.user({ email: 'a@reach.example' })]
    await test.purge(origin.tenant, [person])
    await settled()
    const { matches } = await json(['reach', 'list'])
    const idOf = (user: string) => matches.find((one: { user_id: string }) => one.user_id === user).id
    expect((await lethe(['reach', 'list'])).stdout).toContain(idOf(yes))
    const accepted = await json(['reach', 'accept', idOf(yes), '--yes'])
    expect(accepted.request).toMatch(/^[0-9a-f-]{36}$/)
    expect((await lethe(['reach', 'refuse', idOf(no), '--reason', 'Another person'])).code).toBe(0)
    expect((await lethe(['reach', 'accept', idOf(no), '--yes'])).code).toBe(5)
    expect((await lethe(['reach', 'accept', person, '--yes'])).code).toBe(3)
    expect((await lethe(['reach', 'accept', idOf(no)])).code).toBe(2)
    await settled()
    const { rows } = await test.owner.query('select id from users where id = any ($1)', [[yes, no]])
    expect(rows).toEqual([{ id: no }])
    // The trial had no other user.
    expect((await lethe(['tenant', 'list'])).stdout).toContain('needs an administrator')
  })
})

describe('lethe proposal', () => {
  it('lists what an identity provider asks for, and takes a decision', async () => {
    const rows = await newTenant(test.owner)
    await rows.administrator()
    const [yes, no] = [await rows.user({ email: 'yes@ask.example' }), await rows.user({ email: 'no@ask.example' })]
    expect((await lethe(['proposal', 'list'], rows)).stdout).toContain('No identity provider')
    for (const email of ['yes@ask.example', 'no@ask.example']) {
      const token = await provider.token('erasure', { sub: email, email, email_verified: true })
      await requestErasureByProvider(test.database, token)
    }
    await settled()
    const { proposals } = await json(['proposal', 'list'], rows)
    const idOf = (user: string) => proposals.find((one: { user_id: string }) => one.user_id === user).id
    expect((await lethe(['proposal', 'refuse', idOf(no), '--reason', 'Kept by law'], rows)).code).toBe(0)
    expect((await lethe(['proposal', 'accept', idOf(yes), '--yes'], rows)).code).toBe(0)
    await settled()
    const all = await json(['proposal', 'list', '--all'], rows)
    expect(all.proposals.map(({ state }: { state: string }) => state).sort()).toEqual(['accepted', 'refused'])
    const { rows: left } = await test.owner.query('select id from users where id = any ($1)', [[yes, no]])
    expect(left).toEqual([{ id: no }])
  })
})

describe('lethe identity-provider', () => {
  it('sets, lists and removes one', async () => {
    const file = path.join(folder, 'jwks.json')
    await writeFile(file, JSON.stringify(provider.keys))
    const set = [
      'identity-provider',
      'set',
      'https://cli.example',
      '--audience',
      'lethe',
      '--keys',
      file,
      '--algorithm',
    ]
    expect((await lethe([...set, 'EdDSA'])).stdout).toContain('1 key')
    expect((await lethe([...set, 'HS256'])).code).toBe(2)
    expect((await lethe(['identity-provider', 'list'])).stdout).toContain('https://cli.example')
    await writeFile(file, 'no JSON')
    expect((await lethe([...set, 'EdDSA'])).stderr).toContain('not JSON')
    expect((await lethe(['identity-provider', 'remove', 'https://cli.example'])).code).toBe(0)
    expect((await lethe(['identity-provider', 'remove', 'https://cli.example'])).code).toBe(3)
  })
})

describe('lethe identity and lethe tenant creator', () => {
  it('asks a user to confirm the own address, and shows what is confirmed', async () => {
    const rows = await newTenant(test.owner, { kind: 'trial' })
    await rows.user({ email: 'own@identity.example' })
    const own = ['--email', 'own@identity.example']
    expect((await lethe(['identity', 'show', ...own], rows)).stdout).toContain('No identity')
    expect((await lethe(['identity', 'ask', ...own], rows)).code).toBe(0)
    expect((await json(['identity', 'show', ...own], rows)).links).toHaveLength(1)
    const { created_by } = await json(['tenant', 'creator', ...own], rows)
    const { rows: tenants } = await test.owner.query('select created_by from tenants where id = $1', [rows.tenant])
    expect(tenants).toEqual([{ created_by }])
  })
})
