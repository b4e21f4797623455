import { randomBytes } from 'node:crypto'
import net from 'node:net'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { effort } from '../../test/effort.ts'
import { type Credential, openTestHttp, type TestHttp } from '../../test/http.ts'
import { newTenant, type TenantRows } from '../../test/rows.ts'
import { submitWork } from '../learning/records/submit-work.ts'
import { createUser } from '../people/accounts/create-user.ts'
import { keepExport, showExport } from './kept-exports.ts'
import { waitForExport } from './wait-for-export.ts'

let http: TestHttp
let rows: TenantRows
let tenant: string
let key: Credential
let other: Credential
beforeAll(async () => {
  http = await openTestHttp()
  rows = await newTenant(http.owner)
  tenant = rows.tenant
  key = await http.key(tenant)
  other = await http.key(await http.tenant('Other'))
})
afterAll(() => http.close())

/** A user with so many rows. */
async function userWith(rows: number): Promise<string> {
  const { id } = await http.inTenant(tenant, (tx) => createUser(tx, { email: `u${rows}-${Math.random()}@example.org` }))
  await http.owner.query(
    `insert into notifications (tenant_id, user_id, kind, subject, body)
     select $1, $2, 'message', 'A subject ' || n, repeat(md5(n::text), 5) from generate_series(1, $3::int) as n`,
    [tenant, id, rows],
  )
  return id
}

/** Everybody is answered, within so many milliseconds. */
async function othersAreAnswered(within: number): Promise<void> {
  const began = Date.now()
  const answers = await Promise.all([
    http.call('GET', '/readyz'),
    http.call('GET', '/api/v1/users', { as: other }),
    http.call('POST', '/api/v1/users', { as: other, body: { email: `x${Math.random()}@example.org` } }),
    http.call('GET', '/odata/v2/Users', { as: other }),
  ])
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 201, 200])
  expect(Date.now() - began).toBeLessThan(within)
}

it.each([7, 70])(
  'one kept export that is written, a purge of its person and %i changes of that person stop nobody',
  async (changes) => {
    const user = await userWith(effort(6000, 20_000))
    await http.startWorkers()
    onTestFinished(() => http.stopWorkers())
    const { id } = await http.inTenant(tenant, (tx) => keepExport(tx, { userId: user }))
    for (;;) {
      const { state, rows_written } = await http.inTenant(tenant, (tx) => showExport(tx, id))
      if (state === 'running' && rows_written > 0) break
      expect(state).not.toBe('ready')
    }
    const purge = http.call('POST', `/odata/v2/Users('${user}')/Purge`, { as: key, body: {} })
    const patches = Array.from({ length: changes }, (_, n) =>
      http.call('PATCH', `/api/v1/users/${user}`, { as: key, body: { first_name: `Name ${n}` } }),
    )
    await othersAreAnswered(50_000)
    const began = Date.now()
    const answers = await Promise.all([purge, ...patches])
    expect(Date.now() - began).toBeLessThan(120_000)
    for (const { status } of answers) expect([200, 202, 204, 404, 409, 503]).toContain(status)
    // The purge destroys the export; or, where the purge was refused, the export is written.
    const outcome = await waitForExport(http.database, tenant, id).catch((error: { code: string }) => error.code)
    if (typeof outcome === 'string') expect(outcome).toBe('export.not_found')
    else expect(outcome).toMatchObject({ state: 'ready', error_code: null })
    await othersAreAnswered(50_000)
  },
)

it('seventy changes that wait for one row leave the other tenants their connections', async () => {
  const user = await userWith(0)
  await http.owner.query('begin')
  await http.owner.query('select from users where id = $1 for update', [user])
  const patches = Array.from({ length: 70 }, (_, n) =>
    http.call('PATCH', `/api/v1/users/${user}`, { as: key, body: { first_name: `Name ${n}` } }),
  )
  const answered = Promise.all(patches)
  try {
    // As many as there may be wait in the database by now.
    await vi.waitFor(async () => {
      const { rows } = await http.owner.query(
        `select count(*)::int as waiting from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
      )
      expect(rows).toEqual([{ waiting: 7 }])
    }, 30_000)
    for (let round = 0; round < 3; round++) await othersAreAnswered(50_000)
    expect(http.database.pool.longestWait).toBe(0)
  } finally {
    await http.owner.query('rollback')
  }
  for (const { status, json, headers } of await answered) {
    if (status === 200) continue
    expect(status).toBe(503)
    expect(['database.lock_timeout', 'database.tenant_busy', 'database.busy']).toContain(json.code)
    expect(headers.get('retry-after')).toBe('5')
  }
})

/** Opens a request and reads nothing of its answer but the head. */
function slowReader(path: string, as: Credential): Promise<net.Socket> {
  const { port } = new URL(http.url)
  const socket = net.connect({ port: Number(port), host: '127.0.0.1' })
  onTestFinished(() => void socket.destroy())
  return new Promise((resolve, reject) => {
    socket.once('error', reject)
    socket.once('readable', () => {
      const head = socket.read(15)?.toString() ?? ''
      if (head.startsWith('HTTP/1.1 200')) resolve(socket)
      else reject(new Error(head))
    })
    socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: ${as.authorization}\r\n\r\n`)
  })
}

describe('readers that do not read', { timeout: 120_000 }, () => {
  let user: string
  beforeAll(async () => {
    user = await userWith(0)
    const course = await rows.course()
    const assessmentId = await rows.insert('assessments', { course_id: course, title: 'A test', kind: 'exam' })
    // It cannot be compressed.
    const file = { name: 'work.bin', mediaType: 'application/octet-stream', content: randomBytes(5_000_000) }
    await http.inTenant(tenant, (tx) => submitWork(tx, { userId: user, assessmentId, files: [file] }))
    // More than the buffers of a connection hold.
    await http.owner.query(
      `insert into audit_entries (tenant_id, id, at, actor_kind, initiated_from, activity, object_kind, details)
       select $1, uuid_v7(), now(), 'system', 'system', 'UserUpdated', 'user', json_build_object('fields', repeat('x', 3000))::text from generate_series(1, 2500)`,
      [tenant],
    )
  })

  it.each([14, effort(30, 60)])('of the audit trail, %i of them, hold up nobody', async (readers) => {
    await Promise.all(Array.from({ length: readers }, () => slowReader('/api/v1/audit/export', key)))
    await othersAreAnswered(50_000)
    await vi.waitFor(() => expect(http.database.reading.totalCount).toBe(http.database.reading.idleCount), 60_000)
  })

  it('of an export about a person hold up nobody', async () => {
    await Promise.all(Array.from({ length: 6 }, () => slowReader(`/api/v1/users/${user}/export`, key)))
    await othersAreAnswered(50_000)
    expect(http.database.reading.totalCount).toBe(http.database.reading.idleCount)
  })

  it('of lists hold up nobody', async () => {
    await Promise.all(
      ['/odata/v2/Users?$top=1000', '/api/v1/users?limit=1000', '/api/v1/audit?limit=1000'].flatMap((path) =>
        Array.from({ length: 20 }, () => slowReader(path, key)),
      ),
    )
    await othersAreAnswered(50_000)
  })
})
