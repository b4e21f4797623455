import type { TenantTransaction } from '../platform/database/transaction.ts'
import { requireUuid } from '../platform/validation/require-uuid.ts'
import { learningError } from './errors.ts'

const things = {
  catalog: { table: 'catalogs', missing: (id: string) => learningError('catalog.not_found', { id }) },
  course: { table: 'courses', missing: (id: string) => learningError('course.not_found', { id }) },
  training_plan: {
    table: 'training_plans',
    missing: (id: string) => learningError('training_plan.not_found', { id }),
  },
  module: { table: 'modules', missing: (id: string) => learningError('module.not_found', { id }) },
  assessment: { table: 'assessments', missing: (id: string) => learningError('assessment.not_found', { id }) },
} as const

export type LearningThing = keyof typeof things

/**
 * Makes sure that the tenant has all of these catalogs, courses, training plans, modules or assessments.
 *
 * Throws `input.invalid` for an id that is no UUID, and the thing's own `not_found` with the first id that is missing.
 */
export async function requirePresent(
  tx: TenantTransaction,
  thing: LearningThing,
  ids: readonly string[],
): Promise<void> {
  const wanted = [...new Set(ids.map((id) => requireUuid(`${thing.replace('_', ' ')} id`, id)))]
  if (wanted.length === 0) return
  const { table, missing } = things[thing]
  const { rows } = await tx.query<{ id: string }>(
    `select wanted.id from unnest($2::uuid[]) with ordinality as wanted (id, position)
     where not exists (select from ${table} thing where thing.tenant_id = $1 and thing.id = wanted.id)
     order by wanted.position
     limit 1`,
    [tx.tenantId, wanted],
    `require_${table}`,
  )
  const [first] = rows
  if (first !== undefined) throw missing(first.id)
}

const deletable = {
  catalog: things.catalog,
  course: things.course,
  training_plan: things.training_plan,
} as const

/**
 * Makes sure that the tenant has all of these, that none of them is deleted, and that none is until the transaction ends:
 * a deletion waits. For what begins with them, such as an enrollment. {@link requirePresent} is for what only reads.
 *
 * Throws `input.invalid` for an id that is no UUID, and the thing's own `not_found` with the first id that is missing.
 */
export async function requireOpen(
  tx: TenantTransaction,
  thing: keyof typeof deletable,
  ids: readonly string[],
): Promise<void> {
  const wanted = [...new Set(ids.map((id) => requireUuid(`${thing.replace('_', ' ')} id`, id)))]
  if (wanted.length === 0) return
  const { table, missing } = deletable[thing]
  const { rows } = await tx.query<{ id: string }>(
    `select id from ${table} where tenant_id = $1 and id = any ($2::uuid[]) and deleted_at is null order by id for key share`,
    [tx.tenantId, wanted],
    `require_open_${table}`,
  )
  const open = new Set(rows.map(({ id }) => id))
  const first = wanted.find((id) => !open.has(id))
  if (first !== undefined) throw missing(first)
}
