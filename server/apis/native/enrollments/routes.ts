import { type Static, Type } from 'typebox'
import type { HttpServer } from '../../../http/http-server.ts'
import { IdempotencyHeaders, withIdempotency } from '../../../http/idempotency.ts'
import { inTenantOf } from '../../../http/in-tenant-of.ts'
import { sharedSchema } from '../../../http/openapi/shared-schema.ts'
import { completeEnrollment } from '../../../learning/enrollments/complete-enrollment.ts'
import { enroll } from '../../../learning/enrollments/enroll.ts'
import type { PlaceOptions } from '../../../learning/enrollments/enrollment-target.ts'
import { issueCertificate } from '../../../learning/enrollments/issue-certificate.ts'
import {
  type EnrollmentFilter,
  listEnrollments,
  showEnrollment,
} from '../../../learning/enrollments/list-enrollments.ts'
import { purgeEnrollment } from '../../../learning/enrollments/purge-enrollment.ts'
import { enrollmentStates } from '../../../learning/enrollments/record-enrollments.ts'
import { showIssuedCertificate } from '../../../learning/enrollments/show-issued-certificate.ts'
import { unenroll } from '../../../learning/enrollments/unenroll.ts'
import { inOurNames } from '../field-names.ts'
import {
  ActingCredential,
  At,
  Created,
  Id,
  IdParams,
  Line,
  Next,
  NullableDay,
  NullableId,
  NullableNumber,
  NullableText,
  NullableTime,
  paging,
  Text,
  Time,
} from '../schemas.ts'

const tags = ['Learning']
const url = '/api/v1/enrollments'

const results = ['pass', 'distinction', 'fail', 'withdrawn'] as const

const place = {
  course_id: Type.Unsafe<string | null>({ ...NullableId, description: 'Exactly one of the two is set' }),
  training_plan_id: NullableId,
}

const Enrollment = sharedSchema(
  'Enrollment',
  Type.Object(
    {
      id: Id,
      user_id: Id,
      ...place,
      session_id: NullableId,
      state: Type.Enum([...enrollmentStates]),
      enrolled: Type.Boolean({ description: 'False once it has ended, and while the user is deleted' }),
      result: Type.Unsafe<(typeof results)[number] | null>({
        type: ['string', 'null'],
        description: `One of ${results.join(', ')}`,
      }),
      registered_on: NullableDay,
      withdrawn_on: NullableDay,
      completed_at: NullableTime,
      unenrolled_at: NullableTime,
      credits: NullableNumber,
      enrolled_by: NullableId,
      enrolled_by_credential: ActingCredential,
      unenrolled_by: NullableId,
      unenrolled_by_credential: ActingCredential,
      note: NullableText,
    },
    { description: 'An enrollment in a course or a training plan' },
  ),
)

const IssuedCertificate = sharedSchema(
  'IssuedCertificate',
  Type.Object(
    {
      id: Id,
      user_id: Id,
      ...place,
      number: NullableText,
      issued_at: Time,
      expires_at: NullableTime,
      issued_by: NullableId,
      issued_by_credential: ActingCredential,
    },
    { description: 'A certificate that was issued to a learner' },
  ),
)

const Filter = Type.Object(
  {
    user_id: Type.Optional(Id),
    course_id: Type.Optional(Id),
    training_plan_id: Type.Optional(Id),
    state: Type.Optional(Type.Enum([...enrollmentStates])),
    enrolled: Type.Optional(
      Type.Boolean({ description: 'true: only active ones; false: only those that are not active; default: both' }),
    ),
    ...paging,
  },
  { additionalProperties: false },
)

/** `/api/v1/enrollments` and `/api/v1/issued-certificates` */
export function addEnrollmentRoutes(server: HttpServer): void {
  for (const { schema } of [Enrollment, IssuedCertificate]) server.addSchema(schema)
  addEnrollments(server)
  addEnrollmentActs(server)
  addCertificates(server)
}

