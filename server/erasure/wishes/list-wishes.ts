import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { cutPage, readPaging } from '../../platform/validation/page.ts'
import { requireUuid } from '../../platform/validation/require-uuid.ts'
import { type Wish, type WishState, wishColumns, wishOf } from './wish.ts'

/**
 * Wishes to be erased, the newest first: a page of at most `limit` (50, up to 1000) behind the id `after`; `next` continues
 * behind the page, undefined at the end. `state` and `userId` narrow the list down.
 *
 * Throws `input.invalid`.
 */
export async function listWishes(
  tx: TenantTransaction,
  options: { state?: WishState; userId?: string; limit?: number; after?: string } = {},
): Promise<{ wishes: Wish[]; next: string | undefined }> {
  const { limit, after } = readPaging(options)
  const userId = options.userId === undefined ? null : requireUuid('user id', options.userId)
  const { rows } = await tx.query<Wish>(
    `select ${wishColumns} from erasure_wishes
     where tenant_id = $1 and ($2::uuid is null or user_id = $2) and ($3::text is null or state = $3)
       and ($4::uuid is null or id < $4)
     order by id desc limit $5`,
    [tx.tenantId, userId, options.state ?? null, after, limit + 1],
  )
  const { page, next } = cutPage(rows, limit)
  return { wishes: page.map(wishOf), next }
}
