import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { buffer } from 'node:stream/consumers'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sealAudit } from '../server/audit/seal-audit.ts'
import { verifyAudit } from '../server/audit/verify-audit.ts'
import { countAddresses } from '../server/clean-addresses.ts'
import { type CertificateFile, verifyCertificate } from '../server/erasure/proof/certificate.ts'
import { checkMembership } from '../server/erasure/proof/check-membership.ts'
import { readCertificate } from '../server/erasure/proof/read-certificate.ts'
import { previewErasure } from '../server/erasure/requests/preview-erasure.ts'
import { openExport } from '../server/exports/open-export.ts'
import { type MigratedDatabase, migrateDatabase } from '../server/migrate-database.ts'
import { deleteUsers } from '../server/people/lifecycle/delete-users.ts'
import { readSchema, schemaListing } from '../server/platform/database/read-schema.ts'
import { createRoles } from '../server/platform/database/roles.ts'
import { type TestApplication, testApplicationOn } from './application.ts'
import { openTestDatabase, templateName } from './database.ts'
import { dumpDatabase, placesOf } from './rows.ts'
import { startedTestServer } from './server.ts'

// Filled databases of earlier releases, in test/releases: README.md there tells how each was made.

/** What a test must know about a filled database. */
type Facts = {
  master_key: string
  tenant: string
  users: { subject: string; other: string; purged: string; anonymized: string; deleted: string; queued: string }
  requests: { purge: string; anonymization: string; queued: string }
  salt: string
  kept_export: string
  noted: { sequence: number; hash: string }
}

const server = startedTestServer()

/** Parts of the identifiers of the people who are erased after the upgrade. They also stand in texts about others. */
const traces = {
  subject: ['sibylle', 'S-4711', 'sommer'],
  queued: ['quintus', 'Q-4711', 'quell'],
}

async function newDatabase(name: string, template: string): Promise<void> {
  const admin = new pg.Client({ connectionString: server.ownerUrlOf('postgres') })
  await admin.connect()
  try {
    await admin.query(`create database ${name} encoding 'UTF8' template ${template}`)
  } finally {
    await admin.end()
  }
}

async function asOwner<T>(name: string, work: (owner: pg.Client) => Promise<T>): Promise<T> {
  const owner = new pg.Client({ connectionString: server.ownerUrlOf(name) })
  await owner.connect()
  try {
    return await work(owner)
  } finally {
    await owner.end()
  }
}

/** Loads the filled database, and moves what expires into the future, so that the test gives the same on every day. */
async function load(name: string, release: string): Promise<void> {
  const sql = await readFile(new URL(`./releases/${release}.sql`, import.meta.url), 'utf8')
  await newDatabase(name, 'template0')
  await asOwner(name, async (owner) => {
    await createRoles(owner)
    await owner.query(sql)
  })
  await asOwner(name, async (owner) => {
    const { rows } = await owner.query<{ name: string }>(
      `select table_name as name from information_schema.columns where table_schema = 'public' and column_name = 'expires_at'`,
    )
    expect(rows.length).toBeGreaterThan(2)
    for (const { name } of rows) await owner.query(`update ${name} set expires_at = now() + interval '20 days'`)
    await owner.query('update idempotent_requests set created_at = now()')
  })
}

async function countRows(owner: pg.Client): Promise<Record<string, number>> {
  const { tables } = await readSchema(owner)
  // How often the trail is signed depends on when its job runs.
  const others = ['lethe_migrations', 'audit_checkpoints']
  const names = tables.map(({ name }) => name).filter((name) => !name.includes('.') && !others.includes(name))
  const { rows } = await owner.query<{ name: string; count: number }>(
    names.map((name) => `select '${name}' as name, count(*)::int as count from ${name}`).join(' union all '),
  )
  return Object.fromEntries(rows.map(({ name, count }) => [name, count]))
}

