import { pendingStates, sqlList } from '../../people/lifecycle/erasure-states.ts'
import type { Database } from '../../platform/database/pool.ts'
import { inTenant, tenantIds } from '../../platform/database/transaction.ts'
import { planLifetime } from './store-plan.ts'

/**
 * Removes plans that no request can name any more, and under which no person waits for an erasure, in all tenants. For
 * another lifetime after its end a plan stays, so that its requester reads that it has expired, instead of that there is no
 * such plan. Any number may run at the same time.
 */
export async function cleanPlans({ database }: { database: Database }): Promise<void> {
  const before = new Date(Date.now() - planLifetime)
  for (const tenant of await tenantIds(database)) {
    await inTenant(database, tenant, async (tx) => {
      const { rows } = await tx.query<{ id: string }>(
        `select p.id from erasure_plans p
         where p.tenant_id = $1 and p.expires_at < $2 and not exists (
           select from erasure_subjects s
           where s.tenant_id = $1 and s.plan_id = p.id and s.state in ${sqlList(pendingStates)}
         )
         order by p.id for update of p skip locked`,
        [tx.tenantId, before],
        'plans_to_clean',
      )
      const ids = rows.map(({ id }) => id)
      if (ids.length === 0) return
      await tx.query('delete from erasure_plan_subjects where tenant_id = $1 and plan_id = any ($2::uuid[])', [
        tx.tenantId,
        ids,
      ])
      await tx.query('delete from erasure_plans where tenant_id = $1 and id = any ($2::uuid[])', [tx.tenantId, ids])
    })
  }
}
