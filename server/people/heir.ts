import type { TenantTransaction } from '../platform/database/transaction.ts'

/**
 * Who takes over what passes to somebody else when people are purged (seeds/003): the user who ordered it, otherwise the
 * longest-serving active administrator of the tenant who is not among those people; undefined where there is none.
 * Nothing passes to a person who is being erased: the row is locked until the transaction ends.
 */
export async function findHeir(
  tx: TenantTransaction,
  orderedBy: string | undefined,
  except: string[],
): Promise<string | undefined> {
  const { rows } = await tx.query<{ id: string }>(
    `select id from users
     where tenant_id = $1 and state = 'active' and id <> all($3::uuid[])
       and (id = $2 or 'administrator' = any (roles))
     order by (id is not distinct from $2) desc, created_at, id
     limit 1
     for key share`,
    [tx.tenantId, orderedBy ?? null, except],
  )
  return rows[0]?.id
}
