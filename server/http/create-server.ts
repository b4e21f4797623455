import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import { registerAjvFormats, TypeBoxValidatorCompiler } from '@fastify/type-provider-typebox'
import fastify, { type FastifyBaseLogger, type FastifyReply } from 'fastify'
import type { Logger } from 'pino'
import { v7 as newId } from 'uuid'
import { authenticate } from '../access/authenticate.ts'
import { withCandidates } from '../apis/candidates.ts'
import { addLearn365Api } from '../apis/learn365/learn365-api.ts'
import { addNativeApi } from '../apis/native/native-api.ts'
import type { Application } from '../application.ts'
import { LetheError } from '../platform/errors.ts'
import type { Workers } from '../platform/jobs/work.ts'
import { readJsonWithCare } from './body/read-json.ts'
import { endConnectionsWhenClosing } from './end-connections.ts'
import { problemOf, replyWithError } from './errors/problem-details.ts'
import type { HttpServer } from './http-server.ts'
import { RequestLog, requestLogger } from './log-requests.ts'
import { watchMethods } from './method-refusals.ts'
import { compileAnswersOnce } from './openapi/compile-answers.ts'
import { completeRoute } from './openapi/complete-route.ts'
import { addOpenApi } from './openapi/openapi.ts'
import { addHealthRoutes } from './operations/health-routes.ts'
import { addMetrics } from './operations/metrics.ts'
import { pathOfRequest, readPublicUrl, requireOneHost } from './public-address.ts'
import { addAccess, type RateLimits, usualRateLimits } from './require-access.ts'

export type ServerOptions = {
  log: Logger
  rateLimits?: Partial<RateLimits>
  /** How many proxies in front may be believed about the caller's address; 0: none. */
  trustedProxies?: number
  /** Where people and programs reach the server, such as https://lethe.example.org; links lead there. */
  publicUrl?: string | undefined
  /** What takes jobs in this process, where anything does: `/readyz` says when it does not. */
  workers?: Pick<Workers, 'missingFor' | 'idleFor'> | undefined
}

const bodyLimit = 1024 * 1024
/** A request that takes longer than this to arrive is dropped, in milliseconds. */
const requestTimeout = 60_000
/** A handler that takes longer than this is answered 503, in milliseconds. */
const handlerTimeout = 120_000

registerAjvFormats()

/** Builds the server with all its routes, ready for `inject` or `listen`. Closing it does not close the application. */
export async function buildServer(app: Application, options: ServerOptions): Promise<HttpServer> {
  const requestLog = new RequestLog()
  const server: HttpServer = fastify({
    loggerInstance: requestLogger(options.log) satisfies FastifyBaseLogger as FastifyBaseLogger,
    logController: requestLog,
    bodyLimit,
    requestTimeout,
    handlerTimeout,
    connectionTimeout: requestTimeout,
    forceCloseConnections: 'idle',
    trustProxy: (_address, hop) => hop < (options.trustedProxies ?? 0),
    routerOptions: { maxParamLength: 256 },
    genReqId: ({ headers }) => requestIdOf(headers['x-request-id']),
    requestIdHeader: false,
    rewriteUrl: pathOfRequest,
    schemaController: { compilersFactory: { buildSerializer: compileAnswersOnce() } },
    onProtoPoisoning: 'error',
    onConstructorPoisoning: 'error',
    frameworkErrors: (error, request, reply) => {
      replyWithError(problemOf(error, request), request, reply)
    },
    clientErrorHandler: answerUnreadable,
  }).withTypeProvider<TypeBoxTypeProvider>()
  server.setValidatorCompiler(TypeBoxValidatorCompiler)
  server.setErrorHandler(async (error, request, reply) => {
    const problem = await withCandidates(app, request, problemOf(error, request))
    if (problem.kind === 'failed' || problem.kind === 'unavailable' || problem.kind === 'environment') {
      requestLog.failed(problem, request, reply)
    }
    return replyWithError(problem, request, reply)
  })
  server.setNotFoundHandler((request, reply) => {
    replyWithError(new LetheError('request.unknown_route'), request, reply)
  })
  const publicUrl = options.publicUrl === undefined ? undefined : readPublicUrl(options.publicUrl)
  server.addHook('onRequest', (request, reply, done) => {
    reply.headers({ 'x-request-id': request.id, ...securityHeaders })
    done()
  })
  server.addHook('onSend', (request, reply, payload, done) => {
    if (request.headers['sec-fetch-dest'] === 'empty') challengeScript(reply)
    done(null, payload)
  })
  requireOneHost(server, publicUrl)
  readJsonWithCare(server)
  endConnectionsWhenClosing(server)
  const methods = watchMethods(server)
  server.addHook('onRoute', (route) => {
    if (/^\/docs(\/|$)/.test(route.url)) route.config = { ...route.config, permission: 'public' }
    completeRoute(route)
  })
  await addOpenApi(server)
  await addAccess(server, {
    authenticate: ({ headers: { authorization, cookie } }) => authenticate(app.database, { authorization, cookie }),
    rateLimits: { ...usualRateLimits, ...options.rateLimits },
  })
  addMetrics(server, app)
  addHealthRoutes(server, app, options.workers)
  await addNativeApi(server, app)
  addLearn365Api(server, app)
  methods.addRefusals()
  return server
}

/** Nothing here is a page except /docs, which brings a policy of its own. */
const securityHeaders = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'x-frame-options': 'DENY',
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
}

/**
 * Never asks a script of a page for Basic. The browser would open its own window for that, and withhold the response
 * from the script until the user closes it.
 */
function challengeScript(reply: FastifyReply): void {
  const challenge = reply.getHeader('www-authenticate')
  if (typeof challenge === 'string' && challenge.startsWith('Basic')) {
    reply.header('www-authenticate', challenge.replace('Basic', 'Session'))
  }
}

// What callers send stands in logs: only forms that nobody puts a name into. UUIDs, and the ids of traces.
function requestIdOf(given: string | string[] | undefined): string {
  const isId = typeof given === 'string' && /^([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{16,64})$/i.test(given)
  return isId ? given : newId()
}

/** Answers what is no HTTP at all, or has no end. The server reads none of it, so there is no request to speak of. */
function answerUnreadable(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const status = error.code === 'HPE_HEADER_OVERFLOW' ? 431 : error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 408 : 400
  const body = JSON.stringify({
    type: 'urn:lethe:problem:request.malformed',
    title: STATUS_CODES[status],
    status,
    detail: 'The request cannot be read.',
    code: 'request.malformed',
  })
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Type: application/problem+json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  )
}
