import { actor, code, fact, key, type RoomMap, reference, sealed, subject } from '../vocabulary.ts'

export const exportsMap: RoomMap<'exports' | 'export_chunks'> = {
  exports: {
    holds: 'Exports about a person that are kept to be fetched: how far, who ordered them, until when.',
    about: 'person',
    anonymize: 'delete',
    columns: {
      tenant_id: key,
      id: key,
      user_id: subject,
      ordered_by: actor('null'),
      ordered_by_credential: reference,
      state: code,
      sealed_key: sealed,
      size: fact,
      rows_written: fact,
      created_at: fact,
      finished_at: fact,
      expires_at: fact,
      error_code: code,
      // Keyed hashes of the words in it, and of those of people who were erased meanwhile.
      words: sealed,
      erased_words: sealed,
      withdrawn_at: fact,
    },
  },
  export_chunks: {
    holds: 'The content of kept exports, encrypted. An export does not hold it again.',
    about: 'person',
    anonymize: 'delete',
    // Sealed, so that no export holds the content of the ones before.
    columns: { tenant_id: key, export_id: reference, position: key, user_id: subject, content: sealed },
  },
}
