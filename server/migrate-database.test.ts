import { createHash, createPrivateKey, randomBytes, randomUUID } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { calculateJwkThumbprint, exportJWK, generateKeyPair } from 'jose'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type TestApplication, testApplicationOn } from '../test/application.ts'
import { openTestDatabase } from '../test/database.ts'
import { insertRow, type Row } from '../test/rows.ts'
import { startedTestServer } from '../test/server.ts'
import { beforeFirst, type ChainedEntry, chainedColumns, chainHash } from './audit/chain.ts'
import { listAudit } from './audit/list-audit.ts'
import { valuesPurpose } from './audit/values-purpose.ts'
import { countAddresses } from './clean-addresses.ts'
import {
  type AddendumClaims,
  type CertificateClaims,
  hashOf,
  subjectDigest,
  verifyCertificate,
} from './erasure/proof/certificate.ts'
import { checkMembership } from './erasure/proof/check-membership.ts'
import { readCertificate } from './erasure/proof/read-certificate.ts'
import { lineOfPurged } from './erasure/proof/subject-list.ts'
import { retryErasure } from './erasure/requests/retry-erasure.ts'
import { followUp, settleFindings, sweep } from './erasure/sweep/sweep.ts'
import { type IdentifierKind, identifierKey } from './identifiers/identifier-key.ts'
import { normalFormV1 } from './identifiers/normal-form-v1.ts'
import { importUsers } from './imports/users/import-users.ts'
import type { OutcomeOfRow } from './imports/users/outcomes.ts'
import { hashIdentifier } from './keyring/identifier-hash-key.ts'
import { sign } from './keyring/jws.ts'
import type { SigningKey } from './keyring/signing-keys.ts'
import { type MigratedDatabase, migrateDatabase } from './migrate-database.ts'
import { findUser } from './people/accounts/find-users.ts'
import { findAmbiguousIdentifiers } from './people/identifiers/ambiguous-identifiers.ts'
import { deleteUsers } from './people/lifecycle/delete-users.ts'
import { newKey, seal } from './platform/crypto/seal.ts'
import { createRoles } from './platform/database/roles.ts'

const server = startedTestServer()
const name = `lethe_upgrade_${randomBytes(4).toString('hex')}`
const lastOfFirstRelease = '0018_next_subjects.sql'
const masterKey = newKey()
const lastYear = new Date('2025-06-01T08:00:00Z')

let owner: pg.Client
let test: TestApplication
let migrated: MigratedDatabase
let acme: string
let beta: string
const ids: Record<string, string> = {}
/** The head of the chain that an operator of the first release noted. */
let noted: { sequence: number; hash: string }
const requests = { done: randomUUID(), failed: randomUUID() }
const gone = { done: randomUUID(), failed: randomUUID() }

/** Who was purged before the upgrade, as the first release remembers it. */
const purged: { kind: IdentifierKind; value: string }[] = [
  { kind: 'email', value: 'ΔΟΚΙΜΗ.ΕΝΑΣ@x.example' },
  { kind: 'login_name', value: 'i:0#.f|membership|İPEK.9' },
  { kind: 'ref', value: 'GROẞ.4711' },
  { kind: 'external_identity_id', value: 'ann@bücher.example' },
]
/** Whose purge failed before the upgrade; the final sigma makes it another key since then. */
const unfinished: typeof purged = [
  { kind: 'ref', value: 'ΧΡΗΣΤΗΣ-4711' },
  // A living user has it, too.
  { kind: 'login_name', value: 'ΝΙΚΟΣ.4711' },
]

/** Users of the first release. */
const users: Record<string, Row> = {
  capitals: { login_name: 'ΔΟΚΙΜΗΣ.1' },
  small: { login_name: 'i:0#.f|membership|δοκιμης.1' },
  izmir: { login_name: 'İZMİR.7', email: 'İZMİR@x.example' },
  wide: { ref: 'ＡＢＣ309' },
  spaces: { ref: '\u00a04711-b\u00a0', email: 'spaces@x.example\u00a0' },
  semicolon: { email: 'ann@x.example;' },
  mailto: { email: 'mailto:bob@x.example' },
  twin: { email: 'cat@x.example;' },
  other: { email: 'CAT@x.example' },
  sharing: { ref: 'ΝΙΚΟΣ.4711' },
  renamed: { email: 'mia.new@x.example', ref: 'mia-4711' },
}

