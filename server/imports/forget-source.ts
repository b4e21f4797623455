import { record } from '../audit/record.ts'
import type { TenantTransaction } from '../platform/database/transaction.ts'
import { requireLine } from '../platform/validation/require-text.ts'
import { importError } from './errors.ts'

/**
 * Forgets how far the files of a data set were imported, with the name of the data set. What was imported stays. Another
 * import under this name begins at the first line. Returns the number of files. Throws `input.invalid`,
 * `import.source_not_found`.
 */
export async function forgetSource(tx: TenantTransaction, source: string): Promise<{ files: number }> {
  const { rowCount } = await tx.query('delete from import_files where tenant_id = $1 and source = $2', [
    tx.tenantId,
    requireLine('source', source),
  ])
  if (rowCount === 0) throw importError('import.source_not_found')
  await record(tx, { activity: 'ImportSourceForgotten', object: tx.tenantId, details: { files: rowCount } })
  return { files: rowCount }
}
