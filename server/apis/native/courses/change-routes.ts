import { Type } from 'typebox'
import type { HttpServer } from '../../../http/http-server.ts'
import { inTenantOf } from '../../../http/in-tenant-of.ts'
import { updateAssessment, updateCourse, updateModule } from '../../../learning/courses/change-course.ts'
import { deleteSession, previewSessionDeletion, updateSession } from '../../../learning/courses/change-session.ts'
import { updateTrainingPlan } from '../../../learning/courses/change-training-plan.ts'
import { courseKinds } from '../../../learning/courses/create-course.ts'
import { deleteCourse, previewCourseDeletion } from '../../../learning/courses/delete-course.ts'
import { deleteTrainingPlan, previewTrainingPlanDeletion } from '../../../learning/courses/delete-training-plan.ts'
import { showCourse } from '../../../learning/courses/list-courses.ts'
import { listSessions, showSession } from '../../../learning/courses/list-sessions.ts'
import { showTrainingPlan } from '../../../learning/courses/list-training-plans.ts'
import { reassignSessions } from '../../../learning/courses/reassign-sessions.ts'
import { inOperationNames, inOurNames } from '../field-names.ts'
import {
  Addresses,
  asPage,
  ClearableLine,
  ClearableText,
  Day,
  Id,
  IdParams,
  Line,
  NewExternalKey,
  pageOf,
  paging,
} from '../schemas.ts'
import { CourseWithDetails, Session, TrainingPlanWithDetails } from './routes.ts'

const tags = ['Learning']
const coursesUrl = '/api/v1/courses'
const plansUrl = '/api/v1/training-plans'

const Users = Type.Array(Id, { maxItems: 100, description: 'Replaces the users before; new ones must be active' })
const ClearableDay = Type.Unsafe<string | null>({ anyOf: [Day, { type: 'null' }] })
const ClearableTime = Type.Unsafe<string | null>({
  anyOf: [{ type: 'string', format: 'date-time', maxLength: 64 }, { type: 'null' }],
})
const ClearableAddress = Type.Unsafe<string | null>({ type: ['string', 'null'], maxLength: 320 })
const clearableWeek = Type.Optional(
  Type.Unsafe<number | null>({ type: ['integer', 'null'], minimum: -520, maximum: 520 }),
)

const learnersLeft = {
  unenrolled: Type.Integer({ description: 'Active enrollments that end' }),
  completions: Type.Integer({ description: 'Completions that stay in transcripts' }),
  certificates: Type.Integer({ description: 'Certificates that stay' }),
}
const CourseDeletion = Type.Object(
  {
    ...learnersLeft,
    sessions: Type.Integer({ description: 'Sessions that are deleted with it' }),
    training_plans: Type.Integer({ description: 'Training plans that lose it' }),
    groups: Type.Integer({ description: 'Directory groups that it is closed to' }),
  },
  { description: 'The counted effects of the deletion' },
)
const TrainingPlanDeletion = Type.Object(
  { ...learnersLeft, courses: Type.Integer({ description: 'Its courses, which stay' }) },
  { description: 'The counted effects of the deletion' },
)
const SessionDeletion = Type.Object(
  {
    instructors: Type.Integer({ description: 'Instructors that no longer teach it' }),
    enrollments: Type.Integer({ description: 'Active enrollments that stay in the course, without the session' }),
  },
  { description: 'The counted effects of the deletion' },
)

const nothingEarnedGoes =
  'Ends active enrollments. Completions and certificates stay, with the title. `GET …/deletion` counts the effects before.'

/** How courses, training plans and sessions change and go. */
export function addCourseChanges(server: HttpServer): void {
  changeCourses(server)
  deleteCourses(server)
  changeParts(server)
  changePlans(server)
  changeSessions(server)
  deleteSessions(server)
}

function changeCourses(server: HttpServer): void {
  server.route({
    method: 'PATCH',
    url: `${coursesUrl}/:id`,
    config: { permission: 'learning.write', errors: [404, 409] },
    schema: {
      tags,
      summary: 'Change a course',
      description: 'Changes the given fields; null clears one, and a list replaces the one before.',
      params: IdParams,
      body: Type.Object(
        {
          catalog_id: Type.Optional(Id),
          title: Type.Optional(Line),
          kind: Type.Optional(Type.Enum([...courseKinds])),
          description: Type.Optional(ClearableText),
          contact_emails: Type.Optional(Addresses),
          reply_to_email: Type.Optional(ClearableAddress),
          starts_on: Type.Optional(ClearableDay),
          length_days: Type.Optional(
            Type.Unsafe<number | null>({ type: ['integer', 'null'], minimum: 1, maximum: 3650 }),
          ),
          external_key: NewExternalKey,
          author_ids: Type.Optional(Users),
        },
        { additionalProperties: false, examples: [{ title: 'Bread and rolls', reply_to_email: null }] },
      ),
      response: { 200: CourseWithDetails.ref },
    },
    handler: (request) => {
      const courseId = request.params.id
      return inOurNames(
        inTenantOf(request, async (tx) => {
          await updateCourse(tx, { courseId, changes: inOperationNames(request.body) })
          return await showCourse(tx, courseId)
        }),
      )
    },
  })
}

