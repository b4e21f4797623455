import { readdir, stat } from 'node:fs/promises'
import path from 'node:path'
import { pipeline } from 'node:stream/promises'
import pg from 'pg'
import { from as copyFrom } from 'pg-copy-streams'
import type { TenantTransaction } from '../platform/database/transaction.ts'
import { inputError } from '../platform/validation/errors.ts'
import { readCells } from './csv-cells.ts'
import { importError } from './errors.ts'
import type { Field } from './fields.ts'
import type { ImportMark } from './import-mark.ts'
import { LineReader, unreadable } from './line-reader.ts'

/** What a file of a table must look like: its columns in their order, and the temporary table that its rows pass through. */
export type FileShape = {
  /** The file's name without its ending. */
  name: string
  /** Default: csv, in .csv or .csv.gz. With tabs, in .txt or .txt.gz, quotes mean nothing. */
  format?: 'csv' | 'tabs'
  /** True: anything may stand between the name and the ending. */
  anyEnding?: boolean
  /** The temporary table: the columns of the file, and "line", the number of the line in the file. */
  stagedAs: string
  columns: Record<string, Field>
}

/** A file that was found, with its size on the disk in bytes. */
export type FoundFile = { shape: FileShape; file: string; path: string; size: number }

export type Rejection = { line: number; reason: string }

/** So many lines of a file, read and checked, ready for COPY. */
export type Chunk = {
  /** Number of lines read, good or bad. */
  lines: number
  /** The good lines in COPY's text format. */
  rows: Buffer[]
  rejected: Rejection[]
  /** Where in the file the chunk begins and ends. */
  from: ImportMark
  to: ImportMark
  /** Bytes of the file on the disk read so far. */
  bytesRead: number
}

/**
 * Finds the one file of each shape in the folder, plain or compressed.
 * Throws `input.file_unreadable` where one is missing, `input.invalid` where there are two.
 */
export async function findFiles(folder: string, shapes: readonly FileShape[]): Promise<FoundFile[]> {
  let names: string[]
  try {
    names = await readdir(folder)
  } catch (error) {
    throw unreadable(folder, error)
  }
  return await Promise.all(
    shapes.map(async (shape) => {
      const wanted = `${shape.name}${shape.anyEnding ? '*' : ''}${endingOf(shape)}`
      const found = names.filter((name) => isFileOf(shape, name)).sort()
      const [file, second] = found
      if (file === undefined) {
        throw inputError('input.file_unreadable', {
          file: wanted,
          reason: `the folder contains neither this file nor a compressed one (${endingOf(shape)}.gz)`,
        })
      }
      if (second !== undefined) {
        throw inputError('input.invalid', {
          field: 'The folder',
          expected: `it must contain one file ${wanted} or ${wanted}.gz, but contains ${found.join(', ')}`,
        })
      }
      const filePath = path.join(folder, file)
      return { shape, file, path: filePath, size: (await stat(filePath)).size }
    }),
  )
}

function isFileOf(shape: FileShape, name: string): boolean {
  const ending = [`${endingOf(shape)}.gz`, endingOf(shape)].find((one) => name.endsWith(one))
  if (ending === undefined) return false
  const base = name.slice(0, -ending.length)
  return shape.anyEnding ? base.startsWith(shape.name) : base === shape.name
}

function endingOf({ format = 'csv' }: FileShape): string {
  return format === 'csv' ? '.csv' : '.txt'
}

/** The cells of each line; undefined where the line is none of the format. */
function cellsOf({ format = 'csv' }: FileShape, lines: Buffer): (string[] | undefined)[] {
  if (format === 'csv') return readCells(lines)
  return lines
    .toString('latin1', 0, lines.length - 1)
    .split('\n')
    .map((line) => line.split('\t'))
}

/** Reads a file of a shape in chunks of checked rows. Closed by its opener. */
export class TableReader {
  readonly found: FoundFile
  #lines: LineReader
  #linesRead = 0

  private constructor(found: FoundFile) {
    this.found = found
    this.#lines = new LineReader(found.path)
  }

