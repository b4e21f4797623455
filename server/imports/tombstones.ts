import { type Identifier, type IdentifierKind, normalizeIdentifier } from '../datamap/identifiers.ts'
import { hashIdentifier, identifierHashKey } from '../erasure/keys.ts'
import type { TenantTransaction } from '../platform/database/transaction.ts'
import { fetchPages } from './fetch-pages.ts'

/** Identifiers of the person of a row; an e-mail address may have been somebody's login name, and the other way round. */
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

function identifiersOf(values: { [Kind in IdentifierKind]?: string | null }): Identifier[] {
  const { email, login_name, directory_object_id, ref, external_identity_id } = values
  const given: [IdentifierKind, string | null | undefined][] = [
    ['email', email],
    ['login_name', email],
    ['login_name', login_name],
    ['email', login_name],
    ['directory_object_id', directory_object_id],
    ['ref', ref],
    ['external_identity_id', external_identity_id],
  ]
  return given.flatMap(([kind, value]) => {
    if (value == null) return []
    // The claims in front of a login name are no part of an address.
    const plain = value === login_name ? normalizeIdentifier('login_name', value) : value
    return [{ kind, value: normalizeIdentifier(kind, plain) }]
  })
}