/** What the listing of the schema does not show: bodies of functions, triggers, rights, and how columns are stored. */
async function readRest(owner: pg.Client): Promise<unknown[]> {
  const { rows } = await owner.query(
    `select 'function' as what, p.oid::regprocedure::text as name, pg_get_functiondef(p.oid) as definition
     from pg_proc p
     where p.pronamespace = 'public'::regnamespace and p.prokind in ('f', 'p')
       and not exists (select from pg_depend d where d.objid = p.oid and d.deptype = 'e')
     union all
     -- The schema lethe_test belongs to the tests.
     select 'trigger', t.tgrelid::regclass || ' ' || t.tgname, pg_get_triggerdef(t.oid)
     from pg_trigger t join pg_proc p on p.oid = t.tgfoid join pg_class c on c.oid = t.tgrelid
     where not t.tgisinternal and c.relnamespace = 'public'::regnamespace and p.pronamespace = 'public'::regnamespace
     union all
     select 'rights', c.oid::regclass::text, array(select unnest(c.relacl)::text order by 1)::text || coalesce(c.reloptions::text, '')
     from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'v')
     union all
     select 'storage', a.attrelid::regclass || '.' || a.attname, a.attstorage::text || a.attcompression::text
     from pg_attribute a join pg_class c on c.oid = a.attrelid
     where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and a.attnum > 0 and not a.attisdropped
     order by 1, 2`,
  )
  expect(new Set(rows.map(({ what }) => what)).size).toBe(4)
  return rows
}

/** Copies all rows, without what the jobs and migrations of each database are about. */
async function copyRows(from: pg.Client, to: pg.Client): Promise<void> {
  const { tables } = await readSchema(from)
  await to.query(`set session_replication_role = 'replica'`)
  for (const { name, columns } of tables.filter(({ name }) => !name.includes('.') && name !== 'lethe_migrations')) {
    const written = columns
      .filter(({ generated }) => generated !== 'stored')
      .map((column) => pg.escapeIdentifier(column.name))
    const { rows } = await from.query<{ rows: string }>(
      `select coalesce(json_agg(t), '[]')::text as rows from (select ${written.join(', ')} from ${name}) t`,
    )
    await to.query(
      `insert into ${name} (${written.join(', ')}) overriding system value
       select ${written.join(', ')} from json_populate_recordset(null::${name}, $1)`,
      [rows[0]?.rows],
    )
  }
  await to.query(`set session_replication_role = 'origin'`)
}

