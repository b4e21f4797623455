import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { changesOf, type PlanPart, type StoredPart } from './plan-parts.ts'

/**
 * Leaves people out of a request because their rows are not those of the plan: nothing of them is erased, and the record
 * says where the numbers differ. `found`: the parts of each person as they are now.
 */
export async function markPlanChanged(
  tx: TenantTransaction,
  { request, plan, found }: { request: string; plan: string; found: ReadonlyMap<string, readonly PlanPart[]> },
): Promise<void> {
  const people = [...found.keys()]
  const { rows } = await tx.query<{ user_id: string; parts: StoredPart[] }>(
    `select user_id, parts from erasure_plan_subjects
     where tenant_id = $1 and plan_id = $2 and user_id = any ($3::uuid[])`,
    [tx.tenantId, plan, people],
    'parts_of_plan',
  )
  const planned = new Map(rows.map(({ user_id, parts }) => [user_id, parts]))
  const changes = people.map((id) => JSON.stringify(changesOf(planned.get(id) ?? [], found.get(id) ?? [])))
  await tx.query(
    `update erasure_subjects s
     set state = 'plan_changed', finished_at = $5, plan_changes = given.changes::jsonb, salted_hashes = null,
       commitments = null, sealed_identifiers = null
     from unnest($3::uuid[], $4::text[]) as given (user_id, changes)
     where s.tenant_id = $1 and s.request_id = $2 and s.user_id = given.user_id`,
    [tx.tenantId, request, people, changes, new Date()],
    'mark_plan_changed',
  )
}
