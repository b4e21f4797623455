import type { Database } from '../platform/database/pool.ts'
import { inTenant, outsideTenants } from '../platform/database/transaction.ts'

/**
 * Destroys the content of kept exports that have expired, in all tenants, and the keys it was encrypted under. The record
 * that there was an export stays. Any number may run at the same time.
 */
export async function cleanExports(database: Database): Promise<void> {
  const expired = await outsideTenants<{ tenant_id: string; export_id: string }>(
    database,
    'select tenant_id, export_id from expired_exports()',
  )
  for (const { tenant_id: tenant, export_id: id } of expired) {
    await inTenant(database, tenant, async (tx) => {
      await tx.query('update exports set sealed_key = null where tenant_id = $1 and id = $2 and expires_at <= now()', [
        tenant,
        id,
      ])
      await tx.query('delete from export_chunks where tenant_id = $1 and export_id = $2', [tenant, id])
    })
  }
}
