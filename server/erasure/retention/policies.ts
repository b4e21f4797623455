import { record } from '../../audit/record.ts'
import { lockGroup } from '../../directory/require-group.ts'
import { requirePeople } from '../../people/accounts/require-people.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { actorColumns } from '../../platform/initiator.ts'
import { inputError } from '../../platform/validation/errors.ts'
import { cutPage, type Paging, readPaging } from '../../platform/validation/page.ts'
import { requireWholeNumber } from '../../platform/validation/require-number.ts'
import { requireLine } from '../../platform/validation/require-text.ts'
import { requireUuid } from '../../platform/validation/require-uuid.ts'
import { erasureError } from '../errors.ts'
import { requesterOf } from '../safeguards/requesters.ts'
import { requireExpected } from './affected-people.ts'

/** A retention policy: purges users so many days after they were deleted. */
export type RetentionPolicy = {
  id: string
  name: string
  /** Days of 24 hours between the delete and the purge. */
  days: number
  /** Directory groups whose members it leaves out. */
  excluded_group_ids: string[]
  /** The time of day after which workers run it: HH:MM in UTC. */
  daily_at: string
  enabled: boolean
  /** The person in whose name it runs. Null: no person. */
  owner_id: string | null
  created_at: Date
  changed_at: Date
  /** The begin of the latest run; null before the first. */
  last_run_at: Date | null
}

/** What a caller gives. A field that is undefined stays, or gets its default. */
export type PolicyFields = {
  name?: string | undefined
  /** 0 to 36,500. */
  days?: number | undefined
  /** At most 1,000; default: none. */
  excludedGroupIds?: readonly string[] | undefined
  /** HH:MM in UTC; default: 03:00. */
  dailyAt?: string | undefined
}

const mostDays = 36_500
const mostGroups = 1000
const usualTime = '03:00'

const columns = `policy.id, policy.name, policy.days, to_char(policy.daily_at, 'HH24:MI') as daily_at, policy.enabled,
  policy.owner_id, policy.created_at, policy.changed_at,
  array(
    select e.group_id from retention_excluded_groups e
    where e.tenant_id = $1 and e.policy_id = policy.id order by e.group_id
  ) as excluded_group_ids,
  (
    select r.started_at from retention_runs r
    where r.tenant_id = $1 and r.policy_id = policy.id order by r.id desc limit 1
  ) as last_run_at`

/**
 * Lets the runs of the tenant's policies, and the changes of these policies, happen one after the other, until the
 * transaction ends. Each of them takes this lock before any other, so a policy does not change while it runs.
 */
export async function lockPolicies(tx: TenantTransaction): Promise<void> {
  await tx.query(`select pg_advisory_xact_lock(hashtextextended('retention ' || $1, 0))`, [tx.tenantId])
}

/** The retention policies of the tenant, the oldest first: a page of at most `limit` behind `after`. Throws `input.invalid`. */
export async function listPolicies(
  tx: TenantTransaction,
  options: Paging = {},
): Promise<{ policies: RetentionPolicy[]; next: string | undefined }> {
  const { limit, after } = readPaging(options)
  const { rows } = await tx.query<RetentionPolicy>(
    `select ${columns} from retention_policies policy
     where policy.tenant_id = $1 and ($2::uuid is null or policy.id > $2) order by policy.id limit $3`,
    [tx.tenantId, after, limit + 1],
  )
  const { page, next } = cutPage(rows, limit)
  return { policies: page, next }
}

/** One retention policy. Throws `input.invalid`, `retention.not_found`. */
export async function showPolicy(tx: TenantTransaction, policyId: string): Promise<RetentionPolicy> {
  const id = requireUuid('policy', policyId)
  const { rows } = await tx.query<RetentionPolicy>(
    `select ${columns} from retention_policies policy where policy.tenant_id = $1 and policy.id = $2`,
    [tx.tenantId, id],
  )
  const [found] = rows
  if (found === undefined) throw erasureError('retention.not_found', { policy: id })
  return found
}

