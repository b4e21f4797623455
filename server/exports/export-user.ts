import { valuesOpener } from '../audit/open-values.ts'
import { record } from '../audit/record.ts'
import { compiledExport, compiledMap } from '../datamap/compiled.ts'
import type { CompiledExport, ExportedTable } from '../datamap/plan.ts'
import { isSearchable } from '../identifiers/texts/search-forms.ts'
import { peopleError } from '../people/errors.ts'
import { findOtherHolders } from '../people/identifiers/holders.ts'
import { findMentions, type Mention } from '../personal-data/find-mentions.ts'
import { readSubjects } from '../personal-data/subjects.ts'
import { csvLine } from '../platform/csv/csv-line.ts'
import { guardFormula } from '../platform/csv/formula-guard.ts'
import type { TenantTransaction } from '../platform/database/transaction.ts'
import type { ExportIndex } from './export-index.ts'
import { exportPage } from './export-page.ts'
import { openPortion, type SealedRow } from './open-portion.ts'
import { readExported } from './read-exported.ts'

/**
 * Takes a file of an export: its path in there, and its content, which it reads to the end, or throws. The next file comes
 * when it is done.
 */
export type ReceiveFile = (name: string, content: AsyncIterable<Buffer>) => Promise<void>

export type ExportUserOptions = {
  userId: string
  receive: ReceiveFile
  /** Called while rows, parts and mentions are written: how many there are so far. */
  onRows?: (rows: number) => void
  /** Called with the rows, as JSON, that are written. */
  onText?: (text: string) => void
  compiled?: CompiledExport
}

/**
 * Hands over everything that is held about a user, file by file, compiled from the data map. Rows about the person are
 * complete, as JSON and as CSV, with decrypted values. Rows in which the person acted give table, key and role.
 * Mentions give the place. There are files, an index to read, and one for programs. No file name says who it is. Memory
 * does not depend on the number of rows.
 *
 * All files show the database as it was at one moment, so this must be the first in its transaction. Nothing is locked
 * meanwhile; at the end the user's row is, until the transaction ends. Where an erasure was first, the transaction is run
 * again and throws. That the export was made is recorded. Where the transaction is run again, all files come again.
 *
 * Throws `user.not_found`, also for an anonymized user, and `master_key.wrong`.
 */
export async function exportUser(tx: TenantTransaction, options: ExportUserOptions): Promise<ExportIndex> {
  const { userId: person, compiled = compiledExport } = options
  await tx.query('set transaction isolation level repeatable read')
  const { rowCount } = await tx.query(`select from users where tenant_id = $1 and id = $2 and state <> 'anonymized'`, [
    tx.tenantId,
    person,
  ])
  if (rowCount === 0) throw peopleError('user.not_found', { selector: 'id' })
  let rows = 0
  const target: Target = {
    receive: options.receive,
    onRows(more) {
      rows += more
      options.onRows?.(rows)
    },
    onText: (text) => options.onText?.(text),
  }
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
  const open = await valuesOpener(tx, person)
  for (const exported of compiled.tables) {
    const { table, holds, kind, columns, opened } = exported
    const name = `data/${kind}-${table}`
    const values = { opened: 0, unreadable: 0 }
    const count = await writeTable(
      target,
      name,
      [...columns, ...opened],
      readTable(tx, { person, exported, open, values }),
    )
    const written = count > 0 ? { json: `${name}.json`, csv: `${name}.csv` } : { json: null, csv: null }
    index.tables.push({ table, holds, kind, rows: count, values: opened.length === 0 ? null : values, ...written })
  }
  index.parts = await exportParts(tx, person, compiled, target)
  index.mentions = await exportMentions(tx, person, compiled, target)
  for (const { table, text } of compiled.files) {
    const content = readExported<{ file: string; content: Buffer }>(tx, text, person, { portion: 8 })
    index.files.push(...(await writeFiles(target, table, content)))
  }
  await target.receive('index.json', inBytes([`${JSON.stringify(index, null, 2)}\n`]))
  await target.receive('index.html', inBytes([exportPage(index)]))
  // Not before: whoever changes or erases the person would wait for the whole export. Where the row is gone meanwhile, this
  // fails with a serialization failure, the transaction is run again, and finds nobody.
  await tx.query('select from users where tenant_id = $1 and id = $2 for key share', [tx.tenantId, person])
  await record(tx, { activity: 'UserExported', object: person })
  return index
}

