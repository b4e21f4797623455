import { inputError } from '../platform/validation/errors.ts'
import { unreadable } from './line-reader.ts'

const delimiters = [',', ';', '\t'] as const
type Delimiter = (typeof delimiters)[number]

const longestRecord = 1024 * 1024
const byteOrderMark = '\u00ef\u00bb\u00bf'

/**
 * A record, and the line of the file that it begins in (the head is line 1). Each character of a cell is one byte of the
 * file (latin1), so that nothing is lost before somebody decides what the bytes mean. `cells` is undefined for a line
 * whose quotes do not match, or that is too long.
 */
export type CsvRecord = { line: number; cells: string[] | undefined }

/**
 * Reads CSV as a stream: cells between commas, semicolons or tabs, quoted where they hold one of these, a quote (doubled)
 * or a line break. Never holds more than a piece of the stream and one record of at most 1 MiB.
 *
 * An opened quote that is not closed as it should be costs the line it stands in and no other.
 */
export class CsvReader {
  readonly #file: string
  readonly #pieces: AsyncIterator<Buffer>
  #text = ''
  #position = 0
  #ended = false
  #line = 1
  #delimiter: Delimiter = ','
  /** Inside a line that is too long, up to its end. */
  #dropping = false

  /** `file` names the source in errors. */
  constructor(source: AsyncIterable<Buffer>, file: string) {
    this.#pieces = source[Symbol.asyncIterator]()
    this.#file = file
  }

  /**
   * Reads the head. The separator is the one that splits it into the most names that `isKnown` accepts, else a comma.
   *
   * Throws `input.file_unreadable` for an empty file, for UTF-16, and where the source cannot be read.
   */
  async readHead(isKnown: (name: string) => boolean): Promise<string[]> {
    while (!this.#ended && this.#text.length < 4) await this.#more()
    if (/^(\u00ff\u00fe|\u00fe\u00ff)/.test(this.#text) || this.#text.slice(0, 4).includes('\0')) {
      throw inputError('input.file_unreadable', { file: this.#file, reason: 'it is UTF-16; save it as UTF-8' })
    }
    if (this.#text.startsWith(byteOrderMark)) this.#position = byteOrderMark.length
    for (;;) {
      if (this.#text.length - this.#position > longestRecord) {
        throw inputError('input.file_unreadable', { file: this.#file, reason: 'its header is longer than 1 MiB' })
      }
      const heads = delimiters.map((delimiter) => ({ delimiter, ...this.#parse(delimiter) }))
      if (heads.some(({ end }) => end === undefined)) {
        await this.#more()
        continue
      }
      const known = heads.map(({ cells }) => (cells ?? []).filter(isKnown).length)
      const best = heads[known.indexOf(Math.max(...known))]
      const cells = best?.cells
      if (best === undefined || cells === undefined) {
        throw inputError('input.file_unreadable', {
          file: this.#file,
          reason: 'the quotes of its header do not match',
        })
      }
      if (this.#ended && this.#position === this.#text.length) {
        throw inputError('input.file_unreadable', { file: this.#file, reason: 'it is empty' })
      }
      this.#delimiter = best.delimiter
      this.#advance(best.end ?? 0)
      return cells
    }
  }

  /** The next records, as many as are at hand; undefined at the end. Blank lines are left out. */
  async read(): Promise<CsvRecord[] | undefined> {
    for (;;) {
      const records: CsvRecord[] = []
      if (this.#dropping) this.#dropRest()
      while (this.#position < this.#text.length) {
        const { cells, end } = this.#parse(this.#delimiter)
        if (end === undefined) break
        if (cells?.length !== 1 || cells[0] !== '') records.push({ line: this.#line, cells })
        this.#advance(end)
        if (this.#dropping) break
      }
      if (records.length > 0) return records
      if (this.#ended) return undefined
      await this.#more()
    }
  }

  /** Ends the reading of the source. */
  async close(): Promise<void> {
    await this.#pieces.return?.()
  }

  async #more(): Promise<void> {
    try {
      const next = await this.#pieces.next()
      this.#text = this.#text.slice(this.#position)
      this.#position = 0
      if (next.done) this.#ended = true
      else this.#text += next.value.toString('latin1')
    } catch (error) {
      throw unreadable(this.#file, error)
    }
  }

  #advance(end: number): void {
    for (let at = this.#position; at < end; ) {
      const newline = this.#text.indexOf('\n', at)
      if (newline < 0 || newline >= end) break
      this.#line++
      at = newline + 1
    }
    this.#position = end
  }

  /** The record at the current position; `end` is where the next one begins, undefined where more text is needed. */
  #parse(delimiter: Delimiter): { cells: string[] | undefined; end: number | undefined } {
    const text = this.#text
    const start = this.#position
    const newline = text.indexOf('\n', start)
    const tooLong = text.length - start > longestRecord
    if (newline < 0 && !this.#ended) {
      this.#dropping = tooLong
      return { cells: undefined, end: tooLong ? text.length : undefined }
    }
    const lineEnd = newline < 0 ? text.length : newline
    const next = newline < 0 ? text.length : newline + 1
    const line = text.slice(start, lineEnd > start && text[lineEnd - 1] === '\r' ? lineEnd - 1 : lineEnd)
    if (!line.includes('"')) return { cells: line.split(delimiter), end: next }
    const record = this.#parseQuoted(delimiter)
    if (record === 'bad') return { cells: undefined, end: next }
    if (record !== 'unfinished') return record
    return this.#ended || tooLong ? { cells: undefined, end: next } : { cells: undefined, end: undefined }
  }

  #parseQuoted(delimiter: Delimiter): { cells: string[]; end: number } | 'bad' | 'unfinished' {
    const text = this.#text
    const cells: string[] = []
    for (let at = this.#position; ; ) {
      let cell: string
      if (text[at] === '"') {
        const close = closingQuote(text, at + 1)
        // At the end of what is at hand the quote may be the first of a doubled one, or a line feed may follow.
        if (close < 0 || (close + 2 >= text.length && !this.#ended)) return 'unfinished'
        cell = text.slice(at + 1, close).replaceAll('""', '"')
        at = close + 1
        if (text[at] === '\r' && (text[at + 1] === '\n' || at + 1 === text.length)) at++
      } else {
        let end = at
        while (end < text.length && text[end] !== delimiter && text[end] !== '\n') end++
        if (end === text.length && !this.#ended) return 'unfinished'
        const last = text[end] !== delimiter && end > at && text[end - 1] === '\r' ? end - 1 : end
        cell = text.slice(at, last)
        at = end
      }
      cells.push(cell)
      if (at >= text.length) return { cells, end: at }
      if (text[at] === '\n') return { cells, end: at + 1 }
      if (text[at] !== delimiter) return 'bad'
      at++
    }
  }

  #dropRest(): void {
    const newline = this.#text.indexOf('\n', this.#position)
    this.#dropping = newline < 0
    this.#advance(newline < 0 ? this.#text.length : newline + 1)
  }
}

/** Where the quoted cell ends; -1 where that is not at hand. */
function closingQuote(text: string, from: number): number {
  for (let at = from; ; at += 2) {
    at = text.indexOf('"', at)
    if (at < 0 || text[at + 1] !== '"') return at
  }
}
