import { Type } from 'typebox'
import { listCovered, listHolds, showHold } from '../../../holds/list-holds.ts'
import { placeHold } from '../../../holds/place-hold.ts'
import { releaseHold } from '../../../holds/release-hold.ts'
import { updateHold } from '../../../holds/update-hold.ts'
import type { HttpServer } from '../../../http/http-server.ts'
import { IdempotencyHeaders, withIdempotency } from '../../../http/idempotency.ts'
import { inTenantOf } from '../../../http/in-tenant-of.ts'
import { sharedSchema } from '../../../http/openapi/shared-schema.ts'
import { userStates } from '../../../people/accounts/user.ts'
import { holdReasonCodes } from '../../../people/lifecycle/justifications.ts'
import {
  ActingCredential,
  asPage,
  Id,
  IdParams,
  Nothing,
  NullableId,
  NullableText,
  NullableTime,
  Paging,
  pageOf,
  paging,
  Time,
} from '../schemas.ts'

const tags = ['Legal holds']
const url = '/api/v1/holds'

const Reason = Type.Enum([...holdReasonCodes])
const Note = Type.String({ minLength: 1, maxLength: 2000 })

const hold = {
  id: Id,
  reason: Reason,
  dpv_reason: Type.String({ description: 'The term of the W3C Data Privacy Vocabulary for the reason' }),
  note: NullableText,
  owner_id: Type.Unsafe<string | null>({ ...NullableId, description: 'The person who answers for the hold' }),
  created_at: Time,
  created_by: NullableId,
  created_by_credential: ActingCredential,
  released_at: Type.Unsafe<Date | null>({ ...NullableTime, description: 'Null while the hold is in force' }),
  released_by: NullableId,
  released_by_credential: ActingCredential,
  users: Type.Integer({ description: 'Users that the hold names' }),
  groups: Type.Integer(),
  people: Type.Integer({ description: 'People that the hold covers now, by name or as members of its groups' }),
}

const Hold = sharedSchema('LegalHold', Type.Object(hold, { description: 'A legal hold' }))
const HoldWithGroups = sharedSchema(
  'LegalHoldWithGroups',
  Type.Object({ ...hold, group_ids: Type.Array(Id) }, { description: 'A legal hold with its groups' }),
)

const Ids = Type.Array(Id, { maxItems: 10_000 })

/** `/api/v1/holds` */
export function addHoldRoutes(server: HttpServer): void {
  for (const { schema } of [Hold, HoldWithGroups]) server.addSchema(schema)
  addReading(server)
  addChanging(server)
}

function addReading(server: HttpServer): void {
  server.route({
    method: 'GET',
    url,
    config: { permission: 'holds.read' },
    schema: {
      tags,
      summary: 'List the legal holds, newest first',
      querystring: Type.Object(
        {
          ...paging,
          released: Type.Optional(Type.Boolean({ default: false, description: 'Released holds too' })),
          user: Type.Optional(Type.String({ format: 'uuid', description: 'Only holds that cover this user' })),
        },
        { additionalProperties: false },
      ),
      response: { 200: pageOf('holds', Hold.ref) },
    },
    handler: (request) => {
      const { user, ...options } = request.query
      return asPage(
        inTenantOf(request, (tx) => listHolds(tx, { ...options, ...(user !== undefined && { userId: user }) })),
      )
    },
  })
  server.route({
    method: 'GET',
    url: `${url}/:id`,
    config: { permission: 'holds.read', errors: [404] },
    schema: { tags, summary: 'Read a legal hold', params: IdParams, response: { 200: HoldWithGroups.ref } },
    handler: (request) => inTenantOf(request, (tx) => showHold(tx, request.params.id)),
  })
  server.route({
    method: 'GET',
    url: `${url}/:id/people`,
    config: { permission: 'holds.read', errors: [404] },
    schema: {
      tags,
      summary: 'List the people that a legal hold covers now, by id',
      params: IdParams,
      querystring: Paging,
      response: {
        200: pageOf(
          'people',
          Type.Object({
            id: Id,
            state: Type.Enum([...userStates]),
            named: Type.Boolean({
              description: 'The hold names the person; otherwise a group of the hold has the person',
            }),
          }),
        ),
      },
    },
    handler: (request) =>
      asPage(inTenantOf(request, (tx) => listCovered(tx, { holdId: request.params.id, ...request.query }))),
  })
}

function addChanging(server: HttpServer): void {
  server.route({
    method: 'POST',
    url,
    config: { permission: 'holds.manage', errors: [404] },
    schema: {
      tags,
      summary: 'Place a legal hold on users and directory groups',
      description: 'Until the release, no operation erases the people that the hold covers.',
      headers: IdempotencyHeaders,
      body: Type.Object(
        {
          reason: Reason,
          note: Type.Optional(Note),
          user_ids: Type.Optional(Ids),
          group_ids: Type.Optional(Ids),
          owner_id: Type.Optional(
            Type.String({ format: 'uuid', description: 'The person who answers for the hold; default: the caller' }),
          ),
        },
        { additionalProperties: false },
      ),
      response: {
        201: Type.Object(
          { id: Id, people: Type.Integer({ description: 'The number of people that the hold covers now' }) },
          { description: 'Placed; Location has the address of the hold' },
        ),
      },
    },
    handler: (request, reply) => {
      const { reason, note, user_ids: userIds, group_ids: groupIds, owner_id: ownerId } = request.body
      return withIdempotency(request, reply, async (tx) => {
        const body = await placeHold(tx, { reason, note, userIds, groupIds, ownerId })
        return { status: 201, location: `${url}/${body.id}`, body }
      })
    },
  })
  server.route({
    method: 'PATCH',
    url: `${url}/:id`,
    config: { permission: 'holds.manage', errors: [404, 409] },
    schema: {
      tags,
      summary: 'Change reason, note or owner of a legal hold',
      params: IdParams,
      body: Type.Object(
        {
          reason: Type.Optional(Reason),
          note: Type.Optional(Type.Unsafe<string | null>({ type: ['string', 'null'], minLength: 1, maxLength: 2000 })),
          owner_id: Type.Optional(Id),
        },
        { additionalProperties: false },
      ),
      response: { 200: HoldWithGroups.ref },
    },
    handler: (request) => {
      const { reason, note, owner_id: ownerId } = request.body
      return inTenantOf(request, async (tx) => {
        await updateHold(tx, request.params.id, { reason, note, ownerId })
        return await showHold(tx, request.params.id)
      })
    },
  })
  server.route({
    method: 'POST',
    url: `${url}/:id/release`,
    config: { permission: 'holds.manage', errors: [404, 409] },
    schema: {
      tags,
      summary: 'Release a legal hold',
      description: 'Erasures that waited for it go on by themselves. A released hold stays in the list.',
      params: IdParams,
      response: { 204: Nothing },
    },
    handler: async (request, reply) => {
      await inTenantOf(request, (tx) => releaseHold(tx, request.params.id))
      return reply.code(204).send(null)
    },
  })
}
