import type { AddressInfo } from 'node:net'
import { Writable } from 'node:stream'
import { pino } from 'pino'
import { createApiKey } from '../server/access/api-keys.ts'
import { createOperator, signInOperator } from '../server/access/operators.ts'
import { sessionCookieName } from '../server/access/session-token.ts'
import { setPassword } from '../server/access/set-password.ts'
import { signIn } from '../server/access/sign-in.ts'
import type { HttpServer } from '../server/http/http-server.ts'
import type { RateLimits } from '../server/http/require-access.ts'
import { createUser } from '../server/people/accounts/create-user.ts'
import type { UserRole } from '../server/permissions/roles.ts'
import { buildServer } from '../server/server.ts'
import { createTenant } from '../server/tenancy/tenants.ts'
import { openTestApplication, type TestApplication } from './application.ts'

export const password = 'a long enough password'

/** The headers that a credential is sent as. */
export type Credential = Record<string, string>

/** The server of a test, listening, on a database of its own. */
export type TestHttp = TestApplication & {
  server: HttpServer
  url: string
  /** Everything that the server logged. */
  requestLog(): string
  tenant(name: string): Promise<string>
  key(tenant: string, access?: 'read_only' | 'full_control'): Promise<Credential>
  /** A signed-in person of this role, with the CSRF token. */
  person(tenant: string, role: UserRole): Promise<Credential & { userId: string }>
  operator(): Promise<Credential>
  call(method: string, path: string, options?: CallOptions): Promise<Answer>
}

export type CallOptions = { as?: Credential; body?: unknown; headers?: Record<string, string> }

export type Answer = {
  status: number
  headers: Headers
  text: string
  // biome-ignore lint/suspicious/noExplicitAny: tests look into whatever was answered
  json: any
}

/** Starts a server. The limits are far away unless a test gives its own. */
export async function openTestHttp(options: { rateLimits?: Partial<RateLimits> } = {}): Promise<TestHttp> {
  const test = await openTestApplication()
  const lines: string[] = []
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(chunk.toString('utf8'))
      done()
    },
  })
  const far = { perCredential: 1_000_000, failures: 1_000_000, open: 1_000_000 }
  const server = await buildServer(test.app, {
    log: pino({ level: 'trace' }, sink),
    rateLimits: { ...far, ...options.rateLimits },
  })
  await server.listen({ host: '127.0.0.1', port: 0 })
  const url = `http://127.0.0.1:${(server.server.address() as AddressInfo).port}`
  let people = 0
  return {
    ...test,
    server,
    url,
    requestLog: () => lines.join(''),
    tenant: async (name) => (await createTenant(test.database, { name, kind: 'enterprise' })).id,
    async key(tenant, access = 'full_control') {
      const { secret } = await test.inTenant(tenant, (tx) => createApiKey(tx, { name: 'Test', access }))
      return basic('api', secret)
    },
    async person(tenant, role) {
      const email = `person-${++people}@example.org`
      const { id } = await test.inTenant(tenant, async (tx) => {
        const user = await createUser(tx, { email, roles: [role] })
        await setPassword(tx, { userId: user.id, password })
        return user
      })
      const { token, csrfToken } = await signIn(test.app.database, tenant, { login: email, password })
      return { ...session(token, csrfToken), userId: id }
    },
    async operator() {
      const name = `operator-${++people}`
      await createOperator(test.database, { name, password })
      const { token, csrfToken } = await signInOperator(test.app.database, { name, password })
      return session(token, csrfToken)
    },
    async call(method, path, { as, body, headers } = {}) {
      const { userId: _, ...credential } = as ?? {}
      const response = await fetch(`${url}${path}`, {
        method,
        headers: {
          ...(body !== undefined && { 'content-type': 'application/json' }),
          ...credential,
          ...headers,
        },
        ...(body !== undefined && {
          body: typeof body === 'string' || body instanceof Uint8Array ? (body as string) : JSON.stringify(body),
        }),
        redirect: 'manual',
      })
      const text = await response.text()
      const isJson = /json(;|$)/.test(response.headers.get('content-type') ?? '')
      return { status: response.status, headers: response.headers, text, json: isJson ? JSON.parse(text) : undefined }
    },
    async close() {
      await server.close()
      await test.close()
    },
  }
}

export function basic(name: string, secret: string): Credential {
  return { authorization: `Basic ${Buffer.from(`${name}:${secret}`).toString('base64')}` }
}

function session(token: string, csrfToken: string): Credential {
  return { cookie: `${sessionCookieName}=${token}`, 'x-csrf-token': csrfToken }
}
