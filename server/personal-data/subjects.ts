import type { Statement } from '../datamap/compile.ts'
import { compiledMap } from '../datamap/compiled.ts'
import { type Identifier, identifierOf } from '../identifiers/identifier-key.ts'
import { readFormer } from '../people/identifiers/former-identifiers.ts'
import type { TenantTransaction } from '../platform/database/transaction.ts'

/**
 * A person as the engine knows one: the internal id, the state, and what names the person to a machine, now or before a
 * rename; each of them once.
 */
export type Person = { id: string; state: string; identifiers: Identifier[] }

/**
 * Locks the rows of these people until the transaction ends, in one order for everybody, and reads their identifiers.
 * A foreign key takes a share of that lock, so nobody can add rows about them meanwhile. Missing people are left out.
 * Throws `master_key.wrong`.
 */
export async function lockPeople(tx: TenantTransaction, ids: string[]): Promise<Person[]> {
  return read(tx, compiledMap.lockPeople, ids)
}

/** Reads the same without a lock, for a look that changes nothing. */
export async function readPeople(tx: TenantTransaction, ids: string[]): Promise<Person[]> {
  return read(tx, compiledMap.readPeople, ids)
}

async function read(tx: TenantTransaction, { name, text }: Statement, ids: string[]): Promise<Person[]> {
  // Sent together. The second is answered after the first has its locks, so no rename comes between the two.
  const [{ rows }, former] = await Promise.all([
    tx.query<{ id: string; state: string } & Record<string, string | null>>(text, [tx.tenantId, ids], name),
    readFormer(tx, ids),
  ])
  return rows.map((row) => {
    const current = compiledMap.identifiers.flatMap(({ column, kind }): Identifier[] => {
      const value = row[column]
      return value === null || value === undefined ? [] : [identifierOf(kind, value)]
    })
    const before = (former.get(row.id) ?? []).filter(
      ({ kind, value }) => !current.some((one) => one.kind === kind && one.value === value),
    )
    return { id: row.id, state: row.state, identifiers: [...current, ...before] }
  })
}
