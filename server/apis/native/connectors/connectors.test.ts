import { execFileSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { lookup } from 'node:dns'
import { mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { type Credential, openTestHttp, type TestHttp } from '../../../../test/http.ts'
import { makeMemoryFolder } from '../../../../test/memory-folder.ts'
import { fetchHttps } from '../../../connectors/fetch-https.ts'
import { openFolderFile } from '../../../connectors/open-folder-file.ts'
import { acceptFeed, enqueueDueRuns } from '../../../connectors/runs.ts'
import type { ConnectorSettings } from '../../../connectors/settings.ts'
import { previewErasure } from '../../../erasure/requests/preview-erasure.ts'
import { runConnector } from '../../../imports/connectors/run-connector.ts'
import { createUser } from '../../../people/accounts/create-user.ts'
import { deleteUsers } from '../../../people/lifecycle/delete-users.ts'
import { suspendUser } from '../../../people/lifecycle/suspend-user.ts'
import { mayConnectTo } from '../../../platform/network/allowed-address.ts'

vi.mock('node:dns', async (original) => {
  const dns = await original<typeof import('node:dns')>()
  return { ...dns, lookup: vi.fn(dns.lookup) }
})

let http: TestHttp
let folder: string
let feeds: string
let site: Server
let port: number
let answer: (request: IncomingMessage, response: ServerResponse) => void
beforeAll(async () => {
  http = await openTestHttp()
  folder = await makeMemoryFolder('connectors-')
  feeds = path.join(folder, 'feeds')
  mkdirSync(feeds)
  mkdirSync(path.join(folder, 'elsewhere'))
  writeFileSync(path.join(folder, 'elsewhere', 'secret.csv'), 'ref\nstolen\n')
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' })
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  openssl('req', '-x509', ...key, '-keyout', 'ca.key', '-out', 'ca.pem', '-days', '2', '-subj', '/CN=Test CA')
  openssl('req', ...key, '-keyout', 'site.key', '-out', 'site.csr', '-subj', '/CN=localhost')
  writeFileSync(path.join(folder, 'names'), 'subjectAltName=DNS:localhost,IP:127.0.0.1')
  openssl(
    'x509',
    '-req',
    '-in',
    'site.csr',
    '-CA',
    'ca.pem',
    '-CAkey',
    'ca.key',
    '-CAcreateserial',
    '-days',
    '2',
    '-extfile',
    'names',
    '-out',
    'site.pem',
  )
  const read = (name: string) => readFileSync(path.join(folder, name))
  site = createServer({ key: read('site.key'), cert: read('site.pem') }, (request, response) =>
    answer(request, response),
  )
  await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', resolve))
  port = (site.address() as AddressInfo).port
})
afterAll(async () => {
  site.closeAllConnections()
  site.close()
  await http.close()
  rmSync(folder, { recursive: true })
})

let tenant: string
let key: Credential
let admin: string
beforeEach(async () => {
  tenant = await http.tenant(`Tenant ${randomUUID()}`)
  key = await http.key(tenant)
  const made = await http.inTenant(tenant, async (tx) => {
    await createUser(tx, { email: 'stays@example.org', roles: ['administrator'] })
    return await createUser(tx, { email: 'feeder@example.org', ref: 'feeder-1', roles: ['administrator'] })
  })
  admin = made.id
  answer = (_request, response) => response.end('ref\nA\nB\n')
})

const settings = () => ({
  connectorFolders: [{ folder: feeds }],
  connectorNetworks: ['127.0.0.0/8'],
  connectorCa: path.join(folder, 'ca.pem'),
  spoolFolder: path.join(folder, 'spool'),
})
const call = (method: string, address: string, body?: object, as = key) =>
  http.call(method, `/api/v1/connectors${address}`, { as, ...(body !== undefined && { body }) })

async function connector(fields: object = {}): Promise<string> {
  const file = path.join(feeds, `${tenant}.csv`)
  const body = { name: 'HR', kind: 'folder', address: file, run_as: admin, ...fields }
  const created = await call('POST', '', body)
  expect([created.status, created.json]).toEqual([201, { id: expect.any(String) }])
  return created.json.id
}
async function enabled(fields: object = {}): Promise<string> {
  const id = await connector(fields)
  expect((await call('POST', `/${id}/enable`)).status).toBe(200)
  return id
}
const feed = (...rows: string[]) => writeFileSync(path.join(feeds, `${tenant}.csv`), `${rows.join('\n')}\n`)
const run = (id: string) => runConnector(http.database, settings(), { tenant, connector: id })
const show = async (id: string) => (await call('GET', `/${id}`)).json
const lastRun = async (id: string) => (await call('GET', `/${id}/runs`)).json.runs[0]
const refs = async () => {
  const { rows } = await http.owner.query('select ref from users where tenant_id = $1 and ref is not null order by 1', [
    tenant,
  ])
  return rows.map(({ ref }) => ref)
}
async function all(bytes: AsyncIterable<Buffer>): Promise<string> {
  const pieces: Buffer[] = []
  for await (const piece of bytes) pieces.push(piece)
  return Buffer.concat(pieces).toString()
}

describe('a connector of a folder', () => {
  it('imports the file in the name of its user, with a log and a file, and is disabled until it is enabled', async () => {
    feed('ref,roles', 'A,learner', 'B,administrator')
    const id = await connector()
    expect(await show(id)).toMatchObject({ enabled: false, disabled_because: 'new', credentials: null })
    await run(id)
    expect(await refs()).toEqual(['feeder-1'])
    expect((await call('POST', `/${id}/run`)).json.code).toBe('connector.not_enabled')
    await call('POST', `/${id}/enable`)
    await run(id)
    expect(await refs()).toEqual(['A', 'B', 'feeder-1'])
    expect(await lastRun(id)).toMatchObject({
      state: 'finished',
      started_by: admin,
      connector_id: id,
      file: 'kept',
      counts: { created: 2, rolesNotApplied: 1 },
    })
    expect(await show(id)).toMatchObject({ last_rows: 2, asking_rows: null })
    await run(id)
    const { id: again, counts } = await lastRun(id)
    expect(counts).toMatchObject({ unchanged: 2 })
    // A feed that comes every hour would fill the log with rows that say nothing.
    expect((await http.call('GET', `/api/v1/imports/${again}/rows`, { as: key })).json.rows).toEqual([])
  })

  it('is run by workers when it is due, again and again, and on request', async () => {
    feed('ref', 'A')
    const id = await enabled({ every_minutes: 60 })
    await enqueueDueRuns(http.database)
    await enqueueDueRuns(http.database)
    http.app.config.connectorFolders = [{ folder: feeds }]
    await http.startWorkers()
    try {
      await vi.waitFor(async () => expect((await lastRun(id))?.state).toBe('finished'), 20_000)
      const { next_run_at } = await show(id)
      expect(Date.parse(next_run_at) - Date.now()).toBeGreaterThan(58 * 60_000)
      feed('ref', 'A', 'B')
      expect((await call('POST', `/${id}/run`)).status).toBe(202)
      const finished = { state: 'finished', counts: { created: 1 } }
      await vi.waitFor(
        async () => expect((await call('GET', `/${id}/runs`)).json.runs).toMatchObject([finished, finished]),
        20_000,
      )
    } finally {
      await http.stopWorkers()
    }
  })

  it('reads nothing outside of the folders that the operator opened, by no path and no link', async () => {
    const secret = path.join(folder, 'elsewhere', 'secret.csv')
    const refused = { code: 'connector.folder_not_allowed' }
    const opening = (address: string, folders: ConnectorSettings['connectorFolders'] = [{ folder: feeds }]) =>
      openFolderFile(address, tenant, { connectorFolders: folders })
    for (const address of [secret, `${feeds}/../elsewhere/secret.csv`, feeds, `${feeds}x/people.csv`, '/etc/passwd']) {
      await expect(opening(address), address).rejects.toMatchObject(refused)
    }
    for (const [name, target] of [
      ['link.csv', secret],
      ['linked', path.join(folder, 'elsewhere')],
    ] as const) {
      symlinkSync(target, path.join(feeds, name))
    }
    await expect(opening(path.join(feeds, 'link.csv'))).rejects.toMatchObject(refused)
    await expect(opening(path.join(feeds, 'linked', 'secret.csv'))).rejects.toMatchObject(refused)
    execFileSync('mkfifo', [path.join(feeds, 'pipe.csv')])
    await expect(opening(path.join(feeds, 'pipe.csv'))).rejects.toMatchObject({ code: 'connector.file_unreadable' })
    await expect(opening(path.join(feeds, 'missing.csv'))).rejects.toMatchObject({ details: { reason: 'ENOENT' } })
    writeFileSync(path.join(feeds, 'own.csv'), 'ref\n')
    const own = path.join(feeds, 'own.csv')
    await expect(opening(own, [])).rejects.toMatchObject(refused)
    await expect(opening(own, [{ folder: feeds, tenant: randomUUID() }])).rejects.toMatchObject(refused)
    await (await opening(own, [{ folder: feeds, tenant }])).close()
    symlinkSync(own, path.join(feeds, 'latest.csv'))
    await (await opening(path.join(feeds, 'latest.csv'))).close()
  })

  it('never reads outside while a folder of the path turns into a link and back', async () => {
    const [inside, outside] = [path.join(feeds, 'turning'), path.join(folder, 'elsewhere')]
    const address = path.join(inside, 'secret.csv')
    for (let round = 0; round < 100; round++) {
      mkdirSync(inside)
      writeFileSync(address, 'ref\nmine\n')
      const opening = openFolderFile(address, tenant, settings()).then(
        async (file) => {
          try {
            return await file.readFile('utf8')
          } finally {
            await file.close()
          }
        },
        () => 'refused',
      )
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 2))
      renameSync(inside, `${inside}-aside`)
      symlinkSync(outside, inside)
      expect(await opening).not.toContain('stolen')
      rmSync(inside)
      rmSync(`${inside}-aside`, { recursive: true })
    }
  })
})

