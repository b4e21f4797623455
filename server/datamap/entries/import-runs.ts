import { actor, code, fact, key, mention, type RoomMap, reference, sealed } from '../vocabulary.ts'

export const importRunsMap: RoomMap<'import_runs' | 'import_run_rows' | 'import_run_chunks'> = {
  import_runs: {
    holds: 'Imports: when, what kind, how many rows, and the key of the file.',
    about: 'other',
    columns: {
      tenant_id: key,
      id: key,
      format: code,
      started_by: actor('null'),
      started_by_credential: reference,
      started_at: fact,
      finished_at: fact,
      rows_read: fact,
      rows_written: fact,
      rows_rejected: fact,
      connector_id: reference,
      file_name: mention('text'),
      error_code: code,
      counts: code,
      sealed_key: sealed,
      file_size: fact,
      file_expires_at: fact,
      file_gone_at: fact,
      file_gone_because: code,
      // Keyed hashes of the words in the file, and of those of people who were erased meanwhile.
      words: sealed,
      erased_words: sealed,
    },
  },
  import_run_rows: {
    holds: 'What became of each row of an imported file.',
    about: 'other',
    columns: {
      tenant_id: key,
      run_id: reference,
      line: key,
      outcome: code,
      // Empty where the row names no user; else it says no more than that the file had a row of the person.
      user_id: actor('remove'),
      reason: code,
      changed: code,
    },
  },
  import_run_chunks: {
    holds: 'The files of imports, encrypted.',
    about: 'nobody',
    because: 'An erasure destroys the whole content of a file that may contain the person, and its key.',
    columns: { tenant_id: key, run_id: reference, position: key, content: sealed },
  },
}
