import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Credential, openTestHttp, type TestHttp } from './http.ts'
import { operationsOf, type Schema } from './openapi-requests.ts'
import { runCommand } from './run-command.ts'

// Every way by which an address comes in: what is pasted along is taken off, and what stands inside is refused.

let http: TestHttp
let tenant: string
let key: Credential
let folder: string
let catalog: string
let course: string
let group: string
let session: string
let plan: string
let system: string
let connector: string
let newConnector: object
let number = 0
beforeAll(async () => {
  http = await openTestHttp()
  tenant = await http.tenant('Acme')
  key = await http.key(tenant)
  folder = await mkdtemp(path.join(os.tmpdir(), 'lethe-addresses-'))
  const made = async (url: string, body: unknown) => (await http.call('POST', url, { as: key, body })).json.id
  catalog = await made('/api/v1/catalogs', { title: 'Catalog' })
  course = await made('/api/v1/courses', { catalog_id: catalog, title: 'Course' })
  group = await made('/api/v1/groups', { display_name: 'Group' })
  session = await made(`/api/v1/courses/${course}/sessions`, { title: 'Session' })
  plan = await made('/api/v1/training-plans', { title: 'Plan', catalog_id: catalog, course_ids: [course] })
  system = await made('/api/v1/external-systems', { name: 'System', holds: 'names' })
  const { userId } = await http.person(tenant, 'administrator')
  newConnector = { name: 'Feed', kind: 'https', address: 'https://hr.example.org/users.csv', run_as: userId }
  connector = await made('/api/v1/connectors', newConnector)
})
afterAll(async () => {
  await http.close()
  await rm(folder, { recursive: true, force: true })
})

/** Whether it was taken; else the field that the refusal names. */
type Outcome = 'taken' | string

const objectId = () => `0190a0b1-7d2c-4c3e-8a54-${String(++number).padStart(12, '0')}`

async function send(method: string, url: string, body: unknown): Promise<Outcome> {
  const { status, json } = await http.call(method, url, { as: key, body })
  if (status < 300) return 'taken'
  expect([url, status]).toEqual([url, expect.toBeOneOf([400, 422])])
  return json.field ?? json.error.target
}

async function command(...args: string[]): Promise<Outcome> {
  const environment = {
    DATABASE_URL: http.appUrl,
    LETHE_MASTER_KEY: http.database.masterKey.toString('base64'),
    LETHE_TENANT: tenant,
  }
  const { code, stderr } = await runCommand(environment, [...args, '--json'])
  if (code === 0) return 'taken'
  return /(\w+) is not valid/.exec(stderr)?.[1] ?? stderr
}

async function file(name: string, content: string | Buffer): Promise<string> {
  const target = path.join(folder, `${++number}-${name}`)
  await writeFile(target, content)
  return target
}

async function newUser(): Promise<string> {
  const body = { ref: `ref-${++number}`, login_name: `login-${number}` }
  return (await http.call('POST', '/api/v1/users', { as: key, body })).json.id
}