describe('a feed that is empty or much smaller than the last good one', () => {
  it('stops the run and asks; a confirmation runs it once', async () => {
    const people = (count: number) => ['ref', ...Array.from({ length: count }, (_, index) => `P-${index}`)]
    feed(...people(10))
    const id = await enabled({ least_percent: 80 })
    await run(id)
    feed(...people(8).slice(0, 8), 'P-changed')
    await run(id)
    expect(await show(id)).toMatchObject({ last_rows: 8, asking_rows: null })
    const before = await refs()
    feed(...people(5), 'P-new')
    await run(id)
    expect(await refs()).toEqual(before)
    expect(await lastRun(id)).toMatchObject({ state: 'failed', error_code: 'connector.feed_smaller', file: 'none' })
    expect(await show(id)).toMatchObject({ last_rows: 8, asking_rows: 6, enabled: true })
    const { rows: told } = await http.owner.query('select subject from notifications where user_id = $1', [admin])
    expect(told).toEqual([{ subject: 'A connector asks' }])
    await run(id)
    expect((await http.owner.query('select from notifications where user_id = $1', [admin])).rows).toHaveLength(1)
    expect((await call('POST', `/${id}/confirm`)).status).toBe(202)
    await run(id)
    expect(await refs()).toEqual([...before, 'P-new'].sort())
    expect(await show(id)).toMatchObject({ last_rows: 6, asking_rows: null })
    feed(...people(1))
    await run(id)
    expect(await show(id)).toMatchObject({ last_rows: 6, asking_rows: 1 })
  })

  it('is not let through by rows that are no good, and an empty first feed asks too', async () => {
    feed('ref,email', ...Array.from({ length: 20 }, (_, index) => `x-${index},nonsense`))
    const id = await enabled()
    await run(id)
    expect(await show(id)).toMatchObject({ last_rows: null, asking_rows: 0 })
    expect((await call('POST', `/${id}/disable`)).json).toMatchObject({ disabled_because: 'administrator' })
    expect((await call('POST', `/${id}/confirm`)).json.code).toBe('connector.not_enabled')
  })

  it('smaller than what was confirmed asks again', async () => {
    feed('ref', 'A', 'B', 'C', 'D')
    const id = await enabled()
    await run(id)
    feed('ref', 'A', 'B')
    await run(id)
    await call('POST', `/${id}/confirm`)
    feed('ref', 'A')
    await run(id)
    expect(await show(id)).toMatchObject({ last_rows: 4, asking_rows: 1 })
    await expect(http.inTenant(tenant, (tx) => acceptFeed(tx, id, 2))).rejects.toMatchObject({
      code: 'connector.feed_smaller',
    })
  })
})

