import { decodeJwt } from 'jose'
import { v7 as newId } from 'uuid'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Credential, openTestHttp, type TestHttp } from '../../../test/http.ts'
import { newTenant, type TenantRows } from '../../../test/rows.ts'
import { runCommand } from '../../../test/run-command.ts'
import { deleteExternalSystem, updateExternalSystem } from '../../tenancy/external-systems.ts'
import { addDiskStatement } from '../disk/add-statement.ts'
import { runErasure } from '../engine/run-erasure.ts'
import { type Claims, type VerifiedCertificate, verifyCertificate } from '../proof/certificate.ts'
import { readCertificate } from '../proof/read-certificate.ts'
import { showErasure } from '../requests/show-request.ts'
import { runSearch } from '../search/run-search.ts'
import { deleteTenant } from '../tenants/delete-tenant.ts'
import { cleanAcknowledgementLinks, createAcknowledgementLink, linkDays, webhookLink } from './links.ts'
import { signAllWaiting } from './sign-acknowledgements.ts'

const publicUrl = 'https://lethe.example.org'

let http: TestHttp
let rows: TenantRows
let key: Credential
let system: string
beforeAll(async () => {
  http = await openTestHttp()
  http.server.publicUrl = publicUrl
  await http.startWorkers()
})
afterAll(() => http.close())
beforeEach(async () => {
  rows = await newTenant(http.owner, { name: `Acme <b>& ${newId()}` })
  key = await http.key(rows.tenant)
  system = await newSystem('Payroll')
})

const newSystem = (name: string) => rows.insert('external_systems', { name, holds: 'names, salaries' })
const purged = async (people = 1) => {
  const ids: string[] = []
  while (ids.length < people) ids.push(await rows.deletedUser({ ref: `ref-${newId()}` }))
  return (await http.purge(rows.tenant, ids)).id
}
const linkFor = async (request: string, systemId = system, days?: number) => {
  const { url } = await http.inTenant(rows.tenant, (tx) =>
    createAcknowledgementLink(tx, { request, systemId, days, publicUrl }),
  )
  return url.slice(publicUrl.length)
}
const open = (path: string) => http.call('GET', path)
const acknowledge = (path: string) =>
  http.call('POST', path, { headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: '' })
const asProgram = (path: string, method = 'POST') =>
  http.call(method, path, {
    headers: { accept: 'application/json', ...(method === 'POST' && { 'content-type': 'application/json' }) },
    ...(method === 'POST' && { body: '' }),
  })
const receivers = async (request: string) =>
  (await http.inTenant(rows.tenant, (tx) => showErasure(tx, request))).receivers
const verified = async (request: string): Promise<VerifiedCertificate> =>
  verifyCertificate(await http.inTenant(rows.tenant, (tx) => readCertificate(tx, request)))
const acknowledged = async (request: string) =>
  (await verified(request)).statements.flatMap((claims) =>
    claims.type === 'lethe.erasure_addendum' ? (claims.acknowledgements ?? []) : [],
  )
const signed = (request: string, number = 1) =>
  expect.poll(async () => (await acknowledged(request)).length, { timeout: 10_000 }).toBe(number)

