import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { parse } from 'csv-parse/sync'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { openTestApplication, type TestApplication } from '../../test/application.ts'
import { insertOneOfEverything } from '../../test/one-of-everything.ts'
import { newTenant, type TenantRows } from '../../test/rows.ts'
import { listAudit } from '../audit/list-audit.ts'
import { valuesOpener } from '../audit/open-values.ts'
import { record } from '../audit/record.ts'
import { keysOfUsers } from '../audit/subject-keys.ts'
import { dataMap } from '../datamap/data-map.ts'
import { compileExport } from '../datamap/export.ts'
import { schemaFacts } from '../datamap/generated/schema-facts.gen.ts'
import { type AnyEntry, fact, key, subject } from '../datamap/vocabulary.ts'
import { submitWork } from '../learning/records/submit-work.ts'
import { createUser } from '../people/accounts/create-user.ts'
import { updateUser } from '../people/accounts/update-user.ts'
import { keepFormer } from '../people/identifiers/former-identifiers.ts'
import { deleteUsers } from '../people/lifecycle/delete-users.ts'
import { inTenant } from '../platform/database/transaction.ts'
import { exportToFolder, makeExportFolder } from './export-folder.ts'

const map: Record<string, AnyEntry> = dataMap

let test: TestApplication
let rows: TenantRows
let root: string
let folder: string
beforeAll(async () => {
  test = await openTestApplication()
})
afterAll(() => test.close())
beforeEach(async () => {
  rows = await newTenant(test.owner)
  root = await mkdtemp(path.join(os.tmpdir(), 'lethe-export-'))
  folder = path.join(root, 'out')
})
afterEach(() => rm(root, { recursive: true }))

async function exported(userId: string, compiled = compileExport(map, schemaFacts)) {
  await makeExportFolder(folder)
  const index = await test.inTenant(rows.tenant, (tx) => exportToFolder(tx, { userId, folder, compiled }))
  const files = new Map<string, Buffer>()
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const name = path.join(entry.parentPath, entry.name)
    files.set(path.relative(folder, name), await readFile(name))
  }
  const text = (name: string | null) => files.get(name ?? '')?.toString('utf8') ?? ''
  const records = (name: string | null): Record<string, unknown>[] => (text(name) === '' ? [] : JSON.parse(text(name)))
  return { index, files, text, records }
}

const person = {
  login_name: 'i:0#.f|membership|canary-login-7c2f',
  directory_object_id: 'c0ffee00-1dea-4bad-8ace-0ddba11f00d5',
  ref: 'canary-ref-8d30',
  email: 'canary.mail-6b1e@acme.example',
  external_identity_id: 'idp|canary-identity-9e41',
}

