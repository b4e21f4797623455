import { Type } from 'typebox'
import { asksFor } from '../../../http/accepts.ts'
import type { HttpServer } from '../../../http/http-server.ts'
import { inTenantOf } from '../../../http/in-tenant-of.ts'
import { mediaTypes, sharedSchema } from '../../../http/openapi/shared-schema.ts'
import { enrollmentStates } from '../../../learning/enrollments/record-enrollments.ts'
import { showTranscript } from '../../../views/transcript.ts'
import { transcriptCsv } from '../../../views/transcript-csv.ts'
import {
  ActingCredential,
  Id,
  IdParams,
  NullableDay,
  NullableId,
  NullableNumber,
  NullableText,
  NullableTime,
  Time,
} from '../schemas.ts'

const enrollment = {
  id: Type.String({ format: 'uuid', description: 'Of the enrollment' }),
  title: Type.String(),
  catalog_id: Id,
  catalog: Type.String(),
  state: Type.Enum([...enrollmentStates]),
  enrolled: Type.Boolean({ description: 'False once it has ended, and while the user is deleted' }),
  result: NullableText,
  registered_on: NullableDay,
  withdrawn_on: NullableDay,
  completed_at: NullableTime,
  unenrolled_at: NullableTime,
  credits: NullableNumber,
}

/** An award of a skill to a user. */
export const UserSkill = sharedSchema(
  'UserSkill',
  Type.Object(
    {
      id: Type.String({ format: 'uuid', description: 'Of the award' }),
      skill_id: Id,
      skill: Type.String(),
      level_id: Id,
      level: Type.String(),
      level_value: Type.Integer(),
      catalog_id: NullableId,
      state: Type.Enum(['held', 'revoked']),
      awarded_at: Time,
      awarded_by: NullableId,
      awarded_by_credential: ActingCredential,
      awarded_by_name: NullableText,
      revoked_at: NullableTime,
      revoked_by: NullableId,
      revoked_by_credential: ActingCredential,
      revoked_by_name: NullableText,
      revoke_reason: NullableText,
    },
    { description: 'A skill that was awarded to a user at a level, and may be revoked' },
  ),
)

const Transcript = sharedSchema(
  'Transcript',
  Type.Object(
    {
      user_id: Id,
      courses: Type.Array(
        Type.Object({
          ...enrollment,
          course_id: Id,
          progress: Type.Unsafe<number | null>({
            ...NullableNumber,
            description: 'The mean of the modules in percent; null for a course without modules',
          }),
        }),
      ),
      training_plans: Type.Array(Type.Object({ ...enrollment, training_plan_id: Id })),
      skills: Type.Array(UserSkill.ref),
      certificates: Type.Array(
        Type.Object({
          id: Id,
          course_id: NullableId,
          training_plan_id: NullableId,
          title: Type.String(),
          number: NullableText,
          issued_at: Time,
          expires_at: NullableTime,
          issued_by: NullableId,
          issued_by_credential: ActingCredential,
          issued_by_name: NullableText,
        }),
      ),
    },
    { description: 'The learning history of a user, newest first; includes ended, revoked and expired records' },
  ),
)

/** `/api/v1/users/:id/transcript` */
export function addTranscriptRoute(server: HttpServer): void {
  for (const { schema } of [UserSkill, Transcript]) server.addSchema(schema)
  server.route({
    method: 'GET',
    url: '/api/v1/users/:id/transcript',
    config: { permission: 'transcripts.read', target: 'id', errors: [404] },
    schema: {
      tags: ['Learning'],
      summary: 'Read the transcript of a user',
      description:
        'As JSON, or as CSV with `Accept: text/csv` or `format=csv`. The CSV has one line for each course, training plan, skill and certificate; an apostrophe precedes a cell that a spreadsheet would run as a formula. The history of an anonymized user can still be read, by id.',
      params: IdParams,
      querystring: Type.Object(
        { format: Type.Optional(Type.Enum(['json', 'csv'], { description: 'Takes precedence over Accept' })) },
        { additionalProperties: false },
      ),
      response: {
        200: mediaTypes('The transcript', {
          'application/json': Transcript.ref,
          'text/csv': { type: 'string' },
        }),
      },
    },
    handler: async (request, reply) => {
      const { format = asksFor(request, 'text/csv') ? 'csv' : 'json' } = request.query
      const transcript = await inTenantOf(request, (tx) => showTranscript(tx, request.params.id))
      reply.header('vary', 'accept')
      if (format === 'json') return transcript
      reply.type('text/csv; charset=utf-8')
      reply.header('content-disposition', `attachment; filename="transcript-${transcript.user_id}.csv"`)
      return reply.send(transcriptCsv(transcript))
    },
  })
}
