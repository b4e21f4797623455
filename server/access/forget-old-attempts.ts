import type { Application } from '../application.ts'
import { inTenant, outsideTenants } from '../platform/database/transaction.ts'

/**
 * Forgets the counted attempts to sign in that are a day old, of all tenants and of operators: with names that nobody tries
 * any more nothing else would. Any number may run at the same time.
 */
export async function forgetOldAttempts(app: Application): Promise<void> {
  const { database } = app
  const old = new Date(Date.now() - 24 * 60 * 60 * 1000)
  await outsideTenants(database, 'delete from operator_sign_in_failures where last_failed_at < $1', [old])
  for (const { id } of await outsideTenants<{ id: string }>(database, 'select tenant_ids() as id')) {
    await inTenant(database, id, (tx) =>
      tx.query('delete from sign_in_failures where tenant_id = $1 and last_failed_at < $2', [id, old]),
    )
  }
}