describe('a link for an acknowledgement', () => {
  it('shows the erasure without data of its people, and acknowledges only when its form is sent', async () => {
    const person = await rows.deletedUser({ email: 'jane.doe@acme.example', display_name: 'Jane Doe', ref: 'emp-4711' })
    const { id: request } = await http.purge(rows.tenant, [person])
    const path = await linkFor(request)
    for (const _ of [1, 2, 3]) {
      const { status, text, headers } = await open(path)
      expect(status).toBe(200)
      expect(text).toContain('Acme &lt;b&gt;&amp;')
      expect(text).toContain(`has purged 1 person with the erasure request ${request}`)
      expect(text).toContain('<form method="post">')
      expect(text).not.toMatch(/<script|jane|emp-4711|payroll/i)
      expect(text).not.toContain(person)
      expect(headers.get('content-security-policy')).toContain("default-src 'none'")
    }
    expect(await receivers(request)).toMatchObject([{ id: system, acknowledged_at: null, covers_all: false }])
    const answer = await acknowledge(path)
    expect(answer.status).toBe(200)
    expect(answer.text).toContain('The erasure is acknowledged')
    expect(await receivers(request)).toMatchObject([
      { kind: 'external_system', id: system, name: 'Payroll', acknowledged_at: expect.any(Date), covers_all: true },
    ])
  })

  it('becomes a signed addendum that changes neither the verdict nor what is outstanding', async () => {
    const request = await purged(3)
    const before = await verified(request)
    expect(before.verdict).toBe('clean')
    await acknowledge(await linkFor(request))
    await signed(request)
    const after = await verified(request)
    expect(after).toMatchObject({ verdict: 'clean', outstanding: before.outstanding, disk: before.disk, chained: true })
    expect(after.addenda.at(-1)).toMatchObject({
      number: before.statements.length,
      acknowledgements: [{ receiver: 'external_system', id: system, acknowledged_at: expect.any(String) }],
    })
    const told = await runCommand(
      {
        DATABASE_URL: http.appUrl,
        LETHE_MASTER_KEY: http.app.masterKey.toString('base64'),
        LETHE_TENANT: rows.tenant,
      },
      ['erasure', 'show', request],
    )
    expect(told.stdout).toMatch(/Payroll .* external system .* \d{4}-/)
  })

  it('acknowledges once: a second time, and many at once, return the first time and sign nothing more', async () => {
    const request = await purged()
    const path = await linkFor(request)
    const answers = await Promise.all(Array.from({ length: 8 }, () => asProgram(path)))
    const again = await asProgram(path)
    const shown = await asProgram(path, 'GET')
    expect(new Set([...answers, again, shown].map(({ status }) => status))).toEqual(new Set([200]))
    expect(new Set([...answers, again, shown].map(({ json }) => json.acknowledged_at)).size).toBe(1)
    expect(again.json).toMatchObject({ request, operation: 'purge', people: 1 })
    expect((await asProgram(await linkFor(request))).json.acknowledged_at).toBe(again.json.acknowledged_at)
    await signed(request)
    const { rows: entries } = await http.owner.query(
      `select from audit_entries where tenant_id = $1 and activity = 'ErasureAcknowledged'`,
      [rows.tenant],
    )
    expect(entries).toHaveLength(1)
    expect(
      await http.owner.query(
        'select from acknowledgement_links where acknowledged_at is not null and statement is null',
      ),
    ).toMatchObject({ rowCount: 0 })
  })

  it('is not valid after its time, when withdrawn, with the id of another tenant, or when the tenant is gone', async () => {
    const request = await purged()
    const expired = await linkFor(request)
    await http.owner.query(
      `update acknowledgement_links set expires_at = now() - interval '1 second' where tenant_id = $1`,
      [rows.tenant],
    )
    const other = await newTenant(http.owner)
    const moved = (await linkFor(request)).replace(rows.tenant, other.tenant)
    for (const path of [expired, moved]) {
      for (const answer of [await open(path), await acknowledge(path), await asProgram(path)]) {
        expect(answer.status).toBe(404)
        expect(answer.text).toContain('This link is not valid')
      }
    }
    expect((await asProgram(expired)).json).toMatchObject({ code: 'acknowledgement.link_invalid' })
    await http.owner.query(
      `update acknowledgement_links set expires_at = now() - interval '2 days' where tenant_id = $1`,
      [rows.tenant],
    )
    await cleanAcknowledgementLinks(http.database)
    expect(
      await http.owner.query('select from acknowledgement_links where tenant_id = $1', [rows.tenant]),
    ).toMatchObject({ rowCount: 0 })
    const path = await linkFor(request)
    await acknowledge(path)
    await signed(request)
    await deleteTenant(http.database, rows.tenant)
    for (const answer of [await open(path), await acknowledge(path)]) expect(answer.status).toBe(404)
  })

  it.each(['x', `${'0'.repeat(8)}.x`, '%00', 'a.b', '..%2f..%2fetc', '%ff'])(
    'answers a token of no form alike: %s',
    async (token) => {
      for (const { status } of [await open(`/acknowledge/${token}`), await acknowledge(`/acknowledge/${token}`)]) {
        expect([400, 404, 422]).toContain(status)
      }
    },
  )

  it('is stored as a hash, and stands in no log, job or audit entry', async () => {
    const request = await purged()
    const path = await linkFor(request)
    await acknowledge(path)
    const secret = path.split('.').at(-1) ?? '?'
    const { rows: stored } = await http.owner.query(
      `select l::text as row from acknowledgement_links l
       union all select payload::text from graphile_worker._private_jobs
       union all select a::text from audit_entries a`,
    )
    for (const { row } of stored) expect(row).not.toContain(secret)
    expect(http.requestLog()).not.toContain(secret)
  })

  it('is counted by address, so that it cannot be guessed at', async () => {
    const limited = await openTestHttp({ rateLimits: { open: 3 } })
    try {
      const statuses = []
      for (let time = 0; time < 5; time++)
        statuses.push(
          (
            await limited.call('POST', `/acknowledge/${newId()}.${'a'.repeat(43)}`, {
              headers: { 'content-type': 'application/x-www-form-urlencoded' },
              body: '',
            })
          ).status,
        )
      expect(statuses).toEqual([404, 404, 404, 429, 429])
    } finally {
      await limited.close()
    }
  })
})

