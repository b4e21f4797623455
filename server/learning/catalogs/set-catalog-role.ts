import { record } from '../../audit/record.ts'
import { requireActiveUser } from '../../people/lifecycle/require-active.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { inputError } from '../../platform/validation/errors.ts'
import { learningError } from '../errors.ts'
import { requireOpen } from '../require-existing.ts'
import { type CatalogRole, catalogRoles } from './add-catalog-members.ts'

/**
 * Makes an active user, who was added to a catalog, its administrator, or a plain member again. False: the user was that
 * already.
 *
 * Throws `input.invalid`, `catalog.not_found`, `catalog.not_member` for whoever was not added (who is in it through a
 * group must be added first), `user.not_found`, `user.wrong_state`.
 */
export async function setCatalogRole(
  tx: TenantTransaction,
  options: { catalogId: string; userId: string; role: CatalogRole },
): Promise<{ changed: boolean }> {
  const { catalogId, userId, role } = options
  if (!catalogRoles.includes(role)) {
    throw inputError('input.invalid', { field: 'role', expected: `one of ${catalogRoles.join(', ')} is expected` })
  }
  await requireActiveUser(tx, { userId, act: 'given a part in a catalog' })
  await requireOpen(tx, 'catalog', [catalogId])
  const { rows } = await tx.query<{ role: CatalogRole }>(
    'select role from catalog_members where tenant_id = $1 and catalog_id = $2 and user_id = $3 for update',
    [tx.tenantId, catalogId, userId],
  )
  const [member] = rows
  if (member === undefined) throw learningError('catalog.not_member', { ids: [userId] })
  if (member.role === role) return { changed: false }
  await tx.query('update catalog_members set role = $4 where tenant_id = $1 and catalog_id = $2 and user_id = $3', [
    tx.tenantId,
    catalogId,
    userId,
    role,
  ])
  await record(tx, {
    activity: role === 'administrator' ? 'CatalogAdminAssigned' : 'CatalogAdminUnassigned',
    object: catalogId,
    subject: userId,
  })
  return { changed: true }
}
