import type pg from 'pg'
import type { Database } from '../platform/database/pool.ts'
import { type TenantTransaction, withinTenant } from '../platform/database/transaction.ts'
import { installationTrail } from './installation-trail.ts'
import { type AuditRecord, record } from './record.ts'

/**
 * Records an action on the installation that concerns all tenants: in the trail of each tenant and in the system trail,
 * which exists before any tenant. It uses the transaction of the action, on the given connection, which is in no tenant
 * afterwards.
 */
export async function recordEverywhere(database: Database, client: pg.PoolClient, entry: AuditRecord): Promise<void> {
  const { rows } = await client.query<{ id: string }>('select tenant_ids() as id')
  for (const id of [installationTrail, ...rows.map((tenant) => tenant.id)]) {
    await withinTenant(database, client, id, (tx: TenantTransaction) => record(tx, entry))
  }
}
