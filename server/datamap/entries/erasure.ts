import { actor, code, erasedId, fact, key, mention, type RoomMap, reference, sealed } from '../vocabulary.ts'

type ErasureTable =
  | 'signing_keys'
  | 'tenant_keys'
  | 'erasure_requests'
  | 'erasure_subjects'
  | 'erasure_steps'
  | 'erasure_receipts'
  | 'erasure_certificates'
  | 'tombstones'
  | 'erasure_ledger'
  | 'erasure_findings'
  | 'table_rewrites'
  | 'log_marks'
  | 'backup_declarations'

export const erasureMap: RoomMap<ErasureTable> = {
  signing_keys: {
    holds: 'The keys that sign certificates and access tokens.',
    about: 'nobody',
    because: 'Keys belong to the installation.',
    columns: {
      kid: code,
      purpose: code,
      public_jwk: code,
      sealed_private_key: sealed,
      created_at: fact,
      retired_at: fact,
    },
  },
  tenant_keys: {
    holds: 'The keys of a tenant, wrapped by the master key.',
    about: 'nobody',
    because: 'Keys belong to the tenant.',
    columns: { tenant_id: key, purpose: code, sealed_key: sealed, created_at: fact },
  },
  erasure_requests: {
    holds: 'Orders to purge or anonymize people.',
    about: 'other',
    columns: {
      tenant_id: key,
      id: key,
      operation: code,
      initiated_from: code,
      requested_by: actor('null'),
      requested_by_credential: reference,
      reason: mention('text'),
      sealed_key: sealed,
      map_version: code,
      created_at: fact,
      started_at: fact,
      finished_at: fact,
      disk_level: fact,
      disk_level_at: fact,
      backups_past_at: fact,
    },
  },
  erasure_subjects: {
    holds: 'The people whom an order names, by internal id; their identifiers only until the order ends, encrypted.',
    about: 'other',
    columns: {
      tenant_id: key,
      request_id: reference,
      user_id: erasedId,
      state: code,
      sealed_identifiers: sealed,
      salted_hashes: sealed,
      fold_version: fact,
      counts: code,
      error_code: code,
      error_reason: code,
      erased_at: fact,
      finished_at: fact,
    },
  },
  erasure_steps: {
    holds: 'How far each step of an order is.',
    about: 'nobody',
    because: 'It holds counts, times and error codes of a whole order.',
    columns: {
      tenant_id: key,
      request_id: reference,
      step: code,
      state: code,
      removed: fact,
      retained: fact,
      shared: fact,
      failed: fact,
      started_at: fact,
      finished_at: fact,
      error_code: code,
      error_reason: code,
    },
  },
  erasure_receipts: {
    holds: 'What an order did to which table.',
    about: 'nobody',
    because: 'It holds counts per table of a whole order.',
    columns: { tenant_id: key, request_id: reference, table_name: code, effect: code, row_count: fact },
  },
  erasure_certificates: {
    holds: 'Signed certificates of what was done.',
    about: 'nobody',
    because: 'A certificate names people by keyed hashes only.',
    columns: { tenant_id: key, request_id: reference, number: key, kid: code, jws: code, issued_at: fact },
  },
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
  erasure_ledger: {
    holds: 'Who was erased, by internal id.',
    about: 'other',
    columns: {
      tenant_id: key,
      request_id: reference,
      user_id: erasedId,
      operation: code,
      map_version: code,
      erased_at: fact,
    },
  },
  erasure_findings: {
    holds: 'Where a later sweep found identifiers of purged people: places and counts, never what was found.',
    about: 'other',
    columns: {
      tenant_id: key,
      id: key,
      user_id: erasedId,
      request_id: reference,
      table_name: code,
      column_name: code,
      kind: code,
      row_count: fact,
      found_at: fact,
      resolved_at: fact,
    },
  },
  table_rewrites: {
    holds: 'Which tables were written anew as a whole, and when.',
    about: 'nobody',
    because: 'It is about files of the database.',
    columns: { table_name: key, began_at: fact, ended_at: fact, size_before: fact, size_after: fact },
  },
  log_marks: {
    holds: 'What the write-ahead log must get past after tables were written anew.',
    about: 'nobody',
    because: 'It is about files of the database.',
    columns: { rewritten_at: key, segment: fact, last_segment: fact, passed_at: fact },
  },
  backup_declarations: {
    holds: 'What the operator said of the backups that are kept.',
    about: 'nobody',
    because: 'It holds times.',
    columns: { declared_at: key, kind: fact, oldest: fact },
  },
}
