import type { Database } from '../platform/database/pool.ts'
import { inTenant, outsideTenants, type TenantTransaction } from '../platform/database/transaction.ts'
import { enqueueRun } from './connectors.ts'
import { connectorError } from './errors.ts'

/** Enqueues the runs of all tenants that are due. Any number may run at the same time. */
export async function enqueueDueRuns(database: Database): Promise<void> {
  const due = await outsideTenants<{ tenant_id: string; connector_id: string }>(
    database,
    'select tenant_id, connector_id from due_connectors()',
  )
  for (const { tenant_id: tenant, connector_id: connector } of due) {
    await inTenant(database, tenant, async (tx) => {
      const now = new Date()
      const { rowCount } = await tx.query(
        `update connectors set next_run_at = $3::timestamptz + make_interval(mins => every_minutes)
         where tenant_id = $1 and id = $2 and enabled and next_run_at <= $3`,
        [tenant, connector, now],
      )
      if (rowCount > 0) enqueueRun(tx, connector)
    })
  }
}

/**
 * Decides about a feed with so many good rows, in the transaction of its import, and records it as the last good one.
 * Throws `connector.feed_smaller` for an empty or much smaller feed, unless as few rows were confirmed.
 */
export async function acceptFeed(tx: TenantTransaction, connectorId: string, rows: number): Promise<void> {
  const { rows: found } = await tx.query<{
    last_rows: number | null
    least_percent: number
    confirmed_rows: number | null
  }>('select last_rows, least_percent, confirmed_rows from connectors where tenant_id = $1 and id = $2', [
    tx.tenantId,
    connectorId,
  ])
  const [connector] = found
  if (connector === undefined) throw connectorError('connector.not_found', { id: connectorId })
  const { last_rows: last, least_percent: percent, confirmed_rows: confirmed } = connector
  const isConfirmed = confirmed !== null && rows >= confirmed
  const isUsual = rows > 0 && (last === null || rows * 100 >= last * percent)
  if (!isConfirmed && !isUsual) throw connectorError('connector.feed_smaller', { rows, before: last ?? 0 })
}

/** Records a feed as the last good one, in the transaction of its import. */
export async function recordGoodFeed(tx: TenantTransaction, connectorId: string, rows: number): Promise<void> {
  await tx.query(
    `update connectors set last_rows = $3, asking_rows = null, confirmed_rows = null where tenant_id = $1 and id = $2`,
    [tx.tenantId, connectorId, rows],
  )
}

/**
 * Records the question of a run that its feed stopped: whether a feed with so few good rows is right. Drops a confirmation.
 * Returns whether the question is new.
 */
export async function recordQuestion(tx: TenantTransaction, connectorId: string, rows: number): Promise<boolean> {
  const { rowCount } = await tx.query(
    `update connectors set asking_rows = $3, confirmed_rows = null
     where tenant_id = $1 and id = $2 and enabled and asking_rows is distinct from $3`,
    [tx.tenantId, connectorId, rows],
  )
  return rowCount > 0
}
