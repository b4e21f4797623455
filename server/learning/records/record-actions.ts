import { recordEach } from '../../audit/record-each.ts'
import { requireActiveUsers } from '../../people/lifecycle/require-active.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { requireWholeNumber } from '../../platform/validation/require-number.ts'
import { requireDay } from '../../platform/validation/require-time.ts'
import { requirePresent } from '../require-existing.ts'

export type ActionRecord = {
  userId: string
  moduleId: string
  /** YYYY-MM-DD */
  happenedOn: string
  clicks: number
}

/**
 * Records what active users did in modules, any number at once; what is recorded twice counts twice. Returns how many
 * there are.
 *
 * Throws `input.invalid`, `module.not_found`, `user.not_found`, `user.wrong_state`; then nothing was recorded.
 */
export async function recordActions(
  tx: TenantTransaction,
  records: readonly ActionRecord[],
): Promise<{ recorded: number }> {
  const userIds = records.map(({ userId }) => userId)
  const moduleIds = records.map(({ moduleId }) => moduleId)
  await requirePresent(tx, 'module', moduleIds)
  await requireActiveUsers(tx, { userIds, act: 'recorded in the click stream' })
  const { rowCount } = await tx.query(
    `insert into record_actions (tenant_id, user_id, module_id, happened_on, clicks)
     select $1, user_id, module_id, happened_on, clicks
     from unnest($2::uuid[], $3::uuid[], $4::date[], $5::int[]) as given (user_id, module_id, happened_on, clicks)`,
    [
      tx.tenantId,
      userIds,
      moduleIds,
      records.map(({ happenedOn }) => requireDay('happenedOn', happenedOn)),
      records.map(({ clicks }) => requireWholeNumber('clicks', clicks, { from: 1, to: 1_000_000_000 })),
    ],
  )
  await recordEach(tx, 'ActionsRecorded', userIds)
  return { recorded: rowCount }
}
