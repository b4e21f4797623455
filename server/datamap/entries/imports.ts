import { actor, code, fact, key, type RoomMap, reference } from '../vocabulary.ts'

export const importsMap: RoomMap<'import_runs' | 'import_files'> = {
  import_runs: {
    holds: 'Imports: when, what kind, how many rows.',
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
    },
  },
  import_files: {
    holds: 'How far each file has been imported.',
    about: 'nobody',
    because:
      'It holds the name of a data set, names of files, which the importer fixes, line numbers and a digest of many lines together.',
    columns: {
      tenant_id: key,
      // Who imports chooses it, and courses and refs carry it on: it may read like an identifier.
      source: key,
      file_name: code,
      lines_imported: fact,
      prefix_digest: fact,
      updated_at: fact,
    },
  },
}
