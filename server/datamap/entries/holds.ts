import { actor, code, fact, key, mention, type RoomMap, reference, subject } from '../vocabulary.ts'

export const holdsMap: RoomMap<'legal_holds' | 'legal_hold_users' | 'legal_hold_groups'> = {
  legal_holds: {
    holds: 'Legal holds: why, since when, and which person answers for them.',
    about: 'other',
    columns: {
      tenant_id: key,
      id: key,
      reason_code: code,
      note: mention('text'),
      owner_id: actor('reassign'),
      created_at: fact,
      created_by: actor('null'),
      created_by_credential: reference,
      released_at: fact,
      released_by: actor('null'),
      released_by_credential: reference,
    },
  },
  legal_hold_users: {
    holds: 'The people that a legal hold names.',
    about: 'person',
    scope: 'person',
    onDelete: 'keep',
    anonymize: 'delete',
    unplanned: 'A hold stops the erasure; after its release the person is erased as the preview showed.',
    columns: { tenant_id: key, hold_id: reference, user_id: subject },
  },
  legal_hold_groups: {
    holds: 'The directory groups whose members a legal hold covers.',
    about: 'nobody',
    because: 'It connects a hold with a group and names no person.',
    columns: { tenant_id: key, hold_id: reference, group_id: reference },
  },
}
