import { type Static, Type } from 'typebox'
import type { HttpServer } from '../../../http/http-server.ts'
import { IdempotencyHeaders, withIdempotency } from '../../../http/idempotency.ts'
import { inTenantOf } from '../../../http/in-tenant-of.ts'
import { sharedSchema } from '../../../http/openapi/shared-schema.ts'
import { awardSkill } from '../../../skills/award-skill.ts'
import { deleteScaleSet, updateScaleSet } from '../../../skills/change-scale-set.ts'
import { deleteSkill, updateSkill } from '../../../skills/change-skill.ts'
import { createScaleSet } from '../../../skills/create-scale-set.ts'
import { createSkill } from '../../../skills/create-skill.ts'
import { listScaleSets, listSkills, showScaleSet, showSkill } from '../../../skills/list-skills.ts'
import { revokeSkill } from '../../../skills/revoke-skill.ts'
import { showTranscript } from '../../../views/transcript.ts'
import { nativeError } from '../errors.ts'
import { inOperationNames, inOurNames } from '../field-names.ts'
import {
  At,
  asPage,
  Created,
  Id,
  IdParams,
  Line,
  NewExternalKey,
  Nothing,
  NullableId,
  NullableText,
  pageOf,
  paging,
  Text,
  Time,
} from '../schemas.ts'
import { UserSkill } from '../users/transcript-route.ts'

const tags = ['Skills']
const skillsUrl = '/api/v1/skills'
const scalesUrl = '/api/v1/scale-sets'

const OwnCatalog = Type.Unsafe<string | null>({ ...NullableId, description: 'Null: for every catalog of the tenant' })

const Skill = sharedSchema(
  'Skill',
  Type.Object(
    {
      id: Id,
      title: Type.String(),
      description: NullableText,
      scale_set_id: Id,
      catalog_id: OwnCatalog,
      external_key: NullableText,
    },
    { description: 'A skill' },
  ),
)

const ScaleSet = sharedSchema(
  'ScaleSet',
  Type.Object(
    {
      id: Id,
      title: Type.String(),
      is_default: Type.Boolean(),
      catalog_id: OwnCatalog,
      levels: Type.Array(
        Type.Object({ id: Id, title: Type.String(), value: Type.Integer(), description: NullableText }),
        { description: 'From the lowest' },
      ),
    },
    { description: 'A scale of skills' },
  ),
)

const Levels = Type.Array(
  Type.Object(
    {
      title: Line,
      value: Type.Integer({
        minimum: 0,
        maximum: 1_000_000,
        description: 'Each once; a higher value is a higher level',
      }),
      description: Type.Optional(Text),
    },
    { additionalProperties: false },
  ),
  { minItems: 1, maxItems: 1001 },
)

const ForCatalog = Type.Optional(
  Type.String({ format: 'uuid', description: 'Only those of this catalog, and those for all catalogs' }),
)

const NewCatalogId = Type.Optional(
  Type.String({ format: 'uuid', description: 'The catalog that owns it; default: for every catalog of the tenant' }),
)

const skillAtLevel = {
  skill_id: Id,
  level_id: Type.String({ format: 'uuid', description: 'A level of the scale of the skill' }),
  catalog_id: Type.Optional(
    Type.String({ format: 'uuid', description: 'Refuses a skill that belongs to another catalog' }),
  ),
  at: Type.Optional(At),
}

/** `/api/v1/skills`, `/api/v1/scale-sets` and `/api/v1/users/:id/skills` */
export function addSkillRoutes(server: HttpServer): void {
  for (const { schema } of [Skill, ScaleSet]) server.addSchema(schema)
  addSkills(server)
  addSkillChanges(server)
  addScaleSets(server)
  addScaleSetChanges(server)
  addSkillsOfUsers(server)
  addAwards(server)
}

function addSkills(server: HttpServer): void {
  server.route({
    method: 'GET',
    url: skillsUrl,
    config: { permission: 'skills.read' },
    schema: {
      tags,
      summary: 'List skills, in the order of their creation',
      querystring: Type.Object(
        {
          catalog_id: ForCatalog,
          search: Type.Optional(Type.String({ maxLength: 256, description: 'Part of the title' })),
          ...paging,
        },
        { additionalProperties: false },
      ),
      response: {
        200: pageOf('skills', Skill.ref),
      },
    },
    handler: (request) => {
      const { catalog_id, limit = 50, ...rest } = request.query
      return asPage(
        inTenantOf(request, (tx) =>
          listSkills(tx, { limit, ...rest, ...(catalog_id !== undefined && { catalogId: catalog_id }) }),
        ),
      )
    },
  })
  server.route({
    method: 'POST',
    url: skillsUrl,
    config: { permission: 'skills.write', errors: [404, 409] },
    schema: {
      tags,
      summary: 'Create a skill',
      headers: IdempotencyHeaders,
      body: Type.Object(
        {
          title: Line,
          scale_set_id: Type.String({ format: 'uuid', description: 'Of the same catalog, or for all catalogs' }),
          catalog_id: NewCatalogId,
          description: Type.Optional(Text),
        },
        { additionalProperties: false },
      ),
      response: { 201: Created },
    },
    handler: (request, reply) => {
      const { scale_set_id: scaleSetId, catalog_id, ...rest } = request.body
      return inOurNames(
        withIdempotency(request, reply, async (tx) => {
          const catalog = catalog_id !== undefined && { catalogId: catalog_id }
          const { id } = await createSkill(tx, { ...rest, scaleSetId, ...catalog })
          return { status: 201, location: `${skillsUrl}/${id}`, body: { id } }
        }),
      )
    },
  })
  server.route({
    method: 'GET',
    url: `${skillsUrl}/:id`,
    config: { permission: 'skills.read', errors: [404] },
    schema: { tags, summary: 'Read a skill', params: IdParams, response: { 200: Skill.ref } },
    handler: (request) => inTenantOf(request, (tx) => showSkill(tx, request.params.id)),
  })
}

