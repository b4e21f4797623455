import type { TenantTransaction } from '../../platform/database/transaction.ts'

/** Sessions that have no instructor and are not over: somebody must be found for them. */
export async function sessionsNeedingInstructor(tx: TenantTransaction): Promise<string[]> {
  const { rows } = await tx.query<{ id: string }>(
    `select id from sessions s
     where tenant_id = $1 and deleted_at is null and (ends_at is null or ends_at > now())
       and not exists (select from session_instructors i where i.tenant_id = $1 and i.session_id = s.id)
     order by starts_at nulls last, id`,
    [tx.tenantId],
  )
  return rows.map(({ id }) => id)
}

/** The sessions that one of these people teaches and that are not over. */
export async function sessionsTaughtBy(tx: TenantTransaction, people: string[]): Promise<string[]> {
  const { rows } = await tx.query<{ id: string }>(
    `select s.id from session_instructors i
     join sessions s on s.tenant_id = i.tenant_id and s.id = i.session_id
     where i.tenant_id = $1 and i.user_id = any($2) and s.deleted_at is null and (s.ends_at is null or s.ends_at > now())
     group by s.id order by s.id`,
    [tx.tenantId, people],
  )
  return rows.map(({ id }) => id)
}

/**
 * Which of these sessions have no instructor. Locks them first: of two transactions that each take one of two instructors
 * away, the second one sees that none is left.
 */
export async function sessionsWithoutInstructor(tx: TenantTransaction, sessions: string[]): Promise<string[]> {
  await tx.query(`select id from sessions where tenant_id = $1 and id = any($2) order by id for update`, [
    tx.tenantId,
    sessions,
  ])
  const { rows } = await tx.query<{ id: string }>(
    `select id from sessions s
     where tenant_id = $1 and id = any($2)
       and not exists (select from session_instructors i where i.tenant_id = $1 and i.session_id = s.id)
     order by starts_at nulls last, id`,
    [tx.tenantId, sessions],
  )
  return rows.map(({ id }) => id)
}

/** Courses without an author. */
export async function coursesNeedingAuthor(tx: TenantTransaction): Promise<string[]> {
  const { rows } = await tx.query<{ id: string }>(
    `select id from courses c
     where tenant_id = $1 and deleted_at is null
       and not exists (select from course_authors a where a.tenant_id = $1 and a.course_id = c.id)
     order by created_at, id`,
    [tx.tenantId],
  )
  return rows.map(({ id }) => id)
}
