import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import pg from 'pg'
import { to as copyTo } from 'pg-copy-streams'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Application, openApplication } from '../server/application.ts'
import { listAudit } from '../server/audit/list-audit.ts'
import { readConfig } from '../server/config.ts'
import type { Operation } from '../server/datamap/compile.ts'
import { dataMap } from '../server/datamap/data-map.ts'
import { schemaFacts } from '../server/datamap/generated/schema-facts.gen.ts'
import type { AnyEntry } from '../server/datamap/vocabulary.ts'
import { readCertificate } from '../server/erasure/proof/read-certificate.ts'
import { requestErasure } from '../server/erasure/requests/request-erasure.ts'
import { waitForErasure } from '../server/erasure/requests/wait-for-erasure.ts'
import { sweep } from '../server/erasure/sweep/sweep.ts'
import { keepExport } from '../server/exports/kept-exports.ts'
import { waitForExport } from '../server/exports/wait-for-export.ts'
import { createUser } from '../server/people/accounts/create-user.ts'
import { updateUser } from '../server/people/accounts/update-user.ts'
import { type UserFieldName, type UserFields, userFieldNames } from '../server/people/accounts/user-fields.ts'
import { deleteUsers } from '../server/people/lifecycle/delete-users.ts'
import { type EmbeddedServer, useEmbeddedServer } from '../server/platform/database/embedded.ts'
import { inTenant } from '../server/platform/database/transaction.ts'
import { createTenant } from '../server/tenancy/tenants.ts'
import { startWorkers } from '../server/workers.ts'
import { type Credential, openTestHttp, type TestHttp } from './http.ts'
import { insertOneOfEverything } from './one-of-everything.ts'
import { dumpDatabase } from './rows.ts'
import { installUnzip, unzipIsThere, unzipped } from './unzip.ts'

/** The person. Every field that an operation accepts has a value that stands nowhere else. */
const email = 'Canary.Mail-6b1e@acme.example'
/** The address before a rename. */
const former = 'Canary.Former-7d2e@acme.example'
const fields = {
  login_name: 'i:0#.f|membership|canary-login-7c2f',
  directory_object_id: 'c0ffee00-1dea-4bad-8ace-0ddba11f00d5',
  ref: 'canary-ref-8d30',
  email,
  external_identity_id: 'idp|canary-identity-9e41',
  first_name: 'Canaria-af52',
  last_name: 'Canarysson-b063',
  display_name: 'Canaria C. Canarysson c174',
  title: 'Canary Doctor d285',
  job_title: 'Canary Keeper e396',
  department: 'Canary Department f4a7',
  office: 'Canary Office 05b8',
  city: 'Canary City 16c9',
  country: 'Canary Country 27da',
  locale: 'de-x-canary38',
  time_zone: 'Antarctica/Troll',
  custom_fields: { 'canary key 38eb': 'canary value 49fc', list: ['canary item 5a0d', { deep: 'canary depth 6b1e' }] },
} satisfies UserFields

/** Fields that say nothing about one person alone. */
const common: UserFieldName[] = ['kind', 'email_verified', 'manager_id', 'roles', 'products']

let canaries: string[]
const ownCanaries = [
  ...Object.values(fields).flatMap((value) => (typeof value === 'string' ? [value] : [])),
  'canary-login-7c2f',
  former,
  ...['canary key 38eb', 'canary value 49fc', 'canary item 5a0d', 'canary depth 6b1e'],
]

/**
 * What to write into a column in the person's name: in rows that go or lose their content a canary, in rows that stay
 * the person's address where somebody may have written it, and elsewhere something that may stay.
 */
function planted(operation: Operation, table: string, column: string): string {
  const entry: AnyEntry | undefined = (dataMap as Record<string, AnyEntry>)[table]
  const columnClass = entry?.columns[column]
  if (columnClass?.is === 'mention' && entry?.about !== 'person') {
    return columnClass.as === 'addresses' ? email.toLowerCase() : `Write to ${email}, or not; ${former} was before`
  }
  if (entry?.about !== 'person' && columnClass?.is !== 'content') return `${table} ${column}`
  const cleared = typeof entry?.anonymize === 'object' ? entry.anonymize.clear : []
  const stays = operation === 'anonymize' && entry?.about === 'person' && entry.anonymize !== 'delete'
  if (stays && !cleared.includes(column)) return `${table} ${column}`
  const canary = `canary of ${table} ${column}`
  const { type } = schemaFacts[table]?.columns[column] ?? {}
  const takesText = type === 'text' || type === 'text[]' || type === 'jsonb' || type === 'bytea'
  if (takesText && !listed.includes(`${table}.${column}`) && !canaries.includes(canary)) canaries.push(canary)
  return canary
}

