import { wordHasher } from '../audit/words.ts'
import { newKey, seal } from '../platform/crypto/seal.ts'
import { codeOf, type Database, forReading } from '../platform/database/pool.ts'
import { inTenant, type TenantTransaction } from '../platform/database/transaction.ts'
import { isLetheError } from '../platform/errors.ts'
import type { JobPayload } from '../platform/jobs/enqueue.ts'
import { exportError } from './errors.ts'
import { writeArchive } from './export-archive.ts'
import { type Chunk, inChunks, sealChunk } from './export-content.ts'
import { exportUser } from './export-user.ts'
import { ExportWords } from './export-words.ts'
import { holdsErased, lockExports } from './withdraw-exports.ts'

/** One run at writing the content. What it writes counts only while the export has its key. */
type Attempt = { tenant: string; id: string; userId: string; key: Buffer; sealedKey: Buffer; words: ExportWords }

/**
 * The job of a kept export: writes its content, from the beginning where an earlier run was killed. Where two run at
 * the same time, the later one takes over. Where somebody who may stand in it is erased meanwhile, it begins anew. It
 * ends quietly where the export is deleted, has expired, or its person is erased.
 *
 * The content is written in transactions of its own beside the one that reads, so that progress can be seen. The
 * reading transaction uses one of the connections for long reads, and locks nothing before its end. So changes and
 * erasures of the person do not wait for it. An erasure deletes the export with the person, and then the next chunk
 * finds it gone.
 */
export async function runExport(database: Database, payload: JobPayload): Promise<void> {
  const { tenant, export: id } = payload
  if (tenant === undefined || id === undefined) throw new TypeError('the job of an export names a tenant and an export')
  let attempt: Attempt | undefined
  try {
    // Where the transaction is run again, that is another attempt.
    await inTenant(forReading(database), tenant, async (tx) => {
      const current = await beginAttempt(database, tenant, id)
      attempt = current
      if (current === undefined) return
      let rows = 0
      await writeArchive(
        async (bytes) => {
          for await (const chunk of inChunks(bytes)) await keepChunk(database, current, chunk, rows)
        },
        (receive) =>
          exportUser(tx, {
            userId: current.userId,
            receive,
            onRows: (written) => {
              rows = written
            },
            onText: (text) => current.words.add(text),
          }),
      )
    })
  } catch (error) {
    // Whoever was erased meanwhile is not in it the next time.
    if (exportError.is(error, 'export.outdated')) return await runExport(database, payload)
    if (attempt === undefined || (await recordFailure(database, attempt, error))) throw error
    // The attempt does not count any more. Only where the export is gone is there nothing left to do: a job that ends well is
    // deleted from the queue, even if it is another worker's by now, and then that worker's failure would end the export.
    if (await isUnfinished(database, attempt)) throw exportError('export.superseded', { id })
  }
}

/** Undefined: there is nothing to do, or nothing left of it. */
async function beginAttempt(database: Database, tenant: string, id: string): Promise<Attempt | undefined> {
  const key = newKey()
  const sealedKey = seal(database.masterKey, key, 'export key')
  return await inTenant(database, tenant, async (tx) => {
    await lockExports(tx)
    const { rows } = await tx.query<{ user_id: string }>(
      `update exports set state = 'running', sealed_key = $3, size = 0, rows_written = 0, error_code = null, words = null,
         erased_words = '{}'
       where tenant_id = $1 and id = $2 and state not in ('ready', 'withdrawn') and expires_at > now() returning user_id`,
      [tenant, id, sealedKey],
    )
    const [found] = rows
    if (found === undefined) return undefined
    await tx.query('delete from export_chunks where tenant_id = $1 and export_id = $2', [tenant, id])
    const words = new ExportWords(await wordHasher(tx))
    return { tenant, id, userId: found.user_id, key, sealedKey, words }
  })
}

async function keepChunk(database: Database, attempt: Attempt, chunk: Chunk, rows: number): Promise<void> {
  const { tenant, id, key, sealedKey } = attempt
  const sealed = sealChunk(key, chunk)
  const finished = chunk.last ? `, state = 'ready', finished_at = now(), words = $8` : ''
  const words = chunk.last ? attempt.words.toBytes() : undefined
  const { rowCount } = await inTenant(
    database,
    tenant,
    async (tx) => {
      if (words !== undefined) await requireCurrent(tx, attempt, words)
      return await tx.query(
        `with counted as (
           update exports set size = size + $4, rows_written = $5${finished}
           where tenant_id = $1 and id = $2 and sealed_key = $3 and state = 'running' returning user_id
         )
         insert into export_chunks (tenant_id, export_id, position, user_id, content)
         select $1, $2, $6, user_id, $7 from counted`,
        [
          tenant,
          id,
          sealedKey,
          chunk.plain.length,
          rows,
          chunk.position,
          sealed,
          ...(words === undefined ? [] : [words]),
        ],
      )
    },
    // A crash that loses chunks loses the end as well, and the job runs again.
    { flushedLater: !chunk.last },
  )
  if (rowCount === 0) throw exportError('export.superseded', { id })
}

/** Throws `export.outdated` where somebody who may stand in the export was erased while it was written. */
async function requireCurrent(tx: TenantTransaction, { tenant, id, sealedKey }: Attempt, words: Buffer): Promise<void> {
  await lockExports(tx)
  const { rows } = await tx.query<{ told: string[] }>(
    `select erased_words::text[] as told from exports
     where tenant_id = $1 and id = $2 and sealed_key = $3 and erased_words <> '{}'`,
    [tenant, id, sealedKey],
  )
  if (rows[0] !== undefined && holdsErased(words, rows[0].told)) throw exportError('export.outdated', { id })
}

/** Whether the content of the export is still to be written. */
async function isUnfinished(database: Database, { tenant, id }: Attempt): Promise<boolean> {
  return await inTenant(database, tenant, async (tx) => {
    const { rowCount } = await tx.query(
      `select from exports where tenant_id = $1 and id = $2 and state not in ('ready', 'withdrawn') and expires_at > now()`,
      [tenant, id],
    )
    return rowCount === 1
  })
}

/** Marks the export as failed and destroys what was written of it. False where the attempt does not count any more. */
async function recordFailure(database: Database, { tenant, id, sealedKey }: Attempt, error: unknown): Promise<boolean> {
  const code = isLetheError(error) ? error.code : (codeOf(error) ?? 'internal.unexpected')
  return await inTenant(database, tenant, async (tx) => {
    const { rowCount } = await tx.query(
      `update exports set state = 'failed', error_code = $4, sealed_key = null, size = 0, rows_written = 0
       where tenant_id = $1 and id = $2 and sealed_key = $3`,
      [tenant, id, sealedKey, code],
    )
    if (rowCount === 0) return false
    await tx.query('delete from export_chunks where tenant_id = $1 and export_id = $2', [tenant, id])
    return true
  })
}
