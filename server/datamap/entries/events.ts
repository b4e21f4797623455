import { actor, code, erasedId, fact, key, type RoomMap, reference, sealed, subject } from '../vocabulary.ts'

export const eventsMap: RoomMap<'webhook_deliveries' | 'webhook_references'> = {
  webhook_deliveries: {
    holds:
      'What other systems are and were told: the kind of each event and ids. The payload is built when it is sent, and not stored.',
    about: 'other',
    unplanned: 'Every announced event about the person may add a row here, also those of an erasure request.',
    columns: {
      tenant_id: key,
      id: key,
      endpoint_id: reference,
      event_id: key,
      kind: code,
      occurred_at: fact,
      // Empty where the event is about no person, or about one who is erased.
      user_id: actor('remove'),
      erased_user_id: erasedId,
      request_id: reference,
      object_id: reference,
      sealed_reference: sealed,
      state: code,
      attempts: fact,
      due_at: fact,
      give_up_at: fact,
      attempt_log: code,
      ended_at: fact,
    },
  },
  webhook_references: {
    holds: 'What the receivers of webhooks know a person by, encrypted.',
    about: 'person',
    scope: 'person',
    onDelete: 'keep',
    anonymize: 'delete',
    columns: { tenant_id: key, endpoint_id: reference, user_id: subject, sealed_reference: sealed, created_at: fact },
  },
}
