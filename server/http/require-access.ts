import rateLimit from '@fastify/rate-limit'
import type { FastifyRequest } from 'fastify'
import { accessError } from '../access/errors.ts'
import { verifyCsrf } from '../access/session-token.ts'
import { requirePermission } from '../permissions/permissions.ts'
import type { Principal } from '../permissions/principal.ts'
import { isLetheError, type LetheError } from '../platform/errors.ts'
import { httpError } from './errors.ts'
import type { HttpServer } from './http-server.ts'

/** How many requests a minute are answered; a process counts its own. */
export type RateLimits = {
  /** Of one credential. */
  perCredential: number
  /** With a wrong credential, from one address. */
  failures: number
  /** To routes that need no credential and are worth guarding, such as the sign-in, from one address. */
  open: number
}

export const usualRateLimits: RateLimits = { perCredential: 6000, failures: 60, open: 120 }

/** Finds out who asks. Throws `access.unauthenticated`. */
export type Authenticate = (request: FastifyRequest) => Promise<Principal>

type Limiter = ReturnType<HttpServer['createRateLimit']>

/** Lets a request in or not before its body is read: credential, rate, permission. The routes' `config` says what they need. */
export async function addAccess(
  server: HttpServer,
  options: { authenticate: Authenticate; rateLimits: RateLimits },
): Promise<void> {
  const { authenticate, rateLimits } = options
  await server.register(rateLimit, { global: false, timeWindow: 60_000 })
  const failures = server.createRateLimit({ max: rateLimits.failures, keyGenerator: ({ ip }) => `failures ${ip}` })
  const open = server.createRateLimit({ max: rateLimits.open, keyGenerator: ({ ip }) => `open ${ip}` })
  const ofCredential = server.createRateLimit({
    max: rateLimits.perCredential,
    keyGenerator: (request) => credentialOf(request),
  })
  server.decorateRequest('principal', null)
  server.addHook('onRequest', async (request) => {
    const { permission, target, guarded } = request.routeOptions.config
    if (permission === undefined) return
    if (guarded === true) await count(open, request)
    if (permission === 'public') return
    await refuseExceeded(failures, request)
    let principal: Principal
    try {
      principal = await authenticate(request)
    } catch (error) {
      if (isLetheError(error) && error.kind === 'unauthenticated') await failures(request)
      throw error
    }
    request.principal = principal
    await count(ofCredential, request)
    if (principal.sessionId !== undefined && !['GET', 'HEAD'].includes(request.method)) {
      const csrfToken = request.headers['x-csrf-token']
      verifyCsrf({ cookie: request.headers.cookie, csrfToken: typeof csrfToken === 'string' ? csrfToken : undefined })
    }
    if (permission === 'authenticated') return
    const params = request.params as Record<string, string | undefined>
    requirePermission(principal, permission, {
      userId: target === undefined ? undefined : params[target]?.toLowerCase(),
    })
  })
}

/** The principal of a route that needs one. */
export function principalOf(request: FastifyRequest): Principal {
  if (request.principal === null) throw accessError('access.unauthenticated', { challenge: 'Basic' })
  return request.principal
}

async function count(limiter: Limiter, request: FastifyRequest): Promise<void> {
  const state = await limiter(request)
  if (!state.isAllowed && state.isExceeded) throw exceeded(state.ttlInSeconds)
}

async function refuseExceeded(limiter: Limiter, request: FastifyRequest): Promise<void> {
  const state = await limiter(request, { increment: false })
  if (!state.isAllowed && state.remaining <= 0) throw exceeded(state.ttlInSeconds)
}

function exceeded(seconds: number): LetheError {
  return httpError('request.rate_limited', { retryAfter: Math.max(1, seconds) })
}

function credentialOf(request: FastifyRequest): string {
  const { initiator } = principalOf(request)
  return `credential ${initiator.credential?.id ?? initiator.userId}`
}
