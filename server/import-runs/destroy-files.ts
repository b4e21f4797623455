import { knownWordHasher, type Probes, probesFor, type WordHash, wordHasher } from '../audit/words.ts'
import { mayHold } from '../exports/export-words.ts'
import { packed } from '../exports/withdraw-exports.ts'
import type { Identifier } from '../identifiers/identifier-key.ts'
import type { Effect } from '../personal-data/affected-rows.ts'
import type { TenantTransaction } from '../platform/database/transaction.ts'
import { wordOfUser } from './kept-file.ts'

/** So many files are looked at together. */
const filesAtATime = 20

/**
 * Counts the kept import files that may contain one of these people: by identifiers that only they hold, or by internal
 * id. Changes nothing. Throws `master_key.wrong`.
 */
export async function countFilesToDestroy(
  tx: TenantTransaction,
  identifiers: readonly Identifier[],
  people: readonly string[],
): Promise<Effect[]> {
  const hash = await knownWordHasher(tx)
  // Where nothing was hashed yet, no file was kept: keeping one makes the key.
  if (hash === undefined) return []
  return effectsOf(await findContaining(tx, await probesOfPeople(tx, identifiers, people)))
}

/**
 * Destroys the content of the import files that may contain an erased person, in the transaction of the erasure. The run
 * and its counts stay, and the file answers that it is gone, for ever. An import that runs is told, and looks at its end.
 * Returns what was done. Throws `master_key.wrong`.
 */
export async function destroyFiles(
  tx: TenantTransaction,
  identifiers: readonly Identifier[],
  people: readonly string[],
): Promise<Effect[]> {
  if (people.length === 0 && identifiers.length === 0) return []
  const probes = await probesOfPeople(tx, identifiers, people)
  // It waits for an import that is about to end, whose file the next statement then finds.
  tx.send(
    `update import_runs set erased_words = erased_words || $2::bigint[]
     where tenant_id = $1 and finished_at is null and format = 'users'`,
    [tx.tenantId, packed(probes)],
    'tell_running_imports',
  )
  const found = await findContaining(tx, probes)
  if (found.length === 0) return []
  tx.send(
    `update import_runs
     set sealed_key = null, words = null, file_size = 0, file_gone_because = 'person_erased', file_gone_at = $3
     where tenant_id = $1 and id = any ($2::uuid[])`,
    [tx.tenantId, found, new Date()],
    'destroy_import_files',
  )
  tx.send('delete from import_run_chunks where tenant_id = $1 and run_id = any ($2::uuid[])', [tx.tenantId, found])
  return effectsOf(found)
}

async function probesOfPeople(
  tx: TenantTransaction,
  identifiers: readonly Identifier[],
  people: readonly string[],
): Promise<Probes> {
  const hash = await wordHasher(tx)
  const probes = await probesFor(tx, identifiers)
  return probes && [...probes, ...people.map((id): WordHash[] => [wordOfUser(hash, id)])]
}

function effectsOf(found: readonly string[]): Effect[] {
  return found.length === 0 ? [] : [{ table: 'import_runs', effect: 'destroyed file', rows: found.length }]
}

async function findContaining(tx: TenantTransaction, probes: Probes): Promise<string[]> {
  const found: string[] = []
  let after = '00000000-0000-0000-0000-000000000000'
  for (;;) {
    const { rows } = await tx.query<{ id: string; words: Buffer | null }>(
      `select id, words from import_runs where tenant_id = $1 and id > $2 and sealed_key is not null
       order by id limit ${filesAtATime}`,
      [tx.tenantId, after],
      'kept_import_files',
    )
    for (const { id, words } of rows) {
      if (words === null || probes === undefined || mayHold(words, probes)) found.push(id)
    }
    const last = rows.at(-1)
    if (last === undefined || rows.length < filesAtATime) return found
    after = last.id
  }
}
