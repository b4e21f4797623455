import { Type } from 'typebox'
import type { HttpServer } from '../../http/http-server.ts'
import { tenantOf } from '../../http/in-tenant-of.ts'
import { principalOf } from '../../http/require-access.ts'
import { peopleError } from '../../people/errors.ts'
import { type DescribedAccount, eventTypes } from '../../received-events/event.ts'
import { receiveEvent } from '../../received-events/receive-event.ts'
import { UserChanges } from './bodies.ts'
import { changeAccount, createAccount, suspendAccount } from './change-accounts.ts'
import { Moment, readMoment } from './read-query.ts'

const { ref, ...fields } = UserChanges.properties

const EventUser = Type.Object(
  { ...fields, ref: Type.Unsafe<string>({ ...ref, description: 'Names the user' }) },
  {
    additionalProperties: false,
    required: ['ref'],
  },
)
type EventUser = { ref: string } & UserChanges

/** `POST /webhooks`: events about users that another system sends. */
export function addEventRoutes(server: HttpServer): void {
  server.route({
    method: 'POST',
    url: '/webhooks',
    config: { permission: 'events.send', errors: [404, 422, 500] },
    schema: {
      tags: ['Webhooks'],
      summary: 'Provision and manage user accounts',
      description:
        '`user_joined` creates a user, or ends a suspension. `user_updated` changes the fields that it gives. `user_suspended` suspends, and `user_deleted` does the same as deleting the user by ref. An event with the same id and body is applied once, and gets the same response for 30 days. The newest change wins, whichever way it came: what is older than that is ignored. No event brings back a user who was erased after it. For anonymized users that holds for 24 hours.',
      body: Type.Object(
        {
          id: Type.String({ minLength: 1, maxLength: 255, description: 'One for each event, chosen by the sender' }),
          timestamp: Type.Unsafe<string>({ ...Moment, description: 'When it happened, by the clock of the sender' }),
          eventType: Type.Enum([...eventTypes]),
          content: Type.Object({ user: EventUser }, { additionalProperties: false }),
        },
        {
          additionalProperties: false,
          examples: [
            {
              id: 'UNIQUEREFERENCE111000',
              timestamp: '2020-03-09T22:18:26.625Z',
              eventType: 'user_joined',
              content: { user: { ref: 'UID30084022', email: 'ann@example.org', firstName: 'Ann', lastName: 'Aster' } },
            },
          ],
        },
      ),
      response: {
        200: Type.Object(
          {
            success: Type.Literal(true),
            applied: Type.Boolean({ description: 'false: the event was ignored' }),
            reason: Type.Optional(
              Type.Enum(['late', 'erased'], {
                description:
                  '`late`: something newer is known of the user. `erased`: the user was erased after the event',
              }),
            ),
          },
          { description: 'Received' },
        ),
      },
    },
    async handler(request) {
      const { body } = request
      const user: EventUser = body.content.user
      const result = await receiveEvent(request.server.database, {
        tenant: tenantOf(request),
        initiator: principalOf(request).initiator,
        event: {
          id: body.id,
          at: readMoment('timestamp', body.timestamp),
          type: body.eventType,
          ref: user.ref,
          body,
          account: accountOf(user),
        },
      })
      if (result.outcome === 'unknown_user') throw peopleError('user.not_found', { selector: 'ref' })
      return {
        success: true as const,
        applied: result.outcome === 'applied',
        ...('reason' in result && { reason: result.reason }),
      }
    },
  })
}

/** The columns that each field of Thrive changes. */
const columnsOf: Record<Exclude<keyof EventUser, 'ref'>, readonly string[]> = {
  email: ['email'],
  firstName: ['first_name'],
  lastName: ['last_name'],
  loginMethod: ['login_name'],
  role: ['roles'],
  jobTitle: ['job_title'],
  managerRef: ['manager_id'],
  startDate: ['starts_at'],
  endDate: ['ends_at'],
  timeZone: ['time_zone'],
  languageCode: ['locale'],
  additionalFields: ['custom_fields'],
  // Accepted and ignored.
  sso: [],
  domain: [],
}

function accountOf({ ref: sent, ...given }: EventUser): DescribedAccount {
  const named = (names: readonly string[]): UserChanges =>
    Object.fromEntries(Object.entries(given).filter(([name]) => names.includes(name)))
  const { email, loginMethod, role, ...others } = given
  return {
    columns: Object.fromEntries(Object.entries(columnsOf).filter(([name]) => Object.hasOwn(given, name))),
    identifiers: { email },
    create: (tx, { asLearner }) =>
      createAccount(tx, {
        ...others,
        ...(email !== undefined && { email }),
        ...(role !== undefined && !asLearner && { role }),
        loginMethod: loginMethod ?? (email == null ? 'ref' : 'email'),
        ref: sent.trim(),
      }),
    change: (tx, user, names) => changeAccount(tx, user, named(names)),
    suspend: (tx, user) => suspendAccount(tx, user, { endDate: given.endDate }),
  }
}
