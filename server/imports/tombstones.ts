import type { IdentifierKind } from '../identifiers/identifier-key.ts'
import { identifiersOf } from '../people/identifiers/candidate-identifiers.ts'
import type { TenantTransaction } from '../platform/database/transaction.ts'
import { findTombstones, hasTombstones } from '../tombstones/find-tombstones.ts'
import { fetchPages } from './fetch-pages.ts'

/** Identifiers of the person of a row. */
export type RowIdentifiers = { line: number } & { [Kind in IdentifierKind]?: string | null }

const rowsPerLookup = 5000

/**
 * Of the rows that a query selects (`line`, and columns named like the kinds of identifiers; it may return a line
 * twice). Passes on those with an identifier of a purged person, each with the request that purged the person, some thousand at
 * a time.
 */
export async function findTombstoned(
  tx: TenantTransaction,
  query: { text: string; values: readonly unknown[] },
  onFound: (lines: number[], requests: string[]) => Promise<void>,
): Promise<void> {
  if (!(await hasTombstones(tx))) return
  await fetchPages<RowIdentifiers>(tx, query, rowsPerLookup, async (rows) => {
    const found = await findTombstones(tx, rows, identifiersOf)
    if (found.size === 0) return
    await onFound(
      [...found.keys()].map(({ line }) => line),
      [...found.values()],
    )
  })
}
