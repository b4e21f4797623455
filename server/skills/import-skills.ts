import type { TenantTransaction } from '../platform/database/transaction.ts'
import { createScaleSet } from './create-scale-set.ts'

/** A query over staged rows; $1 is the tenant, the values follow. */
export type StagedRows = { text: string; values: readonly unknown[] }

/** The scale on which skills without levels of their own are measured; the tenant may make another one the default. */
const defaultScale = {
  title: 'Default scale',
  isDefault: true,
  levels: [
    { title: 'Beginner', value: 1 },
    { title: 'Intermediate', value: 2 },
    { title: 'Advanced', value: 3 },
    { title: 'Expert', value: 4 },
  ],
}

/** The id of the default scale for all catalogs, which is made where there is none. */
export async function requireDefaultScaleSet(tx: TenantTransaction): Promise<string> {
  // Of two imports at once, the second waits here and then finds the first one's.
  await tx.query('select from tenants where id = $1 for no key update', [tx.tenantId])
  const { rows } = await tx.query<{ id: string }>(
    'select id from skill_scale_sets where tenant_id = $1 and catalog_id is null and is_default',
    [tx.tenantId],
  )
  return rows[0]?.id ?? (await createScaleSet(tx, defaultScale)).id
}

/**
 * Writes skills for all catalogs from staged rows (external_key, title, description, scale_set_id): creates new skills,
 * and updates changed titles and descriptions. An existing skill keeps its scale. The caller records the import as a
 * whole. Returns how many were written.
 */
export async function writeSkills(tx: TenantTransaction, staged: StagedRows): Promise<{ written: number }> {
  const { rowCount } = await tx.query(
    `insert into skills as skill (tenant_id, external_key, title, description, scale_set_id)
     select $1, external_key, title, description, scale_set_id from (${staged.text}) given
     on conflict (tenant_id, external_key) do update
       set title = excluded.title, description = excluded.description
       where (skill.title, skill.description) is distinct from (excluded.title, excluded.description)`,
    [tx.tenantId, ...staged.values],
  )
  return { written: rowCount }
}

/**
 * Writes a scale for each staged row (external_key, title), with one level for each whole number in the bounds, which
 * count as inside. What is there stays, but for a changed title.
 */
export async function writeScaleSets(
  tx: TenantTransaction,
  staged: StagedRows,
  bounds: { from: number; to: number },
): Promise<void> {
  const values = [tx.tenantId, ...staged.values]
  await tx.query(
    `insert into skill_scale_sets as scale_set (tenant_id, external_key, title)
     select $1, external_key, title from (${staged.text}) given
     on conflict (tenant_id, external_key) do update
       set title = excluded.title
       where scale_set.title is distinct from excluded.title`,
    values,
  )
  await tx.query(
    `insert into skill_levels (tenant_id, scale_set_id, title, value)
     select $1, scale_set.id, 'Level ' || value, value
     from (${staged.text}) given
     join skill_scale_sets scale_set on scale_set.tenant_id = $1 and scale_set.external_key = given.external_key
     cross join generate_series($${values.length + 1}::int, $${values.length + 2}::int) as value
     on conflict (tenant_id, scale_set_id, value) do nothing`,
    [...values, bounds.from, bounds.to],
  )
}

/** Describes levels of imported scales from staged rows (external_key, value, description). Returns how many changed. */
export async function describeLevels(tx: TenantTransaction, staged: StagedRows): Promise<{ written: number }> {
  const { rowCount } = await tx.query(
    `update skill_levels level set description = given.description
     from (${staged.text}) given
     join skill_scale_sets scale_set on scale_set.tenant_id = $1 and scale_set.external_key = given.external_key
     where level.tenant_id = $1 and level.scale_set_id = scale_set.id and level.value = given.value
       and level.description is distinct from given.description`,
    [tx.tenantId, ...staged.values],
  )
  return { written: rowCount }
}
