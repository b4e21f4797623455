import type { TenantTransaction } from '../platform/database/transaction.ts'
import { cutPage, readPaging } from '../platform/validation/page.ts'
import { requireUuid } from '../platform/validation/require-uuid.ts'

/** A message before a person. `read_at` is null until it is marked as read. */
export type Notification = {
  id: string
  kind: string
  subject: string
  body: string
  /** What a program needs to go on, such as ids. */
  data: Record<string, unknown>
  created_at: Date
  read_at: Date | null
}

/**
 * The notifications of a user, the newest first: a page of at most `limit` (50, up to 1000) behind the id `after`.
 * `next` goes on behind the page, undefined at the end. `unread` is how many are unread in all. A user without
 * notifications, or an id that is nobody's, has none.
 *
 * Throws `input.invalid`.
 */
export async function listNotifications(
  tx: TenantTransaction,
  options: { userId: string; unread?: boolean; limit?: number; after?: string },
): Promise<{ notifications: Notification[]; next: string | undefined; unread: number }> {
  const userId = requireUuid('user id', options.userId)
  const { limit, after } = readPaging(options)
  const [{ rows }, unread] = await Promise.all([
    tx.query<Notification>(
      `select id, kind, subject, body, data, created_at, read_at from notifications
       where tenant_id = $1 and user_id = $2 and ($3::uuid is null or id < $3) and (not $4::boolean or read_at is null)
       order by id desc limit $5`,
      [tx.tenantId, userId, after, options.unread === true, limit + 1],
    ),
    countUnread(tx, userId),
  ])
  const { page, next } = cutPage(rows, limit)
  return { notifications: page, next, unread }
}

/** How many notifications of the user are unread. */
export async function countUnread(tx: TenantTransaction, userId: string): Promise<number> {
  const { rows } = await tx.query<{ unread: number }>(
    `select count(*) as unread from notifications where tenant_id = $1 and user_id = $2 and read_at is null`,
    [tx.tenantId, userId],
  )
  return rows[0]?.unread ?? 0
}
