import { code, fact, key, type RoomMap } from '../vocabulary.ts'

export const importsMap: RoomMap<'import_files'> = {
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