/**
 * Creates a retention policy. It is disabled until {@link enablePolicy}. The acting person becomes its owner; for an API
 * key or OAuth client, its creator does.
 *
 * Throws `input.invalid`, `group.not_found`.
 */
export async function createPolicy(
  tx: TenantTransaction,
  fields: PolicyFields & { name: string; days: number },
): Promise<RetentionPolicy> {
  const name = requireLine('name', fields.name)
  const days = requireDays(fields.days)
  const dailyAt = requireTime(fields.dailyAt ?? usualTime)
  const groupIds = await requireGroups(tx, fields.excludedGroupIds ?? [])
  const owner = await actingPerson(tx)
  const { rows } = await tx.query<{ id: string }>(
    `with policy as (
       insert into retention_policies (tenant_id, name, days, daily_at, owner_id)
       values ($1, $2, $3, $4, $5)
       returning tenant_id, id
     ), excluded as (
       insert into retention_excluded_groups (tenant_id, policy_id, group_id)
       select policy.tenant_id, policy.id, group_id from policy, unnest($6::uuid[]) as group_id
     )
     select id from policy`,
    [tx.tenantId, name, days, dailyAt, owner ?? null, groupIds],
  )
  const [made] = rows
  if (made === undefined) throw new Error('the retention policy was just inserted and has no id')
  await record(tx, { activity: 'RetentionPolicyCreated', object: made.id, details: { days, groups: groupIds.length } })
  return await showPolicy(tx, made.id)
}

/**
 * Changes a retention policy, and makes the acting person its owner. A change of `days` or of the excluded groups
 * disables it, because it then purges other people than the ones that its preview showed.
 *
 * Throws `input.invalid`, `retention.not_found`, `group.not_found`.
 */
export async function updatePolicy(
  tx: TenantTransaction,
  policyId: string,
  fields: PolicyFields,
): Promise<RetentionPolicy> {
  const name = fields.name === undefined ? null : requireLine('name', fields.name)
  const days = fields.days === undefined ? null : requireDays(fields.days)
  const dailyAt = fields.dailyAt === undefined ? null : requireTime(fields.dailyAt)
  await lockPolicies(tx)
  const before = await showPolicy(tx, policyId)
  const groupIds = fields.excludedGroupIds === undefined ? undefined : await requireGroups(tx, fields.excludedGroupIds)
  const owner = await actingPerson(tx)
  const othersFound =
    (days !== null && days !== before.days) || (groupIds !== undefined && !isSame(groupIds, before.excluded_group_ids))
  await tx.query(
    `update retention_policies set name = coalesce($3, name), days = coalesce($4::integer, days),
       daily_at = coalesce($5::time, daily_at), enabled = enabled and not $6, owner_id = coalesce($7::uuid, owner_id),
       changed_at = now()
     where tenant_id = $1 and id = $2`,
    [tx.tenantId, before.id, name, days, dailyAt, othersFound, owner ?? null],
  )
  if (groupIds !== undefined) {
    await tx.query(
      `with removed as (
         delete from retention_excluded_groups
         where tenant_id = $1 and policy_id = $2 and not (group_id = any ($3::uuid[]))
       )
       insert into retention_excluded_groups (tenant_id, policy_id, group_id)
       select $1, $2, group_id from unnest($3::uuid[]) as group_id
       on conflict do nothing`,
      [tx.tenantId, before.id, groupIds],
    )
  }
  const changed = Object.entries({ name, days, daily_at: dailyAt, excluded_group_ids: groupIds ?? null })
    .filter(([, value]) => value !== null)
    .map(([column]) => column)
  await record(tx, { activity: 'RetentionPolicyUpdated', object: before.id, details: { columns: changed } })
  if (before.enabled && othersFound) await record(tx, { activity: 'RetentionPolicyDisabled', object: before.id })
  return await showPolicy(tx, before.id)
}

/**
 * Enables a retention policy, and makes the acting person its owner. Workers run it every day after its time, for the
 * first time within the hour if today's time has passed. `expectedPeople`: how many people its preview shows now, so that
 * it never starts unseen.
 *
 * Throws `input.invalid`, `retention.not_found`, `retention.other_people`.
 */