/** Columns that take one of a list of words, and what is gone before the erasure because the person is deleted first. */
const listed = [
  'catalog_members.role',
  'enrollments.state',
  'enrollments.result',
  'product_accounts.product',
  'sign_in_sessions.token_hash',
]

let folder: string
let app: Application
let server: EmbeddedServer
let owner: pg.Client
let tenant: string
let person: string

/** Everything that the database holds outside of PostgreSQL's own catalogs, as COPY writes it: bytes in hexadecimal. */
async function readTables(): Promise<Map<string, string>> {
  const { rows } = await owner.query<{ name: string }>(
    `select c.oid::regclass::text as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where c.relkind in ('r', 'm', 'S') and n.nspname <> 'information_schema' and n.nspname not like 'pg\\_%'`,
  )
  const tables = new Map<string, string>()
  for (const { name } of rows) {
    const chunks: Buffer[] = []
    const sink = new Writable({
      write(chunk: Buffer, _encoding, done) {
        chunks.push(chunk)
        done()
      },
    })
    await pipeline(owner.query(copyTo(`copy (select * from ${name}) to stdout`)), sink)
    tables.set(name, Buffer.concat(chunks).toString('utf8').toLowerCase())
  }
  return tables
}

/** Every file of the data folder that is not PostgreSQL's own, by its path in there. */
async function readFiles(): Promise<Map<string, string>> {
  const files = new Map<string, string>()
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const name = path.relative(folder, path.join(entry.parentPath, entry.name))
    if (!entry.isFile() || name.startsWith(`postgres${path.sep}`)) continue
    files.set(name, (await readFile(path.join(folder, name))).toString('latin1').toLowerCase())
  }
  return files
}

/** The places where a value stands: as text, or as the bytes of its text, in either case of letters. */
function placesOf(value: string, contents: Map<string, string>): string[] {
  const lower = value.toLowerCase()
  const spellings = [
    lower,
    lower.replaceAll('-', ''),
    ...[value, lower, value.toUpperCase()].map((text) => Buffer.from(text).toString('hex')),
  ]
  return [...contents].flatMap(([place, content]) => (spellings.some((one) => content.includes(one)) ? [place] : []))
}

/** Keeps an export of everything; answers the key and the content as they are stored, the beginning in hexadecimal. */
async function keepAnExport(): Promise<string[]> {
  const workers = await startWorkers(app, pino({ level: 'silent' }))
  const { id } = await inTenant(app.database, tenant, (tx) => keepExport(tx, { userId: person }))
  const { state } = await waitForExport(app.database, tenant, id)
  await workers.stop()
  expect(state).toBe('ready')
  const { rows } = await owner.query<{ stored: string }>(
    `select encode(substring(sealed_key from 1 for 32), 'hex') as stored from exports where id = $1
     union all
     select encode(substring(content from 1 for 32), 'hex') from export_chunks where export_id = $1`,
    [id],
  )
  expect(rows.length).toBeGreaterThan(1)
  return rows.map(({ stored }) => stored)
}

async function findEverywhere(): Promise<Map<string, string[]>> {
  const contents = new Map([...(await readTables()), ...(await readFiles())])
  return new Map(canaries.map((canary) => [canary, placesOf(canary, contents)]))
}

