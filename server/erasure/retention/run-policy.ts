import { record } from '../../audit/record.ts'
import { notify } from '../../notify/notify.ts'
import { isPermitted } from '../../permissions/permissions.ts'
import type { UserRole } from '../../permissions/roles.ts'
import { lockSubjectStates } from '../../personal-data/subjects.ts'
import { onBehalfOf, type TenantTransaction } from '../../platform/database/transaction.ts'
import type { Initiator } from '../../platform/initiator.ts'
import { requestErasure } from '../requests/request-erasure.ts'
import { deletedBefore, findAffected, requireSameNumber } from './affected-people.ts'
import { type RetentionRun, runColumns } from './list-runs.ts'
import { lockPolicies, type RetentionPolicy, showPolicy } from './policies.ts'

/**
 * Runs a retention policy now, enabled or not: makes one erasure request for the people that the preview shows, and
 * returns the report. The acting person or program is the requester. `expectedPeople`: how many people the caller has
 * seen. Without a person to purge, it makes no request.
 *
 * Throws `input.invalid`, `retention.not_found`, `retention.other_people`, and what `requestErasure` throws.
 */
export async function runPolicy(
  tx: TenantTransaction,
  policyId: string,
  { expectedPeople }: { expectedPeople: number },
): Promise<RetentionRun> {
  await lockPolicies(tx)
  return await perform(tx, await showPolicy(tx, policyId), { expectedPeople })
}

/**
 * Runs a policy for this day (YYYY-MM-DD) in the name of its owner, unless that has happened, or the policy is disabled
 * or gone. An owner who is not active, or may not request erasures any more, makes no request: then it names no person.
 */
export async function runScheduled(tx: TenantTransaction, policyId: string, day: string): Promise<void> {
  await lockPolicies(tx)
  if (!(await isDue(tx, policyId, day))) return
  const policy = await showPolicy(tx, policyId)
  const initiator = await ownerAsInitiator(tx, policy)
  await perform(onBehalfOf(tx, initiator), policy, { day })
}

async function isDue(tx: TenantTransaction, policyId: string, day: string): Promise<boolean> {
  const { rowCount } = await tx.query(
    `select from retention_policies policy
     where policy.tenant_id = $1 and policy.id = $2 and policy.enabled and not exists (
       select from retention_runs run
       where run.tenant_id = $1 and run.policy_id = policy.id and run.scheduled_on = $3
     )`,
    [tx.tenantId, policyId, day],
  )
  return rowCount > 0
}

async function ownerAsInitiator(tx: TenantTransaction, { owner_id: userId }: RetentionPolicy): Promise<Initiator> {
  if (userId === null) return { from: 'policy' }
  const { rows } = await tx.query<{ roles: UserRole[] }>(
    `select roles from users where tenant_id = $1 and id = $2 and state = 'active' for key share`,
    [tx.tenantId, userId],
  )
  const [owner] = rows
  if (owner === undefined) return { from: 'policy' }
  const initiator = { from: 'policy' as const, userId }
  const principal = { tenantId: tx.tenantId, initiator, access: { kind: 'person' as const, roles: owner.roles } }
  return isPermitted(principal, 'erasures.order') ? initiator : { from: 'policy' }
}

async function perform(
  tx: TenantTransaction,
  policy: RetentionPolicy,
  { day, expectedPeople }: { day?: string; expectedPeople?: number },
): Promise<RetentionRun> {
  const startedAt = new Date()
  const before = deletedBefore(policy)
  const seen = await findAffected(tx, policy, before)
  const locked = new Set(
    (
      await lockSubjectStates(
        tx,
        seen.map(({ id }) => id),
      )
    ).map(({ id }) => id),
  )
  // Other requests lock these people too. So this statement sees which of them got an erasure or were restored meanwhile.
  const found = (await findAffected(tx, policy, before)).filter(({ id }) => locked.has(id))
  const due = found.filter(({ excluded, pending }) => !excluded && !pending)
  if (expectedPeople !== undefined) requireSameNumber(expectedPeople, due.length)
  const userIds = due.map(({ id }) => id)
  const made = userIds.length === 0 ? undefined : await requestErasure(tx, { operation: 'purge', userIds })
  const { rows } = await tx.query<RetentionRun>(
    `insert into retention_runs (tenant_id, policy_id, scheduled_on, started_at, finished_at, deleted_before, found,
       excluded, pending, requested, held, request_id)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
     returning ${runColumns}`,
    [
      tx.tenantId,
      policy.id,
      day ?? null,
      startedAt,
      new Date(),
      before,
      found.length,
      found.filter(({ excluded }) => excluded).length,
      found.filter(({ excluded, pending }) => pending && !excluded).length,
      userIds.length,
      due.filter(({ held }) => held).length,
      made?.request ?? null,
    ],
  )
  const [run] = rows
  if (run === undefined) throw new Error('the run was just inserted and is not there')
  const details = { found: run.found, people: run.requested, ...(made !== undefined && { request: made.request }) }
  await record(tx, { activity: 'RetentionPolicyRun', object: policy.id, details })
  if (made !== undefined) notifyOwner(tx, policy, { request: made.request, people: userIds.length })
  return run
}

/** Notifies the owner. The requester gets the e-mail about the request itself, so the owner gets one only as another person. */
function notifyOwner(
  tx: TenantTransaction,
  { id: policy, owner_id: owner }: RetentionPolicy,
  { request, people }: { request: string; people: number },
): void {
  if (owner === null) return
  notify(
    tx,
    [owner],
    {
      kind: 'retention_requested',
      subject: 'A retention policy made an erasure request',
      body: `Retention policy ${policy} made erasure request ${request}: the purge of ${people} ${people === 1 ? 'person' : 'people'}.`,
      data: { policy, request, people },
    },
    { byEmail: tx.initiator.userId !== owner },
  )
}