export async function enablePolicy(
  tx: TenantTransaction,
  policyId: string,
  { expectedPeople }: { expectedPeople: number },
): Promise<RetentionPolicy> {
  await lockPolicies(tx)
  const policy = await showPolicy(tx, policyId)
  await requireExpected(tx, policy, expectedPeople)
  const owner = await actingPerson(tx)
  await tx.query(
    `update retention_policies set enabled = true, owner_id = coalesce($3::uuid, owner_id), changed_at = now()
     where tenant_id = $1 and id = $2`,
    [tx.tenantId, policy.id, owner ?? null],
  )
  await record(tx, { activity: 'RetentionPolicyEnabled', object: policy.id, details: { people: expectedPeople } })
  return await showPolicy(tx, policy.id)
}

/** Disables a retention policy. Erasure requests that it made go on. Throws `input.invalid`, `retention.not_found`. */
export async function disablePolicy(tx: TenantTransaction, policyId: string): Promise<RetentionPolicy> {
  await lockPolicies(tx)
  const policy = await showPolicy(tx, policyId)
  if (!policy.enabled) return policy
  await tx.query('update retention_policies set enabled = false, changed_at = now() where tenant_id = $1 and id = $2', [
    tx.tenantId,
    policy.id,
  ])
  await record(tx, { activity: 'RetentionPolicyDisabled', object: policy.id })
  return await showPolicy(tx, policy.id)
}

/** Deletes a retention policy. The reports of its runs stay. Throws `input.invalid`, `retention.not_found`. */
export async function deletePolicy(tx: TenantTransaction, policyId: string): Promise<void> {
  await lockPolicies(tx)
  const { id } = await showPolicy(tx, policyId)
  await tx.query('delete from retention_excluded_groups where tenant_id = $1 and policy_id = $2', [tx.tenantId, id])
  await tx.query('delete from retention_policies where tenant_id = $1 and id = $2', [tx.tenantId, id])
  await record(tx, { activity: 'RetentionPolicyDeleted', object: id })
}

/** The person who acts, or who created the acting key or client; not erased before the transaction ends. */
async function actingPerson(tx: TenantTransaction): Promise<string | undefined> {
  const person = await requesterOf(tx, actorColumns(tx.initiator))
  await requirePeople(tx, 'owner_id', [person])
  return person
}

const requireDays = (given: number) => requireWholeNumber('days', given, { from: 0, to: mostDays })

/** A time of day, as `HH:MM`. Throws `input.invalid`. */
function requireTime(given: string): string {
  if (/^(?:[01]\d|2[0-3]):[0-5]\d$/.test(given)) return given
  throw inputError('input.invalid', { field: 'daily_at', expected: 'a time in UTC from 00:00 to 23:59 is expected' })
}

/** A retention policy that leaves out the members of a group. */
export type ExcludingPolicy = { id: string; name: string }

/** The retention policies that exclude a directory group, oldest first. */
export async function policiesExcluding(tx: TenantTransaction, groupId: string): Promise<ExcludingPolicy[]> {
  const { rows } = await tx.query<ExcludingPolicy>(
    `select policy.id, policy.name
     from retention_excluded_groups e join retention_policies policy
       on policy.tenant_id = e.tenant_id and policy.id = e.policy_id
     where e.tenant_id = $1 and e.group_id = $2 order by policy.id`,
    [tx.tenantId, groupId],
    'policies_excluding',
  )
  return rows
}

async function requireGroups(tx: TenantTransaction, given: readonly string[]): Promise<string[]> {
  const ids = [...new Set(given.map((id) => requireUuid('excluded_group_ids', id)))]
  if (ids.length > mostGroups) {
    throw inputError('input.invalid', { field: 'excluded_group_ids', expected: `at most ${mostGroups} are allowed` })
  }
  for (const id of ids.toSorted()) await lockGroup(tx, id)
  return ids
}

function isSame(some: readonly string[], others: readonly string[]): boolean {
  return some.length === others.length && some.every((id) => others.includes(id))
}
