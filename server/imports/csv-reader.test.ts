import { Readable } from 'node:stream'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { effort } from '../../test/effort.ts'
import { csvLine } from '../platform/csv/csv-line.ts'
import { guardFormula, removeGuard } from '../platform/csv/formula-guard.ts'
import { CsvReader, type CsvRecord } from './csv-reader.ts'

const isKnown = (name: string) => /^(id|ref|email)$/.test(name)

/** Reads the file in pieces of this many bytes. */
async function readAll(content: string | Buffer, pieceSize = 7) {
  const bytes = Buffer.from(content as string)
  const pieces: Buffer[] = []
  for (let at = 0; at < bytes.length; at += pieceSize) pieces.push(bytes.subarray(at, at + pieceSize))
  const reader = new CsvReader(Readable.from(pieces), 'test.csv')
  const head = await reader.readHead(isKnown)
  const records: CsvRecord[] = []
  for (;;) {
    const next = await reader.read()
    if (next === undefined) return { head, records }
    for (const record of next) records.push(record)
  }
}

const utf8 = (cell: string) => Buffer.from(cell, 'latin1').toString('utf8')

describe('CsvReader', () => {
  it('reads back what csvLine wrote, whatever stands in the cells and wherever the stream is cut', async () => {
    const cell = fc.oneof(
      fc.string({ unit: 'grapheme' }),
      fc.string({ unit: fc.constantFrom('"', ',', ';', '\t', '\r', '\n', 'a', ' ', 'ü') }),
    )
    const rows = fc
      .integer({ min: 1, max: 4 })
      .chain((width) => fc.array(fc.array(cell, { minLength: width, maxLength: width })))
    await fc.assert(
      fc.asyncProperty(rows, fc.integer({ min: 1, max: 20 }), async (lines, pieceSize) => {
        const { records } = await readAll(['ref\r\n', ...lines.map(csvLine)].join(''), pieceSize)
        // An empty cell alone is a blank line to every reader.
        const expected = lines.filter((cells) => cells.length > 1 || cells[0] !== '')
        expect(records.map(({ cells }) => cells?.map(utf8))).toEqual(expected)
      }),
      { numRuns: 300 },
    )
  })

  it.each([
    ['commas', 'ref,email\na,b\n'],
    ['semicolons', 'ref;email\na;b\n'],
    ['tabs', 'ref\temail\na\tb\n'],
    ['a byte order mark', '\ufeffref,email\na,b\n'],
    ['line ends of Windows and none at the end', 'ref,email\r\na,b'],
    ['quotes', '"ref","email"\r\n"a","b"\r\n'],
  ])('reads a file with %s', async (_name, content) => {
    for (const size of [1, 2, 5, 100]) {
      const { head, records } = await readAll(content, size)
      expect(head).toEqual(['ref', 'email'])
      expect(records).toEqual([{ line: 2, cells: ['a', 'b'] }])
    }
  })

  it('counts the lines of the file, those inside of quotes and blank ones too', async () => {
    const { records } = await readAll('ref,email\n"a\n\nb",c\n\n\nd,e\n')
    expect(records).toEqual([
      { line: 2, cells: ['a\n\nb', 'c'] },
      { line: 7, cells: ['d', 'e'] },
    ])
  })

  it('takes a quote inside of an unquoted cell as it is', async () => {
    expect((await readAll('ref,email\nAnn "Annie" A,5"\n')).records).toEqual([
      { line: 2, cells: ['Ann "Annie" A', '5"'] },
    ])
  })

  it('loses only the line whose quotes do not match', async () => {
    const { records } = await readAll('ref,email\n"a"x,b\nc,"d\ne,f\n')
    expect(records).toEqual([
      { line: 2, cells: undefined },
      { line: 3, cells: undefined },
      { line: 4, cells: ['e', 'f'] },
    ])
  })

  it('loses only the line that would fill the memory', async () => {
    const endless = `ref,email\na,b\n${'x,'.repeat(1_200_000)}\nc,d\n"${'y\n'.repeat(700_000)}`
    const { records } = await readAll(endless, 65_536)
    expect(records.slice(0, 4)).toEqual([
      { line: 2, cells: ['a', 'b'] },
      { line: 3, cells: undefined },
      { line: 4, cells: ['c', 'd'] },
      { line: 5, cells: undefined },
    ])
    expect(records).toHaveLength(3 + 700_000)
  })

  it.each([
    ['UTF-16', Buffer.from('\ufeffref,email\n', 'utf16le')],
    ['UTF-16', Buffer.from('ref,email\n', 'utf16le')],
    ['empty', Buffer.alloc(0)],
    ['quotes', Buffer.from('"ref,email\na,b\n')],
  ])('refuses a file that is %s', async (_name, content) => {
    await expect(readAll(content)).rejects.toMatchObject({ code: 'input.file_unreadable' })
  })
})

describe('guardFormula', () => {
  it('lets no cell begin like a formula, and is undone exactly', () => {
    const cell = fc.oneof(
      fc.string({ unit: 'grapheme' }),
      fc.string({ unit: fc.constantFrom("'", '=', '+', '-', '@', '\t', '\r', '\n', '＝', 'a') }),
    )
    fc.assert(
      fc.property(cell, (value) => {
        const guarded = guardFormula(value)
        expect(guarded).not.toMatch(/^[=+\-@\t\r]/)
        expect(removeGuard(guarded)).toBe(value)
      }),
      { numRuns: effort(200, 1000) },
    )
  })

  it('leaves other cells alone, those with an apostrophe too', () => {
    for (const cell of ['', 'Ann', "'t Hooft", "O'Neil", 'a=b', "''", ' =1']) {
      expect(guardFormula(cell)).toBe(cell)
      expect(removeGuard(cell)).toBe(cell)
    }
  })
})
