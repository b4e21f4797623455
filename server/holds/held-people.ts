import type { HoldReason } from '../people/lifecycle/justifications.ts'
import type { TenantTransaction } from '../platform/database/transaction.ts'
import { listed } from '../platform/errors.ts'
import { holdError } from './errors.ts'

/**
 * SQL: a legal hold that is in force covers this person, by name or as a member of a group. $1 is the tenant. The
 * membership counts at the moment of the statement, and also while it is inactive because the person is deleted.
 *
 * The operations that place and release holds lock the rows of the people first. So a decision about an erasure locks these
 * rows too, and reads the holds in a later statement.
 */
export const isHeld = (person: string): string => `(
    exists (select from legal_holds where tenant_id = $1 and released_at is null)
    and (
      exists (
        select from legal_hold_users named
        join legal_holds hold on hold.tenant_id = named.tenant_id and hold.id = named.hold_id
        where named.tenant_id = $1 and named.user_id = ${person} and hold.released_at is null
      )
      or exists (
        select from group_members member
        join legal_hold_groups covered on covered.tenant_id = member.tenant_id and covered.group_id = member.group_id
        join legal_holds hold on hold.tenant_id = covered.tenant_id and hold.id = covered.hold_id
        where member.tenant_id = $1 and member.user_id = ${person} and hold.released_at is null
      )
    )
  )`

/** Which of these people a legal hold covers now. The caller has locked their rows where the answer must stay true. */
export async function heldPeople(tx: TenantTransaction, userIds: readonly string[]): Promise<Set<string>> {
  const { rows } = await tx.query<{ user_id: string }>(
    `select given.user_id from unnest($2::uuid[]) as given (user_id) where ${isHeld('given.user_id')}`,
    [tx.tenantId, userIds],
    'held_people',
  )
  return new Set(rows.map(({ user_id }) => user_id))
}

/** How many people of the tenant a legal hold covers now. */
export async function countHeldPeople(tx: TenantTransaction): Promise<number> {
  const { rows } = await tx.query<{ count: number }>(
    `select count(distinct user_id)::int as count from (
       select named.user_id from legal_holds hold
       join legal_hold_users named on named.tenant_id = hold.tenant_id and named.hold_id = hold.id
       where hold.tenant_id = $1 and hold.released_at is null
       union all
       select member.user_id from legal_holds hold
       join legal_hold_groups covered on covered.tenant_id = hold.tenant_id and covered.hold_id = hold.id
       join group_members member on member.tenant_id = covered.tenant_id and member.group_id = covered.group_id
       where hold.tenant_id = $1 and hold.released_at is null
     ) covered`,
    [tx.tenantId],
    'count_held_people',
  )
  return rows[0]?.count ?? 0
}

/** Throws `user.held` if a legal hold covers one of these people. The caller has locked their rows. */
export async function requireNotHeld(tx: TenantTransaction, userIds: readonly string[]): Promise<void> {
  const held = await heldPeople(tx, userIds)
  if (held.size > 0) throw holdError('user.held', { ids: [...held] })
}

/** A legal hold by its id and its reason: what a message says about it. */
export type HoldInForce = { id: string; reason: HoldReason }

/** The legal holds in force that cover one of these people now, oldest first; without people, all that cover someone. */
export async function holdsInForce(tx: TenantTransaction, userIds?: readonly string[]): Promise<HoldInForce[]> {
  const { rows } = await tx.query<HoldInForce>(
    `select hold.id, hold.reason_code as reason from legal_holds hold
     where hold.tenant_id = $1 and hold.released_at is null and (
       exists (
         select from legal_hold_users named
         where named.tenant_id = $1 and named.hold_id = hold.id and ($2::uuid[] is null or named.user_id = any ($2))
       )
       or exists (
         select from legal_hold_groups covered
         join group_members member on member.tenant_id = covered.tenant_id and member.group_id = covered.group_id
         where covered.tenant_id = $1 and covered.hold_id = hold.id and ($2::uuid[] is null or member.user_id = any ($2))
       )
     )
     order by hold.id`,
    [tx.tenantId, userIds ?? null],
    'holds_in_force',
  )
  return rows
}

/** Legal holds as a message names them: each by its id and its reason. */
export function holdList(holds: readonly HoldInForce[]): string {
  return listed(holds.map(({ id, reason }) => `${id} (${reason})`))
}
