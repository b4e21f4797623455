import { record } from '../../audit/record.ts'
import { contactAddresses, replyAddress } from '../../identifiers/contact-addresses.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { changed, namedColumns } from '../../platform/validation/change-columns.ts'
import { inputError } from '../../platform/validation/errors.ts'
import { requireAmount, requireWholeNumber } from '../../platform/validation/require-number.ts'
import { requireLine, requireText } from '../../platform/validation/require-text.ts'
import { requireDay } from '../../platform/validation/require-time.ts'
import { requireUuid } from '../../platform/validation/require-uuid.ts'
import { learningError } from '../errors.ts'
import { requireOpen } from '../require-existing.ts'
import { type CourseKind, courseKinds } from './create-course.ts'
import { lockNewPart, setPart } from './set-parts.ts'

/** The fields of a course that can change; null clears one. Lists replace the ones before. */
export type CourseChanges = {
  /** Moves it to this catalog. */
  catalogId?: string
  title?: string
  kind?: CourseKind
  description?: string | null
  contactEmails?: readonly string[]
  replyToEmail?: string | null
  /** YYYY-MM-DD */
  startsOn?: string | null
  lengthDays?: number | null
  externalKey?: string | null
  authorIds?: readonly string[]
}

/**
 * Changes the given fields of a course. The texts of a deleted course can change too, because transcripts show them.
 *
 * Throws `input.invalid`, `course.not_found`, `catalog.not_found`, and for new authors `user.not_found` and
 * `user.wrong_state`.
 */
export async function updateCourse(
  tx: TenantTransaction,
  options: { courseId: string; changes: CourseChanges },
): Promise<void> {
  const { changes } = options
  const id = requireUuid('courseId', options.courseId)
  const set = courseColumns(changes)
  const authorIds =
    changes.authorIds && (await lockNewPart(tx, { part: 'courseAuthor', id, userIds: changes.authorIds }))
  await lockCourse(tx, id)
  if (changes.catalogId !== undefined) await requireOpen(tx, 'catalog', [changes.catalogId])
  if (authorIds !== undefined) await setPart(tx, { part: 'courseAuthor', id, userIds: authorIds })
  const columns = Object.keys(set)
  if (columns.length > 0) {
    await tx.db.updateTable('courses').set(set).where('tenant_id', '=', tx.tenantId).where('id', '=', id).execute()
  }
  if (authorIds !== undefined) columns.push('authors')
  if (columns.length > 0) await record(tx, { activity: 'CourseUpdated', object: id, details: { columns } })
}

function courseColumns(changes: CourseChanges) {
  return namedColumns({
    catalog_id: changed(changes.catalogId, (id) => requireUuid('catalogId', id)),
    title: changed(changes.title, (title) => requireLine('title', title)),
    kind: changed(changes.kind, requireKind),
    description: changed(changes.description, (text) => requireText('description', text)),
    contact_emails: changed(changes.contactEmails, (addresses) => contactAddresses('contactEmails', addresses)),
    reply_to_email: changed(changes.replyToEmail, (address) => replyAddress('replyToEmail', address)),
    starts_on: changed(changes.startsOn, (day) => requireDay('startsOn', day)),
    length_days: changed(changes.lengthDays, (days) => requireWholeNumber('lengthDays', days, { from: 1, to: 3650 })),
    external_key: changed(changes.externalKey, (key) => requireLine('externalKey', key)),
  })
}

function requireKind(kind: CourseKind): CourseKind {
  if (courseKinds.includes(kind)) return kind
  throw inputError('input.invalid', { field: 'kind', expected: `one of ${courseKinds.join(', ')} is expected` })
}

/** Locks a course, deleted or not, until the transaction ends. Throws `course.not_found`. */
async function lockCourse(tx: TenantTransaction, id: string): Promise<void> {
  const { rows } = await tx.query('select id from courses where tenant_id = $1 and id = $2 for no key update', [
    tx.tenantId,
    id,
  ])
  if (rows.length === 0) throw learningError('course.not_found', { id })
}

/** The fields of a module that can change; null clears one. */
export type ModuleChanges = {
  title?: string
  kind?: string
  weekFrom?: number | null
  weekTo?: number | null
  externalKey?: string | null
}

/** Changes the given fields of a module of a course. Throws `input.invalid`, `module.not_found`. */
export async function updateModule(
  tx: TenantTransaction,
  options: { courseId: string; moduleId: string; changes: ModuleChanges },
): Promise<void> {
  const { changes } = options
  const [courseId, id] = [requireUuid('courseId', options.courseId), requireUuid('moduleId', options.moduleId)]
  const week = (field: string) => (number: number) => requireWholeNumber(field, number, { from: -520, to: 520 })
  const set = namedColumns({
    title: changed(changes.title, (title) => requireLine('title', title)),
    kind: changed(changes.kind, (kind) => requireLine('kind', kind)),
    week_from: changed(changes.weekFrom, week('weekFrom')),
    week_to: changed(changes.weekTo, week('weekTo')),
    external_key: changed(changes.externalKey, (key) => requireLine('externalKey', key)),
  })
  const { rows } = await tx.query(
    'select id from modules where tenant_id = $1 and id = $2 and course_id = $3 for no key update',
    [tx.tenantId, id, courseId],
  )
  if (rows.length === 0) throw learningError('module.not_found', { id })
  const columns = Object.keys(set)
  if (columns.length === 0) return
  await tx.db.updateTable('modules').set(set).where('tenant_id', '=', tx.tenantId).where('id', '=', id).execute()
  await record(tx, { activity: 'CourseUpdated', object: courseId, details: { module: id, columns } })
}

/** The fields of an assessment that can change; null clears one. */
export type AssessmentChanges = {
  title?: string
  kind?: string
  /** In percent of the course's result. */
  weight?: number | null
  /** YYYY-MM-DD */
  dueOn?: string | null
  externalKey?: string | null
}

/** Changes the given fields of an assessment of a course. Throws `input.invalid`, `assessment.not_found`. */
export async function updateAssessment(
  tx: TenantTransaction,
  options: { courseId: string; assessmentId: string; changes: AssessmentChanges },
): Promise<void> {
  const { changes } = options
  const [courseId, id] = [requireUuid('courseId', options.courseId), requireUuid('assessmentId', options.assessmentId)]
  const set = namedColumns({
    title: changed(changes.title, (title) => requireLine('title', title)),
    kind: changed(changes.kind, (kind) => requireLine('kind', kind)),
    weight: changed(changes.weight, (weight) => requireAmount('weight', weight)),
    due_on: changed(changes.dueOn, (day) => requireDay('dueOn', day)),
    external_key: changed(changes.externalKey, (key) => requireLine('externalKey', key)),
  })
  const { rows } = await tx.query(
    'select id from assessments where tenant_id = $1 and id = $2 and course_id = $3 for no key update',
    [tx.tenantId, id, courseId],
  )
  if (rows.length === 0) throw learningError('assessment.not_found', { id })
  const columns = Object.keys(set)
  if (columns.length === 0) return
  await tx.db.updateTable('assessments').set(set).where('tenant_id', '=', tx.tenantId).where('id', '=', id).execute()
  await record(tx, { activity: 'CourseUpdated', object: courseId, details: { assessment: id, columns } })
}
