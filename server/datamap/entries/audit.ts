import {
  code,
  erasedId,
  fact,
  key,
  mention,
  type RoomMap,
  reference,
  sealed,
  sealedFor,
  subject,
} from '../vocabulary.ts'

type AuditTable =
  | 'audit_entries'
  | 'audit_checkpoints'
  | 'person_keys'
  | 'contact_keys'
  | 'sealed_words'
  | 'audit_resealed'
  | 'audit_readings'
  | 'system_accounts'

/** Why rows are no part of a plan. */
const recorded = 'Every recorded action about the person may add a row here, also the actions of an erasure request.'

export const auditMap: RoomMap<AuditTable> = {
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
      sealed_values: sealedFor('subject_id', { table: 'audit_resealed', key: 'entry_id' }),
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
    scope: 'person',
    onDelete: 'keep',
    anonymize: 'delete',
    unplanned: recorded,
    columns: { tenant_id: key, user_id: subject, sealed_key: sealed, created_at: fact },
  },
  contact_keys: {
    holds:
      'The same for people who are no users, by the keyed hash of an identifier. An erasure destroys those of the identifiers of its people.',
    about: 'other',
    columns: { tenant_id: key, hash: sealed, fold_version: fact, sealed_key: sealed, created_at: fact },
  },
  system_accounts: {
    holds:
      'The accounts of operating systems that commands were run by: personal data of those who operate the server. The audit trail names them by id, so a name that is an identifier of an erased person is scrubbed here, and the chain still verifies.',
    about: 'other',
    columns: { tenant_id: key, id: key, name: mention('text'), created_at: fact },
  },
  sealed_words: {
    holds: 'Keyed hashes of the words of what is kept under the key of a person.',
    about: 'person',
    scope: 'person',
    onDelete: 'keep',
    anonymize: 'delete',
    unplanned: recorded,
    columns: { tenant_id: key, word: sealed, user_id: subject },
  },
  audit_resealed: {
    holds:
      'Values of the audit trail about a person, sealed again without the identifiers of somebody else who was erased.',
    about: 'person',
    scope: 'person',
    onDelete: 'keep',
    anonymize: 'delete',
    unplanned: recorded,
    columns: { tenant_id: key, entry_id: reference, user_id: subject, sealed_values: sealed },
  },
  audit_readings: {
    holds: 'How far the audit trail was read for what was recorded before there were indexes of it.',
    about: 'nobody',
    because: 'It holds counts, times and the id of an entry.',
    columns: {
      tenant_id: key,
      version: fact,
      last_entry: reference,
      entries: fact,
      started_at: fact,
      finished_at: fact,
    },
  },
}
