import type { TenantTransaction } from '../platform/database/transaction.ts'

/**
 * Makes the users' active memberships in catalogs and their active enrollments inactive until the delete of this id is
 * undone. Returns how many.
 */
export async function deactivateForDeletion(
  tx: TenantTransaction,
  userIds: readonly string[],
  deletionId: string,
): Promise<{ catalog_members: number; enrollments: number }> {
  const members = await tx.query(
    `update catalog_members set deletion_id = $3
     where tenant_id = $1 and user_id = any ($2::uuid[]) and deletion_id is null`,
    [tx.tenantId, userIds, deletionId],
  )
  const enrollments = await tx.query(
    `update enrollments set deletion_id = $3
     where tenant_id = $1 and user_id = any ($2::uuid[]) and deletion_id is null`,
    [tx.tenantId, userIds, deletionId],
  )
  return { catalog_members: members.rowCount, enrollments: enrollments.rowCount }
}

/** Makes active again what the users' deletes took away: exactly the rows of the user's own deletion id. */
export async function reactivateAfterRestore(
  tx: TenantTransaction,
  restored: { userIds: readonly string[]; deletionIds: readonly string[] },
): Promise<{ catalog_members: number; enrollments: number }> {
  const ids = [tx.tenantId, restored.userIds, restored.deletionIds]
  const members = await tx.query(
    `update catalog_members member set deletion_id = null
     from unnest($2::uuid[], $3::uuid[]) as restored (user_id, deletion_id)
     where member.tenant_id = $1 and member.user_id = restored.user_id and member.deletion_id = restored.deletion_id`,
    ids,
  )
  const enrollments = await tx.query(
    `update enrollments enrollment set deletion_id = null
     from unnest($2::uuid[], $3::uuid[]) as restored (user_id, deletion_id)
     where enrollment.tenant_id = $1 and enrollment.user_id = restored.user_id and enrollment.deletion_id = restored.deletion_id`,
    ids,
  )
  return { catalog_members: members.rowCount, enrollments: enrollments.rowCount }
}

/** What a user takes part in, in numbers. */
export type Participation = {
  /** Catalogs that the user sees now, as a member or through a group; none while the user is deleted. */
  catalogs: number
  /** Memberships in catalogs and enrollments, ended and inactive ones too: what an erasure reaches. */
  catalog_members: number
  enrollments: number
  /** Enrollments that have not ended; none while the user is deleted. */
  active_enrollments: number
}

/** The numbers of a user who is in these groups. */
export async function countParticipation(
  tx: TenantTransaction,
  options: { userId: string; groupIds: readonly string[] },
): Promise<Participation> {
  const { rows } = await tx.query<Participation>(
    `select
       (select count(*) from (
          select catalog_id from catalog_members where tenant_id = $1 and user_id = $2 and deletion_id is null
          union
          select catalog_id from catalog_groups where tenant_id = $1 and group_id = any ($3::uuid[])
        ) seen) as catalogs,
       (select count(*) from catalog_members where tenant_id = $1 and user_id = $2) as catalog_members,
       count(*) as enrollments,
       count(*) filter (where deletion_id is null and unenrolled_at is null) as active_enrollments
     from enrollments where tenant_id = $1 and user_id = $2`,
    [tx.tenantId, options.userId, options.groupIds],
  )
  return rows[0] ?? { catalogs: 0, catalog_members: 0, enrollments: 0, active_enrollments: 0 }
}
