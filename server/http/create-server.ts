import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import { registerAjvFormats, TypeBoxValidatorCompiler } from '@fastify/type-provider-typebox'
import fastify, { type FastifyBaseLogger, type FastifyReply, type FastifyRequest } from 'fastify'
import type { Logger } from 'pino'
import { v7 as newId } from 'uuid'
import type { Database } from '../platform/database/pool.ts'
import type { LetheError } from '../platform/errors.ts'
import type { Workers } from '../platform/jobs/work.ts'
import { type Api, apiAt } from './api.ts'
import { checkInput } from './body/check-input.ts'
import { readJson, refuseOtherContentTypes } from './body/read-json.ts'
import { endConnectionsWhenClosing } from './end-connections.ts'
import { answerError } from './errors/answer-error.ts'
import { answerUnreadable } from './errors/answer-unreadable.ts'
import { errorCodeSchema } from './errors/error-code.ts'
import type { ErrorFormat } from './errors/error-format.ts'
import { problemDetails } from './errors/problem-details.ts'
import { type Recognize, recognizeError } from './errors/recognize-error.ts'
import type { HttpServer } from './http-server.ts'
import { RequestLog, requestLogger } from './log-requests.ts'
import { mountApi, refuseUnknownAddress } from './mount-api.ts'
import { compileAnswersOnce } from './openapi/compile-answers.ts'
import { completeRoute } from './openapi/complete-route.ts'
import { addOpenApi, type DocumentOptions } from './openapi/openapi.ts'
import { measureRequests } from './operations/metrics.ts'
import { operationsApi } from './operations/operations-api.ts'
import { pathOfRequest, readPublicUrl, requireOneHost } from './public-address.ts'
import { type Authenticate, addAccess, type RateLimits, usualRateLimits } from './require-access.ts'

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

/** What the frame is told by the one file that puts everything together. */
export type FrameOptions = ServerOptions & {
  database: Database
  /** Where the embedded database keeps its files; undefined where the database is another server's. */
  dataFolder?: string | undefined
  apis: readonly Api[]
  authenticate: Authenticate
  document: DocumentOptions
  /** The codes of errors that the document lists. */
  errorCodes: readonly string[]
  /** How errors are answered at addresses of no API, and by APIs without a format of their own. Default: problem details. */
  errors?: ErrorFormat
  /** Knows the errors of the database that only the rooms can tell apart. */
  recognize?: Recognize
  /** Reads what the answer to an error may tell this caller besides; the answer waits for it. */
  completeError?: (error: LetheError, request: FastifyRequest) => Promise<void>
}

const bodyLimit = 1024 * 1024
/** A request that takes longer than this to arrive is dropped, in milliseconds. */
const requestTimeout = 60_000
/** A handler that takes longer than this is answered 503, in milliseconds. */
const handlerTimeout = 120_000
/** A connection without traffic is closed after this time, in milliseconds. A handler must be able to answer before. */
const connectionTimeout = handlerTimeout + 10_000

registerAjvFormats()

/** Builds the server with these APIs, ready for `inject` or `listen`. Closing it does not close the database. */
export async function createServer(options: FrameOptions): Promise<HttpServer> {
  const { database, document, recognize = () => undefined, completeError = async () => undefined } = options
  const frameFormat = options.errors ?? problemDetails()
  const operations = operationsApi({ ...options, title: document.info.title })
  const apis = [operations, ...options.apis]
  const formatOf = (api: Api | undefined) => api?.errors ?? frameFormat
  const formatAt = (url: string) => formatOf(apiAt(apis, url))
  const recognized = (error: unknown, request: FastifyRequest) => recognizeError(error, request, recognize)

  const requestLog = new RequestLog()
  const server: HttpServer = fastify({
    loggerInstance: requestLogger(options.log) satisfies FastifyBaseLogger as FastifyBaseLogger,
    logController: requestLog,
    bodyLimit,
    requestTimeout,
    handlerTimeout,
    connectionTimeout,
    forceCloseConnections: 'idle',
    trustProxy: (_address, hop) => hop < (options.trustedProxies ?? 0),
    routerOptions: { maxParamLength: 256 },
    genReqId: ({ headers }) => requestIdOf(headers['x-request-id']),
    requestIdHeader: false,
    rewriteUrl: pathOfRequest,
    // As factories, because a context with schemas of its own makes its compilers anew: what `setValidatorCompiler` sets does
    // not hold there.
    schemaController: {
      compilersFactory: {
        // Its type knows the compilers of Ajv only.
        buildValidator: (() => TypeBoxValidatorCompiler) as never,
        buildSerializer: compileAnswersOnce(),
      },
    },
    onProtoPoisoning: 'error',
    onConstructorPoisoning: 'error',
    frameworkErrors: (error, request, reply) => {
      answerError(recognized(error, request), request, reply, formatAt(request.url))
    },
    clientErrorHandler: (error, socket) => answerUnreadable(error, socket, formatAt),
  }).withTypeProvider<TypeBoxTypeProvider>()

  const answer = async (error: unknown, request: FastifyRequest, reply: FastifyReply, format: ErrorFormat) => {
    let found = recognized(error, request)
    try {
      await completeError(found, request)
    } catch (failure) {
      found = recognized(failure, request)
    }
    if (found.kind === 'failed' || found.kind === 'unavailable' || found.kind === 'environment') {
      requestLog.failed(found, request, reply)
    }
    return answerError(found, request, reply, format)
  }
  // What is no API's by its place may be one's by its address: `/api/v1.old` is not below `/api/v1`, and looks like it.
  server.setErrorHandler((error, request, reply) => answer(error, request, reply, formatAt(request.url)))
  server.setNotFoundHandler(refuseUnknownAddress)

  const publicUrl = options.publicUrl === undefined ? undefined : readPublicUrl(options.publicUrl)
  server.decorate('database', database)
  addHeaders(server)
  requireOneHost(server, publicUrl)
  refuseOtherContentTypes(server)
  readJson(server, ['application/json', 'application/merge-patch+json'])
  checkInput(server)
  endConnectionsWhenClosing(server)
  server.addHook('onRoute', (route) => {
    if (/^\/docs(\/|$)/.test(route.url)) route.config = { ...route.config, permission: 'public' }
    completeRoute(route, formatAt(route.url), document.credentials)
  })
  addErrorSchemas(server, options.errorCodes, [frameFormat, ...apis.map(formatOf)])
  // The groups of the frame come behind those of the APIs.
  await addOpenApi(server, [...options.apis, operations], document)
  await addAccess(server, {
    authenticate: options.authenticate,
    rateLimits: { ...usualRateLimits, ...options.rateLimits },
  })
  measureRequests(server)
  for (const api of apis) {
    await mountApi(server, api, (error, request, reply) => answer(error, request, reply, formatOf(api)))
  }
  return server
}

/** Adds the list of codes, and the schema of each format once. */
function addErrorSchemas(server: HttpServer, codes: FrameOptions['errorCodes'], formats: ErrorFormat[]): void {
  server.addSchema(errorCodeSchema(codes))
  for (const { schema } of new Set(formats.map((format) => format.schema))) server.addSchema(schema)
}

/** Gives every response the id of its request and the headers of security. */
function addHeaders(server: HttpServer): void {
  server.addHook('onRequest', (request, reply, done) => {
    reply.headers({ 'x-request-id': request.id, ...securityHeaders })
    done()
  })
  server.addHook('onSend', (request, reply, payload, done) => {
    if (request.headers['sec-fetch-dest'] === 'empty') challengeScript(reply)
    done(null, payload)
  })
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