describe.each(['purge', 'anonymize'] as const)(
  'a person with a value in every field and something in every table (%s)',
  (operation) => {
    beforeAll(async () => {
      canaries = [...ownCanaries]
      folder = await mkdtemp(path.join(os.tmpdir(), 'lethe-canary-'))
      // As root the server runs as another user, who must be able to enter.
      await chmod(folder, 0o711)
      app = await openApplication({ config: readConfig({}, { dataFolder: folder }) })
      server = await useEmbeddedServer({ dataFolder: folder })
      owner = new pg.Client({ connectionString: server.ownerUrl })
      await owner.connect()
      tenant = (await createTenant(app.database, { name: 'Acme', kind: 'enterprise' })).id
      const other = await inTenant(app.database, tenant, (tx) =>
        createUser(tx, { roles: ['administrator'], products: ['flow'] }),
      )
      person = await inTenant(app.database, tenant, async (tx) => {
        const { id } = await createUser(tx, { ...fields, email: former, products: ['flow'] })
        await updateUser(tx, id, { email })
        return id
      })
      await insertOneOfEverything(owner, {
        tenantId: tenant,
        userId: person,
        otherUserId: other.id,
        canary: (table, column) => planted(operation, table, column),
      })
      canaries.push(...(await keepAnExport()))
      await inTenant(app.database, tenant, (tx) => deleteUsers(tx, { userIds: [person] }), {
        initiator: { userId: other.id, from: 'command_line' },
      })
    })
    afterAll(async () => {
      await owner.end()
      await server.release()
      await app.close()
      await rm(folder, { recursive: true, force: true })
    })

    it('has a value in every field that an operation accepts', () => {
      expect([...Object.keys(fields), ...common].sort()).toEqual([...userFieldNames].sort())
    })

    it('is found by every value before, and by none afterwards: in no table, in no file, in no log', async () => {
      const before = await findEverywhere()
      expect(before.size).toBeGreaterThan(30)
      expect([...before].filter(([, places]) => places.length === 0)).toEqual([])
      const mentioning = Object.entries(dataMap).flatMap(([table, { columns }]) =>
        Object.values(columns).some(({ is }) => is === 'mention') ? [table] : [],
      )
      expect(before.get(email)?.sort()).toEqual(mentioning.sort())

      const audited = () =>
        inTenant(app.database, tenant, async (tx) => (await listAudit(tx, { subject: person })).entries)
      const recorded = JSON.stringify(await audited()).toLowerCase()
      expect(recorded).toContain(email.toLowerCase())

      // PostgreSQL prints values in the messages of errors and warnings.
      const refused = owner.query('insert into users (tenant_id, ref, email) values ($1, $2, $3)', [
        tenant,
        fields.ref,
        fields.email,
      ])
      await expect(refused).rejects.toMatchObject({ detail: expect.stringContaining(fields.ref) })
      await owner.query(`do $$ begin raise warning 'a warning about %', '${email}'; end $$`)

      const log: string[] = []
      const sink = new Writable({
        write(chunk: Buffer, _encoding, done) {
          log.push(chunk.toString('utf8').toLowerCase())
          done()
        },
      })
      const workers = await startWorkers(app, pino({ level: 'trace' }, sink))
      const { request } = await inTenant(app.database, tenant, (tx) =>
        requestErasure(tx, {
          operation,
          userIds: [person],
          reason: `${email} asked for it`,
        }),
      )
      const summary = await waitForErasure(app.database, tenant, request, { until: 'ended' })
      await workers.stop()
      expect(summary.state).toBe('completed')

      expect([...(await readFiles()).keys()]).toContain('postgres.log')
      const after = await findEverywhere()
      expect([...after].filter(([, places]) => places.length > 0)).toEqual([])
      const left = await audited()
      expect(left.filter(({ erased }) => erased).map(({ activity }) => activity)).toContain('UserCreated')
      expect(
        canaries.flatMap((canary) => placesOf(canary, new Map([['audit', JSON.stringify(left).toLowerCase()]]))),
      ).toEqual([])
      const certificate = await inTenant(app.database, tenant, (tx) => readCertificate(tx, request))
      const spoken = new Map([
        ['log', log.join('')],
        ['certificate', JSON.stringify(certificate).toLowerCase()],
        ...certificate.certificates.map((jws, number): [string, string] => [
          `claims ${number}`,
          Buffer.from(jws.split('.')[1] ?? '', 'base64url')
            .toString('utf8')
            .toLowerCase(),
        ]),
      ])
      expect(canaries.flatMap((canary) => placesOf(canary, spoken))).toEqual([])

      // The internal id stays where the erasure is on record, where the map keeps it, and nowhere else.
      const kept = Object.entries(dataMap as Record<string, AnyEntry>).flatMap(([table, entry]) => {
        const acts = Object.values(entry.columns).some((one) => one.is === 'actor' && one.anonymize === 'keep')
        const stays = entry.about === 'person' && entry.anonymize !== 'delete'
        return acts || stays || entry.about === 'themselves' ? [table] : []
      })
      const onRecord = [
        'audit_entries',
        'erasure_ledger',
        'erasure_subjects',
        ...(operation === 'purge' ? ['tombstones'] : kept),
      ]
      const contents = new Map([...(await readTables()), ...(await readFiles())])
      expect(placesOf(person, contents).sort()).toEqual(onRecord.sort())
    })
  },
)

