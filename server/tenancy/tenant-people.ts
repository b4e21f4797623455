import { record } from '../audit/record.ts'
import type { TenantTransaction } from '../platform/database/transaction.ts'
import { inputError } from '../platform/validation/errors.ts'
import { requireUuid } from '../platform/validation/require-uuid.ts'

/** The user who created the tenant, by id; null where that is not known, or the user was purged. */
export async function readTenantCreator(tx: TenantTransaction): Promise<string | null> {
  const { rows } = await tx.query<{ created_by: string | null }>('select created_by from tenants where id = $1', [
    tx.tenantId,
  ])
  return rows[0]?.created_by ?? null
}

/**
 * Records which user created the tenant; null clears it. Only an operator may say so: an identity provider's erasure of
 * the creator of a trial takes all users of the trial.
 *
 * Throws `input.invalid`.
 */
export async function setTenantCreator(tx: TenantTransaction, userId: string | null): Promise<void> {
  const id = userId === null ? null : requireUuid('user id', userId)
  if (id !== null) {
    const { rowCount } = await tx.query(
      `select from users where tenant_id = $1 and id = $2 and state <> 'anonymized' for key share`,
      [tx.tenantId, id],
    )
    if (rowCount === 0) {
      throw inputError('input.invalid', { field: 'user id', expected: 'the id of a user of this tenant is expected' })
    }
  }
  await tx.query('update tenants set created_by = $2 where id = $1', [tx.tenantId, id])
  await record(tx, { activity: 'TenantCreatorSet', object: tx.tenantId, details: { set: id !== null } })
}

/** Flags the tenant if an erasure from outside left it without an active administrator. */
export async function markAdministratorsGone(tx: TenantTransaction): Promise<void> {
  const { rowCount } = await tx.query(
    `update tenants set administrators_gone_at = $2
     where id = $1 and not exists (
       select from users where tenant_id = $1 and state = 'active' and 'administrator' = any (roles)
     )`,
    [tx.tenantId, new Date()],
  )
  if (rowCount > 0) await record(tx, { activity: 'AdministratorsGone', object: tx.tenantId })
}