describe('a filled database of 0.1.0, brought up to this version', async () => {
  const facts: Facts = JSON.parse(await readFile(new URL('./releases/0.1.0.json', import.meta.url), 'utf8'))
  const { tenant, users, requests } = facts
  const name = `lethe_release_${randomBytes(4).toString('hex')}`
  const copyName = `${name}_copy`
  const open = async (database: string): Promise<TestApplication> => {
    const [ownerUrl, appUrl] = [server.ownerUrlOf(database), server.appUrlOf(database)]
    const masterKey = Buffer.from(facts.master_key, 'base64')
    return testApplicationOn(await openTestDatabase(ownerUrl, appUrl, () => server.dropDatabase(database), masterKey))
  }
  let before: Record<string, number>
  let migrated: MigratedDatabase
  let test: TestApplication

  beforeAll(async () => {
    await load(name, '0.1.0')
    before = await asOwner(name, countRows)
    migrated = await migrateDatabase({ ownerUrl: server.ownerUrlOf(name), appUrl: server.appUrlOf(name) })
    test = await open(name)
  })
  afterAll(() => test.close())

  it('was a database with rows in every table', () => {
    expect(Object.entries(before).filter(([, count]) => count === 0)).toEqual([])
  })

  it('has the catalog of a database that was made by this version', async () => {
    const [fresh, upgraded] = [await asOwner(templateName, readSchema), await readSchema(test.owner)]
    expect(schemaListing(upgraded)).toBe(schemaListing(fresh))
    expect(upgraded).toEqual(fresh)
    expect(await readRest(test.owner)).toEqual(await asOwner(templateName, readRest))
  })

  it('has the rows of before in every table, and none in the tables that are new', async () => {
    const after = await countRows(test.owner)
    const added = Object.keys(after).filter((table) => !(table in before))
    expect(added.length).toBeGreaterThan(3)
    expect(after).toEqual({ ...before, ...Object.fromEntries(added.map((table) => [table, 0])) })
    expect(countAddresses(migrated.addresses).filter(({ cleaned }) => cleaned > 0)).toEqual([])
  })

  it('still verifies the chain of its audit trail, from the place that was noted', async () => {
    const verification = await verifyAudit(test.database, tenant, { noted: facts.noted })
    expect(verification).toMatchObject({ problems: [], sealed: facts.noted.sequence })
  })

  it.each([
    ['purge', 'P-4711'],
    ['anonymization', 'A-4711'],
  ] as const)('still verifies the certificate of its %s, which tells who is among its people', async (request, ref) => {
    const file: CertificateFile = await test.inTenant(tenant, (tx) => readCertificate(tx, requests[request]))
    expect(await verifyCertificate(file)).toMatchObject({ verdict: 'clean' })
    const salt = request === 'anonymization' ? { salt: Buffer.from(facts.salt, 'base64url') } : {}
    const among = async (value: string) =>
      (
        await test.inTenant(tenant, (tx) =>
          checkMembership(tx, { request: requests[request], identifier: { kind: 'ref', value }, ...salt }),
        )
      ).among
    expect([await among(ref), await among('S-4711')]).toEqual([true, false])
  })

  it('still opens a kept export', async () => {
    const { content, size } = await openExport(test.database, tenant, facts.kept_export)
    const zip = await buffer(content)
    expect([zip.length, zip.subarray(0, 2).toString()]).toEqual([size, 'PK'])
  })

  it('carries out the erasure request that waited', async () => {
    await test.startWorkers()
    expect(await test.ended(tenant, requests.queued)).toMatchObject({ state: 'completed', failures: [] })
    const { verdict } = await verifyCertificate(
      await test.inTenant(tenant, (tx) => readCertificate(tx, requests.queued)),
    )
    expect(verdict).toBe('clean')
    await test.stopWorkers()
    const dump = await dumpDatabase(test.owner)
    expect(traces.queued.flatMap((trace) => placesOf(dump, trace))).toEqual([])
  })

  it('purges a person as a database does that this version made, with the same receipt and nothing left', async () => {
    await newDatabase(copyName, templateName)
    const copy = await open(copyName)
    try {
      await copyRows(test.owner, copy.owner)
      const filled = await dumpDatabase(copy.owner)
      for (const trace of traces.subject) expect(placesOf(filled, trace)).not.toEqual([])
      const purge = async (on: TestApplication) => {
        await on.inTenant(tenant, (tx) => deleteUsers(tx, { userIds: [users.subject] }))
        const preview = await on.inTenant(tenant, (tx) => previewErasure(tx, 'purge', [users.subject]))
        await on.startWorkers()
        const { id, state, receipt, failures } = await on.purge(tenant, [users.subject])
        const file = await on.inTenant(tenant, (tx) => readCertificate(tx, id))
        await on.stopWorkers()
        const { verdict, certificate } = await verifyCertificate(file)
        const dump = await dumpDatabase(on.owner)
        return {
          state,
          failures,
          preview: { ...preview, planExpiresAt: undefined },
          receipt,
          verdict,
          effects: certificate.effects,
          left: traces.subject.flatMap((trace) => placesOf(dump, trace)),
          rows: await countRows(on.owner),
        }
      }
      const upgraded = await purge(test)
      expect(upgraded).toMatchObject({ state: 'completed', failures: [], verdict: 'clean', left: [] })
      expect(new Set(upgraded.receipt.map(({ table }) => table)).size).toBeGreaterThan(30)
      expect(await purge(copy)).toEqual(upgraded)
    } finally {
      await copy.close()
    }
  })

  it('has an audit trail that goes on where the old chain ended', async () => {
    await test.inTenant(tenant, async (tx) => {
      while ((await sealAudit(tx)).more);
    })
    const { problems, sealed, unsealed } = await verifyAudit(test.database, tenant, { noted: facts.noted })
    expect([problems, sealed > facts.noted.sequence, unsealed]).toEqual([[], true, 0])
  })
})