/** What a person is known by, in ten scripts and more; letters that fold to several or have several spellings. */
const scripts: Record<string, string> = {
  latin: 'İzmẞ\u212aé',
  vietnamese: 'Nguyễn',
  greek: 'ΔΟΚΙΜΗΣ',
  cyrillic: 'Жёлтый',
  armenian: 'Ժամանակ',
  georgian: 'ქართული',
  hebrew: 'שלום',
  arabic: 'مرحبا',
  devanagari: '\u0958लम',
  hangul: '한국어',
  han: '豈王芳',
  thai: 'สวัสดี',
  cherokee: 'ᎠᎡᎢ',
  adlam: '\u{1e900}\u{1e901}\u{1e902}',
  fullwidth: 'ＡＢＣ',
}

const each = (encode: (character: string, next: string) => string) => (text: string) => {
  const characters = [...text]
  return characters.map((character, at) => encode(character, characters[at + 1] ?? ' ')).join('')
}
const signs = (encode: (character: string, next: string) => string) =>
  each((character, next) => (/[a-z0-9]/i.test(character) ? character : encode(character, next)))
const inHex = (number: number, digits: number) => number.toString(16).padStart(digits, '0')
const percent = (character: string) => [...Buffer.from(character)].map((byte) => `%${inHex(byte, 2)}`).join('')
const json = (character: string) =>
  character
    .split('')
    .map((unit) => `\\u${inHex(unit.charCodeAt(0), 4)}`)
    .join('')
/** Without the semicolon where no digit follows, which would belong to the number. */
const reference = (text: string, next: string) => (/[0-9a-f;]/i.test(next) ? `${text};` : text)
const decimal = (character: string) => `&#${character.codePointAt(0)};`
const named: Record<string, string> = {
  '@': '&commat;',
  '.': '&period;',
  _: '&lowbar;',
  "'": '&apos;',
  é: '&eacute',
}

/** The ways in which a text holds an identifier, nested ones too. */
const shapes: Record<string, (text: string) => string> = {
  'as it is': (text) => text,
  'upper case': (text) => text.toUpperCase(),
  decomposed: (text) => text.normalize('NFD'),
  'percent, capitals': signs((character) => percent(character).toUpperCase()),
  'percent, everything': each(percent),
  'JSON, signs': signs(json),
  'JSON, everything': each(json),
  'decimal references': signs(decimal),
  'decimal references without semicolon': signs((character, next) => reference(`&#${character.codePointAt(0)}`, next)),
  'hexadecimal references': each((character) => `&#x${inHex(character.codePointAt(0) ?? 0, 1)};`),
  'hexadecimal references without semicolon': signs((character, next) =>
    reference(`&#X${inHex(character.codePointAt(0) ?? 0, 4)}`, next),
  ),
  'references by name': each((character) => named[character] ?? character),
  'percent in JSON': (text) => signs(json)(signs(percent)(text)),
  'references in an address': (text) => signs(percent)(signs(decimal)(text)),
  'JSON in references': (text) => signs(decimal)(signs(json)(text)),
}

/** What the fields of a user take, in characters. */
const shortText = 200

/** All texts in a value, with the names of members. */
function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value]
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, one]) => [name, ...textsIn(one)])
}

