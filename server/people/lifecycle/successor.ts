import type { TenantTransaction } from '../../platform/database/transaction.ts'

export type Successor = { id: string; display_name: string | null }

/**
 * The successor takes over what passes to another person when people are erased: the user who made the erasure request.
 * If a key or a client made it, the user responsible for it. Otherwise the longest-serving active administrator of the
 * tenant. The successor is an active user and none of the people in `except`; undefined where there is none. Nothing
 * passes to a person who is being erased: the row stays locked until the transaction ends, unless `lock` is false, for a
 * preview.
 */
export async function findSuccessor(
  tx: TenantTransaction,
  { userId, credentialId }: { userId: string | null; credentialId: string | null },
  except: string[],
  { lock = true }: { lock?: boolean } = {},
): Promise<Successor | undefined> {
  const { rows } = await tx.query<Successor>(
    `with orderer as (
       select coalesce(
         $2::uuid,
         (select owner_id from api_keys where tenant_id = $1 and id = $4),
         (select owner_id from oauth_clients where tenant_id = $1 and id = $4)
       ) as id
     )
     select users.id, users.display_name from users cross join orderer
     where users.tenant_id = $1 and users.state = 'active' and users.id <> all($3::uuid[])
       and (users.id = orderer.id or 'administrator' = any (users.roles))
     order by (users.id is not distinct from orderer.id) desc, users.created_at, users.id
     limit 1
     ${lock ? 'for key share of users' : ''}`,
    [tx.tenantId, userId, except, credentialId],
  )
  return rows[0]
}
