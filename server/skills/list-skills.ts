import type { TenantTransaction } from '../platform/database/transaction.ts'
import { cutPage } from '../platform/validation/page.ts'
import { requireWholeNumber } from '../platform/validation/require-number.ts'
import { requireLine } from '../platform/validation/require-text.ts'
import { requireUuid } from '../platform/validation/require-uuid.ts'
import { skillError } from './errors.ts'

export type ListedSkill = {
  id: string
  title: string
  description: string | null
  scale_set_id: string
  /** Null: for every catalog of the tenant. */
  catalog_id: string | null
  external_key: string | null
}

const skillColumns = 'id, title, description, scale_set_id, catalog_id, external_key'

/**
 * Skills in the order of their ids, which is that of their creation: a page of at most `limit` (100, up to 10,000) behind
 * the id `after`. With a `catalogId`, those of this catalog and those for all catalogs. `next` is undefined at the end.
 *
 * Throws `input.invalid`.
 */
export async function listSkills(
  tx: TenantTransaction,
  options: { catalogId?: string; search?: string; limit?: number; after?: string } = {},
): Promise<{ skills: ListedSkill[]; next: string | undefined }> {
  const limit = requireWholeNumber('limit', options.limit ?? 100, { from: 1, to: 10_000 })
  const { rows } = await tx.query<ListedSkill>(
    `select ${skillColumns}
     from skills
     where tenant_id = $1 and ($2::uuid is null or catalog_id is null or catalog_id = $2)
       and ($3::text is null or strpos(lower(title), lower($3)) > 0) and ($4::uuid is null or id > $4)
     order by id
     limit $5`,
    [
      tx.tenantId,
      options.catalogId === undefined ? null : requireUuid('catalogId', options.catalogId),
      options.search === undefined ? null : requireLine('search', options.search),
      options.after === undefined ? null : requireUuid('after', options.after),
      limit + 1,
    ],
  )
  const { page, next } = cutPage(rows, limit)
  return { skills: page, next }
}

/** One skill. Throws `input.invalid`, `skill.not_found`. */
export async function showSkill(tx: TenantTransaction, skillId: string): Promise<ListedSkill> {
  const id = requireUuid('skillId', skillId)
  const { rows } = await tx.query<ListedSkill>(`select ${skillColumns} from skills where tenant_id = $1 and id = $2`, [
    tx.tenantId,
    id,
  ])
  const [skill] = rows
  if (skill === undefined) throw skillError('skill.not_found', { id })
  return skill
}

export type ListedScaleSet = {
  id: string
  title: string
  is_default: boolean
  catalog_id: string | null
  levels: { id: string; title: string; value: number; description: string | null }[]
}

/**
 * Scales in the order of their creation, each with its levels from the lowest. With `ids`, these; with a `catalogId`,
 * those of this catalog and those for all catalogs; with a `limit`, at most so many behind the id `after`. Throws
 * `input.invalid`.
 */
export async function listScaleSets(
  tx: TenantTransaction,
  options: { catalogId?: string; ids?: readonly string[]; limit?: number; after?: string } = {},
): Promise<ListedScaleSet[]> {
  const { rows } = await tx.query<ListedScaleSet>(
    `select id, title, is_default, catalog_id, levels.levels
     from skill_scale_sets scale_set
     cross join lateral (
       select coalesce(
         json_agg(json_build_object('id', id, 'title', title, 'value', value, 'description', description) order by value),
         '[]'
       ) as levels
       from skill_levels level where level.tenant_id = $1 and level.scale_set_id = scale_set.id
     ) levels
     where tenant_id = $1 and ($2::uuid is null or catalog_id is null or catalog_id = $2)
       and ($3::uuid[] is null or id = any ($3)) and ($4::uuid is null or id > $4)
     order by id
     limit $5`,
    [
      tx.tenantId,
      options.catalogId === undefined ? null : requireUuid('catalogId', options.catalogId),
      options.ids === undefined ? null : options.ids.map((id) => requireUuid('scaleSetId', id)),
      options.after === undefined ? null : requireUuid('after', options.after),
      options.limit ?? null,
    ],
  )
  return rows
}

/** One scale with its levels. Throws `input.invalid`, `scale_set.not_found`. */
export async function showScaleSet(tx: TenantTransaction, scaleSetId: string): Promise<ListedScaleSet> {
  const [scaleSet] = await listScaleSets(tx, { ids: [scaleSetId] })
  if (scaleSet === undefined) throw skillError('scale_set.not_found', { id: scaleSetId })
  return scaleSet
}
