import { type Identifier, identifierOf } from '../identifiers/identifier-key.ts'
import type { TenantTransaction } from '../platform/database/transaction.ts'
import type { Statement } from './compile.ts'
import { compiledMap } from './compiled.ts'

/** A person as the engine knows one: the internal id, the state, and what names the person to a machine. */
export type Person = { id: string; state: string; identifiers: Identifier[] }

/**
 * Locks the rows of these people until the transaction ends, in one order for everybody, and reads their identifiers.
 * A foreign key takes a share of that lock, so nobody can add rows about them meanwhile. Missing people are left out.
 */
export async function lockPeople(tx: TenantTransaction, ids: string[]): Promise<Person[]> {
  return read(tx, compiledMap.lockPeople, ids)
}

/** Reads the same without a lock, for a look that changes nothing. */
export async function readPeople(tx: TenantTransaction, ids: string[]): Promise<Person[]> {
  return read(tx, compiledMap.readPeople, ids)
}

async function read(tx: TenantTransaction, { name, text }: Statement, ids: string[]): Promise<Person[]> {
  const { rows } = await tx.query<{ id: string; state: string } & Record<string, string | null>>(
    text,
    [tx.tenantId, ids],
    name,
  )
  return rows.map((row) => ({
    id: row.id,
    state: row.state,
    identifiers: compiledMap.identifiers.flatMap(({ column, kind }) => {
      const value = row[column]
      return value === null || value === undefined ? [] : [identifierOf(kind, value)]
    }),
  }))
}