function deleteCourses(server: HttpServer): void {
  server.route({
    method: 'GET',
    url: `${coursesUrl}/:id/deletion`,
    config: { permission: 'learning.read', errors: [404] },
    schema: {
      tags,
      summary: 'Count the effects of the deletion of a course; change nothing',
      params: IdParams,
      response: { 200: CourseDeletion },
    },
    handler: (request) => inTenantOf(request, (tx) => previewCourseDeletion(tx, request.params.id)),
  })
  server.route({
    method: 'DELETE',
    url: `${coursesUrl}/:id`,
    config: { permission: 'learning.write', errors: [404, 409] },
    schema: {
      tags,
      summary: 'Delete a course with its sessions',
      description: nothingEarnedGoes,
      params: IdParams,
      response: { 200: CourseDeletion },
    },
    handler: (request) => inTenantOf(request, (tx) => deleteCourse(tx, request.params.id)),
  })
}

function changeParts(server: HttpServer): void {
  server.route({
    method: 'PATCH',
    url: `${coursesUrl}/:id/modules/:module_id`,
    config: { permission: 'learning.write', errors: [404] },
    schema: {
      tags,
      summary: 'Change a module of a course',
      params: Type.Object({ id: Id, module_id: Id }),
      body: Type.Object(
        {
          title: Type.Optional(Line),
          kind: Type.Optional(Line),
          week_from: clearableWeek,
          week_to: clearableWeek,
          external_key: NewExternalKey,
        },
        { additionalProperties: false },
      ),
      response: { 200: CourseWithDetails.ref },
    },
    handler: (request) => {
      const { id: courseId, module_id: moduleId } = request.params
      return inOurNames(
        inTenantOf(request, async (tx) => {
          await updateModule(tx, { courseId, moduleId, changes: inOperationNames(request.body) })
          return await showCourse(tx, courseId)
        }),
      )
    },
  })
  server.route({
    method: 'PATCH',
    url: `${coursesUrl}/:id/assessments/:assessment_id`,
    config: { permission: 'learning.write', errors: [404] },
    schema: {
      tags,
      summary: 'Change an assessment of a course',
      params: Type.Object({ id: Id, assessment_id: Id }),
      body: Type.Object(
        {
          title: Type.Optional(Line),
          kind: Type.Optional(Line),
          weight: Type.Optional(Type.Unsafe<number | null>({ type: ['number', 'null'], minimum: 0, maximum: 1000 })),
          due_on: Type.Optional(ClearableDay),
          external_key: NewExternalKey,
        },
        { additionalProperties: false },
      ),
      response: { 200: CourseWithDetails.ref },
    },
    handler: (request) => {
      const { id: courseId, assessment_id: assessmentId } = request.params
      return inOurNames(
        inTenantOf(request, async (tx) => {
          await updateAssessment(tx, { courseId, assessmentId, changes: inOperationNames(request.body) })
          return await showCourse(tx, courseId)
        }),
      )
    },
  })
}

function changePlans(server: HttpServer): void {
  server.route({
    method: 'PATCH',
    url: `${plansUrl}/:id`,
    config: { permission: 'learning.write', errors: [404, 409] },
    schema: {
      tags,
      summary: 'Change a training plan',
      description: 'Changes the given fields; null clears one, and a list replaces the one before.',
      params: IdParams,
      body: Type.Object(
        {
          catalog_id: Type.Optional(Id),
          title: Type.Optional(Line),
          description: Type.Optional(ClearableText),
          contact_emails: Type.Optional(Addresses),
          course_ids: Type.Optional(
            Type.Array(Id, { maxItems: 1000, description: 'In the order in which to take them' }),
          ),
          author_ids: Type.Optional(Users),
        },
        { additionalProperties: false, examples: [{ contact_emails: [] }] },
      ),
      response: { 200: TrainingPlanWithDetails.ref },
    },
    handler: (request) => {
      const trainingPlanId = request.params.id
      return inOurNames(
        inTenantOf(request, async (tx) => {
          await updateTrainingPlan(tx, { trainingPlanId, changes: inOperationNames(request.body) })
          return await showTrainingPlan(tx, trainingPlanId)
        }),
      )
    },
  })
  server.route({
    method: 'GET',
    url: `${plansUrl}/:id/deletion`,
    config: { permission: 'learning.read', errors: [404] },
    schema: {
      tags,
      summary: 'Count the effects of the deletion of a training plan; change nothing',
      params: IdParams,
      response: { 200: TrainingPlanDeletion },
    },
    handler: (request) => inTenantOf(request, (tx) => previewTrainingPlanDeletion(tx, request.params.id)),
  })
  server.route({
    method: 'DELETE',
    url: `${plansUrl}/:id`,
    config: { permission: 'learning.write', errors: [404, 409] },
    schema: {
      tags,
      summary: 'Delete a training plan; its courses stay',
      description: nothingEarnedGoes,
      params: IdParams,
      response: { 200: TrainingPlanDeletion },
    },
    handler: (request) => inTenantOf(request, (tx) => deleteTrainingPlan(tx, request.params.id)),
  })
}

