import type { TenantTransaction } from '../../platform/database/transaction.ts'

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
