import { isHeld } from '../../holds/held-people.ts'
import { pendingErasures } from '../../people/lifecycle/pending-erasure.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { cutPage, type Paging, readPaging } from '../../platform/validation/page.ts'
import { requireWholeNumber } from '../../platform/validation/require-number.ts'
import { erasureError } from '../errors.ts'

/** What a statement needs to know about a policy. */
export type PolicyScope = { id: string; days: number }

/** How many people a policy finds. */
export type AffectedCounts = {
  /** Users who were deleted so many days ago, or longer. */
  found: number
  /** Of them, members of excluded groups. */
  excluded: number
  /** Of the others, people with a pending erasure. */
  pending: number
  /** The rest: the people of the erasure request. */
  people: number
  /** Of these people, those that a legal hold covers. Their erasure waits for its release. */
  held: number
}

/** A person that a policy would purge. */
export type AffectedPerson = {
  id: string
  display_name: string | null
  login_name: string | null
  email: string | null
  deleted_at: Date
  held: boolean
}

export type PolicyPreview = AffectedCounts & {
  deleted_before: Date
  subjects: AffectedPerson[]
  next: string | undefined
}

const millisecondsOfDay = 86_400_000

/** A policy finds the users who were deleted at this time or before. */
export function deletedBefore({ days }: PolicyScope): Date {
  return new Date(Date.now() - days * millisecondsOfDay)
}

/**
 * SQL: the users who were deleted at $3 or before. $1 is the tenant, $2 the policy. Membership counts as it does for a
 * legal hold: also while it is inactive because the person is deleted.
 */
const found = `
  select person.id, person.display_name, person.login_name, person.email, person.deleted_at,
    exists (
      select from group_members member
      join retention_excluded_groups excluded
        on excluded.tenant_id = member.tenant_id and excluded.group_id = member.group_id
      where member.tenant_id = $1 and member.user_id = person.id and excluded.policy_id = $2
    ) as excluded,
    person.id in (${pendingErasures}) as pending
  from users person
  where person.tenant_id = $1 and person.state = 'deleted' and person.deleted_at <= $3`

/**
 * Counts what a run of the policy would do now, and changes nothing. The page has the people that it would purge, in the
 * order of their ids: at most `limit` (50, up to 1000) behind the id `after`.
 *
 * Throws `input.invalid`.
 */
export async function previewPolicy(
  tx: TenantTransaction,
  policy: PolicyScope,
  options: Paging = {},
): Promise<PolicyPreview> {
  const { limit, after } = readPaging(options)
  const before = deletedBefore(policy)
  const [counts, { rows }] = await Promise.all([
    countAffected(tx, policy, before),
    tx.query<AffectedPerson>(
      `select id, display_name, login_name, email, deleted_at, ${isHeld('found.id')} as held
       from (${found}) found
       where not excluded and not pending and ($4::uuid is null or id > $4)
       order by id limit $5`,
      [tx.tenantId, policy.id, before, after, limit + 1],
    ),
  ])
  const { page, next } = cutPage(rows, limit)
  return { ...counts, deleted_before: before, subjects: page, next }
}

/** Throws `retention.other_people` if the policy would now purge another number of people, and `input.invalid`. */
export async function requireExpected(tx: TenantTransaction, policy: PolicyScope, given: number): Promise<void> {
  const { people } = await countAffected(tx, policy, deletedBefore(policy))
  requireSameNumber(given, people)
}

/** Throws `retention.other_people` if the caller has seen another number of people, and `input.invalid`. */
export function requireSameNumber(given: number, people: number): void {
  const expected = requireWholeNumber('expected_people', given, { from: 0, to: 2 ** 31 - 1 })
  if (expected !== people) throw erasureError('retention.other_people', { expected, found: people })
}

async function countAffected(tx: TenantTransaction, policy: PolicyScope, before: Date): Promise<AffectedCounts> {
  const { rows } = await tx.query<AffectedCounts>(
    `select count(*)::int as found, count(*) filter (where excluded)::int as excluded,
       count(*) filter (where pending and not excluded)::int as pending,
       count(*) filter (where not pending and not excluded)::int as people,
       count(*) filter (where not pending and not excluded and ${isHeld('found.id')})::int as held
     from (${found}) found`,
    [tx.tenantId, policy.id, before],
  )
  const [counts] = rows
  if (counts === undefined) throw new Error('a count has no row')
  return counts
}

/** The same people, one by one, in the order of their ids. */
export async function findAffected(
  tx: TenantTransaction,
  policy: PolicyScope,
  before: Date,
): Promise<{ id: string; excluded: boolean; pending: boolean; held: boolean }[]> {
  const { rows } = await tx.query<{ id: string; excluded: boolean; pending: boolean; held: boolean }>(
    `select id, excluded, pending, ${isHeld('found.id')} as held from (${found}) found order by id`,
    [tx.tenantId, policy.id, before],
  )
  return rows
}
