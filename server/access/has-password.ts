import type { TenantTransaction } from '../platform/database/transaction.ts'

/** Tells whether the user can sign in with a password. */
export async function hasPassword(tx: TenantTransaction, userId: string): Promise<boolean> {
  const { rowCount } = await tx.query('select from passwords where tenant_id = $1 and user_id = $2', [
    tx.tenantId,
    userId,
  ])
  return rowCount > 0
}