/** The rows of a table, twice; while they are read for JSON, `values` counts what was opened. */
function readTable(
  tx: TenantTransaction,
  options: {
    person: string
    exported: ExportedTable
    open: Awaited<ReturnType<typeof valuesOpener>>
    values: { opened: number; unreadable: number }
  },
): RowsTwice {
  const { person, exported, open, values } = options
  const { opened, json, cells } = exported
  if (opened.length === 0) {
    return { json: () => readExported(tx, json, person), cells: () => readExported(tx, cells, person) }
  }
  return {
    async *json() {
      for await (const portion of readExported<SealedRow & { json: string }>(tx, json, person)) {
        const texts = await openPortion(tx, { person, open, portion })
        yield portion.map((row, place) => {
          const members = opened.map((name, column) => `,${JSON.stringify(name)}:${texts[place]?.[column] ?? null}`)
          const isOpen = texts[place]?.some((text) => text !== null) === true
          if (isOpen) values.opened++
          else if (row.sealed.some((sealed) => sealed !== null)) values.unreadable++
          return { json: `${row.json.slice(0, -1)}${members.join('')}}` }
        })
      }
    },
    async *cells() {
      for await (const portion of readExported<SealedRow & { cells: Cells }>(tx, cells, person)) {
        const texts = await openPortion(tx, { person, open, portion })
        yield portion.map((row, place) => ({ cells: [...row.cells, ...(texts[place] ?? [])] }))
      }
    },
  }
}

type Target = { receive: ReceiveFile; onRows: (more: number) => void; onText: (text: string) => void }

async function exportParts(
  tx: TenantTransaction,
  person: string,
  compiled: CompiledExport,
  target: Target,
): Promise<ExportIndex['parts']> {
  const counts = new Map<CompiledExport['parts'][number], number>()
  const read = async function* () {
    for (const part of compiled.parts) {
      let rows = 0
      for await (const portion of readExported<{ key: string }>(tx, part.text, person)) {
        rows += portion.length
        counts.set(part, rows)
        yield portion.map(({ key }) => ({ table: part.table, role: part.role, key: JSON.parse(key) }))
      }
    }
  }
  const rows = await writeRecords(target, 'data/parts', ['table', 'role', 'key'], read)
  return {
    file: rows > 0 ? 'data/parts.json' : null,
    counts: [...counts].map(([{ table, holds, role }, count]) => ({ table, holds, role, rows: count })),
  }
}

async function exportMentions(
  tx: TenantTransaction,
  person: string,
  compiled: CompiledExport,
  target: Target,
): Promise<ExportIndex['mentions']> {
  const identifiers = (await readSubjects(tx, [person])).flatMap((one) => one.identifiers)
  const values = identifiers.map(({ value }) => value)
  const shared = await findOtherHolders(tx, values, [person])
  const own = identifiers.filter(({ value }) => !shared.has(value))
  const mentions = await findMentions(tx, 'purge', own, [person])
  const columns = ['table', 'column', 'key', 'identifiers']
  await writeRecords(target, 'data/mentions', columns, async function* () {
    if (mentions.length > 0) yield mentions.map((mention) => describeMention(mention, compiled.publicKey))
  })
  return {
    file: mentions.length > 0 ? 'data/mentions.json' : null,
    rows: mentions.length,
    shared_identifiers: identifiers.length - own.length,
    short_identifiers: own.filter((identifier) => !isSearchable(identifier)).length,
  }
}

