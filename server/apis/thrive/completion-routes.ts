import { Type } from 'typebox'
import type { HttpServer } from '../../http/http-server.ts'
import { inTenantOf } from '../../http/in-tenant-of.ts'
import { pageCompletions } from '../../learning/enrollments/page-completions.ts'
import { isUuid } from '../../platform/database/transaction.ts'
import { Moment, pageOf, paging, readMoment } from './read-query.ts'

/** `/rest/v1/learning/completions` */
export function addCompletionRoutes(server: HttpServer): void {
  server.route({
    method: 'GET',
    url: '/rest/v1/learning/completions',
    config: { permission: 'learning.read' },
    schema: {
      tags: ['Learning'],
      summary: 'List completions',
      description:
        'Completed courses and training plans, those of anonymized users under the internal id too. A page has 1,000 unless the request says otherwise.',
      querystring: Type.Object(
        {
          ...paging,
          userId: Type.Optional(Type.String({ maxLength: 64 })),
          contentId: Type.Optional(Type.String({ maxLength: 64, description: 'A course or a training plan' })),
          isRPL: Type.Optional(
            Type.Boolean({ description: 'true: none, because Lethe does not tell prior learning apart' }),
          ),
          completedDateRangeStart: Type.Optional(Moment),
          completedDateRangeEnd: Type.Optional(Moment),
        },
        { additionalProperties: false },
      ),
      response: {
        200: Type.Array(
          Type.Object({
            id: Type.String(),
            userId: Type.String(),
            contentId: Type.String(),
            contentVersion: Type.Integer(),
            skills: Type.Array(Type.String()),
            completionType: Type.Enum(['course', 'training_plan']),
            hadDueDate: Type.Boolean(),
            isRPL: Type.Boolean(),
            completedAt: Type.Unsafe<Date>({ type: 'string', format: 'date-time' }),
            activeUntil: Type.Null(),
          }),
          { description: 'The completions' },
        ),
      },
    },
    handler: async (request) => {
      const { userId, contentId, isRPL, completedDateRangeStart, completedDateRangeEnd, ...query } = request.query
      const page = pageOf(query, 1000)
      const from = completedDateRangeStart && readMoment('completedDateRangeStart', completedDateRangeStart)
      const until = completedDateRangeEnd && readMoment('completedDateRangeEnd', completedDateRangeEnd)
      // An id of another form, such as Thrive's own, belongs to nothing here.
      const ofNothing = [userId, contentId].some((id) => id !== undefined && !isUuid(id))
      if (isRPL === true || ofNothing) return []
      const filter = { userId, contentId, from: from || undefined, until: until || undefined }
      const completions = await inTenantOf(request, (tx) => pageCompletions(tx, filter, page))
      return completions.map(({ id, user_id, content_id, kind, completed_at }) => ({
        id,
        userId: user_id,
        contentId: content_id,
        contentVersion: 1,
        skills: [],
        completionType: kind,
        hadDueDate: false,
        isRPL: false,
        completedAt: completed_at,
        activeUntil: null,
      }))
    },
  })
}
