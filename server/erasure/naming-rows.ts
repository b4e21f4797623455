import { countConnectorsToDisable, disableNaming, namingConnectors } from '../connectors/disable-naming.ts'
import type { Identifier } from '../identifiers/identifier-key.ts'
import type { Effect } from '../personal-data/affected-rows.ts'
import type { NamingRow } from '../personal-data/naming-row.ts'
import type { TenantTransaction } from '../platform/database/transaction.ts'
import { countEndpointsToDisable, disableNamingEndpoints, namingEndpoints } from '../webhooks/disable-naming.ts'

/**
 * Reads what of connectors and webhook endpoints may name a person. As the search role, which reads around it too: to change
 * the role would take two statements more.
 */
export async function readNaming(tx: TenantTransaction): Promise<NamingRow[]> {
  const { rows } = await tx.queryAsAuditor<NamingRow>(
    `${namingConnectors} union all ${namingEndpoints}`,
    [tx.tenantId],
    'read_naming',
  )
  return rows
}

/** What of these rows an erasure of the people would disable, as lines of the preview. */
export async function countToDisable(
  tx: TenantTransaction,
  identifiers: readonly Identifier[],
  people: readonly string[],
): Promise<Effect[]> {
  const rows = await readNaming(tx)
  return [
    ...countConnectorsToDisable(tx, rows, { identifiers, people }),
    ...countEndpointsToDisable(tx, rows, identifiers),
  ]
}

/** Disables connectors and endpoints that name erased people. `rows` were read before the scrub. Returns what was done. */
export async function disableAllNaming(
  tx: TenantTransaction,
  rows: readonly NamingRow[],
  identifiers: readonly Identifier[],
): Promise<Effect[]> {
  return [...(await disableNaming(tx, rows, identifiers)), ...(await disableNamingEndpoints(tx, rows, identifiers))]
}
