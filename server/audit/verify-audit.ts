import { type Database, forReading } from '../platform/database/pool.ts'
import { inTenant, type TenantTransaction } from '../platform/database/transaction.ts'
import { beforeFirst, type ChainedEntry, chainedColumns, chainHash, iso } from './chain.ts'
import { type CheckpointClaims, type CheckpointReader, openCheckpoints } from './checkpoint.ts'
import type { ChainHead } from './seal-audit.ts'

/**
 * Something that is not as it was sealed, from one place of the chain to another, with the present times of the entries
 * or of the checkpoint. A time is null if nothing is left there.
 *
 * - `altered`: the entry, its place or its hash is another one than was sealed; or the one before it is, and got the hash
 *   that fits.
 * - `removed`: entries are missing there.
 * - `inserted`: an entry stands there that was not sealed there.
 * - `unsigned`: no checkpoint is about these entries: they were inserted, or the checkpoint was removed.
 * - `rewritten`: one or more of these entries were altered and the hashes computed anew.
 * - `checkpoint_altered`, `checkpoint_removed`: what was signed about these entries.
 */
export type AuditProblem = {
  problem: 'altered' | 'removed' | 'inserted' | 'unsigned' | 'rewritten' | 'checkpoint_altered' | 'checkpoint_removed'
  from: number
  to: number
  at: string | null
}

export type AuditVerification = {
  /** Sealed entries that were read. */
  sealed: number
  /** Entries that no sealer has come to yet; nothing is promised for them. */
  unsealed: number
  checkpoints: number
  head: ChainHead
  /** In the order of the chain; at most {@link mostProblems}. Empty: everything is as it was sealed. */
  problems: AuditProblem[]
}

export const mostProblems = 1000

const entriesAtATime = 2000

/** So many hashes are tried for an entry that was altered: its own, and those that follow from the ones before. */
const mostGuesses = 4

/**
 * Checks the audit trail of a tenant in one snapshot: every sealed entry against the chain, and the chain against the
 * signed checkpoints. Finds entries that were altered, removed or inserted by a person without the master key. It finds
 * a removed end of the chain, unless its checkpoints were removed, too. So give an earlier `head` that was noted
 * elsewhere, such as in a certificate, as `noted`. Needs no person's key, because the chain hashes ciphertext. Memory
 * does not depend on the number of entries.
 */
export async function verifyAudit(
  database: Database,
  tenant: string,
  options: { noted?: ChainHead } = {},
): Promise<AuditVerification> {
  return await inTenant(forReading(database), tenant, async (tx) => {
    await tx.query('set transaction isolation level repeatable read, read only')
    const reader = await openCheckpoints(tx)
    const checkpoints = readCheckpoints(tx, reader)
    const { unsealed, lastSigned } = await readTotals(tx)
    const found: AuditVerification = {
      sealed: 0,
      unsealed,
      checkpoints: 0,
      head: { sequence: 0, hash: null },
      problems: [],
    }
    const check = new ChainCheck(tx.tenantId, found, lastSigned, options.noted)
    let checkpoint = await checkpoints.next()
    for await (const entry of readSealed(tx)) {
      while (!checkpoint.done && checkpoint.value.sequence < entry.sequence) {
        check.checkpoint(checkpoint.value)
        checkpoint = await checkpoints.next()
      }
      check.entry(entry)
    }
    while (!checkpoint.done) {
      check.checkpoint(checkpoint.value)
      checkpoint = await checkpoints.next()
    }
    check.end()
    found.problems.sort((a, b) => a.from - b.from || a.to - b.to)
    return found
  })
}

type SealedEntry = ChainedEntry & { sequence: number; hash: Buffer }

type StoredCheckpoint = { sequence: number; at: string; claims: CheckpointClaims | undefined }

/** Goes along the chain once, entries and checkpoints together. */
class ChainCheck {
  readonly #tenant: string
  readonly #found: AuditVerification
  /** The last place that a checkpoint is about, as the checkpoints say that are there. */
  readonly #lastSigned: number
  /** The place up to which everything is accounted for, as present or as missing. */
  #reached = 0
  /** What the entry there may have for its hash: as it is stored, and as it should be. Empty where it is gone. */
  #hashes: Buffer[] = [beforeFirst]
  /** The same of the entry before that. */
  #earlier: Buffer[] = []
  /** By how many places the entries were moved since they were sealed. */
  #moved = 0
  #last: { sequence: number; hash: Buffer; at: string } | undefined
  /** The place of the last checkpoint that is sound. */
  #signed = 0
  /** Whether an entry since then is wrong, and whether a checkpoint since then is. */
  #wrongEntry = false
  #wrongCheckpoint = false
  #unsigned: { from: number; to: number; at: string } | undefined

  /** What somebody noted of the chain outside of the database. */
  readonly #noted: ChainHead | undefined

  constructor(tenant: string, found: AuditVerification, lastSigned: number, noted: ChainHead | undefined) {
    this.#tenant = tenant
    this.#found = found
    this.#lastSigned = lastSigned
    this.#noted = noted
  }

