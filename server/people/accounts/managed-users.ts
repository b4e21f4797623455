import type { TenantTransaction } from '../../platform/database/transaction.ts'

export type ManagedUser = { id: string; display_name: string | null }

/**
 * The users who stay and whose manager is one of these people: how many, and the first `most` by id. Anonymized users
 * have no manager.
 */
export async function usersManagedBy(
  tx: TenantTransaction,
  { people, most }: { people: readonly string[]; most: number },
): Promise<{ total: number; first: ManagedUser[] }> {
  const { rows } = await tx.query<ManagedUser & { total: number }>(
    `select id, display_name, count(*) over () as total from users
     where tenant_id = $1 and manager_id = any ($2::uuid[]) and id <> all ($2::uuid[])
     order by id
     limit $3`,
    [tx.tenantId, people, most],
  )
  return { total: rows[0]?.total ?? 0, first: rows.map(({ id, display_name }) => ({ id, display_name })) }
}
