import { kindOfColumn } from '../../datamap/identifier-columns.ts'
import { type IdentifierKind, identifierKey } from '../../identifiers/identifier-key.ts'
import { identifiersOf } from '../../people/identifiers/candidate-identifiers.ts'
import { findHolders } from '../../people/identifiers/holders.ts'
import { removeGuard } from '../../platform/csv/formula-guard.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { trim } from '../../platform/validation/trim.ts'
import { findTombstones, hasTombstones } from '../../tombstones/find-tombstones.ts'
import { fetchPages } from '../fetch-pages.ts'
import { decodeUtf8 } from '../fields.ts'
import type { UserColumn, UserColumns } from './user-columns.ts'

/** An identifier in a row that was rejected when it was read. */
export type RejectedIdentifier = { kind: IdentifierKind; value: string }

const rowsPerLookup = 5000

/**
 * The identifiers in the cells of a row, good or bad, with the internal ids: those are looked up as values of the kind
 * `directory_object_id`, which has the same shape.
 */
export function identifiersInRow({ columns }: UserColumns, cells: readonly string[]): RejectedIdentifier[] {
  return columns.flatMap((column, index) => {
    const kind = kindOf(column)
    const decoded = kind === undefined ? undefined : decodeUtf8(cells[index] ?? '')
    const value = decoded === undefined ? '' : trim(removeGuard(decoded))
    return kind === undefined || value === '' ? [] : [{ kind, value }]
  })
}

function kindOf(column: UserColumn): IdentifierKind | undefined {
  switch (column.holds) {
    case 'id':
      return 'directory_object_id'
    case 'manager':
      return column.by === 'manager_email' ? 'email' : column.by === 'manager_ref' ? 'ref' : 'directory_object_id'
    case 'field':
      return kindOfColumn(column.field)
    default:
      return undefined
  }
}

type Faulty = { [Kind in IdentifierKind]: string | null } & { id: string | null }

/**
 * Whether a row of the file that was not written names a person who was erased. Such a file is not kept, because no later
 * erasure would look for that person. An identifier that a living user holds names that user.
 */
export async function namesErased(tx: TenantTransaction, rejected: readonly RejectedIdentifier[]): Promise<boolean> {
  const { rows } = await tx.query<{ found: boolean }>(
    `select exists (select from user_rows where fault in ('purged', 'anonymized')) as found`,
  )
  if (rows[0]?.found === true) return true
  if (!(await hasTombstones(tx))) return false
  for (let from = 0; from < rejected.length; from += rowsPerLookup) {
    const some = rejected.slice(from, from + rowsPerLookup)
    const values = some.flatMap(({ kind, value }) => identifiersOf({ [kind]: value }))
    if (await areErased(tx, values)) return true
  }
  let found = false
  const query = {
    text: `select s.id, s.email, s.login_name, s.directory_object_id, s.ref, s.external_identity_id
           from user_rows r join staged_users s using (line) where r.fault is not null`,
    values: [],
  }
  await fetchPages<Faulty>(tx, query, rowsPerLookup, async (page) => {
    found ||= await areErased(tx, page.flatMap(identifiersOf))
  })
  return found
}

async function areErased(tx: TenantTransaction, identifiers: readonly RejectedIdentifier[]): Promise<boolean> {
  const tombstoned = await findTombstones(tx, identifiers, (one) => [one])
  const keys = [...tombstoned.keys()].map(({ kind, value }) => identifierKey(kind, value))
  const held = await findHolders(tx, keys, [])
  return keys.some((key) => held.get(key) !== 'same')
}
