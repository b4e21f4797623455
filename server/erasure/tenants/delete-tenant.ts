import type pg from 'pg'
import { installationTrail } from '../../audit/installation-trail.ts'
import { record } from '../../audit/record.ts'
import { type ChainHead, sealAudit } from '../../audit/seal-audit.ts'
import { compiledMap } from '../../datamap/compiled.ts'
import { countHeldPeople, holdsInForce } from '../../holds/held-people.ts'
import { sign } from '../../keyring/jws.ts'
import { activeSigningKey } from '../../keyring/signing-keys.ts'
import { untilWon } from '../../platform/database/failures.ts'
import { actingFor, type Database } from '../../platform/database/pool.ts'
import { type TenantTransaction, withinTenant } from '../../platform/database/transaction.ts'
import type { Initiator } from '../../platform/initiator.ts'
import { tenancyError } from '../../tenancy/errors.ts'
import type { TenantDeletionClaims } from './deletion-certificate.ts'
import { tenantDeletionError } from './errors.ts'
import { countTenantRows } from './preview-tenant-deletion.ts'

/** So long other transactions that began before the deletion get to end, in milliseconds. */
const longestWait = 30_000

/**
 * Deletes a tenant with everything in it: users, records, erasure requests, certificates, audit trail, keys. Its name is
 * free again. What stays is the id, in the installation's trail and in a signed certificate, which this returns.
 *
 * One transaction does it, so the tenant is whole or gone. It waits for other transactions that work on its users, and
 * `expectedPeople` is compared once they are locked. A worker that is in the midst of an erasure there finds its people gone.
 *
 * Throws `tenant.not_found`, `tenant.held`, `tenant.other_people`, `tenant.not_empty`, `master_key.wrong`; then nothing was
 * deleted.
 */
export async function deleteTenant(
  database: Database,
  tenant: string,
  { expectedPeople, initiator }: { expectedPeople?: number | undefined; initiator?: Initiator } = {},
): Promise<TenantDeletionClaims> {
  const acting = initiator === undefined ? database : actingFor(database, initiator)
  // A worker in the midst of an erasure there may wait for the deletion while that waits for the worker. PostgreSQL ends
  // one of the two.
  return await untilWon(() => deleteOnce(acting, tenant, expectedPeople))
}

async function deleteOnce(
  acting: Database,
  tenant: string,
  expectedPeople: number | undefined,
): Promise<TenantDeletionClaims> {
  // Where it fails the connection is closed, and the server undoes it.
  return await acting.pool.lend(async (client) => {
    await client.query('begin; set local statement_timeout = 0; set local idle_in_transaction_session_timeout = 0')
    const { claims, kid } = await withinTenant(acting, client, tenant, (tx) => deleteAll(tx, expectedPeople))
    await withinTenant(acting, client, installationTrail, (tx) =>
      record(tx, {
        activity: 'TenantDeleted',
        object: tenant,
        details: { kind: claims.kind, people: claims.people, kid },
      }),
    )
    const { rows } = await client.query<{ id: string }>('select pg_current_xact_id()::text as id')
    await client.query('commit')
    await deleteLate(acting, client, tenant, rows[0]?.id ?? '')
    return claims
  })
}

async function deleteAll(
  tx: TenantTransaction,
  expectedPeople: number | undefined,
): Promise<{ claims: TenantDeletionClaims; kid: string }> {
  const tenant = await lockTenant(tx)
  const { rowCount: people } = await tx.query('select from users where tenant_id = $1 order by id for update', [
    tx.tenantId,
  ])
  if (expectedPeople !== undefined && people !== expectedPeople) {
    throw tenantDeletionError('tenant.other_people', { expected: expectedPeople, found: people ?? 0 })
  }
  // Under the lock of the people, which who places a hold takes too.
  const held = await countHeldPeople(tx)
  if (held > 0) throw tenantDeletionError('tenant.held', { people: held, holds: await holdsInForce(tx) })
  const audit = await sealEverything(tx)
  const key = await activeSigningKey(tx)
  const claims: TenantDeletionClaims = {
    type: 'lethe.tenant_deletion',
    version: 1,
    tenant: tx.tenantId,
    kind: tenant.kind,
    tenant_created_at: tenant.created_at.toISOString(),
    deleted_at: tenant.now.toISOString(),
    initiated_from: tx.initiator.from,
    data_map: compiledMap.version,
    people: people ?? 0,
    tables: await countTenantRows(tx),
    verification: { rows_left: 0 },
    audit,
  }
  await tx.query('insert into tenant_deletions (id, deleted_at, kid, jws) values ($1, now(), $2, $3)', [
    tx.tenantId,
    key.kid,
    sign(key, claims),
  ])
  await deleteRows(tx)
  const left = await countTenantRows(tx)
  if (left.length > 0) throw tenantDeletionError('tenant.not_empty', { tables: left.map(({ table }) => table) })
  return { claims, kid: key.kid }
}

/** Throws `tenant.not_found`. */
async function lockTenant(tx: TenantTransaction): Promise<{ kind: string; created_at: Date; now: Date }> {
  const { rows } = await tx.query<{ kind: string; created_at: Date; now: Date }>(
    'select kind, created_at, now() from tenants where id = $1 for update',
    [tx.tenantId],
  )
  const [tenant] = rows
  if (tenant === undefined) throw tenancyError('tenant.not_found', { tenant: tx.tenantId })
  return tenant
}

async function sealEverything(tx: TenantTransaction): Promise<ChainHead> {
  for (;;) {
    const { sequence, hash, more } = await sealAudit(tx)
    if (!more) return { sequence, hash }
  }
}

/** The tables that only the database's own function empties: nothing else removes an entry of a trail. */
const ofTrail = new Set(['audit_entries', 'audit_checkpoints'])

/** Deletes all rows of the tenant, and its jobs that wait. */
async function deleteRows(tx: TenantTransaction): Promise<void> {
  const { unlink, deletes, own } = compiledMap.deleteTenant
  for (const { table, text, name } of [...unlink, ...deletes, ...(own === undefined ? [] : [own])]) {
    if (!ofTrail.has(table)) await tx.query(text, [tx.tenantId], name)
  }
  await tx.query('select delete_trail_of_deleted_tenant()')
  await tx.query(
    `select from graphile_worker.complete_jobs(
       array(select id from graphile_worker._private_jobs where payload ->> 'tenant' = $1 and locked_at is null)
     )`,
    [tx.tenantId],
  )
}

/**
 * Deletes what transactions wrote that had begun before the deletion and ended after it, in tables that no user's lock
 * protects, such as the trail.
 */
async function deleteLate(
  database: Database,
  client: pg.PoolClient,
  tenant: string,
  transaction: string,
): Promise<void> {
  const deadline = Date.now() + longestWait
  for (;;) {
    const { rows } = await client.query<{ ended: boolean }>(
      'select pg_snapshot_xmin(pg_current_snapshot()) > $1::xid8 as ended',
      [transaction],
    )
    if (rows[0]?.ended === true || Date.now() > deadline) break
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  await client.query('begin')
  await withinTenant(database, client, tenant, async (tx) => {
    if ((await countTenantRows(tx)).length > 0) await deleteRows(tx)
  })
  await client.query('commit')
}