  entry(entry: SealedEntry): void {
    this.#found.sealed++
    if (entry.sequence > this.#lastSigned) {
      this.#unsigned = { from: this.#unsigned?.from ?? entry.sequence, to: entry.sequence, at: entry.at }
      return
    }
    if (entry.sequence <= this.#reached) {
      this.#report('inserted', entry.sequence, entry.sequence, entry.at)
      return
    }
    this.#missingUpTo(entry.sequence - 1)
    const follows = (previous: Buffer[], moved: number) =>
      previous.some((hash) => chainHash(this.#tenant, entry.sequence - moved, hash, entry).equals(entry.hash))
    const expected = this.#hashes
    this.#hashes = [entry.hash]
    // Behind a gap nobody knows what came before; the checkpoint says whether the rest is as it was.
    if (expected.length > 0 && !follows(expected, this.#moved)) {
      if (follows(this.#earlier, this.#moved + 1)) {
        this.#moved++
        this.#reportLast('inserted')
      } else if (follows(expected, this.#moved - 1)) {
        // One was removed and the others took its place, where the first of them is reported.
        this.#moved--
      } else {
        this.#report('altered', entry.sequence, entry.sequence, entry.at)
        // What follows was sealed on what the entry was: on its stored hash, or on the one that it should have.
        const should = expected.map((hash) => chainHash(this.#tenant, entry.sequence - this.#moved, hash, entry))
        this.#hashes = [entry.hash, ...should].slice(0, mostGuesses)
      }
    }
    this.#earlier = expected
    this.#reached = entry.sequence
    this.#last = { sequence: entry.sequence, hash: entry.hash, at: entry.at }
    this.#found.head = { sequence: entry.sequence, hash: entry.hash.toString('base64url') }
    if (entry.sequence === this.#noted?.sequence && this.#found.head.hash !== this.#noted.hash) {
      this.#report('rewritten', 1, entry.sequence, entry.at)
    }
  }

  checkpoint({ sequence, at, claims }: StoredCheckpoint): void {
    this.#found.checkpoints++
    if (
      claims === undefined ||
      claims.tenant !== this.#tenant ||
      claims.sequence !== sequence ||
      claims.at.replace('Z', '000Z') !== at
    ) {
      this.#report('checkpoint_altered', sequence, sequence, at)
      this.#wrongCheckpoint = true
      return
    }
    const from = claims.sequence - claims.count
    if (from > this.#signed && !this.#wrongCheckpoint) this.#report('checkpoint_removed', this.#signed + 1, from, null)
    this.#missingUpTo(sequence)
    const matches = this.#last?.sequence === sequence && this.#last.hash.toString('base64url') === claims.hash
    if (!matches && !this.#wrongEntry) this.#report('rewritten', this.#signed + 1, sequence, this.#last?.at ?? at)
    // What was signed is what the next one was sealed on, whatever stands there now.
    this.#hashes = [Buffer.from(claims.hash, 'base64url'), ...this.#hashes].slice(0, mostGuesses)
    this.#signed = sequence
    this.#wrongEntry = false
    this.#wrongCheckpoint = false
  }

  end(): void {
    if (this.#noted !== undefined) this.#missingUpTo(this.#noted.sequence)
    if (this.#unsigned !== undefined) {
      const { from, to, at } = this.#unsigned
      this.#report('unsigned', from, to, at)
    }
  }

  #missingUpTo(sequence: number): void {
    if (sequence <= this.#reached) return
    this.#report('removed', this.#reached + 1, sequence, null)
    this.#reached = sequence
    this.#hashes = []
    this.#earlier = []
    this.#last = undefined
  }

  /** The last entry turns out to be the one that is wrong, not this one. */
  #reportLast(problem: AuditProblem['problem']): void {
    if (this.#last === undefined) return
    const { sequence, at } = this.#last
    const reported = this.#found.problems.at(-1)
    const meant = reported?.problem === 'rewritten' || (reported?.problem === 'altered' && reported.from === sequence)
    if (reported?.to === sequence && meant) this.#found.problems.pop()
    this.#report(problem, sequence, sequence, at)
  }

  #report(problem: AuditProblem['problem'], from: number, to: number, at: string | null): void {
    if (!problem.startsWith('checkpoint')) this.#wrongEntry = true
    if (this.#found.problems.length < mostProblems) this.#found.problems.push({ problem, from, to, at })
  }
}

async function readTotals(tx: TenantTransaction): Promise<{ unsealed: number; lastSigned: number }> {
  const { rows } = await tx.query<{ unsealed: number; last_signed: number | null }>(
    `select (select count(*) from audit_entries where tenant_id = $1 and sequence is null) as unsealed,
       (select max(sequence) from audit_checkpoints where tenant_id = $1) as last_signed`,
    [tx.tenantId],
  )
  return { unsealed: rows[0]?.unsealed ?? 0, lastSigned: rows[0]?.last_signed ?? 0 }
}

async function* readSealed(tx: TenantTransaction): AsyncGenerator<SealedEntry> {
  let after = '-9223372036854775808'
  for (;;) {
    const { rows } = await tx.query<SealedEntry & { place: string }>(
      `select ${chainedColumns}, sequence, sequence::text as place, hash from audit_entries
       where tenant_id = $1 and sequence > $2::bigint order by sequence limit ${entriesAtATime}`,
      [tx.tenantId, after],
      'sealed_entries',
    )
    yield* rows
    const last = rows.at(-1)
    if (last === undefined || rows.length < entriesAtATime) return
    after = last.place
  }
}

async function* readCheckpoints(tx: TenantTransaction, open: CheckpointReader): AsyncGenerator<StoredCheckpoint> {
  let after = '-9223372036854775808'
  for (;;) {
    const { rows } = await tx.query<{ sequence: number; place: string; jws: string; at: string }>(
      `select sequence, sequence::text as place, jws, to_char(created_at at time zone 'utc', '${iso}') as at from audit_checkpoints
       where tenant_id = $1 and sequence > $2::bigint order by sequence limit ${entriesAtATime}`,
      [tx.tenantId, after],
      'checkpoints',
    )
    for (const { sequence, jws, at } of rows) yield { sequence, at, claims: await open(jws) }
    const last = rows.at(-1)
    if (last === undefined || rows.length < entriesAtATime) return
    after = last.place
  }
}
