import type { FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import {
  type AcknowledgedErasure,
  acknowledgeErasure,
  showAcknowledgement,
} from '../../erasure/acknowledgements/acknowledge.ts'
import { acknowledgementError } from '../../erasure/acknowledgements/errors.ts'
import { asksFor } from '../../http/accepts.ts'
import type { HttpServer } from '../../http/http-server.ts'
import { mediaTypes } from '../../http/openapi/shared-schema.ts'
import { type Answer, escapeHtml, pageOf, sendPage } from './page.ts'

const Params = Type.Object({ token: Type.String({ minLength: 1, maxLength: 128 }) })

const json = {
  type: 'object',
  required: ['tenant', 'request', 'operation', 'people', 'acknowledged_at'],
  properties: {
    tenant: { type: 'string', description: 'The name of the tenant' },
    request: { type: 'string', format: 'uuid', description: 'The id of the erasure request' },
    operation: { type: 'string', enum: ['purge', 'anonymize'] },
    people: { type: 'integer', description: 'How many people are erased' },
    acknowledged_at: { type: ['string', 'null'], format: 'date-time', description: 'Null: not acknowledged yet' },
  },
}
const html = { type: 'string' }
const response = {
  200: mediaTypes('The erasure, without data of the erased people', { 'text/html': html, 'application/json': json }),
  404: mediaTypes('The link is not valid', { 'text/html': html }),
}

/** `/acknowledge/:token`: GET only shows, because programs open links before people do; POST acknowledges. */
export function addAcknowledgePage(server: HttpServer): void {
  const shared = { url: '/acknowledge/:token', config: { permission: 'public' as const, guarded: true, errors: [] } }
  const tags = ['Erasures']
  server.route({
    ...shared,
    method: 'GET',
    schema: {
      tags,
      summary: 'The page that asks a receiver of data to acknowledge an erasure',
      description: 'Changes nothing. With `Accept: application/json`, the same as JSON.',
      params: Params,
      response,
    },
    handler: (request, reply) =>
      answer(request, reply, (token) => showAcknowledgement(server.database, token), formatQuestion),
  })
  server.route({
    ...shared,
    method: 'POST',
    schema: {
      tags,
      summary: 'Acknowledge by a link that the people of an erasure request are erased in your system too',
      description:
        'Acknowledges once; a second time returns the first answer. The acknowledgement becomes a signed addendum of the certificate.',
      params: Params,
      response,
    },
    handler: (request, reply) =>
      answer(request, reply, (token) => acknowledgeErasure(server.database, token), formatAcknowledged),
  })
}

async function answer(
  request: FastifyRequest<{ Params: { token: string } }>,
  reply: FastifyReply,
  act: (token: string) => Promise<AcknowledgedErasure>,
  format: (erasure: AcknowledgedErasure) => string,
): Promise<FastifyReply> {
  reply.header('vary', 'accept')
  const { token } = request.params
  if (asksFor(request, 'application/json')) {
    const erasure = await act(token)
    return await reply.type('application/json; charset=utf-8').send(JSON.stringify(erasure))
  }
  return await sendPage(reply, async () => format(await act(token)), errorPage)
}

function formatQuestion(erasure: AcknowledgedErasure): string {
  if (erasure.acknowledged_at !== null) return formatAcknowledged(erasure)
  return pageOf(
    'Acknowledge an erasure',
    `<p>${about(erasure)} Their data may also be in your system.</p>
<p>If you acknowledge, you say that these people are erased in your system too. The acknowledgement becomes a part of the signed certificate of the erasure.</p>
<form method="post"><button type="submit">Yes, they are erased here too</button></form>
<p>If they are not erased yet, close this page. Nothing changes.</p>`,
  )
}

function formatAcknowledged(erasure: AcknowledgedErasure): string {
  return pageOf(
    'The erasure is acknowledged',
    `<p>${about(erasure)} Your system acknowledged it at ${erasure.acknowledged_at?.toISOString() ?? ''}. You can close this page.</p>`,
  )
}

function about({ tenant, request, operation, people }: AcknowledgedErasure): string {
  const done = operation === 'purge' ? 'purged' : 'anonymized'
  const count = people === 1 ? '1 person' : `${people} people`
  return `The tenant <q>${escapeHtml(tenant)}</q> has ${done} ${count} with the erasure request ${request}.`
}

function errorPage(error: unknown): Answer | undefined {
  if (!acknowledgementError.is(error, 'acknowledgement.link_invalid')) return undefined
  return { status: 404, page: pageOf('This link is not valid', `<p>${escapeHtml(error.message)}</p>`) }
}
