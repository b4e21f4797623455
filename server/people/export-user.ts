import { mkdir, open, readdir, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { record } from '../audit/record.ts'
import { compiledMap } from '../datamap/compiled.ts'
import { type CompiledExport, compiledExport, readExported } from '../datamap/export.ts'
import { isSearchable } from '../datamap/identifiers.ts'
import { findMentions, type Mention } from '../datamap/mentions.ts'
import { readPeople } from '../datamap/people.ts'
import { csvLine } from '../imports/csv-line.ts'
import { guardFormula } from '../imports/formula-guard.ts'
import { codeOf } from '../platform/database/pool.ts'
import type { TenantTransaction } from '../platform/database/transaction.ts'
import { LetheError } from '../platform/errors.ts'
import { exportPage } from './export-page.ts'
import { findOtherHolders } from './holders.ts'

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

type Target = { folder: string; export: CompiledExport }

/**
 * Makes the folder of an export, for its owner's eyes only. Throws `export.folder_unusable` where it exists and is not
 * empty, or cannot be made.
 */
export async function makeExportFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    const present = await readdir(folder)
    if (present.length > 0) throw new LetheError('export.folder_unusable', { folder, reason: 'it is not empty' })
  } catch (error) {
    if (error instanceof LetheError) throw error
    throw new LetheError('export.folder_unusable', { folder, reason: codeOf(error) ?? 'it cannot be made' }, error)
  }
}

/**
 * Writes everything that is held about a user into an empty folder, compiled from the data map: rows about the person
 * whole, as JSON and as CSV; where the person acted, table, key and role; where identifiers of the person are mentioned,
 * the place; content as files; and an index to read and one for programs. No file name says who it is. Memory does not
 * depend on the number of rows. The user's row is locked against an erasure meanwhile. Nothing of it is kept in the
 * database; that it was made is recorded.
 * Where it fails, the folder is empty again.
 *
 * Throws `user.not_found`, also for an anonymized user.
 */
export async function exportUser(
  tx: TenantTransaction,
  options: { userId: string; folder: string; compiled?: CompiledExport },
): Promise<ExportIndex> {
  const { userId, folder } = options
  const { rowCount } = await tx.query(
    `select from users where tenant_id = $1 and id = $2 and state <> 'anonymized' for key share`,
    [tx.tenantId, userId],
  )
  if (rowCount === 0) throw new LetheError('user.not_found', { selector: 'id' })
  try {
    const index = await write(tx, userId, { folder, export: options.compiled ?? compiledExport })
    await record(tx, { activity: 'UserExported', object: userId })
    return index
  } catch (error) {
    for (const name of await readdir(folder)) await rm(path.join(folder, name), { recursive: true })
    throw error
  }
}

async function write(tx: TenantTransaction, person: string, target: Target): Promise<ExportIndex> {
  for (const name of ['data', 'files']) await mkdir(path.join(target.folder, name), { recursive: true, mode: 0o700 })
  const index: ExportIndex = {
    type: 'lethe.export',
    version: 1,
    created_at: new Date().toISOString(),
    data_map: compiledMap.version,
    tenant: tx.tenantId,
    person,
    tables: [],
    parts: { file: null, counts: [] },
    mentions: { file: null, rows: 0, shared_identifiers: 0, short_identifiers: 0 },
    files: [],
  }
  for (const { table, holds, kind, columns, text } of target.export.tables) {
    const name = `data/${kind}-${table}`
    const rows = readExported<{ json: string; cells: (string | null)[] }>(tx, text, person)
    const count = await writeTable(target.folder, name, columns, rows)
    const written = count > 0 ? { json: `${name}.json`, csv: `${name}.csv` } : { json: null, csv: null }
    index.tables.push({ table, holds, kind, rows: count, ...written })
  }
  const parts = await writeRows(
    target.folder,
    'data/parts',
    ['table', 'role', 'key'],
    readParts(tx, person, target, index),
  )
  if (parts > 0) index.parts.file = 'data/parts.json'
  const mentions = await mentionsOf(tx, person, index)
  index.mentions.rows = mentions.length
  const columns = ['table', 'column', 'key', 'identifiers']
  await writeRows(target.folder, 'data/mentions', columns, describeMentions(mentions, target.export.publicKey))
  if (mentions.length > 0) index.mentions.file = 'data/mentions.json'
  for (const { table, text } of target.export.files) {
    const rows = readExported<{ file: string; content: Buffer }>(tx, text, person, { portion: 8 })
    index.files.push(...(await writeFiles(target.folder, table, rows)))
  }
  await writeFile(path.join(target.folder, 'index.json'), `${JSON.stringify(index, null, 2)}\n`, { mode: 0o600 })
  await writeFile(path.join(target.folder, 'index.html'), exportPage(index), { mode: 0o600 })
  return index
}

