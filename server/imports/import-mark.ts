import type { TenantTransaction } from '../platform/database/transaction.ts'
import { importError } from './errors.ts'

/** How far a file has been imported: so many lines after the header, with their SHA-256. */
export type ImportMark = { lines: number; digest: Buffer }

/** Where an earlier run stopped; undefined where nothing of the file was imported. */
export async function readMark(
  tx: TenantTransaction,
  source: string,
  fileName: string,
): Promise<ImportMark | undefined> {
  const { rows } = await tx.query<ImportMark>(
    `select lines_imported as lines, prefix_digest as digest
     from import_files where tenant_id = $1 and source = $2 and file_name = $3`,
    [tx.tenantId, source, fileName],
  )
  return rows[0]
}

/**
 * Moves the mark in the transaction that writes the lines, and keeps any other import of the file out until that ends.
 * Throws `import.overtaken` where the mark is not where this run left it.
 */
export async function moveMark(
  tx: TenantTransaction,
  source: string,
  fileName: string,
  from: ImportMark,
  to: ImportMark,
): Promise<void> {
  const { rowCount } = await tx.query(
    `insert into import_files as f (tenant_id, source, file_name, lines_imported, prefix_digest)
     values ($1, $2, $3, $4, $5)
     on conflict (tenant_id, source, file_name) do update
       set lines_imported = excluded.lines_imported, prefix_digest = excluded.prefix_digest, updated_at = now()
       where f.lines_imported = $6 and f.prefix_digest = $7`,
    [tx.tenantId, source, fileName, to.lines, to.digest, from.lines, from.digest],
  )
  if (rowCount === 0) throw importError('import.overtaken', { file: fileName })
}