function addSkillChanges(server: HttpServer): void {
  server.route({
    method: 'PATCH',
    url: `${skillsUrl}/:id`,
    config: { permission: 'skills.write', errors: [404, 409] },
    schema: {
      tags,
      summary: 'Change a skill',
      description:
        'Absent fields stay; null clears the description (JSON merge patch). A skill that was ever awarded keeps its scale.',
      params: IdParams,
      body: Type.Partial(
        Type.Object({
          title: Line,
          description: Type.Unsafe<string | null>({ type: ['string', 'null'], minLength: 1, maxLength: 20_000 }),
          scale_set_id: Id,
          external_key: NewExternalKey,
        }),
        { additionalProperties: false },
      ),
      response: { 200: Skill.ref },
    },
    handler: (request) => {
      const skillId = request.params.id
      const changes = inOperationNames(request.body)
      return inOurNames(
        inTenantOf(request, async (tx) => {
          await updateSkill(tx, { skillId, changes })
          return await showSkill(tx, skillId)
        }),
      )
    },
  })
  server.route({
    method: 'DELETE',
    url: `${skillsUrl}/:id`,
    config: { permission: 'skills.write', errors: [404, 409] },
    schema: {
      tags,
      summary: 'Delete a skill that was never awarded',
      params: IdParams,
      response: { 204: Nothing },
    },
    handler: async (request, reply) => {
      await inTenantOf(request, (tx) => deleteSkill(tx, { skillId: request.params.id }))
      return reply.code(204).send(null)
    },
  })
}

function addScaleSets(server: HttpServer): void {
  server.route({
    method: 'GET',
    url: scalesUrl,
    config: { permission: 'skills.read' },
    schema: {
      tags,
      summary: 'List scales with their levels, in the order of their creation',
      querystring: Type.Object({ catalog_id: ForCatalog, ...paging }, { additionalProperties: false }),
      response: {
        200: pageOf('scale_sets', ScaleSet.ref),
      },
    },
    handler: async (request) => {
      const { catalog_id, limit = 50, ...rest } = request.query
      const catalog = catalog_id !== undefined && { catalogId: catalog_id }
      const found = await inTenantOf(request, (tx) => listScaleSets(tx, { limit: limit + 1, ...rest, ...catalog }))
      const page = found.slice(0, limit)
      return { scale_sets: page, next: found.length > limit ? (page.at(-1)?.id ?? null) : null }
    },
  })
  server.route({
    method: 'POST',
    url: scalesUrl,
    config: { permission: 'skills.write', errors: [404, 409] },
    schema: {
      tags,
      summary: 'Create a scale with its levels',
      headers: IdempotencyHeaders,
      body: Type.Object(
        {
          title: Line,
          catalog_id: NewCatalogId,
          is_default: Type.Optional(
            Type.Boolean({
              description: 'Replaces the present default for the same catalog, or for all catalogs',
            }),
          ),
          levels: Levels,
        },
        { additionalProperties: false, examples: [{ title: 'Baking', levels: [{ title: 'Apprentice', value: 1 }] }] },
      ),
      response: {
        201: Type.Object(
          { id: Id, level_ids: Type.Array(Id, { description: 'In the order given' }) },
          { description: 'Created; Location says where it is' },
        ),
      },
    },
    handler: (request, reply) =>
      inOurNames(
        withIdempotency(request, reply, async (tx) => {
          const { catalog_id, is_default, ...rest } = request.body
          const { id, levelIds } = await createScaleSet(tx, {
            ...rest,
            ...(catalog_id !== undefined && { catalogId: catalog_id }),
            ...(is_default !== undefined && { isDefault: is_default }),
          })
          return { status: 201, location: `${scalesUrl}/${id}`, body: { id, level_ids: levelIds } }
        }),
      ),
  })
  server.route({
    method: 'GET',
    url: `${scalesUrl}/:id`,
    config: { permission: 'skills.read', errors: [404] },
    schema: { tags, summary: 'Read a scale', params: IdParams, response: { 200: ScaleSet.ref } },
    handler: (request) => inTenantOf(request, (tx) => showScaleSet(tx, request.params.id)),
  })
}

