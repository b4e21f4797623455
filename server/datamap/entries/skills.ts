import { actor, fact, key, mention, type RoomMap, reference, subject } from '../vocabulary.ts'

export const skillsMap: RoomMap<'skill_scale_sets' | 'skill_levels' | 'skills' | 'user_skills'> = {
  skill_scale_sets: {
    holds: 'Scales on which skills are measured.',
    about: 'other',
    columns: {
      tenant_id: key,
      id: key,
      catalog_id: reference,
      title: mention('text'),
      is_default: fact,
      external_key: key,
    },
  },
  skill_levels: {
    holds: 'The levels of a scale.',
    about: 'other',
    columns: {
      tenant_id: key,
      id: key,
      scale_set_id: reference,
      title: mention('text'),
      value: fact,
      description: mention('text'),
    },
  },
  skills: {
    holds: 'Skills that people can hold.',
    about: 'other',
    columns: {
      tenant_id: key,
      id: key,
      catalog_id: reference,
      scale_set_id: reference,
      title: mention('text'),
      description: mention('text'),
      external_key: key,
    },
  },
  user_skills: {
    holds: 'Skills that a person holds or held: awarded and revoked when, by whom and why.',
    about: 'person',
    anonymize: { clear: ['revoke_reason'] },
    columns: {
      tenant_id: key,
      id: key,
      user_id: subject,
      skill_id: reference,
      level_id: reference,
      awarded_at: fact,
      awarded_by: actor('null'),
      awarded_by_credential: reference,
      revoked_at: fact,
      revoked_by: actor('null'),
      revoked_by_credential: reference,
      revoke_reason: mention('text'),
    },
  },
}
