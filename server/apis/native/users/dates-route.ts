import { Type } from 'typebox'
import type { HttpServer } from '../../../http/http-server.ts'
import { inTenantOf } from '../../../http/in-tenant-of.ts'
import { setEmploymentDates } from '../../../people/lifecycle/employment-dates.ts'
import { IdParams } from '../schemas.ts'
import { User } from './schemas.ts'

const SettableTime = Type.Unsafe<string | null>({ type: ['string', 'null'], format: 'date-time' })

const DatesBody = Type.Partial(Type.Object({ starts_at: SettableTime, ends_at: SettableTime }), {
  additionalProperties: false,
  examples: [{ ends_at: '2027-01-31T17:00:00Z' }],
})

/** `/api/v1/users/{id}/dates` */
export function addDatesRoute(server: HttpServer): void {
  server.route({
    method: 'PUT',
    url: '/api/v1/users/:id/dates',
    config: { permission: 'users.write', errors: [404, 409] },
    schema: {
      tags: ['Users'],
      summary: 'Set when a user starts and leaves',
      description:
        'The account is suspended until `starts_at` and from `ends_at`, within a minute of these times. An absent time stays; null clears it.',
      params: IdParams,
      body: DatesBody,
      response: { 200: User.ref },
    },
    handler: (request) =>
      inTenantOf(request, (tx) => {
        const { starts_at, ends_at } = request.body
        const timeOf = (text: string | null | undefined) => (typeof text === 'string' ? new Date(text) : text)
        return setEmploymentDates(tx, request.params.id, { startsAt: timeOf(starts_at), endsAt: timeOf(ends_at) })
      }),
  })
}
