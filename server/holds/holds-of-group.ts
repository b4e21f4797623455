import type { TenantTransaction } from '../platform/database/transaction.ts'
import type { HoldInForce } from './held-people.ts'

/** The legal holds in force that name a directory group, oldest first. */
export async function holdsOfGroup(tx: TenantTransaction, groupId: string): Promise<HoldInForce[]> {
  const { rows } = await tx.query<HoldInForce>(
    `select hold.id, hold.reason_code as reason
     from legal_hold_groups named join legal_holds hold on hold.tenant_id = named.tenant_id and hold.id = named.hold_id
     where named.tenant_id = $1 and named.group_id = $2 and hold.released_at is null order by hold.id`,
    [tx.tenantId, groupId],
    'holds_of_group',
  )
  return rows
}

/** Takes a group out of the released holds that named it. The audit trail still says that they did. */
export async function leaveReleasedHolds(tx: TenantTransaction, groupId: string): Promise<void> {
  await tx.query(
    `delete from legal_hold_groups named using legal_holds hold
     where named.tenant_id = $1 and named.group_id = $2 and hold.tenant_id = $1 and hold.id = named.hold_id
       and hold.released_at is not null
     returning named.hold_id`,
    [tx.tenantId, groupId],
    'leave_released_holds',
  )
}
