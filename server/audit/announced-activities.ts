import type { EventKind } from '../events/event-kinds.ts'
import type { Activity } from './activities.ts'

/**
 * The activities that are events for other systems. The entry of the audit trail announces them, so every way to act does.
 * What is recorded as a whole announces on its own: an import (`announcing`), and an erasure, whose people are gone when it
 * is recorded (`announceErased`).
 */
export const announcedActivities: { readonly [A in Activity]?: EventKind } = {
  UserCreated: 'user.created',
  UserUpdated: 'user.updated',
  UserReactivated: 'user.activated',
  UserSuspended: 'user.deactivated',
  UserDeleted: 'user.deleted',
  UserRestored: 'user.restored',
  SkillAwarded: 'skill.awarded',
  SkillRevoked: 'skill.revoked',
}
