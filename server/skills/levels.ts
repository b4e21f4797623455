import type { TenantTransaction } from '../platform/database/transaction.ts'
import { inputError } from '../platform/validation/errors.ts'
import { requireWholeNumber } from '../platform/validation/require-number.ts'
import { requireLine, requireText } from '../platform/validation/require-text.ts'

/** A level of a scale. A higher value is a higher level. */
export type NewLevel = { title: string; value: number; description?: string }

export type CheckedLevel = { title: string; value: number; description: string | null }

/** The levels as they are stored. Throws `input.invalid` unless there is one at least, and each value once. */
export function requireLevels(levels: readonly NewLevel[]): CheckedLevel[] {
  const checked = levels.map(({ title, value, description }) => ({
    title: requireLine('levels.title', title),
    value: requireWholeNumber('levels.value', value, { from: 0, to: 1_000_000 }),
    description: description === undefined ? null : requireText('levels.description', description),
  }))
  if (checked.length === 0 || new Set(checked.map(({ value }) => value)).size < checked.length) {
    throw inputError('input.invalid', {
      field: 'levels',
      expected: 'at least one level is expected, and each value once',
    })
  }
  return checked
}

/** Adds levels to a scale, or brings those of the same value to this title and description. Returns ids in this order. */
export async function addLevels(
  tx: TenantTransaction,
  scaleSetId: string,
  levels: readonly CheckedLevel[],
): Promise<string[]> {
  const { rows } = await tx.query<{ id: string; value: number }>(
    `insert into skill_levels (tenant_id, scale_set_id, title, value, description)
     select $1, $2, title, value, description
     from unnest($3::text[], $4::int[], $5::text[]) as level (title, value, description)
     on conflict (tenant_id, scale_set_id, value) do update
       set title = excluded.title, description = excluded.description
     returning id, value`,
    [
      tx.tenantId,
      scaleSetId,
      levels.map(({ title }) => title),
      levels.map(({ value }) => value),
      levels.map(({ description }) => description),
    ],
  )
  const idOfValue = new Map(rows.map((row) => [row.value, row.id]))
  return levels.flatMap(({ value }) => idOfValue.get(value) ?? [])
}

/** Makes room for another default scale of the catalog, or of the tenant where it is null. */
export async function endDefault(tx: TenantTransaction, catalogId: string | null): Promise<void> {
  // Of two who set a default at once, the second waits here and then ends the first one's.
  await tx.query('select from tenants where id = $1 for no key update', [tx.tenantId])
  await tx.query(
    `update skill_scale_sets set is_default = false
     where tenant_id = $1 and catalog_id is not distinct from $2::uuid and is_default`,
    [tx.tenantId, catalogId],
  )
}
