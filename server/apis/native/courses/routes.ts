import { type Static, Type } from 'typebox'
import type { HttpServer } from '../../../http/http-server.ts'
import { IdempotencyHeaders, withIdempotency } from '../../../http/idempotency.ts'
import { inTenantOf } from '../../../http/in-tenant-of.ts'
import { sharedSchema } from '../../../http/openapi/shared-schema.ts'
import { courseKinds, createCourse, type NewCourse } from '../../../learning/courses/create-course.ts'
import { createTrainingPlan } from '../../../learning/courses/create-training-plan.ts'
import { listCourses, showCourse } from '../../../learning/courses/list-courses.ts'
import { listSessions, showSession } from '../../../learning/courses/list-sessions.ts'
import { listTrainingPlans, showTrainingPlan } from '../../../learning/courses/list-training-plans.ts'
import { scheduleSession } from '../../../learning/courses/schedule-session.ts'
import { inOperationNames, inOurNames } from '../field-names.ts'
import { addGroupAssignments } from '../groups/assignment-routes.ts'
import {
  Addresses,
  asPage,
  Created,
  Day,
  DeletedAt,
  ExternalKey,
  Id,
  IdParams,
  Line,
  NullableDay,
  NullableNumber,
  NullableText,
  NullableTime,
  Paging,
  People,
  pageOf,
  paging,
  Text,
  Time,
} from '../schemas.ts'

const tags = ['Learning']
const coursesUrl = '/api/v1/courses'
const plansUrl = '/api/v1/training-plans'

const listed = {
  id: Id,
  catalog_id: Id,
  title: Type.String(),
  description: NullableText,
  contact_emails: Type.Array(Type.String()),
  created_at: Time,
  deleted_at: DeletedAt,
}

const courseColumns = {
  ...listed,
  kind: Type.Enum([...courseKinds]),
  reply_to_email: NullableText,
  starts_on: NullableDay,
  length_days: NullableNumber,
  external_key: ExternalKey,
}

const Course = sharedSchema('Course', Type.Object(courseColumns, { description: 'A course' }))

const Enrolled = Type.Integer({ description: 'People who are enrolled now' })

export const CourseWithDetails = sharedSchema(
  'CourseWithDetails',
  Type.Object(
    {
      ...courseColumns,
      authors: People,
      modules: Type.Array(
        Type.Object({
          id: Id,
          title: Type.String(),
          kind: Type.String(),
          week_from: NullableNumber,
          week_to: NullableNumber,
          external_key: ExternalKey,
        }),
      ),
      assessments: Type.Array(
        Type.Object({
          id: Id,
          title: Type.String(),
          kind: Type.String(),
          weight: NullableNumber,
          due_on: NullableDay,
          external_key: ExternalKey,
        }),
      ),
      training_plans: Type.Array(Type.Object({ id: Id, title: Type.String() }), {
        description: 'The training plans that contain it',
      }),
      sessions: Type.Integer(),
      enrolled: Enrolled,
    },
    { description: 'A course with its parts' },
  ),
)

const TrainingPlan = sharedSchema('TrainingPlan', Type.Object(listed, { description: 'A training plan' }))

export const TrainingPlanWithDetails = sharedSchema(
  'TrainingPlanWithDetails',
  Type.Object(
    {
      ...listed,
      authors: People,
      courses: Type.Array(Type.Object({ id: Id, title: Type.String() }), {
        description: 'In the order in which to take them',
      }),
      enrolled: Enrolled,
    },
    { description: 'A training plan with its courses' },
  ),
)

export const Session = sharedSchema(
  'Session',
  Type.Object(
    {
      id: Id,
      course_id: Id,
      title: Type.String(),
      starts_at: NullableTime,
      ends_at: NullableTime,
      location: NullableText,
      contact_emails: Type.Array(Type.String()),
      external_key: ExternalKey,
      deleted_at: DeletedAt,
      instructors: People,
    },
    { description: 'A session of a course; without an instructor it needs one' },
  ),
)

const Users = Type.Array(Id, { maxItems: 100 })

const Filter = Type.Object(
  {
    catalog_id: Type.Optional(Id),
    search: Type.Optional(Type.String({ maxLength: 256, description: 'Part of the title' })),
    without_author: Type.Optional(Type.Boolean({ description: 'Only those that have no author' })),
    ...paging,
  },
  { additionalProperties: false },
)

const week = Type.Optional(Type.Integer({ minimum: -520, maximum: 520 }))

