import { afterAll, beforeAll, expect, it } from 'vitest'
import { openTestApplication, type TestApplication } from '../../../test/application.ts'
import { insertOneOfEverything } from '../../../test/one-of-everything.ts'
import { differences, dumpDatabase, newTenant, type TenantRows } from '../../../test/rows.ts'
import { installationTrail } from '../../audit/installation-trail.ts'
import { verifyAudit } from '../../audit/verify-audit.ts'
import { placeHold } from '../../holds/place-hold.ts'
import { releaseHold } from '../../holds/release-hold.ts'
import { inTenant } from '../../platform/database/transaction.ts'
import { createTenant, findTenant } from '../../tenancy/tenants.ts'
import { requestErasure } from '../requests/request-erasure.ts'
import { deleteTenant } from './delete-tenant.ts'
import { verifyTenantDeletion } from './deletion-certificate.ts'
import { previewTenantDeletion } from './preview-tenant-deletion.ts'
import { listTenantDeletions, readTenantDeletion } from './read-tenant-deletions.ts'

let test: TestApplication
beforeAll(async () => {
  test = await openTestApplication()
  await test.startWorkers()
})
afterAll(() => test.close())

/** A tenant with a row in every table, and with an erasure request that has ended. */
async function fullTenant(name: string): Promise<TenantRows> {
  const rows = await newTenant(test.owner, { name })
  const [userId, otherUserId] = [await rows.user({ email: `${name}-one@deleted.example` }), await rows.user()]
  await insertOneOfEverything(test.owner, {
    tenantId: rows.tenant,
    userId,
    otherUserId,
    canary: (table, column) => `${name} ${table} ${column}`,
  })
  await test.purge(rows.tenant, [await rows.deletedUser({ ref: `${name}-4711` })])
  return rows
}

const preview = (tenant: string) => inTenant(test.database, tenant, previewTenantDeletion, { readOnly: true })

/** Tables whose rows belong to no tenant. */
async function tablesOfInstallation(): Promise<string[]> {
  const { rows } = await test.owner.query<{ name: string }>(
    `select c.oid::regclass::text as name from pg_class c
     where c.relkind = 'r' and not exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'tenant_id')`,
  )
  return rows.map(({ name }) => name)
}

/** Everything in the database as text, by table. */
async function everything(): Promise<Map<string, string>> {
  const dump = await dumpDatabase(test.owner)
  return new Map([...dump].map(([table, rows]) => [table, JSON.stringify([...rows])]))
}

it('removes every row of the tenant from every table, leaves others alone, and keeps a certificate of it', async () => {
  const gone = await fullTenant('gonecanary')
  const kept = await fullTenant('keptcanary')
  const counted = await preview(gone.tenant)
  const without = await tablesOfInstallation()
  const keptBefore = await dumpDatabase(test.owner, { tenant: kept.tenant, without })
  const before = await everything()
  const tablesOf = (text: string) =>
    [...before].flatMap(([table, all]) => (all.includes(text) ? [table] : [])).filter((table) => table !== 'tenants')
  expect(counted.tables.map(({ table }) => table)).toEqual(expect.arrayContaining(tablesOf(gone.tenant)))
  expect(counted.tables.length).toBeGreaterThan(45)

  const claims = await deleteTenant(test.database, gone.tenant, { expectedPeople: counted.people })
  expect(claims).toMatchObject({ tenant: gone.tenant, people: counted.people, verification: { rows_left: 0 } })

  for (const [table, all] of await everything()) {
    expect([table, all.includes('gonecanary')]).toEqual([table, false])
    if (table !== 'tenant_deletions' && table !== 'audit_entries') {
      expect([table, all.includes(gone.tenant)]).toEqual([table, false])
    }
  }
  expect(differences(keptBefore, await dumpDatabase(test.owner, { tenant: kept.tenant, without }))).toEqual({})

  const file = await readTenantDeletion(test.database, gone.tenant)
  expect((await verifyTenantDeletion(JSON.parse(JSON.stringify(file)))).claims).toEqual(claims)
  expect(JSON.stringify(claims)).not.toContain('gonecanary')
  await expect(
    verifyTenantDeletion({
      ...file,
      certificate: file.certificate.replace(/[^.]+$/, (signature) => [...signature].reverse().join('')),
    }),
  ).rejects.toMatchObject({ code: 'certificate.invalid' })
  expect(await listTenantDeletions(test.database, { limit: 1 })).toMatchObject({
    tenant_deletions: [{ id: gone.tenant }],
  })
})