function addScaleSetChanges(server: HttpServer): void {
  server.route({
    method: 'PATCH',
    url: `${scalesUrl}/:id`,
    config: { permission: 'skills.write', errors: [404, 409] },
    schema: {
      tags,
      summary: 'Change a scale',
      description:
        'Absent fields stay. The list of levels is replaced as a whole; a level with the same value stays the same level. A level at which a skill was ever awarded stays.',
      params: IdParams,
      body: Type.Partial(
        Type.Object({ title: Line, is_default: Type.Boolean(), levels: Levels, external_key: NewExternalKey }),
        {
          additionalProperties: false,
        },
      ),
      response: { 200: ScaleSet.ref },
    },
    handler: (request) => {
      const scaleSetId = request.params.id
      const changes = inOperationNames(request.body)
      return inOurNames(
        inTenantOf(request, async (tx) => {
          await updateScaleSet(tx, { scaleSetId, changes })
          return await showScaleSet(tx, scaleSetId)
        }),
      )
    },
  })
  server.route({
    method: 'DELETE',
    url: `${scalesUrl}/:id`,
    config: { permission: 'skills.write', errors: [404, 409] },
    schema: {
      tags,
      summary: 'Delete a scale that no skill uses',
      params: IdParams,
      response: { 204: Nothing },
    },
    handler: async (request, reply) => {
      await inTenantOf(request, (tx) => deleteScaleSet(tx, { scaleSetId: request.params.id }))
      return reply.code(204).send(null)
    },
  })
}

const ofUser = '/api/v1/users/:id/skills'

function addSkillsOfUsers(server: HttpServer): void {
  server.route({
    method: 'GET',
    url: ofUser,
    config: { permission: 'transcripts.read', target: 'id', errors: [404] },
    schema: {
      tags,
      summary: 'List the skills of a user, newest award first',
      description: 'Includes revoked skills, as in the transcript.',
      params: IdParams,
      response: { 200: Type.Object({ skills: Type.Array(UserSkill.ref) }, { description: 'Every award' }) },
    },
    handler: async (request) => {
      const { skills } = await inTenantOf(request, (tx) => showTranscript(tx, request.params.id))
      return { skills }
    },
  })
  server.route({
    method: 'GET',
    url: `${ofUser}/:award_id`,
    config: { permission: 'transcripts.read', target: 'id', errors: [404] },
    schema: {
      tags,
      summary: 'Read an award of a skill to a user',
      params: Type.Object({ id: Id, award_id: Id }),
      response: { 200: UserSkill.ref },
    },
    handler: async (request) => {
      const awardId = request.params.award_id.toLowerCase()
      const { skills } = await inTenantOf(request, (tx) => showTranscript(tx, request.params.id))
      const award = skills.find(({ id }) => id === awardId)
      if (award === undefined) throw nativeError('skill.award_not_found', { id: awardId })
      return award
    },
  })
}

function addAwards(server: HttpServer): void {
  server.route({
    method: 'POST',
    url: ofUser,
    config: { permission: 'skills.award', errors: [404, 409] },
    schema: {
      tags,
      summary: 'Award a skill at a level to a user',
      description: 'A user holds a level once. After a revocation, an award is a new one.',
      params: IdParams,
      headers: IdempotencyHeaders,
      body: Type.Object(skillAtLevel, { additionalProperties: false }),
      response: { 201: Created },
    },
    handler: (request, reply) => {
      const userId = request.params.id
      return inOurNames(
        withIdempotency(request, reply, async (tx) => {
          const { id } = await awardSkill(tx, { userId, ...chosenSkill(request.body) })
          return { status: 201, location: `/api/v1/users/${userId}/skills/${id}`, body: { id }, subjectUserId: userId }
        }),
      )
    },
  })
  server.route({
    method: 'POST',
    url: `${ofUser}/revoke`,
    config: { permission: 'skills.award', errors: [404, 409] },
    schema: {
      tags,
      summary: 'Revoke a skill at a level from a user',
      description:
        'The transcript shows it as revoked, with time, actor and reason. Lethe notifies the user, also by e-mail if e-mails are configured.',
      params: IdParams,
      body: Type.Object(
        {
          ...skillAtLevel,
          reason: Type.Optional(Type.String({ ...Text, description: 'The reason; the transcript shows it' })),
        },
        { additionalProperties: false },
      ),
      response: {
        200: Type.Object(
          { id: Type.String({ format: 'uuid', description: 'Of the award' }), revoked_at: Time },
          { description: 'Revoked' },
        ),
      },
    },
    handler: async (request) => {
      const { reason } = request.body
      const { id, revokedAt } = await inOurNames(
        inTenantOf(request, (tx) =>
          revokeSkill(tx, {
            userId: request.params.id,
            ...chosenSkill(request.body),
            ...(reason !== undefined && { reason }),
          }),
        ),
      )
      return { id, revoked_at: revokedAt }
    },
  })
}

const SkillAtLevel = Type.Object(skillAtLevel)

function chosenSkill({ skill_id, level_id, catalog_id, at }: Static<typeof SkillAtLevel>) {
  return {
    skillId: skill_id,
    levelId: level_id,
    ...(catalog_id !== undefined && { catalogId: catalog_id }),
    ...(at !== undefined && { at: new Date(at) }),
  }
}
