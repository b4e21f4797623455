import { record } from '../../audit/record.ts'
import { doneBy } from '../../people/accounts/require-people.ts'
import { requireActiveUsers } from '../../people/lifecycle/require-active.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { requireOpen } from '../require-existing.ts'

export const catalogRoles = ['member', 'administrator'] as const
export type CatalogRole = (typeof catalogRoles)[number]

/**
 * Adds active users to a catalog. Who is in it already keeps the membership and the role. Returns how many are new.
 *
 * Throws `input.invalid`, `catalog.not_found`, `user.not_found`, `user.wrong_state`, `user.acting_erased`.
 */
export async function addCatalogMembers(
  tx: TenantTransaction,
  options: {
    catalogId: string
    userIds: readonly string[]
    /** Default: member. */
    role?: CatalogRole
    /** The user who adds them. Default: who acts. */
    addedBy?: string
  },
): Promise<{ added: number }> {
  await requireActiveUsers(tx, { userIds: options.userIds, act: 'added to a catalog' })
  await requireOpen(tx, 'catalog', [options.catalogId])
  const by = await doneBy(tx, 'addedBy', options.addedBy)
  const { rows } = await tx.query<{ user_id: string }>(
    `insert into catalog_members (tenant_id, catalog_id, user_id, role, added_by, added_by_credential)
     select $1, $2, user_id, $4, $5, $6 from unnest($3::uuid[]) as user_id
     on conflict do nothing
     returning user_id`,
    [tx.tenantId, options.catalogId, options.userIds, options.role ?? 'member', by.userId, by.credentialId],
  )
  const details = { role: options.role ?? 'member' }
  await record(
    tx,
    rows.map(({ user_id }) => ({
      activity: 'CatalogMemberAdded',
      object: options.catalogId,
      subject: user_id,
      details,
    })),
  )
  return { added: rows.length }
}
