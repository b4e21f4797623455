import { record } from '../audit/record.ts'
import { requirePresent } from '../learning/require-present.ts'
import type { TenantTransaction } from '../platform/database/transaction.ts'
import { LetheError } from '../platform/errors.ts'
import { requireWholeNumber } from '../platform/require-number.ts'
import { requireLine, requireText } from '../platform/require-text.ts'

export type NewScaleSet = {
  title: string
  /** Without one: for every catalog of the tenant. */
  catalogId?: string
  isDefault?: boolean
  /** A higher value is a higher level. */
  levels: readonly { title: string; value: number; description?: string }[]
}

/**
 * Creates a scale on which skills are measured. Returns its id and those of its levels, in the order given.
 *
 * Throws `input.invalid` and `catalog.not_found`.
 */
export async function createScaleSet(
  tx: TenantTransaction,
  scaleSet: NewScaleSet,
): Promise<{ id: string; levelIds: string[] }> {
  const { catalogId, levels } = scaleSet
  const values = levels.map(({ value }) => requireWholeNumber('levels.value', value, { from: 0, to: 1000 }))
  if (levels.length === 0 || new Set(values).size < values.length) {
    throw new LetheError('input.invalid', {
      field: 'levels',
      expected: 'at least one level is expected, and each value once',
    })
  }
  if (catalogId !== undefined) await requirePresent(tx, 'catalog', [catalogId])
  const { id } = await tx.db
    .insertInto('skill_scale_sets')
    .values({
      tenant_id: tx.tenantId,
      catalog_id: catalogId ?? null,
      title: requireLine('title', scaleSet.title),
      is_default: scaleSet.isDefault === true,
    })
    .returning('id')
    .executeTakeFirstOrThrow()
  const { rows } = await tx.query<{ id: string; value: number }>(
    `insert into skill_levels (tenant_id, scale_set_id, title, value, description)
     select $1, $2, title, value, description
     from unnest($3::text[], $4::int[], $5::text[]) as level (title, value, description)
     returning id, value`,
    [
      tx.tenantId,
      id,
      levels.map(({ title }) => requireLine('levels.title', title)),
      values,
      levels.map(({ description }) =>
        description === undefined ? undefined : requireText('levels.description', description),
      ),
    ],
  )
  await record(tx, { activity: 'ScaleSetCreated', object: id, details: { levels: levels.length } })
  const idOfValue = new Map(rows.map((row) => [row.value, row.id]))
  return { id, levelIds: values.flatMap((value) => idOfValue.get(value) ?? []) }
}
