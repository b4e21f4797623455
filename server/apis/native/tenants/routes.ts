import { type Static, Type } from 'typebox'
import { httpError } from '../../../http/errors.ts'
import type { HttpServer } from '../../../http/http-server.ts'
import { IdempotencyHeaders, idOfRequest } from '../../../http/idempotency.ts'
import { inTenantOf } from '../../../http/in-tenant-of.ts'
import { sharedSchema } from '../../../http/openapi/shared-schema.ts'
import { principalOf } from '../../../http/require-access.ts'
import type { Database } from '../../../platform/database/pool.ts'
import { inTenant, type TenantTransaction } from '../../../platform/database/transaction.ts'
import { tenancyError } from '../../../tenancy/errors.ts'
import { readTenantSettings } from '../../../tenancy/read-tenant-settings.ts'
import { renameTenant } from '../../../tenancy/rename-tenant.ts'
import { setTenantCreator } from '../../../tenancy/tenant-people.ts'
import {
  createTenant,
  findTenant,
  listTenants,
  type Tenant as TenantRow,
  tenantKinds,
} from '../../../tenancy/tenants.ts'
import {
  returningMembers,
  returningRows,
  type TenantSettings,
  type TenantSettingsChanges,
  updateTenant,
} from '../../../tenancy/update-tenant.ts'
import { Id, IdParams, Nothing, NullableId, Time } from '../schemas.ts'

const tags = ['Tenants']

const Tenant = sharedSchema(
  'Tenant',
  Type.Object(
    {
      id: Id,
      name: Type.String(),
      kind: Type.Enum([...tenantKinds]),
      created_at: Time,
      needs_administrator: Type.Boolean({
        description: 'Whether an erasure from outside took its last administrator, and it has none since',
      }),
    },
    { description: 'A tenant' },
  ),
)

const Settings = sharedSchema(
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
      returning_rows: Type.Enum([...returningRows], {
        description: 'What an import does with rows of purged people: skip them, or create new users without records',
      }),
      erasure_due_days: Type.Integer({ description: 'An erasure request is due so many days after it is made' }),
      approval_required: Type.Boolean({ description: 'A second person approves each new erasure request' }),
      cooling_off_hours: Type.Integer({
        description: 'Hours that a new erasure request waits after it was made or approved; 0 for none',
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
    returning_rows: Type.Enum([...returningRows]),
    erasure_due_days: Type.Integer({ minimum: 1, maximum: 3650 }),
    approval_required: Type.Boolean(),
    cooling_off_hours: Type.Integer({ minimum: 0, maximum: 8760 }),
  }),
  { additionalProperties: false },
)

/** An operator can also change the name, which is unique in the installation. */
const OperatorChanges = Type.Partial(
  Type.Object({ ...SettingsChanges.properties, name: Type.String({ minLength: 1, maxLength: 256 }) }),
  { additionalProperties: false, examples: [{ name: 'Acme' }] },
)