describe('people of ten scripts whom others write about, through the API, in every shape', () => {
  let http: TestHttp
  let administrator: Credential
  let tenantId: string
  let living: string
  let folder: string
  const people = new Map<string, string>()
  /** Each text by its script and shape. */
  const written = new Map<string, string>()
  beforeAll(async () => {
    http = await openTestHttp()
    folder = await mkdtemp(path.join(os.tmpdir(), 'lethe-canary-'))
    tenantId = await http.tenant('Scripts')
    const { userId: _, ...session } = await http.person(tenantId, 'administrator')
    administrator = session
    living = (await send('POST', '/api/v1/users', { ref: 'living-0815' })).id
    const [catalog, scales] = [
      (await send('POST', '/api/v1/catalogs', { title: 'Catalog' })).id,
      (await send('POST', '/api/v1/scale-sets', { title: 'Scale', levels: [{ title: 'One', value: 1 }] })).id,
    ]
    for (const [script, word] of Object.entries(scripts)) {
      const ref = `${word}.o'47-11_x`
      const email = `${word}.e'47-11_x@corp-9.example`
      const { id } = await send('POST', '/api/v1/users', {
        ref,
        email,
        login_name: `i:0#.f|membership|${word}.l-0815`,
      })
      people.set(script, id)
      for (const [shape, write] of Object.entries(shapes)) {
        written.set(`${script}, ref, ${shape}`, write(ref))
        written.set(`${script}, email, ${shape}`, write(email))
      }
      await plant({ script, email, catalog, scales })
    }
  }, 240_000)
  afterAll(async () => {
    await http.close()
    await rm(folder, { recursive: true, force: true })
  })

  // biome-ignore lint/suspicious/noExplicitAny: whatever was answered
  async function send(method: string, url: string, body?: unknown, headers?: Record<string, string>): Promise<any> {
    const { status, json, text } = await http.call(method, url, {
      as: administrator,
      ...(body !== undefined && { body }),
      ...(headers !== undefined && { headers }),
    })
    expect([url, status, status < 300 ? '' : text]).toEqual([url, expect.toBeOneOf([200, 201, 202, 204]), ''])
    return json
  }

  type Planting = { script: string; email: string; catalog: string; scales: string }

  /** Writes every shape into long texts, and one after the other into the short ones. */
  async function plant({ script, email, catalog, scales }: Planting): Promise<void> {
    const texts = [...written].flatMap(([name, text]) => (name.startsWith(`${script},`) ? [text] : []))
    let turn = 0
    const all = () => texts.map((text) => `Ask ${text}!`).join('\n')
    const one = (most = 256) => {
      for (;;) {
        const text = `(${texts[turn++ % texts.length]})`
        if (text.length <= most) return text
      }
    }
    const contacts = ['desk@corp.example', email]
    await send('POST', '/api/v1/catalogs', { title: one(), description: all(), contact_emails: contacts })
    const course = await send(
      'POST',
      '/api/v1/courses',
      {
        catalog_id: catalog,
        title: one(),
        description: all(),
        contact_emails: contacts,
        reply_to_email: email,
        modules: [{ title: one(), kind: one() }],
        assessments: [{ title: one(), kind: one() }],
      },
      { 'idempotency-key': `course-${script}` },
    )
    await send('POST', `/api/v1/courses/${course.id}/sessions`, {
      title: one(),
      location: one(),
      contact_emails: contacts,
    })
    await send('POST', '/api/v1/training-plans', {
      catalog_id: catalog,
      title: one(),
      description: all(),
      contact_emails: contacts,
      course_ids: [course.id],
    })
    await send('POST', '/api/v1/skills', { title: one(), description: all(), scale_set_id: scales })
    await send('POST', '/api/v1/scale-sets', { title: one(), levels: [{ title: one(), value: 1 }] })
    await send('POST', '/api/v1/groups', { display_name: one(), description: one() })
    await send('POST', '/api/v1/keys', { name: one(100), access: 'read_only' })
    await send('POST', '/api/v1/clients', { name: one(100), scopes: ['api/read'] })
    const enrollment = await send('POST', '/api/v1/enrollments', { user_id: living, course_id: course.id })
    await send('POST', `/api/v1/enrollments/${enrollment.id}/unenroll`, { note: all() })
    await send(
      'POST',
      '/api/v1/users',
      {
        ref: `about-${script}-4711`,
        job_title: one(),
        department: one(),
        display_name: one(),
        custom_fields: { [one(64)]: all(), list: texts },
      },
      { 'idempotency-key': `user-${script}` },
    )
    // Corrected, so that it stands in the audit trail alone.
    const fields = ['first_name', 'last_name', 'display_name', 'title', 'job_title', 'department', 'office', 'city']
    const short = texts.filter((text) => text.length <= shortText)
    for (let from = 0; from < short.length; from += fields.length) {
      const some = short.slice(from, from + fields.length).map((text, at) => [fields[at], text])
      await send('PATCH', `/api/v1/users/${living}`, Object.fromEntries(some))
    }
    await send('PATCH', `/api/v1/users/${living}`, Object.fromEntries(fields.map((field) => [field, null])))
    await http.call('GET', `/api/v1/users?search=${encodeURIComponent(one())}`, { as: administrator })
  }

  /** What is left to be read, by place: the rows of all tables, exports of the living, the audit trail, what was logged. */
  async function everything(): Promise<Map<string, string[]>> {
    const places = new Map<string, string[]>()
    for (const [table, dumped] of await dumpDatabase(http.owner)) {
      places.set(
        table,
        [...dumped.values()].flatMap((row) => textsIn(row)),
      )
    }
    const archive = await fetch(`${http.url}/api/v1/users/${living}/export`, { headers: administrator })
    expect(archive.status).toBe(200)
    const file = path.join(folder, 'export.zip')
    await writeFile(file, Buffer.from(await archive.arrayBuffer()))
    for (const [name, content] of await unzipped(file)) {
      places.set(
        `export ${name}`,
        name.endsWith('.json') ? textsIn(JSON.parse(content.toString())) : [content.toString()],
      )
    }
    const trail = await fetch(`${http.url}/api/v1/audit/export`, { headers: administrator })
    const lines = (await trail.text()).split('\n').filter((line) => line.startsWith('{'))
    expect(lines.length).toBeGreaterThan(100)
    places.set(
      'audit export',
      lines.flatMap((line) => textsIn(JSON.parse(line))),
    )
    places.set('log', [http.requestLog(), http.log()])
    return places
  }

  /** Where each text stands: as it was written, inside of JSON or CSV, or as bytes in hexadecimal. */
  function placesOfTexts(places: Map<string, string[]>): Map<string, string[]> {
    const content = [...places].map(([place, texts]) => [place, texts.join('\n').toLowerCase()] as const)
    return new Map(
      [...written].map(([name, text]) => {
        const forms = [
          text,
          JSON.stringify(text).slice(1, -1),
          Buffer.from(text).toString('hex'),
          encodeURIComponent(text),
        ]
        const lower = forms.map((form) => form.toLowerCase())
        return [name, content.flatMap(([place, one]) => (lower.some((form) => one.includes(form)) ? [place] : []))]
      }),
    )
  }

  it('are found in all of it before a purge, and nowhere afterwards', async ({ skip }) => {
    skip(!unzipIsThere, installUnzip)
    await http.startWorkers()
    const { id: kept } = await send('POST', `/api/v1/users/${living}/exports`, {})
    await waitForExport(http.database, tenantId, kept)
    const before = placesOfTexts(await everything())
    const tables = ['catalogs', 'courses', 'training_plans', 'skills', 'users', 'enrollments']
    for (const [name, places] of before) {
      const inTrail = (written.get(name)?.length ?? 0) <= shortText ? ['audit export'] : []
      const inExport = 'export data/about-enrollments.json'
      expect([name, places]).toEqual([name, expect.arrayContaining([...tables, inExport, ...inTrail])])
    }
    const reached = new Set([...before.values()].flat())
    expect([...reached]).toEqual(
      expect.arrayContaining([
        ...['modules', 'assessments', 'sessions', 'skill_scale_sets', 'skill_levels', 'directory_groups'],
        ...['api_keys', 'oauth_clients', 'idempotent_requests'],
      ]),
    )
    expect([...reached]).not.toContain('log')
    expect(http.requestLog()).toContain('/api/v1/users')

    for (const id of people.values()) await send('DELETE', `/api/v1/users/${id}`)
    const order = await send('POST', '/api/v1/erasures', {
      operation: 'purge',
      subjects: [...people.values()].map((id) => ({ id })),
      reason: [...written.values()].slice(0, 12).join(' ').slice(0, 2000),
    })
    const summary = await waitForErasure(http.database, tenantId, order.id, { until: 'ended' })
    expect(summary).toMatchObject({ state: 'completed', subjects: { total: people.size, failed: 0 } })

    expect([...placesOfTexts(await everything())].filter(([, places]) => places.length > 0)).toEqual([])
    const fetched = await http.call('GET', `/api/v1/users/${living}/exports/${kept}/content`, { as: administrator })
    expect(fetched.status).toBeGreaterThan(399)
    const audited = await http.call('GET', '/api/v1/audit/verification', { as: administrator })
    expect(audited.json.problems).toEqual([])
    const swept = await sweep(http.app.database, [tenantId])
    expect(swept.findings).toEqual([])
  }, 240_000)
})