describe('the export of somebody who stands in every table', () => {
  it('has every value that is held about the person, as JSON and as CSV, and nothing of anybody else', async () => {
    const canaries: string[] = Object.values(person)
    const hashes: string[] = []
    const identity = Object.entries(dataMap.users.columns).flatMap(([column, { is }]) =>
      is === 'identity' ? [[column, `canary of users ${column}`] as const] : [],
    )
    canaries.push(...identity.map(([, value]) => value), 'canary of a custom field')
    const id = await rows.user({
      ...person,
      ...Object.fromEntries(identity),
      custom_fields: { x: 'canary of a custom field' },
    })
    const secret = 'secret of the other'
    const other = await rows.user({ email: 'other@acme.example', first_name: secret, ref: 'other-ref-1' })
    // The fixture has no key that opens.
    await test.inTenant(rows.tenant, (tx) => keysOfUsers(tx, [id, other]))
    canaries.push('canary-of-a-former-ref-1')
    const former = { kind: 'ref', until: new Date() } as const
    await test.inTenant(rows.tenant, (tx) =>
      keepFormer(tx, [
        { ...former, userId: id, value: 'canary-of-a-former-ref-1' },
        { ...former, userId: other, value: `${secret} ref` },
      ]),
    )
    const listed = ['catalog_members.role', 'enrollments.state', 'enrollments.result', 'product_accounts.product']
    await insertOneOfEverything(test.owner, {
      tenantId: rows.tenant,
      userId: id,
      otherUserId: other,
      canary: (table, column) => {
        const entry = map[table]
        const columnClass = entry?.columns[column]
        if (columnClass?.is === 'mention' && entry?.about !== 'person') {
          return columnClass.as === 'addresses' ? person.email : `${secret}: ${person.email}`
        }
        if (entry?.about !== 'person' && columnClass?.is !== 'content') return `${secret} ${table} ${column}`
        const { type } = schemaFacts[table]?.columns[column] ?? {}
        const canary = `canary of ${table} ${column}`
        const takesText = ['text', 'text[]', 'jsonb', 'bytea'].includes(type ?? '')
        if (columnClass?.is === 'sealed') hashes.push(canary)
        else if (takesText && !listed.includes(`${table}.${column}`)) canaries.push(canary)
        return canary
      },
    })
    expect(canaries.length).toBeGreaterThan(30)
    const { index, files, records, text } = await exported(id)
    const all = (kind: string) =>
      [...files].flatMap(([name, content]) => (name.endsWith(kind) ? [content.toString('utf8')] : [])).join('\n')
    const missing = (where: string) => canaries.filter((canary) => !where.includes(canary))
    expect(missing(all('.json') + all('.bin'))).toEqual([])
    expect(missing(all('.csv') + all('.bin'))).toEqual([])

    // Every table about the person has rows, and no row is of the other user.
    const held = index.tables.filter((table) => table.rows > 0).map(({ table }) => table)
    const about = Object.entries(map).flatMap(([table, entry]) =>
      entry.about === 'person' || entry.about === 'themselves' ? [table] : [],
    )
    expect(held.sort()).toEqual([...about, 'posts', 'idempotent_requests'].sort())
    const everything = [...files.values()].map((content) => content.toString('utf8')).join('\n')
    expect(hashes).toContain('canary of passwords hash')
    for (const theirs of [secret, other, 'other@acme.example', 'other-ref-1', 'Ask canary', ...hashes]) {
      expect(everything, theirs).not.toContain(theirs)
    }

    // Where the person acted, and where somebody wrote about the person.
    const acted = Object.entries(map).flatMap(([table, entry]) =>
      Object.entries(entry.columns).flatMap(([column, one]) =>
        one.is === 'actor' && one.purge !== 'empty' ? [`${table} ${column}`] : [],
      ),
    )
    expect(index.parts.counts.map(({ table, role }) => `${table} ${role}`).sort()).toEqual(acted.sort())
    expect(records(index.parts.file)).toContainEqual({ table: 'tenants', role: 'created_by', key: {} })
    const mentioned = Object.entries(map).flatMap(([table, entry]) =>
      Object.entries(entry.columns).flatMap(([column, one]) => (one.is === 'mention' ? [`${table} ${column}`] : [])),
    )
    const mentions = records(index.mentions.file)
    expect([...new Set(mentions.map(({ table, column }) => `${table} ${column}`))].sort()).toEqual(mentioned.sort())
    expect(mentions).toContainEqual(expect.objectContaining({ identifiers: [person.email] }))
    expect(index.mentions.rows).toBe(mentions.length)

    // The index says what each table holds; no name of a file says who it is.
    const page = text('index.html')
    for (const { table, holds } of index.tables) {
      expect(page).toContain(table)
      expect(page).toContain(holds)
    }
    for (const name of files.keys())
      expect(name).toMatch(/^(index\.(html|json)|data\/[a-z_-]+\.(json|csv)|files\/[a-z_]+-[0-9a-f-]+\.bin)$/)
    expect(page).not.toMatch(/https?:|src=/)
    for (const [, target = ''] of page.matchAll(/href="([^"]*)"/g)) expect(files.has(target), target).toBe(true)
  })

  it('covers a table that is added later', async () => {
    const id = await rows.user()
    await test.owner.query(`
      create table badges (tenant_id uuid, id uuid default uuid_v7(), user_id uuid, color text, primary key (tenant_id, id));
      call separate_tenants('badges')`)
    try {
      await rows.insert('badges', { user_id: id, color: 'canary yellow' })
      const entry: AnyEntry = {
        holds: 'Badges.',
        about: 'person',
        anonymize: 'delete',
        columns: { tenant_id: key, id: key, user_id: subject, color: fact },
      }
      const column = { type: 'uuid', nullable: false }
      const facts = {
        columns: { tenant_id: column, id: column, user_id: column, color: { type: 'text', nullable: true } },
        primaryKey: ['tenant_id', 'id'],
        foreignKeys: [],
      }
      const compiled = compileExport({ ...map, badges: entry }, { ...schemaFacts, badges: facts })
      const { index, records } = await exported(id, compiled)
      const badges = index.tables.find(({ table }) => table === 'badges')
      expect(badges).toMatchObject({ rows: 1, holds: 'Badges.' })
      expect(records(badges?.json ?? null)).toMatchObject([{ color: 'canary yellow', user_id: id }])
    } finally {
      await test.owner.query('drop table badges')
    }
  })
})

