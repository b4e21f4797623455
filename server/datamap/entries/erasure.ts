import { actor, code, erasedId, fact, key, mention, type RoomMap, reference, sealed, subject } from '../vocabulary.ts'

type ErasureTable =
  | 'erasure_requests'
  | 'erasure_subjects'
  | 'erasure_plans'
  | 'erasure_plan_subjects'
  | 'erasure_decisions'
  | 'erasure_steps'
  | 'erasure_receipts'
  | 'erasure_certificates'
  | 'erasure_ledger'
  | 'erasure_findings'
  | 'erasure_wishes'
  | 'erasure_reaches'
  | 'reach_matches'
  | 'retention_policies'
  | 'retention_excluded_groups'
  | 'retention_runs'
  | 'table_rewrites'
  | 'log_marks'
  | 'backup_declarations'
  | 'tenant_deletions'
  | 'acknowledgement_links'

export const erasureMap: RoomMap<ErasureTable> = {
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
      due_at: fact,
      started_at: fact,
      finished_at: fact,
      disk_level: fact,
      disk_level_at: fact,
      backups_past_at: fact,
      about: code,
      from_outside: fact,
      trials_reached: fact,
      approval_required: fact,
      cooling_off_hours: fact,
      run_at: fact,
    },
  },
  erasure_subjects: {
    holds: 'The people that an order names, by internal id; their identifiers only until the order ends, encrypted.',
    about: 'other',
    columns: {
      tenant_id: key,
      request_id: reference,
      user_id: erasedId,
      state: code,
      sealed_identifiers: sealed,
      salted_hashes: sealed,
      commitments: sealed,
      fold_version: fact,
      counts: code,
      error_code: code,
      error_reason: code,
      erased_at: fact,
      finished_at: fact,
      plan_id: reference,
      plan_changes: code,
    },
  },
  erasure_plans: {
    holds: 'What previews found, for as long as an erasure request may name it or still waits under it.',
    about: 'nobody',
    because: 'It holds digests and numbers. Who asked for the preview is a digest of an internal id.',
    columns: {
      tenant_id: key,
      id: key,
      digest: code,
      operation: code,
      delete_first: fact,
      map_version: code,
      requester: sealed,
      people: fact,
      covers_mentions: fact,
      created_at: fact,
      expires_at: fact,
    },
  },
  erasure_plan_subjects: {
    holds:
      'The people of these previews, by internal id: digests of keys and numbers of rows. They go with the erasure.',
    about: 'other',
    columns: { tenant_id: key, plan_id: reference, user_id: erasedId, digest: sealed, parts: code },
  },
  erasure_decisions: {
    holds: 'Which erasure requests were approved or refused, by which person and why.',
    about: 'other',
    columns: {
      tenant_id: key,
      request_id: reference,
      decision: code,
      reason_code: code,
      note: mention('text'),
      decided_by: actor('null'),
      decided_at: fact,
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
  erasure_reaches: {
    holds: 'Whom a worker must look for in other tenants; their identifiers only until that is done, encrypted.',
    about: 'other',
    columns: {
      tenant_id: key,
      id: key,
      request_id: reference,
      provider_id: reference,
      sealed_people: sealed,
      confirmed_hashes: sealed,
      trials: reference,
      created_at: fact,
      finished_at: fact,
    },
  },
  reach_matches: {
    holds: 'What an erasure from outside found in this tenant, and the decision about it.',
    about: 'other',
    columns: {
      tenant_id: key,
      id: key,
      source_tenant_id: reference,
      source_request_id: reference,
      provider_id: reference,
      reach_id: reference,
      what: code,
      user_id: erasedId,
      sealed_address: sealed,
      confirmed: fact,
      decider: code,
      state: code,
      request_id: reference,
      reason: mention('text'),
      created_at: fact,
      decided_at: fact,
      decided_by: actor('null'),
      decided_by_credential: reference,
    },
  },
  erasure_wishes: {
    holds: 'Wishes of people to be erased, and how they were decided.',
    about: 'person',
    scope: 'person',
    onDelete: 'keep',
    anonymize: 'delete',
    columns: {
      tenant_id: key,
      id: key,
      user_id: subject,
      state: code,
      refusal_reason: code,
      note: mention('text'),
      request_id: reference,
      created_at: fact,
      decided_at: fact,
      decided_by: actor('null'),
      decided_by_credential: reference,
      told_at: fact,
    },
  },
  retention_policies: {
    holds: 'After how many days deleted users are purged, when that runs, and in the name of which person.',
    about: 'other',
    columns: {
      tenant_id: key,
      id: key,
      name: mention('text'),
      days: fact,
      daily_at: fact,
      enabled: fact,
      owner_id: actor('reassign'),
      created_at: fact,
      changed_at: fact,
    },
  },
  retention_excluded_groups: {
    holds: 'The directory groups whose members a retention policy leaves out.',
    about: 'nobody',
    because: 'It connects a policy with a group and names no person.',
    columns: { tenant_id: key, policy_id: reference, group_id: reference },
  },
  retention_runs: {
    holds: 'How many people each run of a retention policy found and requested.',
    about: 'nobody',
    because: 'It holds counts and times.',
    columns: {
      tenant_id: key,
      id: key,
      policy_id: reference,
      scheduled_on: fact,
      started_at: fact,
      finished_at: fact,
      deleted_before: fact,
      found: fact,
      excluded: fact,
      pending: fact,
      requested: fact,
      held: fact,
      request_id: reference,
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
  acknowledgement_links: {
    holds: 'Links by which receivers of data acknowledge erasures, as hashes, and which were used.',
    about: 'nobody',
    because: 'It connects an erasure request with a system and names no person.',
    columns: {
      tenant_id: key,
      id: key,
      request_id: reference,
      receiver_kind: code,
      receiver_id: reference,
      token_hash: sealed,
      created_at: fact,
      expires_at: fact,
      acknowledged_at: fact,
      statement: fact,
    },
  },
  tenant_deletions: {
    holds: 'The tenants that were deleted, by id, and the certificates of it, which name no person.',
    about: 'nobody',
    because: 'It says that a tenant is gone, and nothing of people.',
    columns: { id: key, deleted_at: fact, kid: code, jws: fact },
  },
}
