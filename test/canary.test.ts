import { chmod, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
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
import { schemaFacts } from '../server/datamap/schema-facts.gen.ts'
import type { AnyEntry } from '../server/datamap/vocabulary.ts'
import { requestErasure } from '../server/erasure/request-erasure.ts'
import { readCertificate } from '../server/erasure/show-erasures.ts'
import { waitForErasure } from '../server/erasure/wait-for-erasure.ts'
import { keepExport } from '../server/exports/kept-exports.ts'
import { waitForExport } from '../server/exports/wait-for-export.ts'
import { createUser } from '../server/people/create-user.ts'
import { deleteUsers } from '../server/people/delete-users.ts'
import { updateUser } from '../server/people/update-user.ts'
import { type UserFieldName, type UserFields, userFieldNames } from '../server/people/user-fields.ts'
import { type EmbeddedServer, useEmbeddedServer } from '../server/platform/database/embedded.ts'
import { inTenant } from '../server/platform/database/transaction.ts'
import { createTenant } from '../server/tenancy/tenants.ts'
import { startWorkers } from '../server/workers.ts'
import { insertOneOfEverything } from './one-of-everything.ts'

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
