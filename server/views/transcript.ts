import { nameCredentials } from '../access/name-credentials.ts'
import type { EnrollmentState } from '../learning/enrollments/record-enrollments.ts'
import { readPeople } from '../people/accounts/user-summaries.ts'
import { peopleError } from '../people/errors.ts'
import type { TenantTransaction } from '../platform/database/transaction.ts'
import { requireUuid } from '../platform/validation/require-uuid.ts'
import { type SkillRecord, skillsOfUser } from '../skills/skills-of-user.ts'

/** An enrollment in a course or a training plan. */
export type EnrollmentRow = {
  /** Of the enrollment. */
  id: string
  title: string
  catalog_id: string
  catalog: string
  state: EnrollmentState
  /** False once it has ended, and while the user is deleted. */
  enrolled: boolean
  result: string | null
  /** YYYY-MM-DD */
  registered_on: string | null
  withdrawn_on: string | null
  completed_at: Date | null
  unenrolled_at: Date | null
  credits: number | null
}

/** `progress` is the mean of the course's modules in percent; null for a course without modules. */
export type CourseRow = EnrollmentRow & { course_id: string; progress: number | null }
export type TrainingPlanRow = EnrollmentRow & { training_plan_id: string }

export type CertificateRow = {
  id: string
  course_id: string | null
  training_plan_id: string | null
  title: string
  number: string | null
  issued_at: Date
  expires_at: Date | null
  issued_by: string | null
  /** The API key, OAuth client or operator that issued it, where no user did. */
  issued_by_credential: string | null
}

/** What a user learned: every enrollment, award and certificate, ended, revoked and expired ones too, the newest first. */
export type Transcript = {
  user_id: string
  courses: CourseRow[]
  training_plans: TrainingPlanRow[]
  skills: (SkillRecord & { awarded_by_name: string | null; revoked_by_name: string | null })[]
  certificates: (CertificateRow & { issued_by_name: string | null })[]
}

const columns = `e.id, thing.title, catalog.id as catalog_id, catalog.title as catalog, e.state,
  e.unenrolled_at is null and e.deletion_id is null as enrolled, e.result, e.registered_on::text, e.withdrawn_on::text,
  e.completed_at, e.unenrolled_at, e.credits`

/**
 * The transcript of a user in any state, an anonymized one by id too, whose history stays.
 *
 * Throws `input.invalid`, `user.not_found`.
 */
export async function showTranscript(tx: TenantTransaction, userId: string): Promise<Transcript> {
  const id = requireUuid('userId', userId)
  const [user, courses, plans, skills, certificates] = await Promise.all([
    readPeople(tx, [id]),
    tx.query<CourseRow>(
      `select ${columns}, e.course_id, progress.percent as progress
       from enrollments e
       join courses thing on thing.tenant_id = e.tenant_id and thing.id = e.course_id
       join catalogs catalog on catalog.tenant_id = thing.tenant_id and catalog.id = thing.catalog_id
       cross join lateral (
         select round(avg(coalesce(p.percent, 0)))::int as percent
         from modules m
         left join progress p on p.tenant_id = $1 and p.user_id = $2 and p.module_id = m.id
         where m.tenant_id = $1 and m.course_id = e.course_id
       ) progress
       where e.tenant_id = $1 and e.user_id = $2
       order by e.registered_on desc nulls last, e.id desc`,
      [tx.tenantId, id],
      'transcript_courses',
    ),
    tx.query<TrainingPlanRow>(
      `select ${columns}, e.training_plan_id
       from enrollments e
       join training_plans thing on thing.tenant_id = e.tenant_id and thing.id = e.training_plan_id
       join catalogs catalog on catalog.tenant_id = thing.tenant_id and catalog.id = thing.catalog_id
       where e.tenant_id = $1 and e.user_id = $2
       order by e.registered_on desc nulls last, e.id desc`,
      [tx.tenantId, id],
      'transcript_plans',
    ),
    skillsOfUser(tx, id),
    tx.query<CertificateRow>(
      `select issued.id, issued.course_id, issued.training_plan_id, coalesce(course.title, plan.title) as title,
         issued.number, issued.issued_at, issued.expires_at, issued.issued_by, issued.issued_by_credential
       from issued_certificates issued
       left join courses course on course.tenant_id = issued.tenant_id and course.id = issued.course_id
       left join training_plans plan on plan.tenant_id = issued.tenant_id and plan.id = issued.training_plan_id
       where issued.tenant_id = $1 and issued.user_id = $2
       order by issued.issued_at desc, issued.id desc`,
      [tx.tenantId, id],
      'transcript_certificates',
    ),
  ])
  if (!user.has(id)) throw peopleError('user.not_found', { selector: 'id' })
  const actors = [
    ...skills.flatMap(({ awarded_by, revoked_by }) => [awarded_by ?? [], revoked_by ?? []].flat()),
    ...certificates.rows.flatMap(({ issued_by }) => issued_by ?? []),
  ]
  const credentials = [
    ...skills.flatMap((skill) => [skill.awarded_by_credential ?? [], skill.revoked_by_credential ?? []].flat()),
    ...certificates.rows.flatMap(({ issued_by_credential }) => issued_by_credential ?? []),
  ]
  const [people, programs] = await Promise.all([
    readPeople(tx, [...new Set(actors)]),
    nameCredentials(tx, [...new Set(credentials)]),
  ])
  const nameOf = (user: string | null, credential: string | null) =>
    (user === null ? undefined : people.get(user)?.display_name) ??
    (credential === null ? undefined : programs.get(credential)) ??
    null
  return {
    user_id: id,
    courses: courses.rows,
    training_plans: plans.rows,
    skills: skills.map((skill) => ({
      ...skill,
      awarded_by_name: nameOf(skill.awarded_by, skill.awarded_by_credential),
      revoked_by_name: nameOf(skill.revoked_by, skill.revoked_by_credential),
    })),
    certificates: certificates.rows.map((issued) => ({
      ...issued,
      issued_by_name: nameOf(issued.issued_by, issued.issued_by_credential),
    })),
  }
}
