import type { Permission } from '../permissions/permissions.ts'

/**
 * The events that other systems can be told about, and the permission without which a caller may not subscribe to one: a
 * subscription shows what that permission shows. The first four names are Thrive's.
 */
export const eventKinds = {
  'user.created': { when: 'a user is created', needs: 'users.read' },
  'user.updated': { when: 'a user is changed', needs: 'users.read' },
  'user.activated': { when: 'a suspension of a user ends', needs: 'users.read' },
  'user.deactivated': { when: 'a user is suspended', needs: 'users.read' },
  'user.deleted': { when: 'a user is deleted, and can be restored', needs: 'users.read' },
  'user.restored': { when: 'a deleted user is restored', needs: 'users.read' },
  'user.purged': { when: 'a user is purged', needs: 'users.read' },
  'user.anonymized': { when: 'a user is anonymized', needs: 'users.read' },
  'erasure.completed': { when: 'an erasure request has ended', needs: 'erasures.read' },
  'skill.awarded': { when: 'a user is awarded a skill', needs: 'transcripts.read' },
  'skill.revoked': { when: 'a skill of a user is revoked', needs: 'transcripts.read' },
} as const satisfies Record<string, { when: string; needs: Permission }>

export type EventKind = keyof typeof eventKinds

export const eventKindNames = Object.keys(eventKinds) as EventKind[]

/** The kind of the deliveries that an administrator requests to try an endpoint. No event has it. */
export const testKind = 'webhook.test'
