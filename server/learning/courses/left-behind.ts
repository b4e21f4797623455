import type { TenantTransaction } from '../../platform/database/transaction.ts'

/** How many things there are, and the first of them. */
export type Some<Thing> = { total: number; first: Thing[] }

export type SessionLeft = { id: string; title: string; starts_at: Date | null; course_id: string; course: string }

/**
 * The sessions that are not over and would have no instructor without these people, by start. The first `most` in full.
 */
export async function sessionsLeftBehind(
  tx: TenantTransaction,
  { people, most }: { people: readonly string[]; most: number },
): Promise<Some<SessionLeft>> {
  const { rows } = await tx.query<SessionLeft & { total: number }>(
    `select s.id, s.title, s.starts_at, s.course_id, c.title as course, count(*) over () as total
     from (
       select distinct session_id from session_instructors where tenant_id = $1 and user_id = any ($2::uuid[])
     ) taught
     join sessions s on s.tenant_id = $1 and s.id = taught.session_id
     join courses c on c.tenant_id = $1 and c.id = s.course_id
     where s.deleted_at is null and (s.ends_at is null or s.ends_at > now())
       and not exists (
         select from session_instructors other
         where other.tenant_id = $1 and other.session_id = s.id and other.user_id <> all ($2::uuid[])
       )
     order by s.starts_at nulls last, s.id
     limit $3`,
    [tx.tenantId, people, most],
  )
  return withTotal(rows)
}

export type AuthoredLeft = { id: string; title: string }

/** What these people wrote: how many courses and training plans, and which have no other author. */
export type Authored = {
  courses: number
  training_plans: number
  coursesWithoutOthers: Some<AuthoredLeft>
  plansWithoutOthers: Some<AuthoredLeft>
}

/** Reads what these people wrote; of what has no other author, the first `most`. Deleted things are left out. */
export async function readAuthored(
  tx: TenantTransaction,
  { people, most }: { people: readonly string[]; most: number },
): Promise<Authored> {
  const values = [tx.tenantId, people, most]
  const [counts, courses, plans] = await Promise.all([
    tx.query<{ courses: number; training_plans: number }>(
      `select
         (
           select count(distinct a.course_id) from course_authors a
           join courses c on c.tenant_id = a.tenant_id and c.id = a.course_id
           where a.tenant_id = $1 and a.user_id = any ($2::uuid[]) and c.deleted_at is null
         ) as courses,
         (
           select count(distinct a.training_plan_id) from training_plan_authors a
           join training_plans p on p.tenant_id = a.tenant_id and p.id = a.training_plan_id
           where a.tenant_id = $1 and a.user_id = any ($2::uuid[]) and p.deleted_at is null
         ) as training_plans`,
      values.slice(0, 2),
    ),
    tx.query<AuthoredLeft & { total: number }>(
      `select c.id, c.title, count(*) over () as total from courses c
       where c.tenant_id = $1 and c.deleted_at is null
         and c.id in (select course_id from course_authors where tenant_id = $1 and user_id = any ($2::uuid[]))
         and not exists (
           select from course_authors other
           where other.tenant_id = $1 and other.course_id = c.id and other.user_id <> all ($2::uuid[])
         )
       order by c.id
       limit $3`,
      values,
    ),
    tx.query<AuthoredLeft & { total: number }>(
      `select p.id, p.title, count(*) over () as total from training_plans p
       where p.tenant_id = $1 and p.deleted_at is null
         and p.id in (
           select training_plan_id from training_plan_authors where tenant_id = $1 and user_id = any ($2::uuid[])
         )
         and not exists (
           select from training_plan_authors other
           where other.tenant_id = $1 and other.training_plan_id = p.id and other.user_id <> all ($2::uuid[])
         )
       order by p.id
       limit $3`,
      values,
    ),
  ])
  const [{ courses: coursesWritten, training_plans } = { courses: 0, training_plans: 0 }] = counts.rows
  return {
    courses: coursesWritten,
    training_plans,
    coursesWithoutOthers: withTotal(courses.rows),
    plansWithoutOthers: withTotal(plans.rows),
  }
}

function withTotal<Row extends { total: number }>(rows: Row[]): Some<Omit<Row, 'total'>> {
  return { total: rows[0]?.total ?? 0, first: rows.map(({ total: _, ...row }) => row) }
}