function addEnrollments(server: HttpServer): void {
  server.route({
    method: 'GET',
    url,
    config: { permission: 'learning.read' },
    schema: {
      tags,
      summary: 'List enrollments, in the order of their creation',
      description: 'Includes ended enrollments and those of deleted users, with `enrolled` false.',
      querystring: Filter,
      response: {
        200: Type.Object({ enrollments: Type.Array(Enrollment.ref), next: Next }, { description: 'A page' }),
      },
    },
    handler: async (request) => {
      const { enrollments, next = null } = await inTenantOf(request, (tx) =>
        listEnrollments(tx, filterOf(request.query)),
      )
      return { enrollments, next }
    },
  })
  server.route({
    method: 'POST',
    url,
    config: { permission: 'learning.write', errors: [404, 409] },
    schema: {
      tags,
      summary: 'Enroll a user in a course or a training plan',
      description: 'From today (UTC). After an unenrollment, this makes a new enrollment.',
      headers: IdempotencyHeaders,
      body: Type.Object(
        {
          user_id: Id,
          course_id: Type.Optional(Type.String({ format: 'uuid', description: 'This, or training_plan_id' })),
          training_plan_id: Type.Optional(Id),
          session_id: Type.Optional(Type.String({ format: 'uuid', description: 'A session of the course' })),
        },
        { additionalProperties: false },
      ),
      response: { 201: Created },
    },
    handler: (request, reply) => {
      const { user_id: userId, course_id, training_plan_id, session_id } = request.body
      return inOurNames(
        withIdempotency(request, reply, async (tx) => {
          const { id } = await enroll(tx, {
            userId,
            ...placeOf({ course_id, training_plan_id }),
            ...(session_id !== undefined && { sessionId: session_id }),
          })
          return { status: 201, location: `${url}/${id}`, body: { id }, subjectUserId: userId }
        }),
      )
    },
  })
  server.route({
    method: 'GET',
    url: `${url}/:id`,
    config: { permission: 'learning.read', errors: [404] },
    schema: {
      tags,
      summary: 'Read an enrollment',
      params: IdParams,
      response: { 200: Enrollment.ref },
    },
    handler: (request) => inTenantOf(request, (tx) => showEnrollment(tx, request.params.id)),
  })
}

function addEnrollmentActs(server: HttpServer): void {
  server.route({
    method: 'POST',
    url: `${url}/:id/complete`,
    config: { permission: 'learning.write', bodyOptional: true, errors: [404, 409] },
    schema: {
      tags,
      summary: 'Complete an enrollment, whatever the progress in its parts',
      params: IdParams,
      body: Type.Object(
        {
          result: Type.Optional(Type.Enum(['pass', 'distinction'], { description: 'Default: pass' })),
          credits: Type.Optional(Type.Integer({ minimum: 0, maximum: 10_000 })),
          at: Type.Optional(At),
        },
        { additionalProperties: false, examples: [{ result: 'pass' }] },
      ),
      response: { 200: Type.Object({ id: Id, completed_at: Time }, { description: 'Completed' }) },
    },
    handler: async (request) => {
      const { at, ...rest } = request.body
      const { id, completedAt } = await inTenantOf(request, (tx) =>
        completeEnrollment(tx, {
          enrollmentId: request.params.id,
          ...rest,
          ...(at !== undefined && { at: new Date(at) }),
        }),
      )
      return { id, completed_at: completedAt }
    },
  })
  server.route({
    method: 'POST',
    url: `${url}/:id/unenroll`,
    config: { permission: 'learning.write', bodyOptional: true, errors: [404, 409] },
    schema: {
      tags,
      summary: 'End an enrollment',
      description:
        'It stays in the transcript: as completed or failed if it was, otherwise as withdrawn. A user that enrolls again gets a new enrollment.',
      params: IdParams,
      body: Type.Object(
        { note: Type.Optional(Type.String({ ...Text, description: 'The reason; stored with the enrollment' })) },
        { additionalProperties: false, examples: [{ note: 'Moved to the evening course' }] },
      ),
      response: { 200: Type.Object({ id: Id, unenrolled_at: Time }, { description: 'Ended' }) },
    },
    handler: async (request) => {
      const { id, unenrolledAt } = await inTenantOf(request, (tx) =>
        unenroll(tx, { enrollmentId: request.params.id, ...request.body }),
      )
      return { id, unenrolled_at: unenrolledAt }
    },
  })
  server.route({
    method: 'POST',
    url: `${url}/:id/purge`,
    config: { permission: 'learning.write', errors: [404, 409] },
    schema: {
      tags,
      summary: 'Purge an enrollment that is not active',
      description:
        'Also purges its records in the course: progress, actions, attempts, submissions and certificates. If the user has another enrollment in the course, these records belong to it and stay. Cannot be undone.',
      params: IdParams,
      response: {
        200: Type.Object(
          {
            user_id: Id,
            removed: Type.Unsafe<Record<string, number>>({
              type: 'object',
              additionalProperties: { type: 'integer' },
              description: 'Rows, by table',
            }),
          },
          { description: 'Purged' },
        ),
      },
    },
    handler: async (request) => {
      const { userId, removed } = await inTenantOf(request, (tx) => purgeEnrollment(tx, request.params.id))
      return { user_id: userId, removed }
    },
  })
}

