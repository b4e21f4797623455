import type { Application } from '../application.ts'
import { newKey, seal } from '../platform/crypto/seal.ts'
import { codeOf } from '../platform/database/pool.ts'
import { inTenant } from '../platform/database/transaction.ts'
import { isLetheError } from '../platform/errors.ts'
import type { JobPayload } from '../platform/jobs/enqueue.ts'
import { writeArchive } from './export-archive.ts'
import { type Chunk, inChunks, sealChunk } from './export-content.ts'
import { exportUser } from './export-user.ts'

/** One run at writing the content. What it writes counts only while the export has its key. */
type Attempt = { tenant: string; id: string; userId: string; key: Buffer; sealedKey: Buffer }

/**
 * The job of a kept export: writes its content, from the beginning where an earlier run was killed. Where two run at the
 * same time, the later one takes over. It ends quietly where the export is deleted, has expired, or its person is erased.
 *
 * The content is written in transactions of its own beside the one that reads, so that progress can be seen.
 */
export async function runExport(app: Application, payload: JobPayload): Promise<void> {
  const { tenant, export: id } = payload
  if (tenant === undefined || id === undefined) throw new TypeError('the job of an export names a tenant and an export')
  let attempt: Attempt | undefined
  try {
    await inTenant(app.database, tenant, async (tx) => {
      const current = await beginAttempt(app, tenant, id)
      attempt = current
      if (current === undefined) return
      let rows = 0
      await writeArchive(
        async (bytes) => {
          for await (const chunk of inChunks(bytes)) await keepChunk(app, current, chunk, rows)
        },
        (receive) =>
          exportUser(tx, {
            userId: current.userId,
            receive,
            onRows: (written) => {
              rows = written
            },
          }),
      )
    })
  } catch (error) {
    // Where the attempt does not count any more, nobody waits for it.
    if (attempt === undefined || (await recordFailure(app, attempt, error))) throw error
  }
}

/** Undefined: there is nothing to do, or nothing left of it. */
async function beginAttempt(app: Application, tenant: string, id: string): Promise<Attempt | undefined> {
  const key = newKey()
  const sealedKey = seal(app.masterKey, key, 'export key')
  return await inTenant(app.database, tenant, async (tx) => {
    const { rows } = await tx.query<{ user_id: string }>(
      `update exports set state = 'running', sealed_key = $3, size = 0, rows_written = 0, error_code = null
       where tenant_id = $1 and id = $2 and state <> 'ready' and expires_at > now() returning user_id`,
      [tenant, id, sealedKey],
    )
    const [found] = rows
    if (found === undefined) return undefined
    await tx.query('delete from export_chunks where tenant_id = $1 and export_id = $2', [tenant, id])
    return { tenant, id, userId: found.user_id, key, sealedKey }
  })
}

async function keepChunk(app: Application, attempt: Attempt, chunk: Chunk, rows: number): Promise<void> {
  const { tenant, id, key, sealedKey } = attempt
  const sealed = sealChunk(key, chunk)
  const finished = chunk.last ? `, state = 'ready', finished_at = now()` : ''
  const { rowCount } = await inTenant(
    app.database,
    tenant,
    (tx) =>
      tx.query(
        `with counted as (
           update exports set size = size + $4, rows_written = $5${finished}
           where tenant_id = $1 and id = $2 and sealed_key = $3 and state = 'running' returning user_id
         )
         insert into export_chunks (tenant_id, export_id, position, user_id, content)
         select $1, $2, $6, user_id, $7 from counted`,
        [tenant, id, sealedKey, chunk.plain.length, rows, chunk.position, sealed],
      ),
    // A crash that loses chunks loses the end as well, and the job runs again.
    { flushedLater: !chunk.last },
  )
  if (rowCount === 0) throw new Error('this attempt to write the export does not count any more')
}

/** Marks the export as failed and destroys what was written of it. False where the attempt does not count any more. */
async function recordFailure(app: Application, { tenant, id, sealedKey }: Attempt, error: unknown): Promise<boolean> {
  const code = isLetheError(error) ? error.code : (codeOf(error) ?? 'internal.unexpected')
  return await inTenant(app.database, tenant, async (tx) => {
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
