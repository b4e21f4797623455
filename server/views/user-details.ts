import { type GroupMembership, listGroupsOf } from '../directory/memberships.ts'
import { type Reappearance, readReappearances } from '../directory/reappearances.ts'
import { countParticipation, type Participation } from '../learning/participation.ts'
import { findUser, type Selector } from '../people/accounts/find-users.ts'
import { listProducts, type ProductAccount } from '../people/accounts/product-accounts.ts'
import type { User } from '../people/accounts/user.ts'
import { findPendingErasures } from '../people/lifecycle/pending-erasure.ts'
import type { TenantTransaction } from '../platform/database/transaction.ts'

export type UserDetails = {
  user: User
  product_accounts: ProductAccount[]
  groups: GroupMembership[]
  counts: Participation
  /** Set for whoever was purged and came back with a group of the directory. */
  reappeared: Reappearance | null
  pending_erasure: { request_id: string; state: string } | null
}

/** Everything about a user's account, an anonymized one's too. Throws `input.invalid`, `user.not_found`, `subject.ambiguous`. */
export async function showUser(tx: TenantTransaction, selector: Selector): Promise<UserDetails> {
  const user = await findUser(tx, selector, { withAnonymized: true })
  const [groups, product_accounts, reappearances, [pending]] = await Promise.all([
    listGroupsOf(tx, user.id),
    listProducts(tx, user.id),
    readReappearances(tx, [user.id]),
    findPendingErasures(tx, [user.id]),
  ])
  const groupIds = groups.filter(({ active }) => active).map(({ group_id }) => group_id)
  const counts = await countParticipation(tx, { userId: user.id, groupIds })
  const reappeared = reappearances.get(user.id) ?? null
  const pending_erasure = pending === undefined ? null : { request_id: pending.request_id, state: pending.state }
  return { user, product_accounts, groups, counts, reappeared, pending_erasure }
}
