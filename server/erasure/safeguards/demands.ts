import { heldPeople } from '../../holds/held-people.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { readTenantSettings } from '../../tenancy/read-tenant-settings.ts'

/** What a request for some people would wait for. `held`: how many of them a legal hold covers. */
export type Demands = { held: number; approval_required: boolean; cooling_off_hours: number }

/** What a request for these people would wait for, if it were made now. */
export async function readDemands(tx: TenantTransaction, userIds: readonly string[]): Promise<Demands> {
  const [held, { approval_required, cooling_off_hours }] = await Promise.all([
    heldPeople(tx, userIds),
    readTenantSettings(tx),
  ])
  return { held: held.size, approval_required, cooling_off_hours }
}
