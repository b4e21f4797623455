import type { JsonObject } from '../platform/database/generated/schema.gen.ts'
import type { TenantTransaction } from '../platform/database/transaction.ts'

/** A row with the ciphertext that stands beside it; null where there is none, or none of the person. */
export type SealedRow = { sealed: (Buffer | null)[] }

/**
 * Opens what is kept under a person's key in some rows, as JSON texts; null where there is nothing to open. An id of another
 * user in it becomes null, as everywhere in an export.
 */
export async function openPortion(
  tx: TenantTransaction,
  options: { person: string; open: (sealed: Buffer) => JsonObject | null; portion: readonly SealedRow[] },
): Promise<(string | null)[][]> {
  const { person, open, portion } = options
  const opened = portion.map(({ sealed }) => sealed.map((one) => (one === null ? null : open(one))))
  const ids = new Set(JSON.stringify(opened).toLowerCase().match(uuids) ?? [])
  ids.delete(person.toLowerCase())
  const others = await usersAmong(tx, [...ids])
  const isOther = (value: unknown) => typeof value === 'string' && others.has(value.toLowerCase())
  return opened.map((row) =>
    row.map((values) => values && JSON.stringify(values, (_, value: unknown) => (isOther(value) ? null : value))),
  )
}

const uuids = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g

async function usersAmong(tx: TenantTransaction, ids: string[]): Promise<Set<string>> {
  if (ids.length === 0) return new Set()
  const { rows } = await tx.query<{ id: string }>(
    'select id from users where tenant_id = $1 and id = any ($2::uuid[])',
    [tx.tenantId, ids],
  )
  return new Set(rows.map(({ id }) => id))
}
