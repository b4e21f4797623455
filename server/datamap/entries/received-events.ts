import { code, fact, key, type RoomMap, sealed } from '../vocabulary.ts'

export const receivedEventsMap: RoomMap<'received_events'> = {
  received_events: {
    holds: 'Keyed hashes of events that other systems sent, and whether they were applied, for thirty days.',
    about: 'other',
    columns: {
      tenant_id: key,
      id_hash: sealed,
      fingerprint: sealed,
      outcome: code,
      reason: code,
      expires_at: fact,
    },
  },
}
