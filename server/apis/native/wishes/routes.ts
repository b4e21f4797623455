import { Type } from 'typebox'
import { acceptWish, refuseWish } from '../../../erasure/wishes/decide-wish.ts'
import { listWishes } from '../../../erasure/wishes/list-wishes.ts'
import { makeWish, mostWishes, wishDays, withdrawWish } from '../../../erasure/wishes/make-wish.ts'
import { wishStates } from '../../../erasure/wishes/wish.ts'
import type { HttpServer } from '../../../http/http-server.ts'
import { IdempotencyHeaders, withIdempotency } from '../../../http/idempotency.ts'
import { inTenantOf } from '../../../http/in-tenant-of.ts'
import { sharedSchema } from '../../../http/openapi/shared-schema.ts'
import { findUser } from '../../../people/accounts/find-users.ts'
import { type RefusalReason, refusalReasonCodes } from '../../../people/lifecycle/justifications.ts'
import { operations } from '../erasures/schemas.ts'
import {
  ActingCredential,
  asPage,
  Id,
  IdParams,
  NullableId,
  NullableText,
  NullableTime,
  Paging,
  pageOf,
  paging,
  Time,
} from '../schemas.ts'

const tags = ['Erasures']
const ofUser = '/api/v1/users/:id/erasure-wishes'
const url = '/api/v1/erasure-wishes'

const Wish = sharedSchema(
  'ErasureWish',
  Type.Object(
    {
      id: Id,
      user_id: Id,
      state: Type.Enum([...wishStates]),
      created_at: Time,
      decided_at: NullableTime,
      decided_by: NullableId,
      decided_by_credential: ActingCredential,
      refusal_reason: Type.Unsafe<RefusalReason | null>({
        type: ['string', 'null'],
        enum: [...refusalReasonCodes, null],
      }),
      refusal_term: Type.Unsafe<string | null>({
        ...NullableText,
        description: 'The term of the W3C Data Privacy Vocabulary for the reason, as an IRI',
      }),
      note: NullableText,
      request_id: Type.Unsafe<string | null>({
        ...NullableId,
        description: 'The erasure request that the acceptance made',
      }),
    },
    { description: 'The wish of a user to be erased. It erases nothing until an administrator accepts it' },
  ),
)

/** `/api/v1/users/:id/erasure-wishes` and `/api/v1/erasure-wishes` */
export function addWishRoutes(server: HttpServer): void {
  server.addSchema(Wish.schema)
  addRoutesOfUser(server)
  server.route({
    method: 'GET',
    url,
    config: { permission: 'wishes.read' },
    schema: {
      tags,
      summary: 'List the wishes to be erased, newest first',
      querystring: Type.Object(
        { ...paging, state: Type.Optional(Type.Enum([...wishStates])) },
        { additionalProperties: false },
      ),
      response: { 200: pageOf('wishes', Wish.ref) },
    },
    handler: (request) => asPage(inTenantOf(request, (tx) => listWishes(tx, request.query))),
  })
  server.route({
    method: 'POST',
    url: `${url}/:id/accept`,
    config: { permission: 'wishes.decide', errors: [404, 409] },
    schema: {
      tags,
      summary: 'Accept a wish to be erased, which makes an erasure request',
      description:
        'Deletes the user and makes the erasure request in one transaction. The person gets an e-mail before the erasure begins. Cannot be undone once a worker has erased the person.',
      headers: IdempotencyHeaders,
      params: IdParams,
      body: Type.Object(
        {
          operation: Type.Optional(Type.Enum([...operations], { description: 'Default: purge' })),
          reason: Type.Optional(Type.String({ maxLength: 2000, description: 'Stored with the erasure request' })),
        },
        { additionalProperties: false, examples: [{ operation: 'purge' }] },
      ),
      response: {
        202: Type.Object(
          {
            id: Type.String({ format: 'uuid', description: 'Of the erasure request' }),
            salt: Type.Optional(
              Type.Unsafe<string | null>({ ...NullableText, description: 'As of a new erasure request' }),
            ),
          },
          { description: 'Requested; Location has the address of the request' },
        ),
      },
    },
    handler: (request, reply) =>
      withIdempotency(request, reply, async (tx) => {
        const { operation = 'purge', reason } = request.body
        const { request_id, salt } = await acceptWish(tx, { wish: request.params.id, operation, reason })
        const id = request_id ?? ''
        return {
          status: 202,
          location: `/api/v1/erasures/${id}`,
          body: { id, ...(salt !== undefined && { salt }) },
          omitOnReplay: ['salt'] as const,
        }
      }),
  })
  server.route({
    method: 'POST',
    url: `${url}/:id/refuse`,
    config: { permission: 'wishes.decide', errors: [404, 409] },
    schema: {
      tags,
      summary: 'Refuse a wish to be erased; the person is told the reason',
      params: IdParams,
      body: Type.Object(
        {
          reason: Type.Enum([...refusalReasonCodes]),
          note: Type.Optional(Type.String({ maxLength: 2000, description: 'Sent to the person' })),
        },
        { additionalProperties: false, examples: [{ reason: 'legal_obligation' }] },
      ),
      response: { 200: Wish.ref },
    },
    handler: (request) => inTenantOf(request, (tx) => refuseWish(tx, { wish: request.params.id, ...request.body })),
  })
}

function addRoutesOfUser(server: HttpServer): void {
  server.route({
    method: 'POST',
    url: ofUser,
    config: { permission: 'wishes.make', target: 'id', errors: [404, 409] },
    schema: {
      tags,
      summary: 'Make the wish of a user to be erased',
      description: `Learners can make it for the own account. A user has one open wish at a time, and makes at most ${mostWishes} in ${wishDays} days.`,
      headers: IdempotencyHeaders,
      params: IdParams,
      response: { 201: Wish.ref },
    },
    handler: (request, reply) =>
      withIdempotency(request, reply, async (tx) => {
        const wish = await makeWish(tx, { userId: request.params.id })
        return {
          status: 201,
          location: `/api/v1/users/${wish.user_id}/erasure-wishes`,
          body: wish,
          subjectUserId: wish.user_id,
        }
      }),
  })
  server.route({
    method: 'GET',
    url: ofUser,
    config: { permission: 'wishes.make', target: 'id', errors: [404] },
    schema: {
      tags,
      summary: 'List the wishes of a user to be erased, newest first',
      params: IdParams,
      querystring: Paging,
      response: { 200: pageOf('wishes', Wish.ref) },
    },
    handler: (request) =>
      asPage(
        inTenantOf(request, async (tx) => {
          const { id: userId } = await findUser(tx, { by: 'id', value: request.params.id })
          return await listWishes(tx, { userId, ...request.query })
        }),
      ),
  })
  server.route({
    method: 'POST',
    url: `${ofUser}/withdraw`,
    config: { permission: 'wishes.make', target: 'id', errors: [404, 409] },
    schema: {
      tags,
      summary: 'Withdraw the open wish of a user to be erased',
      params: IdParams,
      response: { 200: Wish.ref },
    },
    handler: (request) => inTenantOf(request, (tx) => withdrawWish(tx, { userId: request.params.id })),
  })
}
