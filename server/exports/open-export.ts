import { openWith } from '../keyring/identifier-hash-key.ts'
import type { Database } from '../platform/database/pool.ts'
import { inTenant } from '../platform/database/transaction.ts'
import { requireUuid } from '../platform/validation/require-uuid.ts'
import { exportError } from './errors.ts'
import { type OpenedChunk, openChunkOf, openContent } from './export-content.ts'

export type OpenedExport = {
  id: string
  /** Bytes of the archive. */
  size: number
  /** How a file of it may be called; says nothing about the person. */
  fileName: string
  /** The ZIP archive. Read it once. */
  content: AsyncGenerator<Buffer>
}

type Row = {
  state: string
  expired: boolean
  size: number
  sealed_key: Buffer | null
  content: Buffer | null
}

/**
 * Opens a kept export. Each piece of the content is read in a short transaction of its own, so a slow reader blocks
 * nothing. If the export expires or is deleted, or its person is erased, the content throws.
 *
 * Throws `input.invalid`, `export.not_found`, `export.expired` from the moment of expiry on, `export.not_ready`,
 * `export.withdrawn`, `export.damaged`, `master_key.wrong`.
 */
export async function openExport(database: Database, tenant: string, exportId: string): Promise<OpenedExport> {
  const id = requireUuid('export id', exportId)
  const { size, content } = await openContent((position) => readChunk(database, tenant, { id, position }))
  return { id, size, fileName: `export-${id}.zip`, content }
}

async function readChunk(
  database: Database,
  tenant: string,
  { id, position }: { id: string; position: number },
): Promise<OpenedChunk> {
  const { rows } = await inTenant(database, tenant, (tx) =>
    tx.query<Row>(
      `select e.state, e.expires_at <= now() as expired, e.size, e.sealed_key, c.content
       from exports e
       left join export_chunks c on c.tenant_id = e.tenant_id and c.export_id = e.id and c.position = $3
       where e.tenant_id = $1 and e.id = $2`,
      [tenant, id, position],
      'read_export_chunk',
    ),
  )
  const [row] = rows
  if (row === undefined) throw exportError('export.not_found', { id })
  if (row.state === 'withdrawn') throw exportError('export.withdrawn', { id })
  if (row.expired) throw exportError('export.expired', { id })
  if (row.state !== 'ready') throw exportError('export.not_ready', { id, state: row.state })
  if (row.sealed_key === null || row.content === null) throw exportError('export.damaged', { id })
  const key = openWith(database.masterKey, row.sealed_key, 'export key')
  try {
    return { size: row.size, plain: openChunkOf(key, row.content, { position, size: row.size }) }
  } catch (error) {
    throw exportError('export.damaged', { id }, error)
  }
}
