import { record } from '../../audit/record.ts'
import { contactAddresses, replyAddress } from '../../identifiers/contact-addresses.ts'
import { requireActiveUsers } from '../../people/lifecycle/require-active.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { inputError } from '../../platform/validation/errors.ts'
import { requireAmount, requireWholeNumber } from '../../platform/validation/require-number.ts'
import { requireLine, requireText } from '../../platform/validation/require-text.ts'
import { requireDay } from '../../platform/validation/require-time.ts'
import { requireOpen } from '../require-existing.ts'

export const courseKinds = ['e_learning', 'classroom', 'webinar'] as const
export type CourseKind = (typeof courseKinds)[number]

export type NewCourse = {
  catalogId: string
  title: string
  /** Default: e_learning. */
  kind?: CourseKind
  description?: string
  contactEmails?: readonly string[]
  replyToEmail?: string
  /** YYYY-MM-DD */
  startsOn?: string
  lengthDays?: number
  authorIds?: readonly string[]
  modules?: readonly NewModule[]
  assessments?: readonly NewAssessment[]
}

export type NewModule = { title: string; kind: string; weekFrom?: number; weekTo?: number }

/** The weight is in percent of the course's result. */
export type NewAssessment = { title: string; kind: string; weight?: number; dueOn?: string }

const weeks = { from: -520, to: 520 }

/**
 * Creates a course with its modules, assessments and authors. Returns the ids, of modules and assessments in the order
 * in which they were given.
 *
 * Throws `input.invalid`, `catalog.not_found`, and for authors `user.not_found` and `user.wrong_state`.
 */
export async function createCourse(
  tx: TenantTransaction,
  course: NewCourse,
): Promise<{ id: string; moduleIds: string[]; assessmentIds: string[] }> {
  const { kind = 'e_learning', authorIds = [], modules = [], assessments = [], lengthDays, startsOn } = course
  if (!courseKinds.includes(kind)) {
    throw inputError('input.invalid', { field: 'kind', expected: `one of ${courseKinds.join(', ')} is expected` })
  }
  await requireActiveUsers(tx, { userIds: authorIds, act: 'made an author' })
  await requireOpen(tx, 'catalog', [course.catalogId])
  const { id } = await tx.db
    .insertInto('courses')
    .values({
      tenant_id: tx.tenantId,
      catalog_id: course.catalogId,
      kind,
      title: requireLine('title', course.title),
      description: course.description === undefined ? null : requireText('description', course.description),
      contact_emails: contactAddresses('contactEmails', course.contactEmails),
      reply_to_email: replyAddress('replyToEmail', course.replyToEmail),
      starts_on: startsOn === undefined ? null : requireDay('startsOn', startsOn),
      length_days:
        lengthDays === undefined ? null : requireWholeNumber('lengthDays', lengthDays, { from: 1, to: 3650 }),
    })
    .returning('id')
    .executeTakeFirstOrThrow()
  await tx.query(
    `insert into course_authors (tenant_id, course_id, user_id)
     select $1, $2, user_id from unnest($3::uuid[]) as user_id
     on conflict do nothing`,
    [tx.tenantId, id, authorIds],
  )
  const moduleIds = await addModules(tx, id, modules)
  const assessmentIds = await addAssessments(tx, id, assessments)
  await record(tx, {
    activity: 'CourseCreated',
    object: id,
    details: { catalog: course.catalogId, kind, modules: moduleIds.length, assessments: assessmentIds.length },
  })
  return { id, moduleIds, assessmentIds }
}

// The ids of one millisecond are in no order of their own; what is listed by id shall be listed as it was given.
const idsInOrder = (titles: string) => `fresh as materialized (
       select uuid_v7() as id from generate_series(1, cardinality(${titles}::text[]))
     ), numbered as materialized (select id, row_number() over (order by id) as position from fresh)`

async function addModules(tx: TenantTransaction, courseId: string, modules: readonly NewModule[]): Promise<string[]> {
  const { rows } = await tx.query<{ id: string }>(
    `with ${idsInOrder('$3')}, given as materialized (
       select id, title, kind, week_from, week_to, position
       from unnest($3::text[], $4::text[], $5::int[], $6::int[]) with ordinality
         as module (title, kind, week_from, week_to, position)
       join numbered using (position)
     ), created as (
       insert into modules (tenant_id, id, course_id, title, kind, week_from, week_to)
       select $1, id, $2, title, kind, week_from, week_to from given
     )
     select id from given order by position`,
    [
      tx.tenantId,
      courseId,
      modules.map(({ title }) => requireLine('modules.title', title)),
      modules.map(({ kind }) => requireLine('modules.kind', kind)),
      modules.map(({ weekFrom }) => weekFrom && requireWholeNumber('modules.weekFrom', weekFrom, weeks)),
      modules.map(({ weekTo }) => weekTo && requireWholeNumber('modules.weekTo', weekTo, weeks)),
    ],
  )
  return rows.map(({ id }) => id)
}

async function addAssessments(
  tx: TenantTransaction,
  courseId: string,
  assessments: readonly NewAssessment[],
): Promise<string[]> {
  const { rows } = await tx.query<{ id: string }>(
    `with ${idsInOrder('$3')}, given as materialized (
       select id, title, kind, weight, due_on, position
       from unnest($3::text[], $4::text[], $5::numeric[], $6::date[]) with ordinality
         as assessment (title, kind, weight, due_on, position)
       join numbered using (position)
     ), created as (
       insert into assessments (tenant_id, id, course_id, title, kind, weight, due_on)
       select $1, id, $2, title, kind, weight, due_on from given
     )
     select id from given order by position`,
    [
      tx.tenantId,
      courseId,
      assessments.map(({ title }) => requireLine('assessments.title', title)),
      assessments.map(({ kind }) => requireLine('assessments.kind', kind)),
      assessments.map(({ weight }) => weight && requireAmount('assessments.weight', weight)),
      assessments.map(({ dueOn }) => dueOn && requireDay('assessments.dueOn', dueOn)),
    ],
  )
  return rows.map(({ id }) => id)
}
