import { recordEach } from '../../audit/record-each.ts'
import { requireActiveUsers } from '../../people/lifecycle/require-active.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { requireWholeNumber } from '../../platform/validation/require-number.ts'
import { requirePast } from '../../platform/validation/require-time.ts'
import { requirePresent } from '../require-existing.ts'

export type ProgressRecord = {
  userId: string
  moduleId: string
  /** 0 to 100; 100 completes the module. */
  percent: number
  /** Default: now, for the first record of the user in the module. */
  startedAt?: Date
  /** Default with 100 percent: now. */
  completedAt?: Date
}

/**
 * Records how far active users are in modules, any number at once. Progress never goes back: of what is there and what
 * is given, the larger percentage, the earlier start and the first completion count. Returns how many there are.
 *
 * Throws `input.invalid`, `module.not_found`, `user.not_found`, `user.wrong_state`; then nothing was recorded.
 */
export async function recordProgress(
  tx: TenantTransaction,
  records: readonly ProgressRecord[],
): Promise<{ recorded: number }> {
  const percents = records.map(({ percent }) => requireWholeNumber('percent', percent, { from: 0, to: 100 }))
  const moduleIds = records.map(({ moduleId }) => moduleId)
  const userIds = records.map(({ userId }) => userId)
  await requirePresent(tx, 'module', moduleIds)
  await requireActiveUsers(tx, { userIds, act: 'given progress' })
  // One record may follow another of the same user and module in the list; a statement changes a row only once.
  const { rowCount } = await tx.query(
    `insert into progress as kept (tenant_id, user_id, module_id, percent, started_at, completed_at)
     select $1, user_id, module_id, max(percent), coalesce(min(started_at), now()),
       coalesce(min(completed_at), case when max(percent) = 100 then now() end)
     from unnest($2::uuid[], $3::uuid[], $4::int[], $5::timestamptz[], $6::timestamptz[])
       as given (user_id, module_id, percent, started_at, completed_at)
     group by user_id, module_id
     on conflict (tenant_id, user_id, module_id) do update
       set percent = greatest(kept.percent, excluded.percent),
         started_at = least(kept.started_at, excluded.started_at),
         completed_at = coalesce(kept.completed_at, excluded.completed_at)`,
    [
      tx.tenantId,
      userIds,
      moduleIds,
      percents,
      records.map(({ startedAt }) => requirePast('startedAt', startedAt)),
      records.map(({ completedAt }) => requirePast('completedAt', completedAt)),
    ],
  )
  await recordEach(tx, 'ProgressRecorded', userIds)
  return { recorded: rowCount }
}
