import { type Static, Type } from 'typebox'
import type { Application } from '../../../application.ts'
import type { HttpServer } from '../../../http/http-server.ts'
import { IdempotencyHeaders, idOfRequest } from '../../../http/idempotency.ts'
import { inTenantOf } from '../../../http/in-tenant-of.ts'
import { answers, named } from '../../../http/openapi/complete-route.ts'
import { principalOf } from '../../../http/require-access.ts'
import { inTenant } from '../../../platform/database/transaction.ts'
import { isLetheError, LetheError } from '../../../platform/errors.ts'
import { readTenantSettings } from '../../../tenancy/read-tenant-settings.ts'
import {
  createTenant,
  findTenant,
  listTenants,
  type Tenant as TenantRow,
  tenantKinds,
} from '../../../tenancy/tenants.ts'
import { returningMembers, type TenantSettingsChanges, updateTenant } from '../../../tenancy/update-tenant.ts'
import { Id, IdParams, Time } from '../schemas.ts'

const tags = ['Tenants']

const Tenant = named(
  'Tenant',
  Type.Object(
    { id: Id, name: Type.String(), kind: Type.Enum([...tenantKinds]), created_at: Time },
    { description: 'A tenant' },
  ),
)

const Settings = named(
  'TenantSettings',
  Type.Object(
    {
      id: Id,
      name: Type.String(),
      surviving_fields: Type.Array(Type.String(), { description: 'Custom fields that survive an anonymization' }),
      singled_out_below: Type.Integer({
        description:
          'The k-anonymity threshold: a preview warns if fewer people than this have the same values in the surviving fields',
      }),
      returning_members: Type.Enum([...returningMembers], {
        description:
          'What the synchronization of a group does with purged members: create new users without records, or block them',
      }),
    },
    { description: 'The settings of a tenant' },
  ),
)

const SettingsChanges = Type.Partial(
  Type.Object({
    surviving_fields: Type.Array(Type.String({ minLength: 1, maxLength: 256 }), { maxItems: 100 }),
    singled_out_below: Type.Integer({ minimum: 1, maximum: 1_000_000 }),
    returning_members: Type.Enum([...returningMembers]),
  }),
  { additionalProperties: false },
)

/** `/api/v1/tenants`, for operators, and `/api/v1/tenant`, one's own */
export function addTenantRoutes(server: HttpServer, app: Application): void {
  server.addSchema(Tenant.schema)
  server.addSchema(Settings.schema)
  server.route({
    method: 'GET',
    url: '/api/v1/tenants',
    config: { permission: 'tenants.read' },
    schema: {
      tags,
      summary: 'List all tenants',
      response: answers({ 200: Type.Object({ tenants: Type.Array(Tenant.ref) }, { description: 'Oldest first' }) }),
    },
    handler: async () => ({ tenants: await listTenants(app.database) }),
  })
  server.route({
    method: 'POST',
    url: '/api/v1/tenants',
    config: { permission: 'tenants.manage' },
    schema: {
      tags,
      summary: 'Create a tenant',
      headers: IdempotencyHeaders,
      body: Type.Object(
        { name: Type.String({ minLength: 1, maxLength: 256 }), kind: Type.Enum([...tenantKinds]) },
        { additionalProperties: false, examples: [{ name: 'Acme', kind: 'enterprise' }] },
      ),
      response: answers({ 201: Tenant.ref }, [409]),
    },
    handler: async (request, reply) => {
      // A tenant's rows belong to the tenant, the stored answer too; so the repetition knows the tenant by its id instead.
      const id = idOfRequest(app, request)
      const { initiator } = principalOf(request)
      const earlier = id === undefined ? undefined : await tenantOfId(app, id)
      if (earlier !== undefined && (earlier.name !== request.body.name.trim() || earlier.kind !== request.body.kind)) {
        throw new LetheError('idempotency.other_request')
      }
      if (earlier !== undefined) reply.header('idempotency-replayed', 'true')
      const tenant = earlier ?? (await createTenant(app.database, { ...request.body, ...(id && { id }), initiator }))
      reply.code(201).header('location', `/api/v1/tenants/${tenant.id}`)
      return tenant
    },
  })
  server.route({
    method: 'GET',
    url: '/api/v1/tenants/:id',
    config: { permission: 'tenants.read' },
    schema: { tags, summary: 'Read a tenant', params: IdParams, response: answers({ 200: Tenant.ref }, [404]) },
    handler: (request) => findTenant(app.database, request.params.id),
  })
  server.route({
    method: 'PATCH',
    url: '/api/v1/tenants/:id',
    config: { permission: 'tenants.manage' },
    schema: {
      tags,
      summary: 'Change the settings of a tenant',
      params: IdParams,
      body: SettingsChanges,
      response: answers({ 200: Settings.ref }, [404]),
    },
    handler: async (request) => {
      const { id } = await findTenant(app.database, request.params.id)
      const { initiator } = principalOf(request)
      return await inTenant(app.database, id, (tx) => updateTenant(tx, changesOf(request.body)), { initiator })
    },
  })
  server.route({
    method: 'GET',
    url: '/api/v1/tenant',
    config: { permission: 'tenant.read' },
    schema: { tags, summary: "Read the settings of the caller's tenant", response: answers({ 200: Settings.ref }) },
    handler: (request) => inTenantOf(request, app, readTenantSettings),
  })
  server.route({
    method: 'PATCH',
    url: '/api/v1/tenant',
    config: { permission: 'tenant.update' },
    schema: {
      tags,
      summary: "Change the settings of the caller's tenant",
      body: SettingsChanges,
      response: answers({ 200: Settings.ref }),
    },
    handler: (request) => inTenantOf(request, app, (tx) => updateTenant(tx, changesOf(request.body))),
  })
}

function changesOf(body: Static<typeof SettingsChanges>): TenantSettingsChanges {
  const { surviving_fields, singled_out_below, returning_members } = body
  return {
    ...(surviving_fields !== undefined && { survivingFields: surviving_fields }),
    ...(singled_out_below !== undefined && { singledOutBelow: singled_out_below }),
    ...(returning_members !== undefined && { returningMembers: returning_members }),
  }
}

async function tenantOfId(app: Application, id: string): Promise<TenantRow | undefined> {
  try {
    return await findTenant(app.database, id)
  } catch (error) {
    if (isLetheError(error) && error.code === 'tenant.not_found') return undefined
    throw error
  }
}
