import { type OpenedChunk, openChunkOf, openContent } from '../exports/export-content.ts'
import { openWith } from '../keyring/identifier-hash-key.ts'
import type { Database } from '../platform/database/pool.ts'
import { inTenant } from '../platform/database/transaction.ts'
import { requireUuid } from '../platform/validation/require-uuid.ts'
import { type GoneBecause, importRunError } from './errors.ts'
import { fileKeyPurpose } from './finish-users-run.ts'

export type OpenedFile = {
  id: string
  /** Bytes of the file. */
  size: number
  /** How a file of it may be called; says nothing about a person. */
  fileName: string
  /** The bytes that were imported. Read them once. */
  content: AsyncGenerator<Buffer>
}

type Row = {
  gone: GoneBecause | null
  size: number
  sealed_key: Buffer | null
  content: Buffer | null
}

/**
 * Opens the file of an import. Each piece is read in a short transaction of its own. If a person in the file is erased
 * meanwhile, the content throws.
 *
 * Throws `input.invalid`, `import_run.not_found`, `import_run.file_not_kept`, `import_run.file_gone`,
 * `import_run.file_damaged`, `master_key.wrong`.
 */
export async function openFile(database: Database, tenant: string, runId: string): Promise<OpenedFile> {
  const id = requireUuid('run id', runId)
  const { size, content } = await openContent((position) => readChunk(database, tenant, { id, position }))
  return { id, size, fileName: `import-${id}.csv`, content }
}

async function readChunk(
  database: Database,
  tenant: string,
  { id, position }: { id: string; position: number },
): Promise<OpenedChunk> {
  const { rows } = await inTenant(database, tenant, (tx) =>
    tx.query<Row>(
      `select case when r.file_expires_at <= now() then coalesce(r.file_gone_because, 'expired')
         else r.file_gone_because end as gone, r.file_size as size, r.sealed_key, c.content
       from import_runs r
       left join import_run_chunks c on c.tenant_id = r.tenant_id and c.run_id = r.id and c.position = $3
       where r.tenant_id = $1 and r.id = $2`,
      [tenant, id, position],
      'read_import_chunk',
    ),
  )
  const [row] = rows
  if (row === undefined) throw importRunError('import_run.not_found', { id })
  if (row.gone !== null) throw importRunError('import_run.file_gone', { id, because: row.gone })
  if (row.sealed_key === null) throw importRunError('import_run.file_not_kept', { id })
  if (row.content === null) throw importRunError('import_run.file_damaged', { id })
  const key = openWith(database.masterKey, row.sealed_key, fileKeyPurpose)
  try {
    return { size: row.size, plain: openChunkOf(key, row.content, { position, size: row.size }) }
  } catch (error) {
    throw importRunError('import_run.file_damaged', { id }, error)
  }
}
