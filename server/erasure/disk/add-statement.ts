import { record } from '../../audit/record.ts'
import { sign } from '../../keyring/jws.ts'
import { activeSigningKey } from '../../keyring/signing-keys.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { type AddendumClaims, type BackupsClaim, type DiskLevel, hashOf, placeAfter } from '../proof/certificate.ts'
import { readNewestStatements } from '../proof/newest-statements.ts'

/** A request that ended clean, and how far it has got on disk. */
export type EndedRequest = { id: string; finishedAt: Date; level: DiskLevel; levelAt: Date; backupsPast: boolean }

/**
 * The ended requests of the tenant whose keys are destroyed and of which something is still to come on disk, the oldest
 * first.
 */
export async function readEndedRequests(tx: TenantTransaction): Promise<EndedRequest[]> {
  const { rows } = await tx.query<EndedRequest>(
    `select r.id, r.finished_at as "finishedAt", coalesce(r.disk_level, 2) as level,
       coalesce(r.disk_level_at, r.finished_at) as "levelAt", r.backups_past_at is not null as "backupsPast"
     from erasure_requests r
     where r.tenant_id = $1 and r.finished_at is not null and r.sealed_key is null
       and (r.disk_level is null or r.disk_level < 5 or r.backups_past_at is null)
       and exists (select from erasure_certificates c where c.tenant_id = $1 and c.request_id = r.id)
     order by r.finished_at, r.id`,
    [tx.tenantId],
  )
  return rows
}

/** Of some requests of the tenant, the tables that their receipts name. */
export async function readReceiptTables(tx: TenantTransaction, requests: string[]): Promise<string[]> {
  const { rows } = await tx.query<{ table_name: string }>(
    'select distinct table_name from erasure_receipts where tenant_id = $1 and request_id = any($2)',
    [tx.tenantId, requests],
  )
  return rows.map(({ table_name }) => table_name)
}

/**
 * Adds a signed addendum to an ended request: that it reached a higher level on disk, or that the backups are past it.
 * Answers false where another process was first, or the request has not ended any more. The level was reached by `at`.
 */
export async function addDiskStatement(
  tx: TenantTransaction,
  request: string,
  reached: { level: DiskLevel; at: Date } | { backups: BackupsClaim },
): Promise<boolean> {
  const { rows: locked } = await tx.query<{ level: DiskLevel; at: Date; past: boolean }>(
    `select coalesce(disk_level, 2) as level, coalesce(disk_level_at, finished_at) as at, backups_past_at is not null as past
     from erasure_requests where tenant_id = $1 and id = $2 and finished_at is not null and sealed_key is null for update`,
    [tx.tenantId, request],
  )
  const [state] = locked
  if (state === undefined) return false
  if ('level' in reached ? state.level >= reached.level : state.past) return false
  const newest = await readNewestStatements(tx, request)
  if (newest === undefined) return false
  const { last, certificate } = newest
  const { level, at } = 'level' in reached ? reached : state
  const past = state.past || 'backups' in reached
  const claims: AddendumClaims = {
    type: 'lethe.erasure_addendum',
    version: 2,
    ...placeAfter(last),
    outstanding: [...(level < 5 ? (['disk'] as const) : []), ...(past ? [] : (['backups'] as const))],
    disk: { level, reached_at: at.toISOString() },
    tenant: tx.tenantId,
    request,
    certificate: hashOf(certificate.jws),
    added_at: new Date().toISOString(),
    ...('backups' in reached && { backups: reached.backups }),
  }
  const key = await activeSigningKey(tx)
  await tx.query(
    `with addendum as (
       insert into erasure_certificates (tenant_id, request_id, number, kid, jws) values ($1, $2, $3, $4, $5)
     )
     update erasure_requests set disk_level = case when $6::int > 2 then $6 end, disk_level_at = $7,
       backups_past_at = case when $8 then coalesce(backups_past_at, $9) end
     where tenant_id = $1 and id = $2`,
    [tx.tenantId, request, claims.number, key.kid, sign(key, claims), level, at, past, new Date()],
  )
  await record(tx, {
    activity: 'ErasureReachedDisk',
    object: request,
    details: 'level' in reached ? { level } : { backups: reached.backups.kind },
  })
  return true
}
