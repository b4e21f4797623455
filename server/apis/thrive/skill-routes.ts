import { Type } from 'typebox'
import type { HttpServer } from '../../http/http-server.ts'
import { inTenantOf } from '../../http/in-tenant-of.ts'
import { peopleError } from '../../people/errors.ts'
import { isUuid } from '../../platform/database/transaction.ts'
import { inputError } from '../../platform/validation/errors.ts'
import { defaultLevels } from '../../skills/default-levels.ts'
import { setSkillLevels } from '../../skills/set-skill-levels.ts'

const SkillChanges = Type.Object(
  {
    op: Type.Literal('update'),
    path: Type.Literal('skills'),
    value: Type.Array(
      Type.Object(
        {
          tagName: Type.String({ minLength: 1, maxLength: 256, description: 'The title of a skill' }),
          level: Type.Optional(
            Type.Integer({ minimum: -1, description: 'The value of a level of the skill; -1: no level any more' }),
          ),
          targetLevel: Type.Optional(
            Type.Integer({ minimum: -1, description: 'Accepted and ignored: Lethe keeps no target levels' }),
          ),
        },
        { additionalProperties: false },
      ),
      { minItems: 1, maxItems: 100 },
    ),
  },
  {
    additionalProperties: false,
    examples: [{ op: 'update', path: 'skills', value: [{ tagName: 'Pruning', level: 2 }] }],
  },
)

/** `/rest/v1/users/{userId}/skills` and `/rest/v1/skills/levels` */
export function addSkillRoutes(server: HttpServer): void {
  server.route({
    method: 'PATCH',
    url: '/rest/v1/users/:userId/skills',
    config: { permission: 'skills.award', errors: [404] },
    schema: {
      tags: ['Skills'],
      summary: 'Set levels of skills of a user',
      description:
        'All or none. A level that the user does not hold is awarded, and higher ones are revoked. The user must be active.',
      params: Type.Object({ userId: Type.String({ maxLength: 64, description: 'The internal id' }) }),
      body: SkillChanges,
      response: {
        200: Type.Object({ status: Type.Literal(200), message: Type.String() }, { description: 'OK' }),
      },
    },
    handler: async (request) => {
      const { userId } = request.params
      const settings = request.body.value.map(({ tagName, level }, position) => {
        if (level !== undefined) return { title: tagName, level }
        throw inputError('input.invalid', {
          field: `value.${position}.level`,
          expected: 'it is missing, and Lethe keeps no target levels',
        })
      })
      if (!isUuid(userId)) throw peopleError('user.not_found', { selector: 'id' })
      await inTenantOf(request, (tx) => setSkillLevels(tx, userId, settings))
      return { status: 200 as const, message: `${settings.length} skill(s) updated successfully for the learner.` }
    },
  })
  server.route({
    method: 'GET',
    url: '/rest/v1/skills/levels',
    config: { permission: 'skills.read' },
    schema: {
      tags: ['Skills'],
      summary: 'List the levels of skills',
      description: 'Those of the default scale, the lowest first. Other scales of the tenant may have others.',
      response: {
        200: Type.Array(Type.Object({ name: Type.String(), isEnabled: Type.Boolean(), value: Type.Integer() }), {
          description: 'The levels',
        }),
      },
    },
    handler: (request) =>
      inTenantOf(request, async (tx) =>
        (await defaultLevels(tx)).map(({ title, value }) => ({ name: title, isEnabled: true, value })),
      ),
  })
}