describe('a connector over HTTPS', () => {
  it('pulls the feed with its credentials, which are never shown, from a network that the operator allows', async () => {
    const asked: IncomingMessage[] = []
    answer = (request, response) => {
      asked.push(request)
      response.end('ref\nH-1\n')
    }
    const credentials = { kind: 'basic', username: 'robot', password: 'open sesame' }
    const id = await enabled({ kind: 'https', address: `https://localhost:${port}/people.csv?all=1`, credentials })
    await run(id)
    expect(await refs()).toEqual(['H-1', 'feeder-1'])
    expect(asked[0]?.url).toBe('/people.csv?all=1')
    expect(asked[0]?.headers.authorization).toBe(`Basic ${Buffer.from('robot:open sesame').toString('base64')}`)
    const shown = await call('GET', `/${id}`)
    expect(shown.json.credentials).toBe('basic')
    const { rows } = await http.owner.query('select sealed_credentials from connectors where id = $1', [id])
    for (const text of [shown.text, rows[0].sealed_credentials.toString('latin1'), http.requestLog(), http.log()]) {
      expect(text).not.toContain('sesame')
    }
    await call('PATCH', `/${id}`, { credentials: { kind: 'bearer', token: 'abc.def' } })
    await run(id)
    expect(asked[1]?.headers.authorization).toBe('Bearer abc.def')
  })

  it('connects to no private, local or reserved address, and not to a name of one', async () => {
    let reached = 0
    answer = (_request, response) => {
      reached++
      response.end('ref\nA\n')
    }
    const strict = { ...settings(), connectorNetworks: [] }
    for (const host of ['127.0.0.1', 'localhost', '[::1]', '0x7f000001', '2130706433', '127.1', '[::ffff:127.0.0.1]']) {
      await expect(all(fetchHttps(`https://${host}:${port}/`, strict)), host).rejects.toMatchObject({
        code: 'connector.address_not_allowed',
      })
    }
    for (const address of [
      ...[
        '10.0.0.1',
        '172.16.0.1',
        '192.168.1.1',
        '100.64.0.1',
        '169.254.169.254',
        '0.0.0.0',
        '192.0.0.192',
        '224.0.0.1',
      ],
      ...['255.255.255.255', '168.63.129.16', '198.18.0.1', '240.0.0.1', '::', '::1', 'fe80::1', 'fec0::1', 'fc00::1'],
      ...[
        'fd00:ec2::254',
        '::ffff:10.0.0.1',
        '::127.0.0.1',
        '64:ff9b::7f00:1',
        '2002:7f00:1::',
        'ff02::1',
        '2001:db8::1',
      ],
      ...['not an address', ''],
    ]) {
      expect(mayConnectTo(address, []), address).toBe(false)
    }
    for (const address of ['8.8.8.8', '2606:4700::1111', '::ffff:8.8.8.8']) expect(mayConnectTo(address, [])).toBe(true)
    expect(mayConnectTo('10.1.2.3', ['10.1.0.0/16'])).toBe(true)
    expect(mayConnectTo('10.2.2.3', ['10.1.0.0/16', 'fd00::/8'])).toBe(false)
    expect(reached).toBe(0)
  })

  it('is not led to another address by a name that has several, or changes them', async () => {
    let reached = 0
    answer = (_request, response) => {
      reached++
      response.end('ref\nA\n')
    }
    const strict = { ...settings(), connectorNetworks: [] }
    const answers = [
      [
        { address: '8.8.8.8', family: 4 },
        { address: '127.0.0.1', family: 4 },
      ],
      [{ address: '127.0.0.1', family: 4 }],
    ]
    for (const addresses of answers) {
      vi.mocked(lookup).mockImplementationOnce(((
        _name: string,
        _options: object,
        done: (error: null, found: object[]) => void,
      ) => done(null, addresses)) as never)
      await expect(all(fetchHttps(`https://feeds.example.org:${port}/`, strict))).rejects.toMatchObject({
        code: 'connector.address_not_allowed',
      })
    }
    expect(reached).toBe(0)
  })

  it('believes no certificate of a CA that it does not know, or of another name', async () => {
    const unknown = { ...settings(), connectorCa: undefined }
    await expect(all(fetchHttps(`https://localhost:${port}/`, unknown))).rejects.toMatchObject({
      code: 'connector.source_unreachable',
    })
    await expect(all(fetchHttps(`https://127.0.0.2:${port}/`, settings()))).rejects.toMatchObject({
      code: 'connector.source_unreachable',
    })
  })

  it.each<[string, string, (response: ServerResponse) => void]>([
    [
      'a redirect',
      'connector.source_refused',
      (r) => r.writeHead(302, { location: `https://localhost:${port}/else` }).end(),
    ],
    ['an error', 'connector.source_refused', (r) => r.writeHead(500).end('ref\nA\n')],
    ['no content', 'connector.source_refused', (r) => r.writeHead(204).end()],
    [
      'too much by its length',
      'connector.source_too_large',
      (r) => r.writeHead(200, { 'content-length': '5000' }).end('x'),
    ],
    ['too much', 'connector.source_too_large', (r) => void r.write('x'.repeat(2000))],
    ['nothing for long', 'connector.source_too_slow', (r) => void r.write('ref\n')],
    [
      'compressed bytes',
      'connector.source_unreachable',
      (r) => r.writeHead(200, { 'content-encoding': 'gzip' }).end('x'),
    ],
    [
      'less than it said',
      'connector.source_unreachable',
      (r) => {
        r.writeHead(200, { 'content-length': '500' })
        r.write('ref\n')
        setTimeout(() => r.destroy(), 50)
      },
    ],
  ])('takes nothing from a source that answers with %s', async (_what, code, respond) => {
    let asked = 0
    answer = (_request, response) => {
      asked++
      respond(response)
    }
    const limits = { bytes: 1000, milliseconds: 500 }
    await expect(all(fetchHttps(`https://localhost:${port}/`, settings(), { limits }))).rejects.toMatchObject({ code })
    expect(asked).toBe(1)
  })

  it('refuses an address with credentials, another scheme, and a path that goes up', async () => {
    for (const [kind, address] of [
      ['https', 'http://hr.example.org/'],
      ['https', 'https://robot:secret@hr.example.org/'],
      ['https', 'file:///etc/passwd'],
      ['folder', 'people.csv'],
      ['folder', '/srv/../etc/passwd'],
      ['folder', 'https://hr.example.org/'],
    ]) {
      const { status, json } = await call('POST', '', { name: 'Bad', kind, address, run_as: admin })
      expect([address, status, json.field]).toEqual([address, 422, 'address'])
      expect(JSON.stringify(json)).not.toContain('secret')
    }
  })
})