describe('the chain of the certificate', () => {
  it('gets acknowledgements that came before the certificate once the search has ended', async () => {
    await http.stopWorkers()
    try {
      const person = await rows.deletedUser({ ref: 'emp-1' })
      const request = await http.order(rows.tenant, [person])
      await expect(linkFor(request)).rejects.toMatchObject({ code: 'acknowledgement.nothing_erased' })
      // As in a request of many batches, whose first people are erased before the certificate.
      const early = async (value: Date | null) =>
        http.owner.query('update erasure_subjects set erased_at = $2 where request_id = $1', [request, value])
      await early(new Date())
      const path = await linkFor(request)
      expect((await acknowledge(path)).status).toBe(200)
      await early(null)
      await signAllWaiting(http.database)
      await runErasure(http.database, { tenant: rows.tenant, request })
      await signAllWaiting(http.database)
      expect((await verified(request)).verdict).toBe('search_outstanding')
      expect(await acknowledged(request)).toEqual([])
      await runSearch(http.database)
      expect(await acknowledged(request)).toMatchObject([{ id: system }])
      expect((await verified(request)).verdict).toBe('clean')
      expect(await receivers(request)).toMatchObject([{ acknowledged_at: expect.any(Date), covers_all: false }])
      // It says nothing about the people who were erased later, so the receiver can acknowledge again.
      await acknowledge(await linkFor(request))
      await signAllWaiting(http.database)
      expect(await receivers(request)).toMatchObject([{ covers_all: true }])
      expect(await acknowledged(request)).toHaveLength(2)
    } finally {
      await http.startWorkers()
    }
  })

  it('does not fork when many acknowledge while the search and the disk add their own statements', async () => {
    const systems: string[] = []
    while (systems.length < 12) systems.push(await newSystem(`System ${systems.length}`))
    for (let round = 0; round < 4; round++) {
      await http.stopWorkers()
      const request = await http.order(rows.tenant, [await rows.deletedUser({ ref: `emp-${newId()}` })])
      await runErasure(http.database, { tenant: rows.tenant, request })
      const paths = await Promise.all(systems.map((id) => linkFor(request, id)))
      await http.startWorkers()
      const disk = async () => {
        await http.ended(rows.tenant, request)
        await http.inTenant(rows.tenant, (tx) => addDiskStatement(tx, request, { level: 3, at: new Date() }))
      }
      const answers = await Promise.all([
        disk(),
        ...paths.map(async (path, place) => {
          await new Promise((resolve) => setTimeout(resolve, place * 8))
          return await acknowledge(path)
        }),
      ])
      expect(answers.slice(1).map((answer) => answer?.status)).toEqual(systems.map(() => 200))
      await signed(request, systems.length)
      const { verdict, statements, chained } = await verified(request)
      expect([verdict, chained]).toEqual(['clean', true])
      expect(statements.map(({ number }) => number)).toEqual(statements.map((_, place) => place))
      const { rows: failing } = await http.owner.query(
        'select task_identifier from graphile_worker.jobs where last_error is not null',
      )
      expect(failing).toEqual([])
    }
  })

  it('names the receiver by id alone, so that nothing signed holds a name of the register', async () => {
    const request = await purged()
    await acknowledge(await linkFor(request))
    await signed(request)
    await http.inTenant(rows.tenant, (tx) => updateExternalSystem(tx, { systemId: system, changes: { name: 'Wages' } }))
    expect(await receivers(request)).toMatchObject([{ name: 'Wages' }])
    await http.inTenant(rows.tenant, (tx) => deleteExternalSystem(tx, system))
    expect(await receivers(request)).toMatchObject([{ name: null, acknowledged_at: expect.any(Date) }])
    const { certificates } = await http.inTenant(rows.tenant, (tx) => readCertificate(tx, request))
    const claims = certificates.map((jws) => decodeJwt<Claims>(jws))
    expect(JSON.stringify(claims)).not.toMatch(/Payroll|Wages/)
  })
})

