import type pg from 'pg'
import type { Database } from '../platform/database/pool.ts'
import { type TenantTransaction, withinTenant } from '../platform/database/transaction.ts'
import { installationTrail } from './installation-trail.ts'
import { type AuditRecord, record } from './record.ts'

/**
 * Records what was done to the installation and concerns all of its tenants, in the trail of each and in that of the
 * installation, which is there before any tenant is: in the transaction that does it, on the connection given, which is in
 * none of the tenants afterwards.
 */
export async function recordEverywhere(database: Database, client: pg.PoolClient, entry: AuditRecord): Promise<void> {
  const { rows } = await client.query<{ id: string }>('select tenant_ids() as id')
  for (const id of [installationTrail, ...rows.map((tenant) => tenant.id)]) {
    await withinTenant(database, client, id, (tx: TenantTransaction) => record(tx, entry))
  }
}