describe('a run', () => {
  it('that fails keeps its reason and changes nobody, and a killed one is marked', async () => {
    const id = await enabled()
    await run(id)
    expect(await lastRun(id)).toMatchObject({ state: 'failed', error_code: 'connector.file_unreadable' })
    await http.owner.query('update import_runs set finished_at = null, error_code = null where connector_id = $1', [id])
    feed('ref', 'A')
    await run(id)
    const { runs } = (await call('GET', `/${id}/runs`)).json
    expect(runs).toMatchObject([{ state: 'finished' }, { state: 'failed', error_code: 'import_run.interrupted' }])
  })

  it('acts as its user only: one who may not import disables the connector, and gives no roles beyond the own', async () => {
    feed('ref', 'A')
    const id = await enabled()
    await http.inTenant(tenant, (tx) => suspendUser(tx, admin))
    await run(id)
    expect(await show(id)).toMatchObject({ enabled: false, disabled_because: 'run_as_not_permitted' })
    expect(await refs()).toEqual(['feeder-1'])
    expect((await call('POST', `/${id}/enable`)).json.code).toBe('connector.run_as_not_permitted')
    const learner = await http.inTenant(tenant, (tx) => createUser(tx, { ref: 'learner' }))
    const body = { name: 'HR', kind: 'folder', address: '/x', run_as: learner.id }
    expect((await call('POST', '', body)).json.code).toBe('connector.run_as_not_permitted')
  })

  it('belongs to its tenant, and to people who may see it', async () => {
    const id = await connector()
    const other = await http.key(await http.tenant(`Other ${randomUUID()}`))
    const learner = await http.person(tenant, 'learner')
    for (const [method, address] of [
      ['GET', ''],
      ['PATCH', ''],
      ['DELETE', ''],
      ['POST', '/enable'],
      ['POST', '/run'],
      ['GET', '/runs'],
    ] as const) {
      const body = method === 'PATCH' ? {} : undefined
      expect((await call(method, `/${id}${address}`, body, other)).status).toBe(404)
      expect((await call(method, `/${id}${address}`, body, learner)).status).toBe(403)
    }
    expect((await call('DELETE', `/${id}`)).status).toBe(204)
    expect((await call('GET', `/${id}`)).status).toBe(404)
  })
})