describe('the API and the commands', () => {
  const call = (method: string, path: string, body?: object, headers?: Record<string, string>) =>
    http.call(method, `/api/v1${path}`, { as: key, body, ...(headers && { headers }) })

  it('make a link, show it as open without its secret, and withdraw it', async () => {
    const request = await purged()
    const headers = { 'idempotency-key': newId() }
    const body = { system_id: system, days: 5 }
    const made = await call('POST', `/erasures/${request}/acknowledgement-links`, body, headers)
    expect(made).toMatchObject({ status: 201, json: { url: expect.stringContaining(`${publicUrl}/acknowledge/`) } })
    const days = (Date.parse(made.json.expires_at) - Date.now()) / 86_400_000
    expect(days).toBeGreaterThan(4.9)
    expect(days).toBeLessThan(5.1)
    const replayed = await call('POST', `/erasures/${request}/acknowledgement-links`, body, headers)
    expect(replayed.json).toMatchObject({ id: made.json.id, url: null })
    const shown = await call('GET', `/erasures/${request}`)
    expect(shown.json.receivers).toMatchObject([{ name: 'Payroll', open_link: { id: made.json.id } }])
    const address = `/erasures/${request}/acknowledgement-links/${made.json.id}`
    expect((await call('DELETE', address)).status).toBe(204)
    expect((await call('DELETE', address)).json.code).toBe('acknowledgement.link_not_found')
    expect((await open(made.json.url.slice(publicUrl.length))).status).toBe(404)
  })

  it('refuse what cannot be asked', async () => {
    const request = await purged()
    const ask = async (body: object, path = request) =>
      (await call('POST', `/erasures/${path}/acknowledgement-links`, body)).json.code
    expect(await ask({ system_id: newId() })).toBe('external_system.not_found')
    expect(await ask({ system_id: system }, newId())).toBe('erasure.not_found')
    expect(await ask({ system_id: system, days: linkDays.most + 1 })).toBe('input.invalid')
    http.server.publicUrl = undefined
    expect(await ask({ system_id: system })).toBe('acknowledgement.no_public_url')
    http.server.publicUrl = publicUrl
    const reader = await http.key(rows.tenant, 'read_only')
    const refused = await http.call('POST', `/api/v1/erasures/${request}/acknowledgement-links`, {
      as: reader,
      body: { system_id: system },
    })
    expect(refused.status).toBe(403)
  })

  it('on the command line print the link, and verify a certificate with its acknowledgement', async () => {
    const request = await purged()
    const lethe = (...args: string[]) =>
      runCommand(
        {
          DATABASE_URL: http.appUrl,
          LETHE_MASTER_KEY: http.app.masterKey.toString('base64'),
          LETHE_TENANT: rows.tenant,
          LETHE_PUBLIC_URL: publicUrl,
        },
        ['erasure', ...args],
      )
    const { code, stdout } = await lethe('ask', request, '--system', system, '--json')
    expect(code).toBe(0)
    const { link } = JSON.parse(stdout)
    expect((await lethe('withdraw', request, link.id)).code).toBe(0)
    expect((await lethe('withdraw', request, link.id)).code).toBe(3)
    const [url = ''] = (await lethe('ask', request, '--system', system)).stdout.split('\n')
    expect((await acknowledge(url.slice(publicUrl.length))).status).toBe(200)
  })
})

it('a notice of an ended erasure asks only systems that have not acknowledged it', async () => {
  const administrator = await rows.administrator()
  await newSystem('Canteen')
  await http.stopWorkers()
  const request = await http.order(rows.tenant, [await rows.deletedUser()], administrator)
  await http.owner.query('update erasure_subjects set erased_at = now() where request_id = $1', [request])
  await acknowledge(await linkFor(request))
  await http.owner.query('update erasure_subjects set erased_at = null where request_id = $1', [request])
  // The receiver has acknowledged at this time, which is after the last person was erased by the clock of this test.
  await http.owner.query(
    `update acknowledgement_links set acknowledged_at = now() + interval '1 hour' where request_id = $1`,
    [request],
  )
  await http.startWorkers()
  await http.ended(rows.tenant, request)
  const { rows: notices } = await http.owner.query<{ body: string }>(
    `select body from notifications where tenant_id = $1 and user_id = $2 and kind = 'erasure_done'`,
    [rows.tenant, administrator],
  )
  expect(notices[0]?.body).toContain('Canteen')
  expect(notices[0]?.body).not.toContain('Payroll')
})

it('the link of a webhook is the same in each delivery, and is a receiver of the request', async () => {
  const request = await purged()
  const endpoint = newId()
  const make = () => http.inTenant(rows.tenant, (tx) => webhookLink(tx, { request, endpoint, publicUrl }))
  const [first, second] = [await make(), await make()]
  expect(second?.url).toBe(first?.url)
  const other = await http.inTenant(rows.tenant, (tx) => webhookLink(tx, { request, endpoint: newId(), publicUrl }))
  expect(other?.url).not.toBe(first?.url)
  expect((await acknowledge(first?.url.slice(publicUrl.length) ?? '')).status).toBe(200)
  await signed(request)
  expect(await acknowledged(request)).toMatchObject([{ receiver: 'webhook', id: endpoint }])
  expect(await http.inTenant(rows.tenant, (tx) => webhookLink(tx, { request, endpoint, publicUrl: undefined }))).toBe(
    undefined,
  )
})