/** The schema of the first release: only its migrations, written down as applied. */
async function migrateToFirstRelease(): Promise<void> {
  const folder = new URL('../migrations/', import.meta.url)
  const files = (await readdir(folder)).filter((file) => file.endsWith('.sql') && file <= lastOfFirstRelease).sort()
  expect(files).toHaveLength(18)
  await createRoles(owner)
  await owner.query(
    'create table lethe_migrations (name text primary key, digest text not null, applied_at timestamptz not null default now())',
  )
  for (const file of files) {
    const sql = await readFile(new URL(file, folder), 'utf8')
    await owner.query('begin')
    await owner.query(sql)
    await owner.query('insert into lethe_migrations (name, digest) values ($1, $2)', [
      file,
      createHash('sha256').update(sql).digest('hex'),
    ])
    await owner.query('commit')
  }
}

async function insertUsers(tenant: string, given: Record<string, Row>): Promise<void> {
  for (const [user, values] of Object.entries(given)) {
    ids[user] = String((await insertRow(owner, 'users', { tenant_id: tenant, ...values })).id)
  }
}

/** Seals and hashes as the first release did. */
async function keysOfTenant(tenant: string) {
  const hashKey = newKey()
  const sealed_key = seal(masterKey, hashKey, 'tenant key')
  await insertRow(owner, 'tenant_keys', { tenant_id: tenant, purpose: 'identifier_hash', sealed_key })
  const hash = (kind: IdentifierKind, value: string) =>
    hashIdentifier(hashKey, { kind, value: normalFormV1(kind, value) })
  return { hashKey, hash }
}

async function newSigningKey(): Promise<SigningKey> {
  const { publicKey, privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true })
  const [publicJwk, privateJwk] = [await exportJWK(publicKey), await exportJWK(privateKey)]
  const kid = await calculateJwkThumbprint(publicJwk)
  await insertRow(owner, 'signing_keys', {
    kid,
    purpose: 'certificate',
    public_jwk: JSON.stringify({ ...publicJwk, kid, alg: 'EdDSA', use: 'sig' }),
    sealed_private_key: seal(masterKey, Buffer.from(JSON.stringify(privateJwk)), 'signing key'),
  })
  return { kid, privateKey: createPrivateKey({ key: privateJwk, format: 'jwk' }) }
}

/** Entries about a user and a contact, in a chain. */
async function recordTrail(key: SigningKey, hash: (kind: IdentifierKind, value: string) => Buffer): Promise<void> {
  const { renamed } = ids
  const [userKey, contactKey] = [newKey(), newKey()]
  const contact = hash('email', 'STRAẞE@x.example')
  const sealedUnderMaster = (key: Buffer) => seal(masterKey, key, 'key of a person')
  await insertRow(owner, 'person_keys', { tenant_id: acme, user_id: renamed, sealed_key: sealedUnderMaster(userKey) })
  await insertRow(owner, 'contact_keys', { tenant_id: acme, hash: contact, sealed_key: sealedUnderMaster(contactKey) })
  const entry = (values: Row) =>
    owner.query(
      `insert into audit_entries (tenant_id, id, at, initiated_from, actor_kind, activity, object_kind, subject_id, contact_hash, sealed_values)
       select $1, audit_entry_id($2), $2, 'command_line', 'command_line', $3, $4, $5, $6, $7`,
      [acme, values.at, values.activity, values.object, values.subject, values.contact, values.sealed],
    )
  const sealedValues = (key: Buffer, values: unknown) => seal(key, Buffer.from(JSON.stringify(values)), valuesPurpose)
  const at = (minutes: number) => new Date(lastYear.getTime() + minutes * 60_000)
  const ofUser = { object: 'user', subject: renamed, contact: null }
  await entry({
    ...ofUser,
    at: at(1),
    activity: 'UserCreated',
    sealed: sealedValues(userKey, { email: 'ΜΙΑΣ@x.example', ref: 'mia-4711' }),
  })
  await entry({
    ...ofUser,
    at: at(2),
    activity: 'UserUpdated',
    sealed: sealedValues(userKey, { before: { email: 'ΜΙΑΣ@x.example' }, after: { email: 'mia.new@x.example' } }),
  })
  await entry({
    at: at(3),
    activity: 'PersonSearched',
    object: 'tenant',
    subject: null,
    contact,
    sealed: sealedValues(contactKey, { email: 'STRAẞE@x.example' }),
  })
  const { rows } = await owner.query<ChainedEntry>(
    `select ${chainedColumns} from audit_entries where tenant_id = $1 order by audit_entries.id`,
    [acme],
  )
  let previous: Buffer = beforeFirst
  for (const [index, one] of rows.entries()) {
    previous = chainHash(acme, index + 1, previous, one)
    await owner.query('update audit_entries set sequence = $3, hash = $4 where tenant_id = $1 and id = $2', [
      acme,
      one.id,
      index + 1,
      previous,
    ])
  }
  noted = { sequence: rows.length, hash: previous.toString('base64url') }
  const stated = { ...noted, tenant: acme, count: rows.length, at: lastYear.toISOString() }
  const jws = sign(key, { type: 'lethe.audit_checkpoint', version: 1, ...stated })
  await insertRow(owner, 'audit_checkpoints', {
    tenant_id: acme,
    sequence: noted.sequence,
    jws,
    created_at: lastYear,
  })
}