async function* readParts(
  tx: TenantTransaction,
  person: string,
  target: Target,
  index: ExportIndex,
): AsyncGenerator<Record<string, unknown>> {
  for (const { table, holds, role, text } of target.export.parts) {
    let rows = 0
    for await (const { key } of readExported<{ key: string }>(tx, text, person)) {
      rows++
      yield { table, role, key: JSON.parse(key) }
    }
    if (rows > 0) index.parts.counts.push({ table, holds, role, rows })
  }
}

async function mentionsOf(tx: TenantTransaction, person: string, index: ExportIndex): Promise<Mention[]> {
  const identifiers = (await readPeople(tx, [person])).flatMap((one) => one.identifiers)
  const values = identifiers.map(({ value }) => value)
  const shared = await findOtherHolders(tx, values, [person])
  const own = identifiers.filter(({ value }) => !shared.has(value))
  index.mentions.shared_identifiers = identifiers.length - own.length
  index.mentions.short_identifiers = own.filter((identifier) => !isSearchable(identifier)).length
  return await findMentions(tx, 'purge', own, [person])
}

function* describeMentions(mentions: Mention[], publicKey: Map<string, string[]>): Generator<Record<string, unknown>> {
  for (const { column, key, identifiers } of mentions) {
    const shown = publicKey.get(column.table) ?? []
    const parts = column.primaryKey.flatMap((name, place) => (shown.includes(name) ? [[name, key[place]]] : []))
    yield {
      table: column.table,
      column: column.column,
      key: Object.fromEntries(parts),
      identifiers: identifiers.map(({ value }) => value),
    }
  }
}

/** Writes records of a few columns as JSON and as CSV. Answers how many there were; none make no file. */
function writeRows(
  folder: string,
  name: string,
  columns: string[],
  records: AsyncIterable<Record<string, unknown>> | Iterable<Record<string, unknown>>,
): Promise<number> {
  const rows = async function* () {
    for await (const record of records) {
      const cells = columns.map((column) => {
        const value = record[column]
        return typeof value === 'string' ? value : JSON.stringify(value)
      })
      yield { json: JSON.stringify(record), cells }
    }
  }
  return writeTable(folder, name, columns, rows())
}

async function writeTable(
  folder: string,
  name: string,
  columns: string[],
  rows: AsyncIterable<{ json: string; cells: (string | null)[] }>,
): Promise<number> {
  let count = 0
  let csv: Writer | undefined
  let json: Writer | undefined
  try {
    for await (const row of rows) {
      json ??= await openWriter(path.join(folder, `${name}.json`))
      csv ??= await openWriter(path.join(folder, `${name}.csv`))
      if (count === 0) await csv.write(csvLine(columns))
      await json.write(`${count === 0 ? '[' : ','}\n${row.json}`)
      await csv.write(csvLine(row.cells.map((cell) => guardFormula(cell ?? ''))))
      count++
    }
    await json?.write('\n]\n')
  } finally {
    await json?.close()
    await csv?.close()
  }
  return count
}

/** Content in portions becomes one file for each name; a name is a key, never what the person called the file. */
async function writeFiles(
  folder: string,
  table: string,
  rows: AsyncIterable<{ file: string; content: Buffer }>,
): Promise<ExportIndex['files']> {
  const files: ExportIndex['files'] = []
  let writer: Writer | undefined
  let last: ExportIndex['files'][number] | undefined
  try {
    for await (const { file, content } of rows) {
      const name = `files/${table}-${file}.bin`
      if (last?.file !== name) {
        await writer?.close()
        last = { table, file: name, bytes: 0 }
        files.push(last)
        writer = await openWriter(path.join(folder, name))
      }
      last.bytes += content.length
      await writer?.write(content)
    }
  } finally {
    await writer?.close()
  }
  return files
}

type Writer = { write(chunk: string | Buffer): Promise<void>; close(): Promise<void> }

const bufferedBytes = 1 << 16

/** A file that is written in large pieces. */
async function openWriter(file: string): Promise<Writer> {
  const handle = await open(file, 'w', 0o600)
  let pieces: Buffer[] = []
  let size = 0
  const flush = async () => {
    if (size > 0) await handle.writeFile(Buffer.concat(pieces))
    pieces = []
    size = 0
  }
  return {
    async write(chunk) {
      const piece = Buffer.from(chunk)
      pieces.push(piece)
      size += piece.length
      if (size >= bufferedBytes) await flush()
    },
    async close() {
      try {
        await flush()
      } finally {
        await handle.close()
      }
    },
  }
}
