import type { MentionColumn } from '../datamap/plan.ts'
import type { Identifier } from '../identifiers/identifier-key.ts'
import { IdentifierScanner } from '../identifiers/texts/identifier-scanner.ts'
import { copyTo } from '../platform/database/copy-to.ts'
import { isUuid, type TenantTransaction } from '../platform/database/transaction.ts'

/**
 * Returns which of many identifiers occur in the tenant's mention columns. It takes one pass over each table, and
 * memory by the number of identifiers, not of rows. Nearly always that is none of them, or few, which are then looked
 * up one by one. Rows of the people in `gone` are left out, as the lookup leaves them out. A preview would
 * otherwise find all identifiers of its people there, and look each of them up.
 */
export async function prefilterIdentifiers(
  tx: TenantTransaction,
  columns: MentionColumn[],
  identifiers: Identifier[],
  gone: readonly string[],
): Promise<Identifier[]> {
  const mentioned = new Set<number>()
  const scanner = new IdentifierScanner(identifiers, ({ identifier }) => mentioned.add(identifier))
  // Checked UUIDs may stand in the text, which takes no parameters.
  if (!gone.every(isUuid)) throw new TypeError('internal ids are expected')
  const ids = `'{${gone.join(',')}}'::uuid[]`
  for (const ofTable of Map.groupBy(columns, ({ table, ownedBy }) => `${table} ${ownedBy}`).values()) {
    const values = ofTable.map(({ column }) => `${column}::text`).join(', ')
    const present = ofTable.every(({ nullable }) => nullable)
      ? ` and (${ofTable.map(({ column }) => `${column} is not null`).join(' or ')})`
      : ''
    const [first] = ofTable
    if (first === undefined) continue
    const { table, tenantColumn, ownedBy } = first
    const ofOthers =
      gone.length === 0 ? '' : ownedBy.map((owner) => ` and (${owner} is null or ${owner} <> all (${ids}))`).join('')
    // The tenant's id is a checked UUID, so it may stand in the text.
    const rows = `select ${values} from ${table} where ${tenantColumn} = '${tx.tenantId}'${present}${ofOthers}`
    await tx.copy((client) => copyTo(client, rows, (chunk) => scanner.write(chunk)))
  }
  scanner.end()
  return identifiers.filter((_, index) => mentioned.has(index))
}