const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`

/** The ways in, by the operation or command, the field that a refusal names, and the column that it ends in. */
type Way = [name: string, field: string, column: string, act: (address: string) => Promise<Outcome>]
const ways: Way[] = [
  ['POST /api/v1/users', 'email', 'users.email', (email) => send('POST', '/api/v1/users', { email })],
  [
    'PATCH /api/v1/users/{id}',
    'email',
    'users.email',
    async (email) => send('PATCH', `/api/v1/users/${await newUser()}`, { email }),
  ],
  [
    "PUT /odata/v2/Users('{key}')",
    'email',
    'users.email',
    async (Email) => {
      await newUser()
      return await send('PUT', `/odata/v2/Users('login-${number}')`, { Email })
    },
  ],
  [
    'POST /rest/v2/users',
    'email',
    'users.email',
    (email) => send('POST', '/rest/v2/users', { ref: `thrive-${++number}`, firstName: 'A', lastName: 'B', email }),
  ],
  [
    'PATCH /rest/v2/users/ref/{ref}',
    'email',
    'users.email',
    async (email) => {
      await newUser()
      return await send('PATCH', `/rest/v2/users/ref/ref-${number}`, { email })
    },
  ],
  [
    'POST /webhooks',
    'email',
    'users.email',
    (email) => {
      const user = { ref: `event-${++number}`, firstName: 'A', lastName: 'B', email }
      const event = { id: `event-${number}`, timestamp: new Date().toISOString(), eventType: 'user_joined' }
      return send('POST', '/webhooks', { ...event, content: { user } })
    },
  ],
  [
    'POST /api/v1/groups/{id}/sync',
    'email',
    'users.email',
    (email) => send('POST', `/api/v1/groups/${group}/sync`, { members: [{ directory_object_id: objectId(), email }] }),
  ],
  [
    'POST /api/v1/catalogs',
    'contact_emails',
    'catalogs.contact_emails',
    (address) => send('POST', '/api/v1/catalogs', { title: 'X', contact_emails: ['ok@y', address] }),
  ],
  [
    'POST /api/v1/courses',
    'contact_emails',
    'courses.contact_emails',
    (address) => send('POST', '/api/v1/courses', { title: 'X', catalog_id: catalog, contact_emails: [address] }),
  ],
  [
    'POST /api/v1/courses',
    'reply_to_email',
    'courses.reply_to_email',
    (address) => send('POST', '/api/v1/courses', { title: 'X', catalog_id: catalog, reply_to_email: address }),
  ],
  [
    'POST /api/v1/training-plans',
    'contact_emails',
    'training_plans.contact_emails',
    (address) =>
      send('POST', '/api/v1/training-plans', {
        title: 'X',
        catalog_id: catalog,
        course_ids: [course],
        contact_emails: [address],
      }),
  ],
  [
    'POST /api/v1/courses/{id}/sessions',
    'contact_emails',
    'sessions.contact_emails',
    (address) => send('POST', `/api/v1/courses/${course}/sessions`, { title: 'X', contact_emails: [address] }),
  ],
  ...(
    [
      ['catalogs/{id}', 'contact_emails', 'catalogs', () => `catalogs/${catalog}`],
      ['courses/{id}', 'contact_emails', 'courses', () => `courses/${course}`],
      ['courses/{id}', 'reply_to_email', 'courses', () => `courses/${course}`],
      [
        'courses/{id}/sessions/{session_id}',
        'contact_emails',
        'sessions',
        () => `courses/${course}/sessions/${session}`,
      ],
      ['training-plans/{id}', 'contact_emails', 'training_plans', () => `training-plans/${plan}`],
      ['connectors/{id}', 'notify_emails', 'connectors', () => `connectors/${connector}`],
      ['external-systems/{id}', 'contact_emails', 'external_systems', () => `external-systems/${system}`],
    ] as const
  ).map(
    ([path, field, table, url]): Way => [
      `PATCH /api/v1/${path}`,
      field,
      `${table}.${field}`,
      (address) => send('PATCH', `/api/v1/${url()}`, { [field]: field === 'reply_to_email' ? address : [address] }),
    ],
  ),
  [
    'POST /api/v1/connectors',
    'notify_emails',
    'connectors.notify_emails',
    (address) => send('POST', '/api/v1/connectors', { ...newConnector, notify_emails: [address] }),
  ],
  [
    'POST /api/v1/external-systems',
    'contact_emails',
    'external_systems.contact_emails',
    (address) => send('POST', '/api/v1/external-systems', { name: 'X', holds: 'names', contact_emails: [address] }),
  ],
  ['lethe user create', 'email', 'users.email', (address) => command('user', 'create', '--email', address)],
  [
    'lethe user update',
    'email',
    'users.email',
    async (address) => command('user', 'update', '--id', await newUser(), '--new-email', address),
  ],
  [
    'lethe catalog create',
    'contactEmails',
    'catalogs.contact_emails',
    (address) => command('catalog', 'create', 'X', '--contact', address),
  ],
  [
    'lethe import users',
    'email',
    'users.email',
    async (address) =>
      command('import', 'users', await file('users.csv', `ref,email\nimported-${number},${quoted(address)}\n`)),
  ],
  [
    'lethe group sync',
    'email',
    'users.email',
    async (address) =>
      command(
        'group',
        'sync',
        group,
        await file('group.csv', `directory_object_id,email\n${objectId()},${quoted(address)}\n`),
      ),
  ],
]

/** What stands in a column, each once. */
async function stored(column: string): Promise<string[]> {
  const [table, name] = column.split('.')
  const { rows } = await http.owner.query<{ value: string | string[] }>(
    `select ${name} as value from ${table} where ${name} is not null`,
  )
  return rows.flatMap(({ value }) => value)
}

describe('an address', () => {
  it.each(ways)('comes in by %s as the address alone (%s)', async (_name, field, column, act) => {
    for (const junk of ['#\u200b', '#\u00a0', '#;', '#,', '#.', 'mailto:#', '<#>', '"#"', ' <#>; ']) {
      const address = `way-${++number}@x.example`
      expect([junk, await act(junk.replace('#', address))]).toEqual([junk, 'taken'])
      expect((await stored(column)).filter((one) => one.includes(address))).toEqual([address])
    }
    for (const junk of ['Name <#>', '# #', 'a\u200b#', '#@y', '"a b"#', 'a,#', '#\ufeff.\u200bx', 'none']) {
      const address = `way-${++number}@x.example`
      expect([junk, await act(junk.replaceAll('#', address))]).toEqual([junk, field])
      expect((await stored(column)).filter((one) => one.includes(address))).toEqual([])
    }
  })

  it('comes in by no operation that is not tried here', async () => {
    const named = operationsOf((await http.call('GET', '/openapi.json')).json).flatMap(({ method, path, body }) =>
      namesIn(body?.schema ?? {}).map((name) => [`${method} ${path}`, name] as const),
    )
    const tried = new Set(ways.map(([name]) => name))
    // Who is meant, not what is stored.
    const looksUp = (operation: string) => operation.includes('/erasures') || operation.includes('/certificate')
    const missing = named.filter(([operation]) => !tried.has(operation) && !looksUp(operation))
    expect(named.length).toBeGreaterThan(8)
    expect(missing).toEqual([])
  })

  it('comes in as a login name without what was pasted along, claims or not', async () => {
    const login = async (login_name: string) =>
      (await http.call('POST', '/api/v1/users', { as: key, body: { login_name } })).json
    expect((await login('i:0#.f|membership|<way@x.example>;')).login_name).toBe('i:0#.f|membership|way@x.example')
    expect((await login('mailto:way@x.example\u200b')).login_name).toBe('way@x.example')
    expect((await login('w\u200bay')).field).toBe('login_name')
    expect((await login('\u200b')).field).toBe('login_name')
    const body = { ref: '\ufeff4711\u00a0', external_identity_id: 'a|b\u200b' }
    const { json } = await http.call('POST', '/api/v1/users', { as: key, body })
    expect(json).toMatchObject({ ref: '4711', external_identity_id: 'a|b' })
  })
})

function namesIn(schema: Schema): string[] {
  const inside = Object.entries(schema.properties ?? {}).flatMap(([name, one]) => [
    ...(/mail(s)?$/i.test(name) ? [name] : []),
    ...namesIn(one),
  ])
  return [...inside, ...(schema.items === undefined ? [] : namesIn(schema.items))]
}

describe('a file or an argument that is not UTF-8', () => {
  const latin1 = (text: string) => Buffer.from(text, 'latin1')
  const utf16 = (text: string) => Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(text, 'utf16le')])

  it('is refused with the line, and nothing of it is stored', async () => {
    const environment = {
      DATABASE_URL: http.appUrl,
      LETHE_MASTER_KEY: http.database.masterKey.toString('base64'),
      LETHE_TENANT: tenant,
    }
    const failure = async (...args: string[]) => {
      const { code, stderr } = await runCommand(environment, args)
      expect(stderr).not.toContain('ller')
      return [code, stderr] as const
    }
    const bad = 'directory_object_id,first_name\n0190a0b1-7d2c-4c3e-8a54-000000099999,M\xfcller\n'
    expect(await failure('group', 'sync', group, await file('g.csv', latin1(bad)))).toEqual([
      2,
      expect.stringMatching(/line 2 of .*UTF-8/),
    ])
    expect((await failure('group', 'sync', group, await file('g.csv', utf16(bad))))[1]).toContain('UTF-16')
    const refs = await file('refs.csv', latin1('ref\nA-1\nM\xfcller\n'))
    expect((await failure('user', 'delete', '--file', refs))[1]).toMatch(/line 3 of .*UTF-8/)
    const wide = await file('refs.csv', utf16('ref\nA-1\n'))
    expect((await failure('user', 'delete', '--file', wide))[1]).toContain('UTF-16')
    expect((await failure('import', 'users', await file('u.csv', latin1('ref,first_name\nu-1,M\xfcller\n'))))[0]).toBe(
      1,
    )
    const password = await file('password', latin1('M\xfcller M\xfcller M\xfcller\n'))
    const someone = await newUser()
    expect((await failure('user', 'password', '--id', someone, '--password-file', password))[1]).toContain('UTF-8')
    // So Node hands over an argument whose bytes are none.
    expect((await failure('user', 'create', '--first-name', 'M\ufffd'))[1]).toContain('UTF-8')
    const { rows } = await http.owner.query(`select id from users where users::text like '%' || chr(65533) || '%'`)
    expect(rows).toEqual([])
  })

  it('is read where it is UTF-8 with a byte order mark, in pieces of any size', async () => {
    const id = objectId()
    const text = `\ufeffdirectory_object_id,first_name\r\n${id},Jürgen\r\n`
    expect(await command('group', 'sync', group, await file('g.csv', text))).toBe('taken')
    expect(await stored('users.first_name')).toContain('Jürgen')
    const { json } = await http.call('POST', '/api/v1/users', { as: key, body: { ref: 'Größe-1' } })
    expect(await command('user', 'delete', '--file', await file('refs.csv', '\ufeffref\nGröße-1\n'))).toBe('taken')
    expect((await http.call('GET', `/api/v1/users/${json.id}`, { as: key })).json.state).toBe('deleted')
  })
})