const NewCourseBody = Type.Object(
  {
    catalog_id: Id,
    title: Line,
    kind: Type.Optional(Type.Enum([...courseKinds], { description: 'Default: e_learning' })),
    description: Type.Optional(Text),
    contact_emails: Type.Optional(Addresses),
    reply_to_email: Type.Optional(Type.String({ maxLength: 320 })),
    starts_on: Type.Optional(Day),
    length_days: Type.Optional(Type.Integer({ minimum: 1, maximum: 3650 })),
    author_ids: Type.Optional(Users),
    modules: Type.Optional(
      Type.Array(
        Type.Object({ title: Line, kind: Line, week_from: week, week_to: week }, { additionalProperties: false }),
        { maxItems: 1000 },
      ),
    ),
    assessments: Type.Optional(
      Type.Array(
        Type.Object(
          {
            title: Line,
            kind: Line,
            weight: Type.Optional(Type.Number({ minimum: 0, maximum: 1000, description: 'In percent of the result' })),
            due_on: Type.Optional(Day),
          },
          { additionalProperties: false },
        ),
        { maxItems: 1000 },
      ),
    ),
  },
  {
    additionalProperties: false,
    examples: [
      {
        catalog_id: '0190a0b1-7d2c-7c3e-8a54-1f2e3d4c5b6a',
        title: 'Bread',
        modules: [{ title: 'Dough', kind: 'video' }],
      },
    ],
  },
)

/** `/api/v1/courses` and `/api/v1/training-plans` */
export function addCourseRoutes(server: HttpServer): void {
  for (const { schema } of [Course, CourseWithDetails, TrainingPlan, TrainingPlanWithDetails, Session]) {
    server.addSchema(schema)
  }
  addCourses(server)
  addGroupAssignments(server, 'course')
  addSessions(server)
  addTrainingPlans(server)
}

function addCourses(server: HttpServer): void {
  server.route({
    method: 'GET',
    url: coursesUrl,
    config: { permission: 'learning.read', errors: [404] },
    schema: {
      tags,
      summary: 'List courses, in the order of their creation',
      querystring: Filter,
      response: { 200: pageOf('courses', Course.ref) },
    },
    handler: (request) => asPage(inTenantOf(request, (tx) => listCourses(tx, filterOf(request.query)))),
  })
  server.route({
    method: 'POST',
    url: coursesUrl,
    config: { permission: 'learning.write', errors: [404, 409] },
    schema: {
      tags,
      summary: 'Create a course with its modules and assessments',
      headers: IdempotencyHeaders,
      body: NewCourseBody,
      response: {
        201: Type.Object(
          {
            id: Id,
            module_ids: Type.Array(Id, { description: 'In the order given' }),
            assessment_ids: Type.Array(Id, { description: 'In the order given' }),
          },
          { description: 'Created; Location says where it is' },
        ),
      },
    },
    handler: (request, reply) =>
      inOurNames(
        withIdempotency(request, reply, async (tx) => {
          const { id, moduleIds, assessmentIds } = await createCourse(tx, newCourse(request.body))
          const body = { id, module_ids: moduleIds, assessment_ids: assessmentIds }
          return { status: 201, location: `${coursesUrl}/${id}`, body }
        }),
      ),
  })
  server.route({
    method: 'GET',
    url: `${coursesUrl}/:id`,
    config: { permission: 'learning.read', errors: [404] },
    schema: {
      tags,
      summary: 'Read a course with its parts',
      params: IdParams,
      response: { 200: CourseWithDetails.ref },
    },
    handler: (request) => inTenantOf(request, (tx) => showCourse(tx, request.params.id)),
  })
}

function addSessions(server: HttpServer): void {
  const url = `${coursesUrl}/:id/sessions`
  server.route({
    method: 'GET',
    url,
    config: { permission: 'learning.read', errors: [404] },
    schema: {
      tags,
      summary: 'List the sessions of a course, in the order of their creation',
      params: IdParams,
      querystring: Paging,
      response: { 200: pageOf('sessions', Session.ref) },
    },
    handler: (request) =>
      asPage(inTenantOf(request, (tx) => listSessions(tx, { courseId: request.params.id, ...request.query }))),
  })
  server.route({
    method: 'POST',
    url,
    config: { permission: 'learning.write', errors: [404, 409] },
    schema: {
      tags,
      summary: 'Schedule a session of a course',
      params: IdParams,
      headers: IdempotencyHeaders,
      body: Type.Object(
        {
          title: Line,
          starts_at: Type.Optional(Type.String({ format: 'date-time', maxLength: 64 })),
          ends_at: Type.Optional(Type.String({ format: 'date-time', maxLength: 64 })),
          location: Type.Optional(Line),
          contact_emails: Type.Optional(Addresses),
          instructor_ids: Type.Optional(Users),
        },
        { additionalProperties: false },
      ),
      response: { 201: Created },
    },
    handler: (request, reply) => {
      const { starts_at, ends_at, contact_emails, instructor_ids, ...rest } = request.body
      const courseId = request.params.id
      return inOurNames(
        withIdempotency(request, reply, async (tx) => {
          const { id } = await scheduleSession(tx, {
            courseId,
            ...rest,
            ...(starts_at !== undefined && { startsAt: new Date(starts_at) }),
            ...(ends_at !== undefined && { endsAt: new Date(ends_at) }),
            ...(contact_emails !== undefined && { contactEmails: contact_emails }),
            ...(instructor_ids !== undefined && { instructorIds: instructor_ids }),
          })
          return { status: 201, location: `${coursesUrl}/${courseId}/sessions/${id}`, body: { id } }
        }),
      )
    },
  })
  server.route({
    method: 'GET',
    url: `${url}/:session_id`,
    config: { permission: 'learning.read', errors: [404] },
    schema: {
      tags,
      summary: 'Read a session of a course',
      params: Type.Object({ id: Id, session_id: Id }),
      response: { 200: Session.ref },
    },
    handler: (request) => {
      const { id: courseId, session_id: sessionId } = request.params
      return inTenantOf(request, (tx) => showSession(tx, { courseId, sessionId }))
    },
  })
}