function addCertificates(server: HttpServer): void {
  const certificates = '/api/v1/issued-certificates'
  server.route({
    method: 'POST',
    url: `${url}/:id/certificates`,
    config: { permission: 'learning.write', bodyOptional: true, errors: [404, 409] },
    schema: {
      tags,
      summary: 'Issue a certificate for a completed enrollment',
      description: 'You can issue another one after it has expired.',
      params: IdParams,
      headers: IdempotencyHeaders,
      body: Type.Object(
        {
          number: Type.Optional(Type.String({ ...Line, description: 'The number that is printed on it' })),
          expires_at: Type.Optional(Type.String({ format: 'date-time', maxLength: 64 })),
          at: Type.Optional(At),
        },
        { additionalProperties: false, examples: [{ number: 'B-17' }] },
      ),
      response: { 201: Created },
    },
    handler: (request, reply) => {
      const { number, expires_at, at } = request.body
      return inOurNames(
        withIdempotency(request, reply, async (tx) => {
          const { user_id: about } = await showEnrollment(tx, request.params.id)
          const { id } = await issueCertificate(tx, {
            enrollmentId: request.params.id,
            ...(number !== undefined && { number }),
            ...(expires_at !== undefined && { expiresAt: new Date(expires_at) }),
            ...(at !== undefined && { at: new Date(at) }),
          })
          return { status: 201, location: `${certificates}/${id}`, body: { id }, about }
        }),
      )
    },
  })
  server.route({
    method: 'GET',
    url: `${certificates}/:id`,
    config: { permission: 'learning.read', errors: [404] },
    schema: {
      tags,
      summary: 'Read a certificate of a learner',
      params: IdParams,
      response: { 200: IssuedCertificate.ref },
    },
    handler: (request) => inTenantOf(request, (tx) => showIssuedCertificate(tx, request.params.id)),
  })
}

function placeOf({ course_id, training_plan_id }: { [Name in keyof typeof place]?: string | undefined }): PlaceOptions {
  return {
    ...(course_id !== undefined && { courseId: course_id }),
    ...(training_plan_id !== undefined && { trainingPlanId: training_plan_id }),
  }
}

function filterOf(query: Static<typeof Filter>): EnrollmentFilter & { limit?: number; after?: string } {
  const { user_id, course_id, training_plan_id, ...rest } = query
  return { ...rest, ...placeOf({ course_id, training_plan_id }), ...(user_id !== undefined && { userId: user_id }) }
}
