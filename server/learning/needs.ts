import type { TenantTransaction } from '../platform/database/transaction.ts'

/** Sessions that have no instructor and are not over: somebody must be found for them (seeds/003). */
export async function sessionsNeedingInstructor(tx: TenantTransaction): Promise<string[]> {
  const { rows } = await tx.query<{ id: string }>(
    `select id from sessions s
     where tenant_id = $1 and (ends_at is null or ends_at > now())
       and not exists (select from session_instructors i where i.tenant_id = $1 and i.session_id = s.id)
     order by starts_at nulls last, id`,
    [tx.tenantId],
  )
  return rows.map(({ id }) => id)
}

/** Courses without an author. */
export async function coursesNeedingAuthor(tx: TenantTransaction): Promise<string[]> {
  const { rows } = await tx.query<{ id: string }>(
    `select id from courses c
     where tenant_id = $1
       and not exists (select from course_authors a where a.tenant_id = $1 and a.course_id = c.id)
     order by created_at, id`,
    [tx.tenantId],
  )
  return rows.map(({ id }) => id)
}
