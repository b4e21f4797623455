import { actor, content, fact, key, type RoomMap, sealed } from '../vocabulary.ts'

export const httpMap: RoomMap<'idempotent_requests'> = {
  idempotent_requests: {
    holds: 'Answers to requests that may be repeated, for a day.',
    about: 'other',
    columns: {
      tenant_id: key,
      key_hash: sealed,
      fingerprint: sealed,
      status: fact,
      user_id: actor('empty'),
      body: content,
      created_at: fact,
      expires_at: fact,
    },
  },
}
