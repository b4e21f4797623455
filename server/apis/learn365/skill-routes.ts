import { type Static, type TObject, Type } from 'typebox'
import type { HttpServer } from '../../http/http-server.ts'
import { inTenantOf } from '../../http/in-tenant-of.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { awardSkill } from '../../skills/award-skill.ts'
import { deleteScaleSet, updateScaleSet } from '../../skills/change-scale-set.ts'
import { deleteSkill, updateSkill } from '../../skills/change-skill.ts'
import { createScaleSet } from '../../skills/create-scale-set.ts'
import { createSkill } from '../../skills/create-skill.ts'
import { revokeSkill } from '../../skills/revoke-skill.ts'
import { Guid, LevelBody, readOnlyOf, ScaleSetBody, SkillBody, skillOfUserBody } from './bodies.ts'
import { entitySet } from './entity-sets.ts'
import { type Entity, readPage } from './read-entities.ts'
import { entitySchema, OneQuery, Query, readOne, requireJson, requireOneQuery, UserKey } from './read-routes.ts'
import { userByKey } from './user-key.ts'

const root = '/services/skills'
const usualPage = 100

/** A bare list has no place for a count or for a link to the next page. */
const ListQuery = Type.Omit(Query, ['$count', '$skiptoken'])

const Catalog = Type.Object({ courseCatalogId: Guid })
const InCatalog = Type.Object({ courseCatalogId: Guid, id: Guid })
const Nothing = Type.Null({ description: 'Done' })

/** Everything under /services/skills: lists are bare arrays, and names begin with a small letter. */
export function addSkillRoutes(server: HttpServer): void {
  for (const name of ['Skills', 'SkillScaleSets']) addLists(server, name)
  addAwards(server)
  addChanges(server, {
    name: 'Skills',
    body: SkillBody,
    summaries: {
      create: 'Create a skill of a catalog',
      change: 'Change a skill of a catalog',
      delete: 'Delete a skill of a catalog that was never awarded',
    },
    create: (tx, catalogId, { title, scaleSetId, description }) =>
      createSkill(tx, { title, scaleSetId, catalogId, ...(description?.trim() && { description }) }),
    change: (tx, { id: skillId, catalogId }, { title, scaleSetId, description }) => {
      const changes = {
        ...(title !== undefined && { title }),
        ...(scaleSetId !== undefined && { scaleSetId }),
        ...(description !== undefined && { description: description.trim() === '' ? null : description }),
      }
      return updateSkill(tx, { skillId, catalogId, changes })
    },
    delete: (tx, { id: skillId, catalogId }) => deleteSkill(tx, { skillId, catalogId }),
  })
  addChanges(server, {
    name: 'SkillScaleSets',
    body: ScaleSetBody,
    summaries: {
      create: 'Create a scale of a catalog, with its levels',
      change: 'Change a scale of a catalog; levels are replaced as a whole',
      delete: 'Delete a scale of a catalog that no skill is measured on',
    },
    create: (tx, catalogId, { title, isDefault, levels }) =>
      createScaleSet(tx, { title, levels, catalogId, ...(isDefault !== undefined && { isDefault }) }),
    change: (tx, { id: scaleSetId, catalogId }, changes) => updateScaleSet(tx, { scaleSetId, catalogId, changes }),
    delete: (tx, { id: scaleSetId, catalogId }) => deleteScaleSet(tx, { scaleSetId, catalogId }),
  })
}

function addLists(server: HttpServer, name: string): void {
  const set = entitySet(name)
  server.route({
    method: 'GET',
    url: `${root}/${name}`,
    config: { permission: 'skills.read' },
    schema: {
      tags: [name],
      summary: `List ${name}`,
      description: `At most ${usualPage}, unless $top sets another number.`,
      querystring: ListQuery,
      response: { 200: Type.Array(entitySchema(set), { description: name }) },
    },
    handler: async (request) => {
      requireJson(request.query.$format)
      const raw = { ...request.query, $top: request.query.$top ?? String(usualPage) }
      const { value } = await inTenantOf(request, (tx) => readPage(tx, set, { raw }))
      return value
    },
  })
  server.route({
    method: 'GET',
    url: `${root}/${name}/:id`,
    config: { permission: 'skills.read', errors: [404] },
    schema: {
      tags: [name],
      summary: `Read one of ${name}`,
      params: Type.Object({ id: Guid }),
      querystring: OneQuery,
      response: { 200: entitySchema(set) },
    },
    handler: async (request, reply) => bare(await readOne(request, reply, set, request.params.id)),
  })
}

