import type pg from 'pg'
import type { TenantRows } from './rows.ts'

/**
 * Fills a tenant with deleted users who refer to each other and whom others refer to: managers, graders, notes, posts,
 * contact addresses, authors, instructors. Answers their ids.
 */
export async function fillWithCrowd(owner: pg.Client, rows: TenantRows, size: number): Promise<string[]> {
  const { tenant } = rows
  const catalog = await rows.catalog({ description: 'Ask p1@crowd.example or p2@crowd.example, not p3@crowd.example.' })
  const course = await rows.course()
  const session = await rows.session(course)
  const assessment = await rows.insert('assessments', { course_id: course, title: 'Exam', kind: 'exam' })
  const witness = await rows.user({ custom_fields: { 'p4@crowd.example': 'crowd-5' } })
  await owner.query(
    `insert into users (tenant_id, state, deleted_at, deletion_id, email, login_name, ref, first_name)
     select $1, 'deleted', now(), gen_random_uuid(), 'p' || n || '@crowd.example', 'i:0#.w|crowd\\p' || n, 'crowd-' || n, 'Person'
     from generate_series(1, $2::int) n`,
    [tenant, size],
  )
  // The number of each person and the next one, in a circle.
  const ring = `(
    select a.id, b.id as next, b.email as next_email, substring(a.ref from 7)::int as n
    from users a join users b on b.tenant_id = a.tenant_id and b.ref = 'crowd-' || (substring(a.ref from 7)::int % ${size} + 1)
    where a.tenant_id = $1 and a.ref like 'crowd-%'
  ) ring`
  const statements = [
    `update users set manager_id = ring.next from ${ring} where users.tenant_id = $1 and users.id = ring.id`,
    `insert into enrollments (tenant_id, user_id, course_id, enrolled_by, note)
     select $1, id, '${course}', next, 'with ' || next_email from ${ring}`,
    `insert into assessment_attempts (tenant_id, user_id, assessment_id, graded_by, feedback)
     select $1, id, '${assessment}', next, null from ${ring}`,
    `insert into posts (tenant_id, course_id, author_id, body) select $1, '${course}', id, 'Dear ' || next_email from ${ring}`,
    `insert into assessment_attempts (tenant_id, user_id, assessment_id, attempt, graded_by, feedback)
     select $1, '${witness}', '${assessment}', n, id, 'Ask ' || next_email from ${ring} where n <= 20`,
    `insert into course_authors (tenant_id, course_id, user_id) select $1, '${course}', id from ${ring} where n <= 5`,
    `insert into session_instructors (tenant_id, session_id, user_id) select $1, '${session}', id from ${ring} where n <= 5`,
    `insert into catalog_members (tenant_id, catalog_id, user_id, added_by) select $1, '${catalog}', id, next from ${ring}`,
    `update catalogs set contact_emails = array(select next_email from ${ring} where n <= 30)
     where tenant_id = $1 and id = '${catalog}'`,
  ]
  for (const statement of statements) await owner.query(statement, [tenant])
  const { rows: people } = await owner.query<{ id: string }>(
    `select id from users where tenant_id = $1 and ref like 'crowd-%' order by id`,
    [tenant],
  )
  return people.map(({ id }) => id)
}
