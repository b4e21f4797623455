import type pg from 'pg'
import type { Database } from '../platform/database/pool.ts'
import { type TenantTransaction, withinTenant } from '../platform/database/transaction.ts'
import { type AuditRecord, record } from './record.ts'

/**
 * Records in every tenant what was done to the installation, which belongs to all of them: in the transaction that does
 * it, on the connection given, which is in none of the tenants afterwards.
 */
export async function recordInEveryTenant(
  database: Database,
  client: pg.PoolClient,
  entry: AuditRecord,
): Promise<void> {
  const { rows } = await client.query<{ id: string }>('select tenant_ids() as id')
  for (const { id } of rows) {
    await withinTenant(database, client, id, (tx: TenantTransaction) => record(tx, entry))
  }
}
