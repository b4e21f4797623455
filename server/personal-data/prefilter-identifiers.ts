import type { MentionColumn } from '../datamap/compile.ts'
import type { Identifier } from '../identifiers/identifier-key.ts'
import { IdentifierScanner } from '../identifiers/texts/identifier-scanner.ts'
import { copyTo } from '../platform/database/copy-to.ts'
import type { TenantTransaction } from '../platform/database/transaction.ts'

/**
 * Returns which of many identifiers occur in the tenant's mention columns. It takes one pass over each table, and
 * memory by the number of identifiers, not of rows. Nearly always that is none of them, or few, which are then looked
 * up one by one.
 */
export async function prefilterIdentifiers(
  tx: TenantTransaction,
  columns: MentionColumn[],
  identifiers: Identifier[],
): Promise<Identifier[]> {
  const mentioned = new Set<number>()
  const scanner = new IdentifierScanner(identifiers, ({ identifier }) => mentioned.add(identifier))
  for (const [table, ofTable] of Map.groupBy(columns, ({ table }) => table)) {
    const values = ofTable.map(({ column }) => `${column}::text`).join(', ')
    const present = ofTable.every(({ nullable }) => nullable)
      ? ` and (${ofTable.map(({ column }) => `${column} is not null`).join(' or ')})`
      : ''
    const [{ tenantColumn } = { tenantColumn: 'tenant_id' }] = ofTable
    // The tenant's id is a checked UUID, so it may stand in the text.
    const rows = `select ${values} from ${table} where ${tenantColumn} = '${tx.tenantId}'${present}`
    await tx.copy((client) => copyTo(client, rows, (chunk) => scanner.write(chunk)))
  }
  scanner.end()
  return identifiers.filter((_, index) => mentioned.has(index))
}
