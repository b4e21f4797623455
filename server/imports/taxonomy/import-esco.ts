import type { Database } from '../../platform/database/pool.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { requireDefaultScaleSet, writeSkills } from '../../skills/import-skills.ts'
import type { FolderImportOptions, FolderImportResult } from '../folder-import.ts'
import type { Outcome } from '../import-chunks.ts'
import { escoSkills } from './files.ts'
import { importTaxonomy } from './import-taxonomy.ts'

/**
 * Imports the skills of ESCO for all catalogs, measured on the tenant's default scale, which is made where there is none:
 * ESCO has no levels. Running it again brings changed labels and descriptions in and leaves the scale of each skill alone.
 *
 * Throws before anything is written: `input.file_unreadable`, `input.invalid` for a wrong header or source.
 */
export async function importEsco(
  database: Database,
  tenantId: string,
  options: FolderImportOptions,
): Promise<FolderImportResult> {
  return await importTaxonomy(database, tenantId, 'esco', [{ shape: escoSkills, write: writeEscoSkills }], options)
}

async function writeEscoSkills(tx: TenantTransaction, keyPrefix: string): Promise<Outcome> {
  const scaleSetId = await requireDefaultScaleSet(tx)
  const { written } = await writeSkills(tx, {
    // Of several lines about one skill the last counts.
    text: `select distinct on (key) $2 || key as external_key, title, description, $3::uuid as scale_set_id
      from (
        select regexp_replace(concept_uri, '^.*/', '') as key, preferred_label as title, description, line
        from staged_esco_skills
      ) staged
      order by key, line desc`,
    values: [keyPrefix, scaleSetId],
  })
  return { written, rejected: [], deleted: 0, purged: 0 }
}
