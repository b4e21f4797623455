import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { generateIdentity } from './generated-identity.ts'
import type { OuladRun } from './oulad-run.ts'

/**
 * Which of these learners, of whom the tenant has no user, were purged: a tombstone holds the hash of their ref or of
 * their e-mail address. They must not come back through an old file.
 *
 * Throws a TypeError where the tenant has tombstones and the run was given no way to compute the hashes.
 */
export async function findPurged(run: OuladRun, tx: TenantTransaction, learners: number[]): Promise<Set<number>> {
  if (learners.length === 0 || !(await hasTombstones(tx))) return new Set()
  const { tombstoneHash } = run
  if (tombstoneHash === undefined) {
    throw new TypeError('This tenant has tombstones: importOulad needs tombstoneHash to recognize purged people')
  }
  const ids: number[] = []
  const kinds: string[] = []
  const hashes: Buffer[] = []
  for (const id of learners) {
    const { ref, email } = generateIdentity(run.source, id)
    ids.push(id, id)
    kinds.push('ref', 'email')
    hashes.push(tombstoneHash('ref', ref), tombstoneHash('email', email))
  }
  const { rows } = await tx.query<{ id: number }>(
    `select distinct given.id
     from unnest($2::integer[], $3::text[], $4::bytea[]) as given (id, kind, hash)
     join tombstones t on t.tenant_id = $1 and t.kind = given.kind and t.hash = given.hash`,
    [tx.tenantId, ids, kinds, hashes],
  )
  return new Set(rows.map((row) => row.id))
}

async function hasTombstones(tx: TenantTransaction): Promise<boolean> {
  const { rows } = await tx.query<{ found: boolean }>(
    'select exists (select from tombstones where tenant_id = $1) as found',
    [tx.tenantId],
  )
  return rows[0]?.found === true
}
