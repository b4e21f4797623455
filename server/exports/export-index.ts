/** The index of an export, as `index.json` has it. Paths are relative to it. */
export type ExportIndex = {
  type: 'lethe.export'
  version: 1
  created_at: string
  /** The version of the data map that it was made by. */
  data_map: string
  tenant: string
  /** The internal id. */
  person: string
  /** Rows that are exported whole: about the person, written by the person, on the record of an erasure of the person. */
  tables: {
    table: string
    holds: string
    kind: 'about' | 'written' | 'on_record'
    rows: number
    /**
     * In how many rows values are kept under the person's key: those that were opened, and those that could not be, because
     * somebody altered them. Null where the table has none.
     */
    values: { opened: number; unreadable: number } | null
    json: string | null
    csv: string | null
  }[]
  /** Parts in rows of something or somebody else: how many a table and role. The file has the keys. */
  parts: { file: string | null; counts: { table: string; holds: string; role: string; rows: number }[] }
  /** Places in rows of something or somebody else that mention the person's identifiers. */
  mentions: {
    file: string | null
    rows: number
    /** Identifiers that somebody else has too: whom a mention of them means, nobody can tell. */
    shared_identifiers: number
    /** Identifiers that cannot be told apart from ordinary text. */
    short_identifiers: number
  }
  files: { table: string; file: string; bytes: number }[]
}