const SessionParams = Type.Object({ id: Id, session_id: Id })
const sessionUrl = `${coursesUrl}/:id/sessions/:session_id`

function changeSessions(server: HttpServer): void {
  server.route({
    method: 'PATCH',
    url: sessionUrl,
    config: { permission: 'learning.write', errors: [404, 409] },
    schema: {
      tags,
      summary: 'Change a session of a course',
      description: 'Changes the given fields; null clears one, and a list replaces the one before.',
      params: SessionParams,
      body: Type.Object(
        {
          title: Type.Optional(Line),
          starts_at: Type.Optional(ClearableTime),
          ends_at: Type.Optional(ClearableTime),
          location: Type.Optional(ClearableLine),
          contact_emails: Type.Optional(Addresses),
          external_key: NewExternalKey,
          instructor_ids: Type.Optional(Users),
        },
        { additionalProperties: false, examples: [{ location: 'Room 2' }] },
      ),
      response: { 200: Session.ref },
    },
    handler: (request) => {
      const { id: courseId, session_id: sessionId } = request.params
      const { starts_at, ends_at, ...rest } = request.body
      const changes = {
        ...inOperationNames(rest),
        ...(starts_at !== undefined && { startsAt: starts_at === null ? null : new Date(starts_at) }),
        ...(ends_at !== undefined && { endsAt: ends_at === null ? null : new Date(ends_at) }),
      }
      return inOurNames(
        inTenantOf(request, async (tx) => {
          await updateSession(tx, { courseId, sessionId, changes })
          return await showSession(tx, { courseId, sessionId })
        }),
      )
    },
  })
  server.route({
    method: 'POST',
    url: '/api/v1/sessions/reassign',
    config: { permission: 'learning.write', errors: [404, 409] },
    schema: {
      tags,
      summary: 'Make users the instructors of sessions, in one step',
      description:
        'Chooses the sessions by exactly one of `from_user_id`, `session_ids` and `without_instructor`. Leaves out sessions that are over, unless they are named.',
      body: Type.Object(
        {
          from_user_id: Type.Optional(
            Type.String({
              format: 'uuid',
              description: 'The sessions that this user teaches; replaces only this user',
            }),
          ),
          session_ids: Type.Optional(
            Type.Array(Id, { minItems: 1, maxItems: 1000, description: 'These sessions; replaces all instructors' }),
          ),
          without_instructor: Type.Optional(Type.Literal(true, { description: 'All sessions without an instructor' })),
          to_user_ids: Type.Array(Id, { minItems: 1, maxItems: 100 }),
        },
        { additionalProperties: false },
      ),
      response: { 200: Type.Object({ sessions: Type.Array(Id) }, { description: 'The sessions that changed' }) },
    },
    handler: (request) => inOurNames(inTenantOf(request, (tx) => reassignSessions(tx, inOperationNames(request.body)))),
  })
}

function deleteSessions(server: HttpServer): void {
  server.route({
    method: 'GET',
    url: '/api/v1/sessions',
    config: { permission: 'learning.read', errors: [404] },
    schema: {
      tags,
      summary: 'List the sessions of all courses, in the order of their creation',
      querystring: Type.Object(
        {
          ...paging,
          course_id: Type.Optional(Id),
          without_instructor: Type.Optional(
            Type.Boolean({ description: 'Only those that have no instructor and are not over' }),
          ),
        },
        { additionalProperties: false },
      ),
      response: { 200: pageOf('sessions', Session.ref) },
    },
    handler: (request) => asPage(inTenantOf(request, (tx) => listSessions(tx, inOperationNames(request.query)))),
  })
  server.route({
    method: 'GET',
    url: `${sessionUrl}/deletion`,
    config: { permission: 'learning.read', errors: [404] },
    schema: {
      tags,
      summary: 'Count the effects of the deletion of a session; change nothing',
      params: SessionParams,
      response: { 200: SessionDeletion },
    },
    handler: (request) => {
      const { id: courseId, session_id: sessionId } = request.params
      return inTenantOf(request, (tx) => previewSessionDeletion(tx, { courseId, sessionId }))
    },
  })
  server.route({
    method: 'DELETE',
    url: sessionUrl,
    config: { permission: 'learning.write', errors: [404] },
    schema: {
      tags,
      summary: 'Delete a session of a course',
      description: 'Enrollments stay in the course; completed ones still name the session.',
      params: SessionParams,
      response: { 200: SessionDeletion },
    },
    handler: (request) => {
      const { id: courseId, session_id: sessionId } = request.params
      return inTenantOf(request, (tx) => deleteSession(tx, { courseId, sessionId }))
    },
  })
}