async function insertRequest(request: string, person: string, subject: Row, sealedKey: Buffer | null): Promise<void> {
  const times = { created_at: lastYear, started_at: lastYear, finished_at: lastYear }
  await insertRow(owner, 'erasure_requests', {
    tenant_id: acme,
    id: request,
    operation: 'purge',
    initiated_from: 'command_line',
    map_version: '0123456789abcdef',
    sealed_key: sealedKey,
    ...times,
  })
  await insertRow(owner, 'erasure_subjects', {
    tenant_id: acme,
    request_id: request,
    user_id: person,
    erased_at: lastYear,
    ...subject,
  })
  for (const step of ['resolve', 'erase', 'verify', 'certify', 'search', 'notify']) {
    await insertRow(owner, 'erasure_steps', { tenant_id: acme, request_id: request, step, state: 'done' })
  }
  await insertRow(owner, 'erasure_ledger', {
    tenant_id: acme,
    request_id: request,
    user_id: person,
    operation: 'purge',
    map_version: '0123456789abcdef',
    erased_at: lastYear,
  })
}

/** A request that is done, with a certificate and an addendum of version 1, and one that failed. */
async function recordErasures(
  key: SigningKey,
  { hashKey, hash }: Awaited<ReturnType<typeof keysOfTenant>>,
): Promise<void> {
  await insertRequest(requests.done, gone.done, { state: 'done', finished_at: lastYear }, null)
  const requestKey = newKey()
  const identifiers = unfinished.map(({ kind, value }) => ({ kind, value: normalFormV1(kind, value) }))
  await insertRequest(
    requests.failed,
    gone.failed,
    {
      state: 'failed',
      error_code: 'erasure.residue',
      error_reason: 'left in courses.title',
      sealed_identifiers: seal(requestKey, Buffer.from(JSON.stringify(identifiers)), 'identifiers'),
    },
    seal(masterKey, requestKey, 'request key'),
  )
  const hashes = purged.map(({ kind, value }) => ({ kind, hash: hash(kind, value) }))
  for (const one of hashes) {
    await insertRow(owner, 'tombstones', {
      tenant_id: acme,
      request_id: requests.done,
      user_id: gone.done,
      ...one,
      created_at: lastYear,
    })
  }
  const digest = subjectDigest()
  digest.add(lineOfPurged(hashKey, gone.done, hashes))
  const at = lastYear.toISOString()
  const of = { version: 1, tenant: acme, request: requests.done } as const
  const claims: CertificateClaims = {
    ...of,
    type: 'lethe.erasure_certificate',
    operation: 'purge',
    initiated_from: 'command_line',
    requested_at: at,
    started_at: at,
    certified_at: at,
    data_map: '0123456789abcdef',
    subjects: { total: 1, done: 1, failed: 0, digest: digest.hex() },
    effects: [{ table: 'users', effect: 'deleted', rows: 1 }],
    shared_identifiers: 0,
    verification: { method: 'data_map', rows_left: 0, mentions_left: 0 },
  }
  const certificate = sign(key, claims)
  const addendum: AddendumClaims = {
    ...of,
    type: 'lethe.erasure_addendum',
    certificate: hashOf(certificate),
    added_at: at,
    audit: noted,
    search: { tables: 40, columns: 200, bytes: 4711, identifiers: 4, too_short: 0, unreadable: [], findings: [] },
  }
  for (const [number, jws] of [certificate, sign(key, addendum)].entries()) {
    await insertRow(owner, 'erasure_certificates', {
      tenant_id: acme,
      request_id: requests.done,
      number,
      kid: key.kid,
      jws,
      issued_at: lastYear,
    })
  }
}