function addTrainingPlans(server: HttpServer): void {
  server.route({
    method: 'GET',
    url: plansUrl,
    config: { permission: 'learning.read', errors: [404] },
    schema: {
      tags,
      summary: 'List training plans, in the order of their creation',
      querystring: Filter,
      response: {
        200: pageOf('training_plans', TrainingPlan.ref),
      },
    },
    handler: async (request) => {
      const { trainingPlans, next = null } = await inTenantOf(request, (tx) =>
        listTrainingPlans(tx, filterOf(request.query)),
      )
      return { training_plans: trainingPlans, next }
    },
  })
  server.route({
    method: 'POST',
    url: plansUrl,
    config: { permission: 'learning.write', errors: [404, 409] },
    schema: {
      tags,
      summary: 'Create a training plan',
      headers: IdempotencyHeaders,
      body: Type.Object(
        {
          catalog_id: Id,
          title: Line,
          description: Type.Optional(Text),
          contact_emails: Type.Optional(Addresses),
          course_ids: Type.Array(Id, {
            maxItems: 1000,
            description: 'In the order in which to take them; of this or of other catalogs',
          }),
          author_ids: Type.Optional(Users),
        },
        { additionalProperties: false },
      ),
      response: { 201: Created },
    },
    handler: (request, reply) => {
      const { catalog_id, contact_emails, course_ids, author_ids, ...rest } = request.body
      return inOurNames(
        withIdempotency(request, reply, async (tx) => {
          const { id } = await createTrainingPlan(tx, {
            ...rest,
            catalogId: catalog_id,
            courseIds: course_ids,
            ...(contact_emails !== undefined && { contactEmails: contact_emails }),
            ...(author_ids !== undefined && { authorIds: author_ids }),
          })
          return { status: 201, location: `${plansUrl}/${id}`, body: { id } }
        }),
      )
    },
  })
  server.route({
    method: 'GET',
    url: `${plansUrl}/:id`,
    config: { permission: 'learning.read', errors: [404] },
    schema: {
      tags,
      summary: 'Read a training plan with its courses',
      params: IdParams,
      response: { 200: TrainingPlanWithDetails.ref },
    },
    handler: (request) => inTenantOf(request, (tx) => showTrainingPlan(tx, request.params.id)),
  })
}

function filterOf(query: Static<typeof Filter>) {
  return inOperationNames(query)
}

function newCourse(body: Static<typeof NewCourseBody>): NewCourse {
  const { catalog_id, contact_emails, reply_to_email, starts_on, length_days, author_ids, ...rest } = body
  const { modules = [], assessments = [], ...same } = rest
  return {
    ...same,
    catalogId: catalog_id,
    ...(contact_emails !== undefined && { contactEmails: contact_emails }),
    ...(reply_to_email !== undefined && { replyToEmail: reply_to_email }),
    ...(starts_on !== undefined && { startsOn: starts_on }),
    ...(length_days !== undefined && { lengthDays: length_days }),
    ...(author_ids !== undefined && { authorIds: author_ids }),
    modules: modules.map(({ week_from, week_to, ...module }) => ({
      ...module,
      ...(week_from !== undefined && { weekFrom: week_from }),
      ...(week_to !== undefined && { weekTo: week_to }),
    })),
    assessments: assessments.map(({ due_on, ...assessment }) => ({
      ...assessment,
      ...(due_on !== undefined && { dueOn: due_on }),
    })),
  }
}
