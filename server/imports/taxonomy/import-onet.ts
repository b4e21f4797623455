import type { Database } from '../../platform/database/pool.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { describeLevels, writeScaleSets, writeSkills } from '../../skills/import-skills.ts'
import type { FolderImportOptions, FolderImportResult } from '../folder-import.ts'
import type { Outcome } from '../import-chunks.ts'
import { onetAnchors, onetElements } from './files.ts'
import { importTaxonomy } from './import-taxonomy.ts'

/** Skills are the leaves of the basic and the cross-functional skills: four parts, such as 2.A.1.a. */
const isSkill = `"Element ID" ~ '^2\\.[AB]\\.\\d+\\.[a-z]+$'`

/** O*NET's scale of levels, LV. */
const levelScale = { from: 0, to: 7 }

/**
 * Imports the skills of O*NET for all catalogs, each with its own scale from 0 to 7, because the examples for a level
 * differ from skill to skill. O*NET gives examples at the levels 2, 4 and 6; the others have none. Elements that are no
 * skills are skipped. Running it again brings changes in.
 *
 * Throws before anything is written: `input.file_unreadable`, `input.invalid` for a wrong header or source.
 */
export async function importOnet(
  database: Database,
  tenantId: string,
  options: FolderImportOptions,
): Promise<FolderImportResult> {
  return await importTaxonomy(
    database,
    tenantId,
    'onet',
    [
      { shape: onetElements, write: writeElements },
      { shape: onetAnchors, write: writeAnchors },
    ],
    options,
  )
}

async function writeElements(tx: TenantTransaction, keyPrefix: string): Promise<Outcome> {
  const skills = `select distinct on ("Element ID") $2 || "Element ID" as external_key, "Element Name" as title,
      "Description" as description
    from staged_onet_elements where ${isSkill}
    order by "Element ID", line desc`
  await writeScaleSets(tx, { text: skills, values: [keyPrefix] }, levelScale)
  const { written } = await writeSkills(tx, {
    text: `select given.*, scale_set.id as scale_set_id
      from (${skills}) given
      join skill_scale_sets scale_set on scale_set.tenant_id = $1 and scale_set.external_key = given.external_key`,
    values: [keyPrefix],
  })
  const { rows } = await tx.query<{ count: number }>(
    `select count(*) as count from staged_onet_elements where not ${isSkill}`,
  )
  return { written, rejected: [], deleted: 0, purged: 0, besides: rows[0]?.count ?? 0 }
}

async function writeAnchors(tx: TenantTransaction, keyPrefix: string): Promise<Outcome> {
  const { written } = await describeLevels(tx, {
    text: `select distinct on ("Element ID", "Anchor Value") $2 || "Element ID" as external_key,
        "Anchor Value" as value, "Anchor Description" as description
      from staged_onet_anchors where ${isSkill} and "Scale ID" = 'LV'
      order by "Element ID", "Anchor Value", line desc`,
    values: [keyPrefix],
  })
  const { rows } = await tx.query<{ line: number; fault: 'besides' | 'unknown' | 'level' }>(
    `select line, case
       when not (${isSkill} and "Scale ID" = 'LV') then 'besides'
       when scale_set.id is null then 'unknown'
       else 'level'
     end as fault
     from staged_onet_anchors
     left join skill_scale_sets scale_set on scale_set.tenant_id = $1 and scale_set.external_key = $2 || "Element ID"
     where not (${isSkill} and "Scale ID" = 'LV') or scale_set.id is null
       or "Anchor Value" not between ${levelScale.from} and ${levelScale.to}
     order by line`,
    [tx.tenantId, keyPrefix],
  )
  const reasons = {
    unknown: 'Element ID names no skill of Content Model Reference.txt',
    level: `Anchor Value is no level from ${levelScale.from} to ${levelScale.to}`,
  }
  return {
    written,
    rejected: rows.flatMap(({ line, fault }) => (fault === 'besides' ? [] : [{ line, reason: reasons[fault] }])),
    deleted: 0,
    purged: 0,
    besides: rows.filter(({ fault }) => fault === 'besides').length,
  }
}