function addAwards(server: HttpServer): void {
  const params = Type.Object({
    courseCatalogId: Guid,
    userLoginName: Type.String({
      ...UserKey,
      description: 'The user@domain part of the login name, or the DirectoryObjectId',
    }),
  })
  const url = `${root}/catalog/:courseCatalogId/UserSkills/User/:userLoginName`
  const body = skillOfUserBody('skillId', 'levelId')
  server.route({
    method: 'POST',
    url: `${url}/RevokeSkill`,
    config: { permission: 'skills.award', errors: [404, 409, 500] },
    schema: {
      tags: ['UserSkills'],
      summary: "Revoke a user's skill at a level",
      description: 'The transcript shows it as revoked. Lethe notifies the learner.',
      params,
      body,
      response: {
        200: Type.Object(
          { skillId: Guid, levelId: Guid, revokedDate: Type.String({ format: 'date-time' }) },
          { description: 'Revoked, and when' },
        ),
      },
    },
    handler: async (request) => {
      const { courseCatalogId: catalogId, userLoginName } = request.params
      const { skillId, levelId } = request.body
      const { revokedAt } = await inTenantOf(request, async (tx) => {
        const { userId } = await userByKey(tx, userLoginName)
        return await revokeSkill(tx, { userId, skillId, levelId, catalogId })
      })
      return { skillId, levelId, revokedDate: revokedAt.toISOString() }
    },
  })
  server.route({
    method: 'POST',
    url: `${url}/AssignSkill`,
    config: { permission: 'skills.award', errors: [404, 409, 500] },
    schema: {
      tags: ['UserSkills'],
      summary: 'Award a skill at a level to a user',
      params,
      body,
      response: { 200: Type.Object({ id: Guid, skillId: Guid, levelId: Guid }, { description: 'Awarded' }) },
    },
    handler: async (request) => {
      const { courseCatalogId: catalogId, userLoginName } = request.params
      const { skillId, levelId } = request.body
      const { id } = await inTenantOf(request, async (tx) => {
        const { userId } = await userByKey(tx, userLoginName)
        return await awardSkill(tx, { userId, skillId, levelId, catalogId })
      })
      return { id, skillId, levelId }
    },
  })
}

type OfCatalog = { catalogId: string; id: string }

/** What can be created, changed and deleted in a catalog. */
type Changeable<Body extends TObject> = {
  name: 'Skills' | 'SkillScaleSets'
  body: Body
  summaries: { create: string; change: string; delete: string }
  create: (tx: TenantTransaction, catalogId: string, body: Static<Body>) => Promise<{ id: string }>
  change: (tx: TenantTransaction, of: OfCatalog, body: Partial<Static<Body>>) => Promise<void>
  delete: (tx: TenantTransaction, of: OfCatalog) => Promise<void>
}

function addChanges<Body extends TObject>(server: HttpServer, changeable: Changeable<Body>): void {
  const { name, body, summaries } = changeable
  const set = entitySet(name)
  const unread = [
    ...readOnlyOf(set, body),
    ...readOnlyOf(entitySet('SkillLevels'), LevelBody).map((one) => `levels.${one}`),
    // Learn365 has them, and there are none here.
    'categories',
  ]
  const url = `${root}/catalog/:courseCatalogId/${name}`
  server.route({
    method: 'POST',
    url,
    config: { permission: 'skills.write', unread, errors: [404, 409] },
    schema: {
      tags: [name],
      summary: summaries.create,
      params: Catalog,
      querystring: OneQuery,
      body,
      response: { 201: entitySchema(set) },
    },
    handler: async (request, reply) => {
      requireOneQuery(request, set)
      const { courseCatalogId } = request.params
      const { id } = await inTenantOf(request, (tx) =>
        changeable.create(tx, courseCatalogId, request.body as Static<Body>),
      )
      reply.code(201).header('location', `${root}/${name}/${id}`)
      return bare(await readOne(request, reply, set, id))
    },
  })
  server.route({
    method: 'PUT',
    url: `${url}/:id`,
    config: { permission: 'skills.write', unread, errors: [404, 409] },
    schema: {
      tags: [name],
      summary: summaries.change,
      params: InCatalog,
      querystring: OneQuery,
      body: Type.Partial(body, { additionalProperties: false }),
      response: { 200: entitySchema(set) },
    },
    handler: async (request, reply) => {
      requireOneQuery(request, set)
      const { courseCatalogId: catalogId, id } = request.params
      const changes = request.body as Partial<Static<Body>>
      await inTenantOf(request, (tx) => changeable.change(tx, { catalogId, id }, changes))
      return bare(await readOne(request, reply, set, id))
    },
  })
  server.route({
    method: 'DELETE',
    url: `${url}/:id`,
    config: { permission: 'skills.write', errors: [404, 409] },
    schema: {
      tags: [name],
      summary: summaries.delete,
      params: InCatalog,
      response: { 204: Nothing },
    },
    handler: async (request, reply) => {
      const { courseCatalogId: catalogId, id } = request.params
      await inTenantOf(request, (tx) => changeable.delete(tx, { catalogId, id }))
      return reply.code(204).send(null)
    },
  })
}

/** The clients of this part know no annotations. */
function bare({ '@odata.context': _, ...entity }: Entity): Entity {
  return entity
}
