import { code, fact, key, mention, type RoomMap, reference, sealed } from '../vocabulary.ts'

export const webhooksMap: RoomMap<'webhook_endpoints'> = {
  webhook_endpoints: {
    holds: 'Which other systems are told about which events, with sealed addresses and secrets.',
    about: 'other',
    columns: {
      tenant_id: key,
      id: key,
      name: mention('text'),
      event_kinds: code,
      // Destroyed where an erased person's identifier is in it.
      sealed_url: sealed,
      sealed_secret: sealed,
      sealed_previous_secret: sealed,
      previous_secret_until: fact,
      thrive_signature: fact,
      credential_id: reference,
      enabled: fact,
      disabled_because: code,
      created_at: fact,
      changed_at: fact,
    },
  },
}
