import { createHmac, timingSafeEqual } from 'node:crypto'
import { accessError } from './errors.ts'
import { hashSecret, newSecret } from './secrets.ts'

/** The cookie that a browser keeps the session in. */
export const sessionCookieName = 'lethe_session'

/** Without a request for this long, a session ends. */
export const idleMinutes = 60
/** However busy it is, a session ends after this long. */
export const longestHours = 12

/** A session as its cookie names it: of a user of a tenant, or of an operator, and the secret that proves it. */
export type SessionToken = { tenantId: string | undefined; secret: string }

/** A new token; the database gets its hash only. */
export function newSessionToken(tenantId: string | undefined): { token: string; hash: Buffer; csrfToken: string } {
  const secret = newSecret()
  const token = `${tenantId ?? 'operator'}.${secret}`
  return { token, hash: hashSecret(secret), csrfToken: csrfTokenOf(secret) }
}

const form = /^(operator|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.([A-Za-z0-9_-]{43})$/

/** The token in a Cookie header, if there is one of the right form. */
export function readSessionCookie(cookie: string | undefined): SessionToken | undefined {
  for (const pair of cookie?.split(';') ?? []) {
    const [name, value = ''] = pair.trim().split('=', 2)
    if (name !== sessionCookieName) continue
    const [, tenant, secret] = form.exec(value) ?? []
    if (tenant === undefined || secret === undefined) continue
    return { tenantId: tenant === 'operator' ? undefined : tenant, secret }
  }
  return undefined
}

/**
 * The value of a Set-Cookie header: for scripts unreadable, sent by pages of the same site only, gone when the browser is
 * closed. `secure`: whether people come by HTTPS.
 */
export function sessionCookie(token: string, options: { secure: boolean }): string {
  return `${sessionCookieName}=${token}; Path=/; HttpOnly; SameSite=Strict${options.secure ? '; Secure' : ''}`
}

/** The value of a Set-Cookie header that makes the browser forget the session. */
export function endedSessionCookie(options: { secure: boolean }): string {
  return `${sessionCookie('', options)}; Max-Age=0`
}

/**
 * The CSRF token of a session. It follows from the secret that only the cookie has, so nothing of it is stored, and a page
 * that cannot read the cookie cannot make it.
 */
export function csrfTokenOf(secret: string): string {
  return createHmac('sha256', secret).update('csrf').digest('base64url')
}

/** Throws `access.csrf` unless the token is the one of the session in the Cookie header. */
export function verifyCsrf(request: { cookie: string | undefined; csrfToken: string | undefined }): void {
  const session = readSessionCookie(request.cookie)
  const given = Buffer.from(request.csrfToken ?? '')
  const expected = session === undefined ? undefined : Buffer.from(csrfTokenOf(session.secret))
  if (expected !== undefined && given.length === expected.length && timingSafeEqual(given, expected)) return
  throw accessError('access.csrf')
}
