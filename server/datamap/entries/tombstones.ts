import { code, erasedId, fact, key, type RoomMap, reference, sealed } from '../vocabulary.ts'

export const tombstonesMap: RoomMap<'tombstones'> = {
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
}