  /** Opens the file and checks its header. Throws `input.file_unreadable`, `input.invalid`. */
  static async open(found: FoundFile): Promise<TableReader> {
    const reader = new TableReader(found)
    try {
      await reader.#checkHeader()
      return reader
    } catch (error) {
      await reader.close()
      throw error
    }
  }

  async #checkHeader(): Promise<void> {
    const header = await this.#lines.readHeader()
    const cells = cellsOf(this.found.shape, Buffer.from(`${header ?? ''}\n`))[0] ?? []
    const wanted = Object.keys(this.found.shape.columns)
    if (cells.length !== wanted.length || cells.some((cell, i) => cell.trim() !== wanted[i])) {
      throw inputError('input.invalid', {
        field: `The first line of ${this.found.file}`,
        expected: `it must name the columns ${wanted.join(',')}`,
      })
    }
  }

  /**
   * Reads past the lines that an earlier run imported.
   * Throws `import.changed_file` where they are not the same as then.
   */
  async skipTo(mark: ImportMark): Promise<void> {
    const reached = await this.#lines.skip(mark.lines)
    if (!reached || !this.#lines.digest().equals(mark.digest)) {
      throw importError('import.changed_file', { file: this.found.file })
    }
    this.#linesRead = mark.lines
  }

  /** The next chunk of at most so many lines; undefined at the end of the file. */
  async read(mostLines: number): Promise<Chunk | undefined> {
    const rows: Buffer[] = []
    const rejected: Rejection[] = []
    const from = this.#position()
    const end = from.lines + mostLines
    while (this.#linesRead < end) {
      const lines = await this.#lines.read(end - this.#linesRead)
      if (lines === undefined) break
      rows.push(Buffer.from(this.#rowsOf(lines.text, rejected)))
      this.#linesRead += lines.count
    }
    const to = this.#position()
    const count = to.lines - from.lines
    if (count === 0) return undefined
    return { lines: count, rows, rejected, from, to, bytesRead: this.#lines.bytesRead }
  }

  async close(): Promise<void> {
    await this.#lines.close()
  }

  #position(): ImportMark {
    return { lines: this.#linesRead, digest: this.#lines.digest() }
  }

  #rowsOf(lines: Buffer, rejected: Rejection[]): string {
    const columns = Object.entries(this.found.shape.columns)
    // The header is line 1.
    let line = this.#linesRead + 1
    let rows = ''
    nextLine: for (const cells of cellsOf(this.found.shape, lines)) {
      line++
      if (cells?.length !== columns.length) {
        const reason =
          cells === undefined
            ? 'the quotes of the line do not match'
            : `the line has ${cells.length} column${cells.length === 1 ? '' : 's'} instead of ${columns.length}`
        rejected.push({ line, reason })
        continue
      }
      let row = String(line)
      for (let i = 0; i < columns.length; i++) {
        const [name, field] = columns[i] as [string, Field]
        const value = field.read(cells[i] as string)
        if (value === undefined) {
          rejected.push({ line, reason: `${name} is not ${field.expected}` })
          continue nextLine
        }
        row += `\t${value}`
      }
      rows += `${row}\n`
    }
    return rows
  }
}

/** Creates the shape's temporary table, which lives as long as the transaction. */
export async function createStaging(tx: TenantTransaction, shape: FileShape): Promise<void> {
  const columns = Object.entries(shape.columns).map(([name, field]) => `${pg.escapeIdentifier(name)} ${field.sqlType}`)
  await tx.query(
    `create temporary table ${pg.escapeIdentifier(shape.stagedAs)} (line integer not null, ${columns.join(', ')}) on commit drop`,
  )
}

/** Sends the chunk's rows into the shape's temporary table. */
export async function copyIntoStaging(tx: TenantTransaction, shape: FileShape, chunk: Chunk): Promise<void> {
  const copy = copyFrom(`copy ${pg.escapeIdentifier(shape.stagedAs)} from stdin`)
  await tx.copy((client) => pipeline(chunk.rows, client.query(copy)))
}