async function insertCourses(): Promise<void> {
  const catalog = await insertRow(owner, 'catalogs', {
    tenant_id: acme,
    title: 'A catalog',
    contact_emails: ['mailto:ann@x.example', 'bob@x.example;', 'ok@x.example'],
  })
  ids.catalog = String(catalog.id)
  const course = async (title: string) =>
    String((await insertRow(owner, 'courses', { tenant_id: acme, catalog_id: catalog.id, title })).id)
  ids.former = await course('Ask μιας@x.example')
  ids.unfinished = await course('Ask Χρηστης-4711, not νικος.4711')
  ids.recurring = await course('Ask ΔΟΚΙΜΗ.ΕΝΑΣ@x.example, ann@xn--bcher-kva.example or groß.4711')
}

beforeAll(async () => {
  const admin = new pg.Client({ connectionString: server.ownerUrlOf('postgres') })
  await admin.connect()
  await admin.query(`create database ${name} encoding 'UTF8' template template0`)
  await admin.end()
  const ownerUrl = server.ownerUrlOf(name)
  const appUrl = server.appUrlOf(name)
  owner = new pg.Client({ connectionString: ownerUrl })
  await owner.connect()
  await migrateToFirstRelease()
  acme = String((await insertRow(owner, 'tenants', { name: 'Acme', kind: 'enterprise' })).id)
  beta = String((await insertRow(owner, 'tenants', { name: 'Beta', kind: 'enterprise' })).id)
  await insertUsers(acme, users)
  await insertUsers(beta, { alone: { login_name: 'ΔΟΚΙΜΗΣ.1', email: 'ann@x.example;' } })
  const keys = await keysOfTenant(acme)
  const key = await newSigningKey()
  await recordTrail(key, keys.hash)
  await recordErasures(key, keys)
  await insertCourses()

  migrated = await migrateDatabase({ ownerUrl, appUrl })
  test = testApplicationOn(await openTestDatabase(ownerUrl, appUrl, () => server.dropDatabase(name), masterKey))
  await test.startWorkers()
})
afterAll(async () => {
  await owner.end()
  await test.close()
})

async function readColumn(table: string, column: string, id: string | undefined): Promise<unknown> {
  const { rows } = await owner.query(`select ${column} as value from ${table} where id = $1`, [id])
  return rows[0]?.value
}