it('writes what was handed in byte by byte, in files that are named by their id', async () => {
  const id = await rows.user()
  const course = await rows.course()
  const assessment = await rows.insert('assessments', { course_id: course, title: 'A test', kind: 'exam' })
  const content = Buffer.from(Array.from({ length: 700_000 }, (_, place) => (place * 31) % 256))
  await test.inTenant(rows.tenant, (tx) =>
    submitWork(tx, {
      userId: id,
      assessmentId: assessment,
      files: [
        { name: 'Jane Doe.pdf', mediaType: 'application/pdf', content },
        { name: 'empty.txt', mediaType: 'text/plain', content: Buffer.from('x') },
      ],
    }),
  )
  const { index, files, records } = await exported(id)
  const names = records(index.tables.find(({ table }) => table === 'submission_files')?.json ?? null)
  expect(names).toHaveLength(2)
  for (const { id: file, name, size } of names) {
    const written = files.get(`files/submission_file_chunks-${file}.bin`)
    expect(written?.length).toBe(Number(size))
    if (name === 'Jane Doe.pdf') expect(written?.equals(content)).toBe(true)
  }
  expect(index.files.map(({ bytes }) => bytes).sort()).toEqual([1, 700_000])
})

it('gives numbers and texts back as they are, and in CSV nothing that a spreadsheet would run', async () => {
  const formula = '=HYPERLINK("http://x.example";"a")'
  const id = await rows.user({
    first_name: formula,
    last_name: 'A, "B"\nC',
    custom_fields: '{"n": 900719925474099312.10}',
  })
  const { index, text, records } = await exported(id)
  const users = index.tables.find(({ table }) => table === 'users')
  expect(text(users?.json ?? null)).toContain('900719925474099312.10')
  expect(records(users?.json ?? null)).toMatchObject([{ first_name: formula, last_name: 'A, "B"\nC' }])
  const [row] = parse(text(users?.csv ?? null), { columns: true }) as Record<string, string>[]
  expect(row).toMatchObject({ id, first_name: `'${formula}`, last_name: 'A, "B"\nC', email: '' })
})

it('reads in portions, and loses and repeats no row', async () => {
  const id = await rows.user()
  const course = await rows.course()
  const module = await rows.insert('modules', { course_id: course, title: 'A module', kind: 'page' })
  await test.owner.query(
    `insert into record_actions (tenant_id, user_id, module_id, happened_on, clicks)
     select $1, $2, $3, '2020-01-01'::date + n, n from generate_series(1, 3000) n`,
    [rows.tenant, id, module],
  )
  const { index, records } = await exported(id)
  const actions = index.tables.find(({ table }) => table === 'record_actions')
  expect(actions?.rows).toBe(3000)
  expect(new Set(records(actions?.json ?? null).map(({ clicks }) => clicks)).size).toBe(3000)
})

