import type { TenantTransaction } from '../platform/database/transaction.ts'

/** The levels of the tenant's default scale, the lowest first. Without a default, it is the oldest scale for all catalogs. */
export async function defaultLevels(tx: TenantTransaction): Promise<{ title: string; value: number }[]> {
  const { rows } = await tx.query<{ title: string; value: number }>(
    `select level.title, level.value
     from skill_levels level
     where level.tenant_id = $1 and level.scale_set_id = (
       select id from skill_scale_sets where tenant_id = $1 and catalog_id is null order by is_default desc, id limit 1
     )
     order by level.value`,
    [tx.tenantId],
  )
  return rows
}
