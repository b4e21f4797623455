import { requireActiveUsers } from '../../people/lifecycle/require-active.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { requireUuid } from '../../platform/validation/require-uuid.ts'

/** For each part the users who have it, and how to take it from all but some and give it to some. */
const parts = {
  courseAuthor: {
    act: 'made an author',
    present: 'select user_id from course_authors where tenant_id = $1 and course_id = $2',
    remove: 'delete from course_authors where tenant_id = $1 and course_id = $2 and user_id <> all ($3::uuid[])',
    add: `insert into course_authors (tenant_id, course_id, user_id)
      select $1, $2, user_id from unnest($3::uuid[]) as user_id on conflict do nothing`,
  },
  trainingPlanAuthor: {
    act: 'made an author',
    present: 'select user_id from training_plan_authors where tenant_id = $1 and training_plan_id = $2',
    remove: `delete from training_plan_authors
      where tenant_id = $1 and training_plan_id = $2 and user_id <> all ($3::uuid[])`,
    add: `insert into training_plan_authors (tenant_id, training_plan_id, user_id)
      select $1, $2, user_id from unnest($3::uuid[]) as user_id on conflict do nothing`,
  },
  instructor: {
    act: 'made an instructor',
    present: 'select user_id from session_instructors where tenant_id = $1 and session_id = $2',
    remove: 'delete from session_instructors where tenant_id = $1 and session_id = $2 and user_id <> all ($3::uuid[])',
    add: `insert into session_instructors (tenant_id, session_id, user_id)
      select $1, $2, user_id from unnest($3::uuid[]) as user_id on conflict do nothing`,
  },
} as const

/** A part that people have in a thing: they wrote it, or teach it. */
export type Part = keyof typeof parts

/**
 * Locks the users who are to have a part in a thing and do not have it yet: they must be active. Call it before the
 * thing itself is locked. Returns the ids in lower case, each once.
 *
 * Throws `input.invalid`, `user.not_found`, `user.wrong_state`.
 */
export async function lockNewPart(
  tx: TenantTransaction,
  options: { part: Part; id: string; userIds: readonly string[] },
): Promise<string[]> {
  const { present, act } = parts[options.part]
  const wanted = [...new Set(options.userIds.map((id) => requireUuid('user id', id)))]
  const { rows } = await tx.query<{ user_id: string }>(present, [tx.tenantId, options.id])
  const has = new Set(rows.map(({ user_id }) => user_id))
  await requireActiveUsers(tx, { userIds: wanted.filter((id) => !has.has(id)), act })
  return wanted
}

/** Gives exactly these users the part in a thing, which the caller has locked with them. */
export async function setPart(
  tx: TenantTransaction,
  options: { part: Part; id: string; userIds: readonly string[] },
): Promise<void> {
  const { remove, add } = parts[options.part]
  const values = [tx.tenantId, options.id, options.userIds]
  await tx.query(remove, values)
  await tx.query(add, values)
}