describe('a database of the first release, brought up to this version', () => {
  it('gets every later migration, and keys that are those of the code', async () => {
    expect(migrated.applied.length).toBeGreaterThan(8)
    expect(migrated.applied.every((file) => file > lastOfFirstRelease)).toBe(true)
    const { rows } = await owner.query<Record<string, string | null>>(
      'select login_name, login_key, email, email_key, ref, ref_key from users',
    )
    expect(rows).toHaveLength(Object.keys(users).length + 1)
    const keyOf = (kind: IdentifierKind, value: string | null | undefined) =>
      value == null ? null : identifierKey(kind, value)
    for (const row of rows) {
      expect(row).toMatchObject({
        login_key: keyOf('login_name', row.login_name),
        email_key: keyOf('email', row.email),
        ref_key: keyOf('ref', row.ref),
      })
    }
  })

  it.each([
    ['izmir', 'login_name', 'i̇zmi̇r.7'],
    ['izmir', 'email', 'i̇zmi̇r@X.example'],
    ['wide', 'ref', 'ａｂｃ309'],
    ['spaces', 'ref', '4711-b'],
    ['spaces', 'email', 'SPACES@x.example'],
    ['semicolon', 'email', 'ann@x.example'],
    ['mailto', 'email', 'bob@x.example'],
  ] as const)('finds %s by the %s %s', async (user, by, value) => {
    expect(await test.inTenant(acme, (tx) => findUser(tx, { by, value }))).toMatchObject({ id: ids[user] })
  })

  it('has its addresses cleaned, and says which columns and how many, and what it left', async () => {
    expect(await readColumn('users', 'email', ids.semicolon)).toBe('ann@x.example')
    expect(await readColumn('users', 'email', ids.mailto)).toBe('bob@x.example')
    expect(await readColumn('users', 'email', ids.alone)).toBe('ann@x.example')
    expect(await readColumn('users', 'email', ids.twin)).toBe('cat@x.example;')
    expect(await readColumn('catalogs', 'contact_emails', ids.catalog)).toEqual([
      'ann@x.example',
      'bob@x.example',
      'ok@x.example',
    ])
    const counts = countAddresses(migrated.addresses)
    expect(counts).toContainEqual({ table: 'users', column: 'email', cleaned: 4, left: 1 })
    expect(counts).toContainEqual({ table: 'users', column: 'ref', cleaned: 1, left: 0 })
    expect(counts).toContainEqual({ table: 'catalogs', column: 'contact_emails', cleaned: 1, left: 0 })
    expect(migrated.addresses).toContainEqual({
      tenant: acme,
      table: 'users',
      column: 'email',
      id: ids.twin,
      outcome: 'held_by_another',
    })
  })

  it('lists who is ambiguous from now on, in the tenant where it is so', async () => {
    expect(await test.inTenant(acme, findAmbiguousIdentifiers)).toEqual([
      { kind: 'login_name', ids: [ids.capitals, ids.small].sort(), spelledDifferently: true },
    ])
    expect(await test.inTenant(beta, findAmbiguousIdentifiers)).toEqual([])
  })

  it('still recognizes who was purged, in an import', async () => {
    for (const { kind, value } of purged) {
      for (const written of [value, value.toLowerCase()]) {
        const row = kind === 'ref' ? `ref\n${written}\n` : `ref,${kind}\nnew-4711,${written}\n`
        const outcomes: OutcomeOfRow[] = []
        await importUsers(test.database, acme, {
          source: Readable.from([Buffer.from(row)]),
          file: 'users.csv',
          onOutcome: (outcome) => void outcomes.push(outcome),
        })
        expect([written, outcomes]).toEqual([
          written,
          [{ line: 2, outcome: 'skipped', id: null, changed: [], reason: expect.stringContaining('was purged') }],
        ])
      }
    }
    const { rows } = await owner.query(`select id from users where tenant_id = $1 and ref = 'new-4711'`, [acme])
    expect(rows).toEqual([])
  })

  it('still finds who was purged in a sweep, and takes it out', async () => {
    const found = await sweep(test.app.database, [acme])
    const place = { table: 'courses', column: 'title', remedy: 'scrub' }
    expect(found.findings.map(({ kind }) => kind).sort()).toEqual(['email', 'external_identity_id', 'ref'])
    expect(found.findings).toMatchObject([place, place, place])
    for (const { request } of await followUp(test.app.database, found)) await test.ended(acme, request)
    expect(await settleFindings(test.app.database, [acme])).toEqual({ findings: [], reasons: [] })
    expect(await readColumn('courses', 'title', ids.recurring)).toBe('Ask [erased], [erased] or [erased]')
  })

  it('verifies an old certificate, which still tells who is among its people', async () => {
    const file = await test.inTenant(acme, (tx) => readCertificate(tx, requests.done))
    const { verdict, statements } = await verifyCertificate(file)
    expect(verdict).toBe('clean')
    expect(statements.slice(0, 2).map(({ version }) => version)).toEqual([1, 1])
    for (const identifier of purged) {
      for (const value of [identifier.value, identifier.value.toLowerCase()]) {
        const checked = await test.inTenant(acme, (tx) =>
          checkMembership(tx, { request: requests.done, identifier: { ...identifier, value } }),
        )
        expect([value, checked]).toEqual([value, { among: true, verdict: 'clean' }])
      }
    }
  })

  it('goes on with a purge that had failed, and finds the identifier in every spelling, and leaves one that a living user has', async () => {
    await test.inTenant(acme, (tx) => retryErasure(tx, requests.failed))
    expect(await test.ended(acme, requests.failed)).toMatchObject({ state: 'completed', failures: [] })
    expect(await readColumn('courses', 'title', ids.unfinished)).toBe('Ask [erased], not νικος.4711')
  })

  it('takes out of texts what a person was called before a rename that only the old trail knows', async () => {
    const id = ids.renamed ?? ''
    await test.inTenant(acme, (tx) => deleteUsers(tx, { userIds: [id] }))
    expect((await test.purge(acme, [id])).state).toBe('completed')
    expect(await readColumn('courses', 'title', ids.former)).toBe('Ask [erased]')
    const { entries } = await test.inTenant(acme, (tx) => listAudit(tx, { subject: id }))
    expect(JSON.stringify(entries)).not.toMatch(/mia[.-]|μια/i)
  })

  it('destroys the key of a contact of the old trail with the person whose address it is', async () => {
    const keys = () => owner.query('select hash from contact_keys where tenant_id = $1', [acme])
    expect((await keys()).rows).toHaveLength(1)
    const person = String((await insertRow(owner, 'users', { tenant_id: acme, email: 'straße@x.example' })).id)
    await test.inTenant(acme, (tx) => deleteUsers(tx, { userIds: [person] }))
    expect((await test.purge(acme, [person])).state).toBe('completed')
    expect((await keys()).rows).toEqual([])
  })
})