describe('what the audit trail keeps under the key of a person', () => {
  const act = <T>(work: Parameters<typeof inTenant<T>>[2], userId?: string) =>
    inTenant(test.database, rows.tenant, work, { initiator: { from: 'api', userId } })
  const entriesOf = ({ index }: Awaited<ReturnType<typeof exported>>) =>
    index.tables.find(({ table }) => table === 'audit_entries')

  it('is opened in the export of that person: given values, old and new ones, and nobody else is among them', async () => {
    const { id: other } = await act((tx) => createUser(tx, { email: 'other@acme.example', first_name: 'Ophelia' }))
    const { id } = await act((tx) => createUser(tx, { email: 'ann@acme.example', last_name: 'Born, "A"' }))
    await act((tx) => updateUser(tx, id, { last_name: '=Wed', manager_id: other }))
    // The person changes somebody else: that is on record of both, with values of the other one only.
    await act((tx) => updateUser(tx, other, { first_name: 'Octavia' }), id)
    await act((tx) =>
      record(tx, { activity: 'UserUpdated', object: id, values: { manager: other, also: [other, id], n: 1.5 } }),
    )
    const result = await exported(id)
    const entries = entriesOf(result)
    expect(entries).toMatchObject({ kind: 'on_record', rows: 4, values: { opened: 3, unreadable: 0 } })
    const found = result.records(entries?.json ?? null)
    const name = (last_name: string) => ({ last_name, display_name: last_name })
    expect(found.map(({ activity, subject_id, values }) => [activity, subject_id, values])).toEqual([
      ['UserCreated', id, expect.objectContaining({ email: 'ann@acme.example', last_name: 'Born, "A"' })],
      ['UserUpdated', id, { before: name('Born, "A"'), after: name('=Wed') }],
      ['UserUpdated', null, null],
      ['UserUpdated', id, { manager: null, also: [null, id], n: 1.5 }],
    ])
    const cells = parse(result.text(entries?.csv ?? null), { columns: true }) as Record<string, string>[]
    expect(cells.map(({ values }) => (values === '' ? null : JSON.parse(values ?? '')))).toEqual(
      found.map(({ values }) => values),
    )
    const everything = [...result.files.values()].map((content) => content.toString('utf8')).join('\n')
    for (const theirs of [other, 'other@acme.example', 'Ophelia', 'Octavia']) expect(everything).not.toContain(theirs)
    expect(result.text('index.html')).toContain('In 3 of the rows values about the person were opened')
  })

  it('is opened whatever the number of entries', async () => {
    const { id } = await act((tx) => createUser(tx, {}))
    const entries = Array.from({ length: 1200 }, (_, n) => ({
      activity: 'UserUpdated' as const,
      object: id,
      values: { n },
    }))
    await act((tx) => record(tx, entries))
    const result = await exported(id)
    const found = result.records(entriesOf(result)?.json ?? null).flatMap(({ values }) => Object(values).n ?? [])
    expect(found.sort((a, b) => a - b)).toEqual(entries.map(({ values }) => values.n))
  })

  it('is said to be unreadable where somebody altered it', async () => {
    const { id } = await act((tx) => createUser(tx, { first_name: 'Ann' }))
    await test.owner.query('set session_replication_role = replica')
    await test.owner.query(`update audit_entries set sealed_values = '\\x00' where subject_id = $1`, [id])
    await test.owner.query('set session_replication_role = origin')
    const result = await exported(id)
    expect(entriesOf(result)).toMatchObject({ rows: 1, values: { opened: 0, unreadable: 1 } })
    expect(result.records(entriesOf(result)?.json ?? null)).toMatchObject([{ values: null }])
    expect(result.text('index.html')).toContain('in 1 they were altered')
  })

  it('is gone after an anonymization, for the export and for whoever reads the trail', async () => {
    const { id } = await act((tx) => createUser(tx, { first_name: 'Ann' }))
    await act((tx) => updateUser(tx, id, { first_name: 'Anna' }))
    await act((tx) => deleteUsers(tx, { userIds: [id] }))
    await test.startWorkers()
    try {
      expect((await test.anonymize(rows.tenant, [id])).state).toBe('completed')
    } finally {
      await test.stopWorkers()
    }
    await expect(exported(id)).rejects.toMatchObject({ code: 'user.not_found' })
    const { rows: sealed } = await test.owner.query<{ sealed_values: Buffer }>(
      'select sealed_values from audit_entries where subject_id = $1 and sealed_values is not null',
      [id],
    )
    expect(sealed.length).toBeGreaterThanOrEqual(2)
    const open = await act((tx) => valuesOpener(tx, id))
    expect(sealed.map(({ sealed_values }) => open(sealed_values))).toEqual(sealed.map(() => null))
    const { entries } = await act((tx) => listAudit(tx, { subject: id }))
    expect(entries.filter(({ values }) => values !== null)).toEqual([])
  })
})

describe('an export is refused', () => {
  it('into a folder that is not empty or cannot be made', async () => {
    await writeFile(path.join(root, 'a file'), 'x')
    await expect(makeExportFolder(root)).rejects.toMatchObject({ code: 'export.folder_unusable' })
    await expect(makeExportFolder(path.join(root, 'a file'))).rejects.toMatchObject({ code: 'export.folder_unusable' })
    expect(await readdir(root)).toEqual(['a file'])
  })

  it('for nobody of the tenant, and leaves the folder empty where it fails', async () => {
    const elsewhere = await (await newTenant(test.owner)).user()
    await expect(exported(elsewhere)).rejects.toMatchObject({ code: 'user.not_found' })
    const broken = compileExport(map, schemaFacts)
    const [first] = broken.files
    if (first === undefined) throw new Error('nothing is exported as a file')
    first.text = 'select 1 from nowhere where $1::uuid is null and $2::uuid is null'
    await expect(exported(await rows.user(), broken)).rejects.toMatchObject({ code: '42P01' })
    expect(await readdir(folder)).toEqual([])
  })
})

it('is for the eyes of who asked for it', async () => {
  await exported(await rows.user(person))
  expect((await stat(folder)).mode & 0o077).toBe(0)
  for (const name of await readdir(folder)) expect((await stat(path.join(folder, name))).mode & 0o077).toBe(0)
})
