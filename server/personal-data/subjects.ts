import { compiledMap } from '../datamap/compiled.ts'
import type { Statement } from '../datamap/plan.ts'
import { type Identifier, identifierOf } from '../identifiers/identifier-key.ts'
import { readFormer } from '../people/identifiers/former-identifiers.ts'
import type { TenantTransaction } from '../platform/database/transaction.ts'

/**
 * A person whose data is dealt with: the internal id, the state, the `ref` of today, and the identifiers of today and from
 * before a rename, each once.
 */
export type Subject = { id: string; state: string; ref: string | null; identifiers: Identifier[] }

/**
 * Locks the rows of these people until the transaction ends, in the order of their ids, and reads their identifiers. A
 * foreign key takes a share of that lock, so no transaction can add rows about them meanwhile. Missing people are left
 * out. Throws `master_key.wrong`.
 */
export async function lockSubjects(tx: TenantTransaction, ids: string[]): Promise<Subject[]> {
  return read(tx, compiledMap.lockPeople, ids)
}

/** Locks the rows of these people in the same way, and reads their states alone: one statement less. */
export async function lockSubjectStates(
  tx: TenantTransaction,
  ids: string[],
): Promise<Pick<Subject, 'id' | 'state'>[]> {
  const { name, text } = compiledMap.lockPeople
  const { rows } = await tx.query<{ id: string; state: string }>(text, [tx.tenantId, ids], name)
  return rows.map(({ id, state }) => ({ id, state }))
}

/** Reads the same as {@link lockSubjects} without a lock, for a caller that changes nothing. */
export async function readSubjects(tx: TenantTransaction, ids: string[]): Promise<Subject[]> {
  return read(tx, compiledMap.readPeople, ids)
}

async function read(tx: TenantTransaction, { name, text }: Statement, ids: string[]): Promise<Subject[]> {
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
    return { id: row.id, state: row.state, ref: row.ref ?? null, identifiers: [...current, ...before] }
  })
}
