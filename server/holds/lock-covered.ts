import type { TenantTransaction } from '../platform/database/transaction.ts'

/**
 * Locks the rows of all people that these users and groups come to, in the order of their ids. An erasure of one of them
 * waits, or has ended. Answers how many people there are.
 */
export async function lockCovered(
  tx: TenantTransaction,
  { userIds, groupIds }: { userIds: readonly string[]; groupIds: readonly string[] },
): Promise<number> {
  const { rowCount } = await tx.query(
    `select from users
     where tenant_id = $1 and (
       id = any ($2::uuid[])
       or id in (select user_id from group_members where tenant_id = $1 and group_id = any ($3::uuid[]))
     )
     order by id
     for no key update`,
    [tx.tenantId, userIds, groupIds],
  )
  return rowCount
}
