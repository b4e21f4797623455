import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import type { HttpServer } from '../../http/http-server.ts'
import { IdempotencyHeaders, withIdempotency } from '../../http/idempotency.ts'
import { inTenantOf } from '../../http/in-tenant-of.ts'
import { principalOf } from '../../http/require-access.ts'
import type { User } from '../../people/accounts/user.ts'
import { requirePermission } from '../../permissions/permissions.ts'
import type { ThriveRole } from '../../permissions/thrive-role.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { readProfiles } from '../../views/profiles.ts'
import { LifecycleUser, NewUser, Suspension, UserChanges } from './bodies.ts'
import { changeAccount, createAccount, presentUser, suspendAccount } from './change-accounts.ts'
import { lifecycleUserOf } from './user-bodies.ts'

const tags = ['Users']

export const RefParams = Type.Object({
  ref: Type.String({
    minLength: 1,
    maxLength: 256,
    // A person of the demo.
    examples: ['DA-1012'],
    description: 'The ref of the user, percent-encoded, in exactly the stored spelling',
  }),
})

/** `/rest/v2/users`, without the delete. */
export function addLifecycleRoutes(server: HttpServer): void {
  server.addSchema(LifecycleUser.schema)
  server.route({
    method: 'POST',
    url: '/rest/v2/users',
    config: { permission: 'users.write' },
    schema: {
      tags,
      summary: 'Create a user',
      headers: IdempotencyHeaders,
      body: NewUser,
      response: { 201: LifecycleUser.ref },
    },
    handler: async (request, reply) => {
      requireRolePermission(request, request.body.role)
      return await withIdempotency(request, reply, async (tx) => {
        const user = await createAccount(tx, request.body)
        return {
          status: 201,
          location: `/rest/v1/user/${user.id}`,
          body: await shown(tx, user),
          subjectUserId: user.id,
        }
      })
    },
  })
  server.route({
    method: 'PATCH',
    url: '/rest/v2/users/ref/:ref',
    config: { permission: 'users.write', errors: [404] },
    schema: {
      tags,
      summary: 'Change a user',
      params: RefParams,
      body: UserChanges,
      response: { 200: LifecycleUser.ref },
    },
    handler: async (request) => {
      requireRolePermission(request, request.body.role)
      return await inTenantOf(request, async (tx) => {
        const user = await presentUser(tx, request.params.ref)
        return await shown(tx, await changeAccount(tx, user, request.body))
      })
    },
  })
  server.route({
    method: 'PATCH',
    url: '/rest/v2/users/ref/:ref/suspend',
    config: { permission: 'users.write', errors: [404], bodyOptional: true },
    schema: {
      tags,
      summary: 'Suspend a user',
      description: 'Suspends the user at once. A user who is suspended stays so, and the end date is recorded.',
      params: RefParams,
      body: Suspension,
      response: { 200: LifecycleUser.ref },
    },
    handler: (request) =>
      inTenantOf(request, async (tx) => {
        const user = await presentUser(tx, request.params.ref)
        return await shown(tx, await suspendAccount(tx, user, request.body))
      }),
  })
}

async function shown(tx: TenantTransaction, user: User): Promise<LifecycleUser> {
  return lifecycleUserOf(user, (await readProfiles(tx, [user]))(user.id))
}

/** The permission to create and change users gives no roles. */
function requireRolePermission(request: FastifyRequest, role: ThriveRole | undefined): void {
  if (role !== undefined && role !== 'learner') requirePermission(principalOf(request), 'users.roles')
}