it('is recorded in the trail of the installation, which still verifies, and frees the name', async () => {
  const { tenant } = await newTenant(test.owner, { name: 'Reusable' })
  await deleteTenant(test.database, tenant)
  const { rows } = await test.owner.query(
    `select activity, object_id from audit_entries where tenant_id = $1 and object_id = $2`,
    [installationTrail, tenant],
  )
  expect(rows).toEqual([{ activity: 'TenantDeleted', object_id: tenant }])
  await expect(findTenant(test.database, 'Reusable')).rejects.toMatchObject({ code: 'tenant.not_found' })
  const again = await createTenant(test.database, { name: 'Reusable', kind: 'trial' })
  expect(again.id).not.toBe(tenant)
  await expect(deleteTenant(test.database, tenant)).rejects.toMatchObject({ code: 'tenant.not_found' })
  expect(await verifyAudit(test.database, installationTrail)).toMatchObject({ problems: [] })
})

it('deletes nothing where the tenant has another number of users by then', async () => {
  const rows = await fullTenant('growing')
  const { people, tables } = await preview(rows.tenant)
  await rows.user()
  await expect(deleteTenant(test.database, rows.tenant, { expectedPeople: people })).rejects.toMatchObject({
    code: 'tenant.other_people',
    details: { expected: people, found: people + 1 },
  })
  expect((await preview(rows.tenant)).tables).toEqual(
    tables.map(({ table, rows: count }) => ({ table, rows: table === 'users' ? count + 1 : count })),
  )
})

it('takes along erasure requests that have not ended, and no worker stumbles over them', async () => {
  const rows = await newTenant(test.owner)
  const people: string[] = []
  for (let n = 0; n < 600; n++) people.push(await rows.deletedUser({ ref: `busy-${n}` }))
  await test.inTenant(rows.tenant, (tx) => requestErasure(tx, { operation: 'purge', userIds: people }))
  await deleteTenant(test.database, rows.tenant)
  const other = await newTenant(test.owner)
  expect(await test.purge(other.tenant, [await other.deletedUser()])).toMatchObject({ state: 'completed' })
  const left = async () =>
    (
      await test.owner.query(`select last_error from graphile_worker._private_jobs where payload ->> 'tenant' = $1`, [
        rows.tenant,
      ])
    ).rows
  for (const deadline = Date.now() + 20_000; (await left()).length > 0 && Date.now() < deadline; ) {
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  expect(await left()).toEqual([])
  const { tables } = await preview(rows.tenant)
  expect(tables).toEqual([])
})

it('cannot be done to a trail without the record of the deletion', async () => {
  const rows = await newTenant(test.owner)
  const attempt = test.inTenant(rows.tenant, (tx) => tx.query('select delete_trail_of_deleted_tenant()'))
  await expect(attempt).rejects.toMatchObject({ code: '23001' })
  await expect(test.inTenant(rows.tenant, (tx) => tx.query('delete from audit_entries'))).rejects.toMatchObject({
    code: '42501',
  })
  await expect(test.inTenant(rows.tenant, (tx) => tx.query('delete from tenant_deletions'))).rejects.toMatchObject({
    code: '42501',
  })
})

it('waits for the release of legal holds, however close to the deletion they are placed', async () => {
  const rows = await newTenant(test.owner)
  const person = await rows.user()
  const { id } = await test.inTenant(rows.tenant, (tx) =>
    placeHold(tx, { reason: 'legal_claim', userIds: [person], groupIds: [] }),
  )
  expect(await preview(rows.tenant)).toMatchObject({ people: 1, held: 1 })
  await expect(deleteTenant(test.database, rows.tenant)).rejects.toMatchObject({
    code: 'tenant.held',
    details: { people: 1, holds: [{ id, reason: 'legal_claim' }] },
  })
  await test.inTenant(rows.tenant, (tx) => releaseHold(tx, id))
  for (let round = 0; round < 10; round++) {
    const other = await newTenant(test.owner)
    const held = await other.user()
    const [hold, deletion] = await Promise.allSettled([
      test.inTenant(other.tenant, (tx) => placeHold(tx, { reason: 'legal_claim', userIds: [held], groupIds: [] })),
      deleteTenant(test.database, other.tenant),
    ])
    // One of the two is refused: never both.
    expect([hold.status, deletion.status].sort()).toEqual(['fulfilled', 'rejected'])
    expect((await preview(other.tenant)).people).toBe(deletion.status === 'fulfilled' ? 0 : 1)
  }
  expect(await deleteTenant(test.database, rows.tenant)).toMatchObject({ people: 1 })
})
