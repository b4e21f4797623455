import type { Principal } from '../permissions/principal.ts'
import type { Database } from '../platform/database/pool.ts'
import { principalOfApiKey } from './api-keys.ts'
import { accessError } from './errors.ts'
import { readSessionCookie } from './session-token.ts'
import { principalOfSession } from './sessions.ts'
import { principalOfToken } from './tokens.ts'

/** What of a request may say who asks: the headers Authorization and Cookie. */
export type Credentials = { authorization?: string | undefined; cookie?: string | undefined }

/**
 * Who asks. The header Authorization counts before the cookie: HTTP Basic with an API key or a Thrive secret as password,
 * or a Bearer token; else the cookie of a session. Nothing is remembered from one request to the next: what was revoked
 * before this call is refused by it.
 *
 * Throws `access.unauthenticated`, the same for what is missing, unknown, wrong, expired or revoked. Its `challenge` says
 * which WWW-Authenticate to answer: `session` is none, because a browser would ask for a password of its own.
 */
export async function authenticate(database: Database, credentials: Credentials): Promise<Principal> {
  const { authorization, cookie } = credentials
  if (authorization !== undefined) {
    const [, scheme = '', value = ''] = /^([A-Za-z]+) +(\S+) *$/.exec(authorization) ?? []
    if (scheme.toLowerCase() === 'bearer') {
      return (await principalOfToken(database, value)) ?? refuse('Bearer')
    }
    const basic = scheme.toLowerCase() === 'basic' ? readBasic(value) : undefined
    return (basic && (await principalOfApiKey(database, basic))) ?? refuse('Basic')
  }
  const session = readSessionCookie(cookie)
  if (session === undefined) return refuse('Basic')
  return (await principalOfSession(database, session)) ?? refuse('session')
}

function refuse(challenge: 'Basic' | 'Bearer' | 'session'): never {
  throw accessError('access.unauthenticated', { challenge })
}

/** User name and password of HTTP Basic (RFC 7617): the first colon ends the user name. */
function readBasic(value: string): { userName: string; secret: string } | undefined {
  const text = Buffer.from(value, 'base64').toString('utf8')
  const colon = text.indexOf(':')
  return colon === -1 ? undefined : { userName: text.slice(0, colon), secret: text.slice(colon + 1) }
}