function describeMention({ column, key, identifiers }: Mention, publicKey: Map<string, string[]>): ExportedRecord {
  const shown = publicKey.get(column.table) ?? []
  const parts = column.primaryKey.flatMap((name, place) => (shown.includes(name) ? [[name, key[place]]] : []))
  return {
    table: column.table,
    column: column.column,
    key: Object.fromEntries(parts),
    identifiers: identifiers.map(({ value }) => value),
  }
}

type Cells = (string | null)[]
type RowsTwice = { json(): AsyncGenerator<{ json: string }[]>; cells(): AsyncGenerator<{ cells: Cells }[]> }
type ExportedRecord = Record<string, unknown>

/** Writes records of a few columns as JSON and as CSV. Answers how many there are; none make no file. */
function writeRecords(
  target: Target,
  name: string,
  columns: string[],
  read: () => AsyncGenerator<ExportedRecord[]>,
): Promise<number> {
  const cellOf = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value))
  return writeTable(target, name, columns, {
    async *json() {
      for await (const records of read()) yield records.map((record) => ({ json: JSON.stringify(record) }))
    },
    async *cells() {
      for await (const records of read()) {
        yield records.map((record) => ({ cells: columns.map((column) => cellOf(record[column])) }))
      }
    },
  })
}

/**
 * Writes rows, which come in portions, as JSON and as CSV. They are read once for each, because an archive takes one file
 * after the other, and nothing of a person may lie about elsewhere in between.
 */
async function writeTable(
  { receive, onRows, onText }: Target,
  name: string,
  columns: string[],
  rows: RowsTwice,
): Promise<number> {
  let count = 0
  const portions = rows.json()
  const first = await portions.next()
  if (first.done) return 0
  const jsonTexts = async function* () {
    for await (const portion of startingWith(first.value, portions)) {
      const text = portion.map(({ json }) => json).join(',\n')
      onText(text)
      yield `${count === 0 ? '[' : ','}\n${text}`
      count += portion.length
      onRows(portion.length)
    }
    yield '\n]\n'
  }
  await receive(`${name}.json`, inBytes(jsonTexts()))
  const csvTexts = async function* () {
    yield csvLine(columns)
    for await (const portion of rows.cells()) {
      yield portion.map(({ cells }) => csvLine(cells.map((cell) => guardFormula(cell ?? '')))).join('')
    }
  }
  await receive(`${name}.csv`, inBytes(csvTexts()))
  return count
}

/** Content in portions becomes one file for each name; a name is a key, never what the person called the file. */
async function writeFiles(
  { receive }: Target,
  table: string,
  portions: AsyncGenerator<{ file: string; content: Buffer }[]>,
): Promise<ExportIndex['files']> {
  const files: ExportIndex['files'] = []
  const rows = oneByOne(portions)
  try {
    let next = await rows.next()
    while (!next.done) {
      const name = next.value.file
      const file = { table, file: `files/${table}-${name}.bin`, bytes: 0 }
      const contents = async function* () {
        while (!next.done && next.value.file === name) {
          file.bytes += next.value.content.length
          yield next.value.content
          next = await rows.next()
        }
      }
      await receive(file.file, contents())
      files.push(file)
    }
  } finally {
    await rows.return(undefined)
  }
  return files
}

async function* oneByOne<T>(portions: AsyncGenerator<T[]>): AsyncGenerator<T> {
  for await (const portion of portions) yield* portion
}

async function* startingWith<T>(first: T, rest: AsyncGenerator<T>): AsyncGenerator<T> {
  try {
    yield first
    yield* rest
  } finally {
    await rest.return(undefined)
  }
}

async function* inBytes(texts: Iterable<string> | AsyncIterable<string>): AsyncGenerator<Buffer> {
  for await (const text of texts) yield Buffer.from(text)
}
