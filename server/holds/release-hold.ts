import { record } from '../audit/record.ts'
import { doneBy } from '../people/accounts/require-people.ts'
import type { TenantTransaction } from '../platform/database/transaction.ts'
import { enqueue } from '../platform/jobs/enqueue.ts'
import { requireUuid } from '../platform/validation/require-uuid.ts'
import { holdError } from './errors.ts'
import { lockCovered } from './lock-covered.ts'

/**
 * Releases a legal hold. Erasures that waited for it go on by themselves, unless another hold covers the person. A hold is
 * released once and for good.
 *
 * Throws `input.invalid`, `hold.not_found`, `hold.released`, `user.acting_erased`.
 */
export async function releaseHold(tx: TenantTransaction, holdId: string): Promise<void> {
  const id = requireUuid('hold', holdId)
  const covered = await readCovered(tx, id)
  // An engine that has seen the hold and is about to put the person on hold comes first: otherwise nothing would wake it.
  await lockCovered(tx, covered)
  const by = await doneBy(tx)
  const { rowCount } = await tx.query(
    `update legal_holds set released_at = now(), released_by = $3, released_by_credential = $4
     where tenant_id = $1 and id = $2 and released_at is null`,
    [tx.tenantId, id, by.userId, by.credentialId],
  )
  if (rowCount === 0) throw holdError('hold.released', { hold: id })
  const { userIds, groupIds } = covered
  await record(tx, [
    { activity: 'LegalHoldReleased', object: id, details: { users: userIds.length, groups: groupIds.length } },
    ...userIds.map((subject) => ({ activity: 'LegalHoldReleased' as const, object: id, subject })),
  ])
  enqueue(tx, 'resume_held', { tenant: tx.tenantId })
}

async function readCovered(tx: TenantTransaction, id: string): Promise<{ userIds: string[]; groupIds: string[] }> {
  const { rows } = await tx.query<{ userIds: string[]; groupIds: string[] }>(
    `select
       array(select user_id from legal_hold_users where tenant_id = $1 and hold_id = $2) as "userIds",
       array(select group_id from legal_hold_groups where tenant_id = $1 and hold_id = $2) as "groupIds"
     from legal_holds where tenant_id = $1 and id = $2`,
    [tx.tenantId, id],
  )
  const [covered] = rows
  if (covered === undefined) throw holdError('hold.not_found', { hold: id })
  return covered
}
