import { code, erasedId, fact, key, type RoomMap, reference, sealed } from '../vocabulary.ts'

export const tombstonesMap: RoomMap<'tombstones' | 'event_cutoffs'> = {
  tombstones: {
    holds: 'Keyed hashes of the identifiers of purged people.',
    about: 'other',
    columns: {
      tenant_id: key,
      kind: code,
      hash: sealed,
      fold_version: fact,
      request_id: reference,
      user_id: erasedId,
      created_at: fact,
    },
  },
  event_cutoffs: {
    holds: 'For a day, keyed hashes of refs of which older events are refused; no row leads to a user.',
    about: 'other',
    columns: { tenant_id: key, ref_hash: sealed, deleted_at: fact, suspended_at: fact, expires_at: fact },
  },
}
