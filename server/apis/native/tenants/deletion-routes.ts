import { Type } from 'typebox'
import { deleteTenant } from '../../../erasure/tenants/delete-tenant.ts'
import { previewTenantDeletion } from '../../../erasure/tenants/preview-tenant-deletion.ts'
import { listTenantDeletions, readTenantDeletion } from '../../../erasure/tenants/read-tenant-deletions.ts'
import type { HttpServer } from '../../../http/http-server.ts'
import { principalOf } from '../../../http/require-access.ts'
import { forWork } from '../../../platform/database/pool.ts'
import { inTenant } from '../../../platform/database/transaction.ts'
import { findTenant } from '../../../tenancy/tenants.ts'
import { asPage, Id, IdParams, Paging, pageOf, Time } from '../schemas.ts'

const tags = ['Tenants']

/** The longest that the deletion of a tenant may take, in milliseconds. */
const longestDeletion = 60 * 60 * 1000

const Tables = Type.Array(Type.Object({ table: Type.String(), rows: Type.Integer() }))

const Preview = Type.Object(
  {
    tenant: Id,
    people: Type.Integer({ description: 'Users in any state; give this number as `expected_people`' }),
    held: Type.Integer({ description: 'Users that a legal hold covers. Release the holds first' }),
    pending: Type.Integer({
      description: 'People of erasure requests that have not ended. They go without a certificate',
    }),
    tables: Tables,
  },
  { description: 'What would be deleted; nothing is changed' },
)

const Deleted = Type.Object(
  { tenant: Id, people: Type.Integer(), deleted_at: Type.String(), tables: Tables },
  { description: 'Deleted; `/api/v1/tenant-deletions/ID` has the certificate' },
)

const File = Type.Object(
  {
    type: Type.Literal('lethe.tenant_deletion'),
    certificate: Type.String({ description: 'A compact JWS' }),
    keys: Type.Unsafe<object>({ type: 'object', additionalProperties: true }),
  },
  { description: 'The certificate and its key, for `lethe certificate verify FILE`' },
)

/** `/api/v1/tenants/:id` (DELETE), its preview, and `/api/v1/tenant-deletions`, for operators */
export function addTenantDeletionRoutes(server: HttpServer): void {
  server.route({
    method: 'GET',
    url: '/api/v1/tenants/:id/deletion',
    config: { permission: 'tenants.delete', errors: [404] },
    schema: {
      tags,
      summary: 'Count what the deletion of a tenant would delete',
      params: IdParams,
      response: { 200: Preview },
    },
    handler: async (request) => {
      const { id } = await findTenant(server.database, request.params.id)
      return await inTenant(server.database, id, previewTenantDeletion, { readOnly: true })
    },
  })
  server.route({
    method: 'DELETE',
    url: '/api/v1/tenants/:id',
    handlerTimeout: longestDeletion,
    config: { permission: 'tenants.delete', errors: [404, 409] },
    schema: {
      tags,
      summary: 'Delete a tenant with everything in it',
      description:
        'Cannot be undone. Users, records, erasure requests with their certificates, audit trail and keys go. The name is free again. A legal hold on a user of the tenant prevents it.',
      params: IdParams,
      querystring: Type.Object(
        {
          expected_people: Type.Integer({
            minimum: 0,
            description: 'The number of users that the preview showed. Another number refuses the deletion',
          }),
        },
        { additionalProperties: false },
      ),
      response: { 200: Deleted },
    },
    handler: async (request) => {
      const { id } = await findTenant(server.database, request.params.id)
      const { tenant, people, deleted_at, tables } = await deleteTenant(forWork(server.database), id, {
        expectedPeople: request.query.expected_people,
        initiator: principalOf(request).initiator,
      })
      return { tenant, people, deleted_at, tables }
    },
  })
  server.route({
    method: 'GET',
    url: '/api/v1/tenant-deletions',
    config: { permission: 'tenants.read' },
    schema: {
      tags,
      summary: 'List the deleted tenants, newest first',
      querystring: Paging,
      response: { 200: pageOf('tenant_deletions', Type.Object({ id: Id, deleted_at: Time })) },
    },
    handler: (request) => asPage(listTenantDeletions(server.database, request.query)),
  })
  server.route({
    method: 'GET',
    url: '/api/v1/tenant-deletions/:id',
    config: { permission: 'tenants.read', errors: [404] },
    schema: {
      tags,
      summary: 'Read the certificate of a deleted tenant',
      params: IdParams,
      response: { 200: File },
    },
    handler: (request) => readTenantDeletion(server.database, request.params.id),
  })
}
