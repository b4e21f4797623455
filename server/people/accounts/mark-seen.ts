import type { TenantTransaction } from '../../platform/database/transaction.ts'

/** Finer than this nobody needs it, so the row is written no oftener. */
const unseen = `(last_seen_at is null or last_seen_at < now() - interval '1 hour')`

/**
 * Notes that the person was here: signed in, or used a session. Written once an hour at most, and left out where somebody
 * else holds the row: nobody waits for it. It is no act, so it is not recorded.
 */
export async function markSeen(tx: TenantTransaction, userId: string): Promise<void> {
  await tx.query(
    `update users set last_seen_at = now()
     where tenant_id = $1 and id in (
       select id from users where tenant_id = $1 and id = $2 and ${unseen} for no key update skip locked
     )`,
    [tx.tenantId, userId],
    'mark_seen',
  )
}

/**
 * The same for everybody whom a statement over users chooses, as from an import: `ids` is SQL that selects their ids. Once
 * a day for each, so that a file that comes every hour does not rewrite everybody every time.
 */
export async function markAllSeen(tx: TenantTransaction, ids: string): Promise<void> {
  await tx.query(
    `update users set last_seen_at = now()
     where tenant_id = $1 and id in (
       select id from users
       where tenant_id = $1 and id in (${ids}) and (last_seen_at is null or last_seen_at < now() - interval '1 day')
       order by id for no key update skip locked
     )`,
    [tx.tenantId],
  )
}
