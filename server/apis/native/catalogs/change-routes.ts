import { Type } from 'typebox'
import type { HttpServer } from '../../../http/http-server.ts'
import { inTenantOf } from '../../../http/in-tenant-of.ts'
import { deleteCatalog, previewCatalogDeletion, updateCatalog } from '../../../learning/catalogs/change-catalog.ts'
import { showCatalog } from '../../../learning/catalogs/list-catalogs.ts'
import { inOperationNames, inOurNames } from '../field-names.ts'
import { Addresses, ClearableText, IdParams, Line, NewExternalKey } from '../schemas.ts'
import { Catalog } from './routes.ts'

const tags = ['Catalogs']
const url = '/api/v1/catalogs/:id'

const CatalogDeletion = Type.Object(
  {
    courses: Type.Integer({ description: 'Courses to delete or move to another catalog first' }),
    training_plans: Type.Integer({ description: 'Training plans to delete or move to another catalog first' }),
    members: Type.Integer({ description: 'Users that are no longer its members' }),
    groups: Type.Integer({ description: 'Directory groups that it is closed to' }),
  },
  { description: 'The counted effects of the deletion' },
)

/** How a catalog changes and goes. */
export function addCatalogChanges(server: HttpServer): void {
  server.route({
    method: 'PATCH',
    url,
    config: { permission: 'learning.write', errors: [404] },
    schema: {
      tags,
      summary: 'Change a catalog',
      description: 'Changes the given fields; null clears one, and a list replaces the one before.',
      params: IdParams,
      body: Type.Object(
        {
          title: Type.Optional(Line),
          description: Type.Optional(ClearableText),
          contact_emails: Type.Optional(Addresses),
          external_key: NewExternalKey,
        },
        { additionalProperties: false, examples: [{ contact_emails: [] }] },
      ),
      response: { 200: Catalog.ref },
    },
    handler: (request) => {
      const catalogId = request.params.id
      return inOurNames(
        inTenantOf(request, async (tx) => {
          await updateCatalog(tx, { catalogId, changes: inOperationNames(request.body) })
          return await showCatalog(tx, catalogId)
        }),
      )
    },
  })
  server.route({
    method: 'GET',
    url: `${url}/deletion`,
    config: { permission: 'learning.read', errors: [404] },
    schema: {
      tags,
      summary: 'Count the effects of the deletion of a catalog; change nothing',
      params: IdParams,
      response: { 200: CatalogDeletion },
    },
    handler: (request) => inTenantOf(request, (tx) => previewCatalogDeletion(tx, request.params.id)),
  })
  server.route({
    method: 'DELETE',
    url,
    config: { permission: 'learning.write', errors: [404, 409] },
    schema: {
      tags,
      summary: 'Delete a catalog without courses and training plans',
      description: 'Transcripts still show its title. `GET …/deletion` counts the effects before.',
      params: IdParams,
      response: { 200: CatalogDeletion },
    },
    handler: (request) => inTenantOf(request, (tx) => deleteCatalog(tx, request.params.id)),
  })
}
