import type { IdentifierKind } from '../datamap/identifiers.ts'
import { hashIdentifier, identifierHashKey } from '../erasure/keys.ts'
import { identifiersOf } from '../people/given-identifiers.ts'
import type { TenantTransaction } from '../platform/database/transaction.ts'
import { fetchPages } from './fetch-pages.ts'

/** Identifiers of the person of a row. */
export type RowIdentifiers = { line: number } & { [Kind in IdentifierKind]?: string | null }

const rowsPerLookup = 5000

/**
 * Of the rows that a query selects (`line`, and columns named like the kinds of identifiers; it may return a line twice),
 * passes on those who have an identifier of somebody who was purged, some thousand at a time.
 */
export async function findTombstoned(
  tx: TenantTransaction,
  masterKey: Buffer,
  query: { text: string; values: readonly unknown[] },
  onFound: (lines: number[]) => Promise<void>,
): Promise<void> {
  const { rows: any } = await tx.query<{ found: boolean }>(
    'select exists (select from tombstones where tenant_id = $1) as found',
    [tx.tenantId],
  )
  if (any[0]?.found !== true) return
  const key = await identifierHashKey(tx, masterKey)
  await fetchPages<RowIdentifiers>(tx, query, rowsPerLookup, async (rows) => {
    const given = rows.flatMap(({ line, ...values }) =>
      identifiersOf(values).map((identifier) => ({ line, identifier })),
    )
    const { rows: found } = await tx.query<{ line: number }>(
      `select distinct given.line
       from unnest($2::integer[], $3::text[], $4::bytea[]) as given (line, kind, hash)
       join tombstones t on t.tenant_id = $1 and t.kind = given.kind and t.hash = given.hash`,
      [
        tx.tenantId,
        given.map(({ line }) => line),
        given.map(({ identifier }) => identifier.kind),
        given.map(({ identifier }) => hashIdentifier(key, identifier)),
      ],
    )
    if (found.length > 0) await onFound(found.map(({ line }) => line))
  })
}
