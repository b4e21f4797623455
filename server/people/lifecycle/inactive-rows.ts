import { compiledMap } from '../../datamap/compiled.ts'
import type { TableStatement } from '../../datamap/plan.ts'
import type { DeactivatedTable } from '../../datamap/vocabulary.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'

/** Numbers of rows by table: those that a delete made inactive, or a restore active again. */
export type InactiveRows = Record<DeactivatedTable, number>

/**
 * Makes everything that the users take part in inactive until the delete of this id is undone, as the data map says, and
 * signs them out. Answers how many rows became inactive.
 */
export async function deactivateRows(
  tx: TenantTransaction,
  options: { userIds: readonly string[]; deletionId: string },
): Promise<InactiveRows> {
  const [inactive] = await Promise.all([
    countEach(tx, compiledMap.deactivate.acts, [options.userIds, options.deletionId]),
    endAccess(tx, options.userIds),
  ])
  return inactive
}

/**
 * Makes active again what the delete of each of the users made inactive, and nothing that another delete did.
 * `deletionIds`: the ids of the deletes, in the order of the users. Answers how many rows became active.
 */
export async function reactivateRows(
  tx: TenantTransaction,
  options: { userIds: readonly string[]; deletionIds: readonly string[] },
): Promise<InactiveRows> {
  return await countEach(tx, compiledMap.reactivate.acts, [options.userIds, options.deletionIds])
}

/**
 * Ends what lets the users in: a session must not wake up when a suspended or deleted user comes back. It is a part of an
 * act that the caller records.
 */
export async function endAccess(tx: TenantTransaction, userIds: readonly string[]): Promise<void> {
  await countEach(tx, compiledMap.end, [userIds])
}

/** Runs one statement for each table, sent together. */
async function countEach(
  tx: TenantTransaction,
  statements: readonly TableStatement[],
  values: readonly unknown[],
): Promise<InactiveRows> {
  const counts = await Promise.all(
    statements.map(async ({ table, name, text }) => {
      const { rowCount } = await tx.query(text, [tx.tenantId, ...values], name)
      return [table, rowCount] as const
    }),
  )
  return Object.fromEntries(counts) as InactiveRows
}
