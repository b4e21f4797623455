import type { FastifyReply, FastifyRequest } from 'fastify'
import type { LetheError } from '../../platform/errors.ts'
import { type ErrorFormat, statusOf } from './error-format.ts'

/** Answers an error in this format. What is not known is a 500 that says nothing of what happened. */
export function answerError(
  error: LetheError,
  request: FastifyRequest,
  reply: FastifyReply,
  format: ErrorFormat,
): FastifyReply {
  const { retryAfter, challenge, allowed } = (error.details ?? {}) as Record<string, unknown>
  const { method, body: sent } = request
  const route = request.routeOptions.url
  const status = statusOf(format, error.kind, { method, route })
  if (typeof retryAfter === 'number') reply.header('retry-after', retryAfter)
  if (status === 503) reply.header('retry-after', 5)
  if (status === 401) reply.header('www-authenticate', challengeOf(challenge))
  if (status === 405 && Array.isArray(allowed)) reply.header('allow', allowed.join(', '))
  reply.code(status).type(format.mediaType)
  return reply.send(JSON.stringify(format.body(error, { status, requestId: request.id, method, route, sent })))
}

function challengeOf(challenge: unknown): string {
  // A scheme of its own: at Basic, a browser would ask for a password.
  if (challenge === undefined || challenge === 'session') return 'Session realm="Lethe"'
  return challenge === 'Bearer' ? 'Bearer realm="Lethe"' : 'Basic realm="Lethe", charset="UTF-8"'
}
