import {
  code,
  erasedId,
  fact,
  key,
  type RoomMap,
  reference,
  sealed,
  sealedFor,
  subject,
} from '../datamap/vocabulary.ts'

export const auditMap: RoomMap<'audit_entries' | 'audit_checkpoints' | 'person_keys' | 'contact_keys'> = {
  audit_entries: {
    holds: 'Who did what when. Values about people are encrypted under their own keys, which an erasure destroys.',
    about: 'other',
    columns: {
      tenant_id: key,
      id: key,
      at: fact,
      initiated_from: code,
      actor_kind: code,
      actor_id: erasedId,
      activity: code,
      object_kind: code,
      object_id: reference,
      subject_id: erasedId,
      contact_hash: sealed,
      details: fact,
      sealed_values: sealedFor('subject_id'),
      sequence: fact,
      hash: fact,
    },
  },
  audit_checkpoints: {
    holds: 'Signed statements of how far the chain of the audit trail reached.',
    about: 'nobody',
    because: 'It holds numbers, hashes and signatures.',
    columns: { tenant_id: key, sequence: key, jws: code, created_at: fact },
  },
  person_keys: {
    holds: 'The key that opens what the audit trail says about a person, wrapped by the master key.',
    about: 'person',
    anonymize: 'delete',
    columns: { tenant_id: key, user_id: subject, sealed_key: sealed, created_at: fact },
  },
  contact_keys: {
    holds:
      'The same for people who are no users, by the keyed hash of an identifier. An erasure destroys those of the identifiers of its people.',
    about: 'other',
    columns: { tenant_id: key, hash: sealed, fold_version: fact, sealed_key: sealed, created_at: fact },
  },
}
