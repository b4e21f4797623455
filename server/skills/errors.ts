import { defineErrors } from '../platform/errors.ts'

/** What is wrong with skills, their scales and their awards. */
export const skillError = defineErrors({
  'skill.ambiguous_title': {
    kind: 'ambiguous',
    message: (_: { field: string }) =>
      'Several skills of this tenant have this title, in different catalogs. Use the id of the skill, or give the skills different titles.',
  },
  'scale_set.not_found': {
    kind: 'not_found',
    message: (d: { id: string }) => `There is no scale set ${d.id} in this tenant.`,
  },
  'skill.not_found': {
    kind: 'not_found',
    message: (d: { id: string }) => `There is no skill ${d.id} in this tenant.`,
  },
  'skill.level_not_found': {
    kind: 'not_found',
    message: (d: { id: string }) => `The scale of this skill has no level ${d.id}. Name one of the scale's own levels.`,
  },
  'skill.other_catalog': {
    kind: 'not_found',
    message: (d: { id: string; catalog: string }) =>
      `The skill ${d.id} does not belong to the catalog ${d.catalog}. Name the skill's own catalog, or a skill of this catalog.`,
  },
  'skill.in_use': {
    kind: 'conflict',
    message: (d: { awards: number }) =>
      `The skill was awarded ${d.awards === 1 ? 'once' : `${d.awards} times`} and stays in the transcripts. You can only delete a skill, or change its scale, if it was never awarded.`,
  },
  'scale_set.other_catalog': {
    kind: 'conflict',
    message: (d: { id: string }) =>
      `The scale set ${d.id} belongs to another catalog. Name a scale set of the same catalog, or one for all catalogs.`,
  },
  'scale_set.in_use': {
    kind: 'conflict',
    message: (d: { skills: number }) =>
      `${d.skills} skill${d.skills === 1 ? ' uses' : 's use'} this scale. Delete ${d.skills === 1 ? 'it' : 'them'} first, or move ${d.skills === 1 ? 'it' : 'them'} to another scale.`,
  },
  'scale_set.level_in_use': {
    kind: 'conflict',
    message: (d: { value: number }) =>
      `Skills were awarded at the level with the value ${d.value}, so this level must stay. You can change its title, but not its value.`,
  },
  'skill.held': {
    kind: 'conflict',
    message: () => 'The user already holds this skill at this level. To award it again, revoke it first.',
  },
  'skill.not_held': {
    kind: 'not_found',
    message: () => 'There is nothing to revoke: the user was never awarded this skill at this level.',
  },
  'skill.revoked': {
    kind: 'conflict',
    message: (d: { revokedAt: string }) =>
      `This skill was already revoked from the user at ${d.revokedAt}. If that was wrong, award it again.`,
  },
})