describe('a person who is erased', () => {
  const names: [string, object][] = [
    ['the user that it runs as', {}],
    ['a notification address', { notify_emails: ['office@example.org', 'Gone@example.org'] }],
    ['its name', { name: 'Feed of gone@example.org' }],
    ['its URL', { kind: 'https', address: 'https://hr.example.org/gone@example.org/people.csv' }],
    ['its URL in percent-encoding', { kind: 'https', address: 'https://hr.example.org/?for=gone%40example.org' }],
    [
      'its credentials',
      {
        kind: 'https',
        address: 'https://hr.example.org/',
        credentials: { kind: 'basic', username: 'gone@example.org', password: 'x' },
      },
    ],
  ]

  it.each(names)('and is %s disables the connector until it is changed, as the preview says', async (what, fields) => {
    const gone = await http.inTenant(tenant, (tx) =>
      createUser(tx, { email: 'gone@example.org', roles: ['administrator'] }),
    )
    const runsAs = what === 'the user that it runs as' ? { run_as: gone.id } : {}
    const id = await enabled({ ...fields, ...runsAs })
    const other = await enabled({ name: 'Other' })
    await http.inTenant(tenant, (tx) => deleteUsers(tx, { userIds: [gone.id] }))
    const preview = await http.inTenant(tenant, (tx) => previewErasure(tx, 'purge', [gone.id]))
    expect(preview.effects).toContainEqual({ table: 'connectors', effect: 'disabled', rows: 1 })
    await http.startWorkers()
    try {
      await http.purge(tenant, [gone.id])
    } finally {
      await http.stopWorkers()
    }
    const after = await show(id)
    expect(after).toMatchObject({ enabled: false, disabled_because: 'names_purged_person', next_run_at: null })
    expect(JSON.stringify(after).toLowerCase()).not.toMatch(/gone(@|%40)example/)
    if (what === 'its credentials') expect(after.credentials).toBe(null)
    const { rows } = await http.owner.query(
      `select row_count::int as rows from erasure_receipts where tenant_id = $1 and table_name = 'connectors' and effect = 'disabled'`,
      [tenant],
    )
    expect(rows).toEqual([{ rows: 1 }])
    expect(await show(other)).toMatchObject({ enabled: true })
    expect((await call('POST', `/${id}/enable`)).json.code).toBe('connector.needs_change')
    await call('PATCH', `/${id}`, { every_minutes: 60 })
    expect((await call('POST', `/${id}/enable`)).json.code).toBe('connector.needs_change')
    const address = after.kind === 'https' ? 'https://hr.example.org/new.csv' : after.address
    expect((await call('PATCH', `/${id}`, { run_as: admin, address })).status).toBe(200)
    expect((await call('POST', `/${id}/enable`)).json).toMatchObject({ enabled: true, disabled_because: null })
  })
})
