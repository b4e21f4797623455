import type { FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { v7 as newId } from 'uuid'
import { signInOperator } from '../../../access/operators.ts'
import { endedSessionCookie, sessionCookie, verifyCsrf } from '../../../access/session-token.ts'
import { type StartedSession, signOut } from '../../../access/sessions.ts'
import { changePassword, setPassword } from '../../../access/set-password.ts'
import { signIn } from '../../../access/sign-in.ts'
import { signOutUser } from '../../../access/sign-out-user.ts'
import type { HttpServer } from '../../../http/http-server.ts'
import { inTenantOf, tenantOf } from '../../../http/in-tenant-of.ts'
import { principalOf } from '../../../http/require-access.ts'
import { userRoles } from '../../../permissions/roles.ts'
import type { Database } from '../../../platform/database/pool.ts'
import { inputError } from '../../../platform/validation/errors.ts'
import { tenancyError } from '../../../tenancy/errors.ts'
import { findTenant } from '../../../tenancy/tenants.ts'
import { IdParams, NullableId, Time } from '../schemas.ts'

const tags = ['Sign-in']

const Password = Type.String({ minLength: 1, maxLength: 1024, format: 'password' })
const Started = {
  csrf_token: Type.String({ description: 'For the header X-CSRF-Token of requests that change something' }),
  expires_at: Time,
}

/** `/api/v1/session`, `/api/v1/operator-session`, and what ends sessions */
export function addSessionRoutes(server: HttpServer): void {
  server.route({
    method: 'POST',
    url: '/api/v1/session',
    config: { permission: 'public', guarded: true, errors: [401] },
    schema: {
      tags,
      summary: 'Sign in as a user of a tenant',
      description:
        'Sets the session cookie. Every failure gets the same response. After some failures, the name must wait.',
      body: Type.Object(
        {
          tenant: Type.String({ minLength: 1, maxLength: 256, description: 'Name or id' }),
          login: Type.String({ minLength: 1, maxLength: 512, description: 'Login name or e-mail address' }),
          password: Password,
        },
        { additionalProperties: false },
      ),
      response: {
        201: Type.Object(
          {
            tenant_id: Type.String(),
            user_id: Type.String(),
            roles: Type.Array(Type.Enum([...userRoles])),
            ...Started,
          },
          { description: 'Signed in' },
        ),
      },
    },
    handler: async (request, reply) => {
      const { tenant, login, password } = request.body
      const tenantId = await tenantIdOf(server.database, tenant)
      const session = await signIn(server.database, tenantId, { login, password })
      startInBrowser(request, reply, session)
      const { userId: user_id, roles, csrfToken: csrf_token, expiresAt: expires_at } = session
      return { tenant_id: tenantId, user_id, roles, csrf_token, expires_at }
    },
  })
  server.route({
    method: 'POST',
    url: '/api/v1/operator-session',
    config: { permission: 'public', guarded: true, errors: [401] },
    schema: {
      tags,
      summary: 'Sign in as an operator of the installation',
      body: Type.Object(
        { name: Type.String({ minLength: 1, maxLength: 64 }), password: Password },
        { additionalProperties: false },
      ),
      response: { 201: Type.Object({ operator_id: Type.String(), ...Started }, { description: 'Signed in' }) },
    },
    handler: async (request, reply) => {
      const session = await signInOperator(server.database, request.body)
      startInBrowser(request, reply, session)
      const { operatorId: operator_id, csrfToken: csrf_token, expiresAt: expires_at } = session
      return { operator_id, csrf_token, expires_at }
    },
  })
  server.route({
    method: 'GET',
    url: '/api/v1/session',
    config: { permission: 'authenticated' },
    schema: {
      tags,
      summary: 'Show the caller',
      response: {
        200: Type.Object(
          {
            kind: Type.Enum(['person', 'program', 'operator']),
            tenant_id: NullableId,
            user_id: NullableId,
            roles: Type.Array(Type.String()),
            scopes: Type.Array(Type.String()),
          },
          { description: 'The owner of the credential, and its permissions' },
        ),
      },
    },
    handler: async (request) => {
      const { tenantId = null, initiator, access } = principalOf(request)
      return {
        kind: access.kind,
        tenant_id: tenantId,
        user_id: initiator.userId ?? null,
        roles: access.kind === 'person' ? access.roles : access.kind === 'operator' ? ['operator'] : [],
        scopes: access.kind === 'program' ? access.scopes : [],
      }
    },
  })
  server.route({
    method: 'DELETE',
    url: '/api/v1/session',
    config: { permission: 'public', errors: [403] },
    schema: {
      tags,
      summary: 'Sign out',
      description: 'Ends the session of the cookie, if there is one. Needs its CSRF token.',
      headers: Type.Object({ 'x-csrf-token': Type.Optional(Type.String({ maxLength: 256 })) }),
      response: { 204: Type.Null({ description: 'Signed out' }) },
    },
    handler: async (request, reply) => {
      const { cookie } = request.headers
      if (cookie !== undefined) {
        verifyCsrf({ cookie, csrfToken: request.headers['x-csrf-token'] })
        await signOut(server.database, cookie)
      }
      reply.code(204).header('set-cookie', endedSessionCookie({ secure: isSecure(request) }))
      return null
    },
  })
  server.route({
    method: 'POST',
    url: '/api/v1/users/:id/sign-out',
    config: { permission: 'users.sign_out', target: 'id', errors: [404, 409] },
    schema: {
      tags,
      summary: 'Sign a user out everywhere',
      params: IdParams,
      response: { 200: Type.Object({ ended: Type.Integer() }, { description: 'The number of ended sessions' }) },
    },
    handler: async (request) => {
      const userId = request.params.id
      return await inTenantOf(request, (tx) => signOutUser(tx, userId))
    },
  })
  server.route({
    method: 'PUT',
    url: '/api/v1/users/:id/password',
    config: { permission: 'users.password', target: 'id', guarded: true, errors: [404, 409] },
    schema: {
      tags,
      summary: 'Set a password',
      description: "Users who set their own password must send the current one. Ends the user's other sessions.",
      params: IdParams,
      body: Type.Object(
        { password: Password, current_password: Type.Optional(Password) },
        { additionalProperties: false },
      ),
      response: { 200: Type.Object({ ended: Type.Integer() }, { description: 'The number of ended sessions' }) },
    },
    handler: async (request) => {
      const { password, current_password: currentPassword } = request.body
      const userId = request.params.id.toLowerCase()
      const { initiator, sessionId: session } = principalOf(request)
      if (initiator.userId === userId) {
        if (currentPassword === undefined) {
          throw inputError('input.invalid', { field: 'current_password', expected: 'it is missing' })
        }
        const options = { userId, session, currentPassword, newPassword: password }
        const { signedOut } = await changePassword(server.database, tenantOf(request), options)
        return { ended: signedOut }
      }
      const { signedOut } = await inTenantOf(request, (tx) => setPassword(tx, { userId, password }))
      return { ended: signedOut }
    },
  })
}

/** An id that nobody has where there is no such tenant: the sign-in then does the same work and gives the same answer. */
async function tenantIdOf(database: Database, nameOrId: string): Promise<string> {
  try {
    return (await findTenant(database, nameOrId)).id
  } catch (error) {
    if (tenancyError.is(error, 'tenant.not_found')) return newId()
    throw error
  }
}

function startInBrowser(request: FastifyRequest, reply: FastifyReply, session: StartedSession): void {
  reply.code(201).header('set-cookie', sessionCookie(session.token, { secure: isSecure(request) }))
}

function isSecure(request: FastifyRequest): boolean {
  return request.protocol === 'https'
}
