import { compiledMap } from '../../datamap/compiled.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { inputError } from '../../platform/validation/errors.ts'
import { erasureError } from '../errors.ts'
import { type PlanOptions, requesterDigest } from './store-plan.ts'

/** A plan that a request may name. */
export type Plan = PlanOptions & {
  id: string
  coversMentions: boolean
  /** The people of the plan, by internal id, sorted. */
  userIds: string[]
}

type PlanRow = {
  id: string
  operation: PlanOptions['operation']
  delete_first: boolean
  map_version: string
  requester: Buffer
  covers_mentions: boolean
  expires_at: Date
  user_ids: string[]
}

/**
 * The plan of this digest, provided that this request may name it. The plan is one of this tenant and of the same
 * requester. It was made for the same operation and options under the same version of the data map, and has not expired.
 * Without `deleteFirst` either option will do.
 *
 * Throws `input.invalid`, `plan.not_found`, `plan.expired`, `plan.other_requester`, `plan.other_operation`,
 * `plan.other_options` and `plan.other_map_version`.
 */
export async function requirePlan(
  tx: TenantTransaction,
  digest: string,
  { operation, deleteFirst }: Pick<PlanOptions, 'operation'> & Partial<Pick<PlanOptions, 'deleteFirst'>>,
): Promise<Plan> {
  if (!/^[0-9a-f]{64}$/.test(digest)) {
    throw inputError('input.invalid', { field: 'plan', expected: 'the `plan` of a preview is expected' })
  }
  // Shared, so that no clean-up takes the plan away before the request that names it is there.
  const { rows } = await tx.query<PlanRow>(
    `select p.id, p.operation, p.delete_first, p.map_version, p.requester, p.covers_mentions, p.expires_at,
       array(
         select s.user_id from erasure_plan_subjects s
         where s.tenant_id = $1 and s.plan_id = p.id order by s.user_id
       ) as user_ids
     from erasure_plans p where p.tenant_id = $1 and p.digest = $2 for key share of p`,
    [tx.tenantId, digest],
    'lock_plan',
  )
  const plan = rows[0]
  if (plan === undefined) throw erasureError('plan.not_found')
  if (!plan.requester.equals(requesterDigest(tx.initiator))) throw erasureError('plan.other_requester')
  if (plan.operation !== operation) {
    throw erasureError('plan.other_operation', { planned: plan.operation, wanted: operation })
  }
  if (deleteFirst !== undefined && plan.delete_first !== deleteFirst) {
    throw erasureError('plan.other_options', { planned: plan.delete_first, wanted: deleteFirst })
  }
  if (plan.map_version !== compiledMap.version) throw erasureError('plan.other_map_version')
  if (plan.expires_at.getTime() <= Date.now()) throw erasureError('plan.expired')
  return {
    id: plan.id,
    operation: plan.operation,
    deleteFirst: plan.delete_first,
    coversMentions: plan.covers_mentions,
    userIds: plan.user_ids,
  }
}

/**
 * Checks that a request names the same people as its plan. Other people would be erased unseen. Fewer would leave rows of
 * people who stay to be changed, which the preview counted with the people who were to go. Throws `plan.other_people`.
 */
export function requireSamePeople(plan: Plan, userIds: readonly string[]): void {
  const planned = new Set(plan.userIds)
  const added = userIds.filter((id) => !planned.has(id)).length
  const missing = plan.userIds.length - (userIds.length - added)
  if (added > 0 || missing > 0) throw erasureError('plan.other_people', { added, missing })
}