/** `/api/v1/tenants`, for operators, and `/api/v1/tenant`, one's own */
export function addTenantRoutes(server: HttpServer): void {
  server.addSchema(Tenant.schema)
  server.addSchema(Settings.schema)
  server.route({
    method: 'GET',
    url: '/api/v1/tenants',
    config: { permission: 'tenants.read' },
    schema: {
      tags,
      summary: 'List all tenants',
      response: { 200: Type.Object({ tenants: Type.Array(Tenant.ref) }, { description: 'Oldest first' }) },
    },
    handler: async () => ({ tenants: await listTenants(server.database) }),
  })
  server.route({
    method: 'POST',
    url: '/api/v1/tenants',
    config: { permission: 'tenants.manage', errors: [409] },
    schema: {
      tags,
      summary: 'Create a tenant',
      headers: IdempotencyHeaders,
      body: Type.Object(
        { name: Type.String({ minLength: 1, maxLength: 256 }), kind: Type.Enum([...tenantKinds]) },
        { additionalProperties: false, examples: [{ name: 'Acme', kind: 'enterprise' }] },
      ),
      response: { 201: Tenant.ref },
    },
    handler: async (request, reply) => {
      // A tenant's rows belong to the tenant, the stored answer too; so the repetition knows the tenant by its id instead.
      const id = idOfRequest(request)
      const { initiator } = principalOf(request)
      const earlier = id === undefined ? undefined : await tenantOfId(server.database, id)
      if (earlier !== undefined && (earlier.name !== request.body.name.trim() || earlier.kind !== request.body.kind)) {
        throw httpError('idempotency.other_request')
      }
      if (earlier !== undefined) reply.header('idempotency-replayed', 'true')
      const tenant = earlier ?? (await createTenant(server.database, { ...request.body, ...(id && { id }), initiator }))
      reply.code(201).header('location', `/api/v1/tenants/${tenant.id}`)
      return tenant
    },
  })
  server.route({
    method: 'GET',
    url: '/api/v1/tenants/:id',
    config: { permission: 'tenants.read', errors: [404] },
    schema: { tags, summary: 'Read a tenant', params: IdParams, response: { 200: Tenant.ref } },
    handler: (request) => findTenant(server.database, request.params.id),
  })
  server.route({
    method: 'PATCH',
    url: '/api/v1/tenants/:id',
    config: { permission: 'tenants.manage', errors: [404, 409] },
    schema: {
      tags,
      summary: 'Change the name or the settings of a tenant',
      params: IdParams,
      body: OperatorChanges,
      response: { 200: Settings.ref },
    },
    handler: async (request) => {
      const { id } = await findTenant(server.database, request.params.id)
      const { initiator } = principalOf(request)
      return await inTenant(server.database, id, (tx) => changeTenant(tx, request.body), { initiator })
    },
  })
  server.route({
    method: 'GET',
    url: '/api/v1/tenant',
    config: { permission: 'tenant.read' },
    schema: { tags, summary: "Read the settings of the caller's tenant", response: { 200: Settings.ref } },
    handler: (request) => inTenantOf(request, readTenantSettings),
  })
  server.route({
    method: 'PATCH',
    url: '/api/v1/tenant',
    config: { permission: 'tenant.update' },
    schema: {
      tags,
      summary: "Change the settings of the caller's tenant",
      body: SettingsChanges,
      response: { 200: Settings.ref },
    },
    handler: (request) => inTenantOf(request, (tx) => updateTenant(tx, changesOf(request.body))),
  })
}

async function changeTenant(tx: TenantTransaction, body: Static<typeof OperatorChanges>): Promise<TenantSettings> {
  const { name, ...settings } = body
  if (name !== undefined) await renameTenant(tx, name)
  return await updateTenant(tx, changesOf(settings))
}

/** `/api/v1/tenants/:id/creator`, for operators */
export function addCreatorRoute(server: HttpServer): void {
  server.route({
    method: 'PUT',
    url: '/api/v1/tenants/:id/creator',
    config: { permission: 'tenants.manage', errors: [404] },
    schema: {
      tags,
      summary: 'Record which user created a tenant',
      description:
        'If an identity provider asks for the erasure of the creator of a trial tenant, all users of the trial are purged.',
      params: IdParams,
      body: Type.Object({ user_id: NullableId }, { additionalProperties: false }),
      response: { 204: Nothing },
    },
    handler: async (request, reply) => {
      const { id } = await findTenant(server.database, request.params.id)
      const { initiator } = principalOf(request)
      await inTenant(server.database, id, (tx) => setTenantCreator(tx, request.body.user_id), { initiator })
      return reply.code(204).send(null)
    },
  })
}

function changesOf(body: Static<typeof SettingsChanges>): TenantSettingsChanges {
  const { surviving_fields, singled_out_below, returning_members, returning_rows, erasure_due_days } = body
  const { approval_required, cooling_off_hours } = body
  return {
    ...(surviving_fields !== undefined && { survivingFields: surviving_fields }),
    ...(singled_out_below !== undefined && { singledOutBelow: singled_out_below }),
    ...(returning_members !== undefined && { returningMembers: returning_members }),
    ...(returning_rows !== undefined && { returningRows: returning_rows }),
    ...(erasure_due_days !== undefined && { erasureDueDays: erasure_due_days }),
    ...(approval_required !== undefined && { approvalRequired: approval_required }),
    ...(cooling_off_hours !== undefined && { coolingOffHours: cooling_off_hours }),
  }
}

async function tenantOfId(database: Database, id: string): Promise<TenantRow | undefined> {
  try {
    return await findTenant(database, id)
  } catch (error) {
    if (tenancyError.is(error, 'tenant.not_found')) return undefined
    throw error
  }
}
