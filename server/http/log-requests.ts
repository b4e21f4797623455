import { type FastifyReply, type FastifyRequest, LogController } from 'fastify'
import type { Logger } from 'pino'
import { codeOf } from '../platform/database/pool.ts'
import { isLetheError } from '../platform/errors.ts'
import { stackOf } from '../platform/stack-of.ts'

/**
 * One line a request: which route, what came of it, how long it took. The pattern of the route stands for the path, which
 * may hold identifiers of people; the query, bodies and headers never get here. The same for the framework's own lines.
 */
export class RequestLog extends LogController {
  constructor() {
    super({ requestIdLogLabel: 'request' })
  }

  override incomingRequest(): void {
    // The line of the answer says it all.
  }
  override routeNotFound(): void {
    // The same.
  }

  override requestCompleted(error: Error | null | undefined, request: FastifyRequest, reply: FastifyReply): void {
    const line = {
      method: request.method,
      route: request.routeOptions.url ?? 'none',
      status: reply.statusCode,
      ms: Math.round(reply.elapsedTime * 10) / 10,
      ...(request.principal?.tenantId !== undefined && { tenant: request.principal.tenantId }),
    }
    if (error) reply.log.error({ ...line, ...errorLine(error) }, 'request failed')
    else reply.log.info(line, 'request')
  }

  override defaultErrorLog(error: Error, request: FastifyRequest, reply: FastifyReply): void {
    this.failed(error, request, reply)
  }
  override streamError(error: Error, request: FastifyRequest, reply: FastifyReply): void {
    // The caller went away.
    if (codeOf(error) === 'ERR_STREAM_PREMATURE_CLOSE') return
    this.failed(error, request, reply)
  }
  override writeHeadError(error: Error, request: FastifyRequest, reply: FastifyReply): void {
    this.failed(error, request, reply)
  }
  override serializerError(error: Error, request: FastifyRequest, reply: FastifyReply): void {
    this.failed(error, request, reply)
  }

  /** Logs an error that the caller is not told about. */
  failed(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
    reply.log.error(
      { method: request.method, route: request.routeOptions.url ?? 'none', ...errorLine(error) },
      'a request failed',
    )
  }
}

/** The log that the server writes to: whatever is logged of an error, a request or an answer loses what may be personal. */
export function requestLogger(log: Logger): Logger {
  return log.child(
    {},
    { serializers: { err: errorLine, error: errorLine, req: () => undefined, res: () => undefined } },
  )
}

function errorLine(error: unknown): { code: string; cause?: string; stack: string[] } {
  const origin = isLetheError(error) ? (error.cause ?? error) : error
  const cause = codeOf(origin)
  const code = isLetheError(error) ? error.code : 'internal.unexpected'
  return { code, ...(cause !== undefined && cause !== code && { cause }), stack: stackOf(origin) }
}
