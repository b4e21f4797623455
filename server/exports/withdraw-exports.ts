import { record } from '../audit/record.ts'
import { knownWordHasher, type Probes, probesFor, type WordHash } from '../audit/words.ts'
import type { Identifier } from '../identifiers/identifier-key.ts'
import { notify } from '../notify/notify.ts'
import type { Effect } from '../personal-data/affected-rows.ts'
import type { TenantTransaction } from '../platform/database/transaction.ts'
import { mayHold } from './export-words.ts'

/** Filters of so many exports are in the process at once. */
const exportsAtATime = 20

type Found = { id: string; user_id: string; ordered_by: string | null }

/**
 * Counts the kept exports of others that may hold one of these identifiers. `gone`: people whose exports go. Changes
 * nothing. Throws `master_key.wrong`.
 */
export async function countExportsToWithdraw(
  tx: TenantTransaction,
  identifiers: readonly Identifier[],
  gone: readonly string[],
): Promise<Effect[]> {
  if (identifiers.length === 0) return []
  // Where nothing was hashed yet, an export is from before there were words, and may hold anything.
  const probes = (await knownWordHasher(tx)) === undefined ? undefined : await probesFor(tx, identifiers)
  return effectsOf(await findMentioning(tx, probes, gone))
}

/**
 * Withdraws the kept exports of others that may hold an identifier of somebody who is erased, in the transaction of the
 * erasure. It destroys their content and notifies the users who requested them. An export that is being written is
 * looked at when it is finished. `gone`: people whose exports go. Answers what was done. Throws `master_key.wrong`.
 */
export async function withdrawExports(
  tx: TenantTransaction,
  identifiers: readonly Identifier[],
  gone: readonly string[],
): Promise<Effect[]> {
  if (identifiers.length === 0) return []
  const probes = await probesFor(tx, identifiers)
  // From here to the commit no export begins or ends: each sees this erasure in the database, or is seen by it.
  tx.send(lockOf('pg_advisory_xact_lock_shared'), [tx.tenantId], 'share_exports')
  tx.send(
    `update exports set erased_words = erased_words || $2::bigint[]
     where tenant_id = $1 and state = 'running' and sealed_key is not null and user_id <> all ($3::uuid[])`,
    [tx.tenantId, packed(probes), gone],
    'tell_running_exports',
  )
  const found = await findMentioning(tx, probes, gone)
  if (found.length === 0) return []
  const ids = found.map(({ id }) => id)
  tx.send(
    `update exports set state = 'withdrawn', withdrawn_at = $3, sealed_key = null, words = null, size = 0
     where tenant_id = $1 and id = any ($2::uuid[])`,
    [tx.tenantId, ids, new Date()],
    'withdraw_exports',
  )
  tx.send('delete from export_chunks where tenant_id = $1 and export_id = any ($2::uuid[])', [tx.tenantId, ids])
  await record(
    tx,
    found.map(({ id, user_id }) => ({ activity: 'ExportWithdrawn', object: id, subject: user_id })),
  )
  for (const [user, theirs] of Map.groupBy(found, ({ ordered_by }) => ordered_by)) {
    if (user === null || gone.includes(user)) continue
    const exports = theirs.map(({ id }) => id).slice(0, 100)
    await notify(tx, [user], {
      kind: 'export_withdrawn',
      subject: theirs.length === 1 ? 'An export was withdrawn' : 'Exports were withdrawn',
      body: `The content of ${exports.length === 1 ? 'an export' : `${theirs.length} exports`} that you requested is destroyed, because a person who may be named in it was erased. Request a new one.`,
      data: { exports },
    })
  }
  return effectsOf(found)
}

function effectsOf(found: readonly Found[]): Effect[] {
  return found.length === 0 ? [] : [{ table: 'exports', effect: 'withdrawn', rows: found.length }]
}

async function findMentioning(tx: TenantTransaction, probes: Probes, gone: readonly string[]): Promise<Found[]> {
  const found: Found[] = []
  let after = '00000000-0000-0000-0000-000000000000'
  for (;;) {
    const { rows } = await tx.query<Found & { words: Buffer | null }>(
      `select id, user_id, ordered_by, words from exports
       where tenant_id = $1 and id > $2 and sealed_key is not null and state = 'ready' and user_id <> all ($3::uuid[])
       order by id limit ${exportsAtATime}`,
      [tx.tenantId, after, gone],
      'ready_exports',
    )
    for (const { words, ...kept } of rows) {
      // One without words is from before there were any.
      if (words === null || probes === undefined || mayHold(words, probes)) found.push(kept)
    }
    const last = rows.at(-1)
    if (last === undefined || rows.length < exportsAtATime) return found
    after = last.id
  }
}

/** Ends each list of words; no word is so with any likelihood, and then the export is written once more. */
const end = '0'

/** The lists in a row, each with its end, for {@link holdsErased}. An empty one stands everywhere. */
export function packed(probes: Probes): WordHash[] {
  return probes === undefined ? [end] : probes.flatMap((words) => [...words, end])
}

/** Whether something with these words holds one of the lists that an erasure {@link packed} while it was written. */
export function holdsErased(stored: Buffer, told: readonly WordHash[]): boolean {
  const lists: WordHash[][] = []
  let words: WordHash[] = []
  for (const word of told) {
    if (word === end) {
      lists.push(words)
      words = []
    } else words.push(word)
  }
  return lists.length > 0 && mayHold(stored, lists)
}

/** Waits until no erasure is between its look at the exports of the tenant and its commit; until this one's. */
export async function lockExports(tx: TenantTransaction): Promise<void> {
  await tx.query(lockOf('pg_advisory_xact_lock'), [tx.tenantId], 'lock_exports')
}

function lockOf(lock: string): string {
  return `select ${lock}(hashtextextended('exports ' || $1, 0))`
}
