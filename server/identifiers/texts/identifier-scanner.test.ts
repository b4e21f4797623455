import fc from 'fast-check'
import { expect, test } from 'vitest'
import { effort } from '../../../test/effort.ts'
import { foldedDecomposition } from '../fold.ts'
import { type Identifier, identifierKey } from '../identifier-key.ts'
import { EscapeReader, readingsOf } from './escapes.ts'
import { type Finding, IdentifierScanner } from './identifier-scanner.ts'
import { copyText, readCopyText } from './search-form-stream.ts'
import { isSearchable, searchForm, searchForms } from './search-forms.ts'
import { boundaryRule } from './words.ts'

type Found = Pick<Finding, 'identifier' | 'column' | 'row'>

function scan(
  identifiers: Identifier[],
  stream: Buffer | string,
  cuts: number[] | 'everywhere' = [],
): { found: Found[]; rows: number } {
  const found: Found[] = []
  const bytes = Buffer.from(stream)
  const values = bytes
    .toString()
    .split('\n')
    .map((row) => row.split('\t'))
  const scanner = new IdentifierScanner(
    identifiers,
    ({ identifier, column, row, from, to }) => {
      found.push({ identifier, column, row })
      // What is reported as written there reads as the identifier.
      const written = Buffer.from(values[row]?.[column] ?? '')
        .subarray(from, to)
        .toString()
      const wanted = identifiers[identifier]
      expect(wanted && searchForms(wanted)).toContain(searchForm(readCopyText(written)))
    },
    { slice: 1024 },
  )
  const places =
    cuts === 'everywhere' ? [...bytes.keys()] : cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b)
  const ends = [...places, bytes.length]
  let start = 0
  for (const end of ends) {
    // A copy, as a socket reuses the memory of its chunks.
    const chunk = Buffer.from(bytes.subarray(start, end))
    scanner.write(chunk)
    chunk.fill(0x21)
    start = end
  }
  scanner.end()
  expect(scanner.bytes).toBe(bytes.length)
  return { found, rows: scanner.rows }
}

function refs(...values: string[]): Identifier[] {
  return values.map((value) => ({ kind: 'ref', value }))
}

const email = (value: string): Identifier => ({ kind: 'email', value })

test('says which identifier stands in which column of which row', () => {
  const stream = '1\tjane@x.org\tbob@y.org and jane@x.org\n2\t\\N\t\\N\n3\tBOB@Y.ORG\t\n'
  expect(scan([email('jane@x.org'), email('bob@y.org')], stream)).toEqual({
    found: [
      { identifier: 0, column: 1, row: 0 },
      { identifier: 1, column: 2, row: 0 },
      { identifier: 0, column: 2, row: 0 },
      { identifier: 1, column: 1, row: 2 },
    ],
    rows: 3,
  })
})

test('reports an identifier once per value, however often it stands there', () => {
  expect(scan([email('jane@x.org')], 'jane@x.org jane@x.org\tjane@x.org\n').found).toEqual([
    { identifier: 0, column: 0, row: 0 },
    { identifier: 0, column: 1, row: 0 },
  ])
})

test('reports every identifier that is spelled the same, and one that is the beginning of another', () => {
  const identifiers: Identifier[] = [
    email('Jane@x.org'),
    { kind: 'login_name', value: 'a|jane@x.org' },
    ...refs('jane doe', 'jane doe smith'),
  ]
  expect(scan(identifiers, 'jane@x.org\tjane doe smith\n').found.map(({ identifier }) => identifier)).toEqual([
    0, 1, 2, 3,
  ])
})

test('compares an identifier that is too short with whole values only', () => {
  const stream = 'ab12\tab12 x\t"ab12"\tAB12\tab123\nab12\n2024\t12024\n'
  expect(scan(refs('ab12', '2024'), stream).found).toEqual([
    { identifier: 0, column: 0, row: 0 },
    { identifier: 0, column: 3, row: 0 },
    { identifier: 0, column: 0, row: 1 },
    { identifier: 1, column: 0, row: 2 },
  ])
})

test('finds nothing for an empty identifier, and nothing in null or empty values', () => {
  expect(scan(refs('', '  ', '\\N', 'N'), '\t\\N\n\n')).toEqual({ found: [], rows: 2 })
})

test('does not join a value with its neighbors', () => {
  expect(scan(refs('jane doe', 'ab'), 'jane\tdoe\njane\ndoe\na\tb\na\nb\n').found).toEqual([])
})

test('counts a last row that lacks its newline', () => {
  expect(scan([email('jane@x.org')], 'x\njane@x.org')).toEqual({
    found: [{ identifier: 0, column: 0, row: 1 }],
    rows: 2,
  })
  expect(scan([email('jane@x.org')], '')).toEqual({ found: [], rows: 0 })
})

test('finds what stands far into a value that is larger than the window', () => {
  const stream = Buffer.concat([
    Buffer.alloc(12 * 83_333, 'lorem ipsum '),
    Buffer.from('jane@x.org'),
    Buffer.alloc(300_000, ' dolor'),
    Buffer.from('\tjane@x.org\n'),
  ])
  expect(scan([email('jane@x.org')], stream, [65_536, 131_072, 1_000_008]).found).toEqual([
    { identifier: 0, column: 0, row: 0 },
    { identifier: 0, column: 1, row: 0 },
  ])
})

function copyStream(table: string[][]): string {
  return table.map((row) => `${row.map(copyText).join('\t')}\n`).join('')
}

/** The signs of a text as they are compared, each with its place in the text. */
function signsOf(text: string): { sign: string; from: number; to: number }[] {
  const signs: { sign: string; from: number; to: number }[] = []
  const reader = new EscapeReader((codePoint, from, to) => {
    for (const part of foldedDecomposition(codePoint)) signs.push({ sign: String.fromCodePoint(part), from, to })
  })
  let at = 0
  for (const character of text) {
    reader.push(Math.max(character.codePointAt(0) ?? 0, 0x1f), at, at + character.length)
    at += character.length
  }
  reader.end()
  return signs
}

/** The rules, spelled out over whole strings. */
function naiveFindings(identifiers: Identifier[], table: string[][]): string[] {
  const letter = /^[0-9a-z\u00c0-\u02ff\u0370-\u04ff\u1e00-\u1fff]$/
  const mark = /^\p{M}$/u
  const findings: string[] = []
  table.forEach((values, row) => {
    values.forEach((value, column) => {
      const signs = signsOf(value)
      const text = signs.map(({ sign }) => sign)
      const letterBehind = (index: number) => letter.test(text[index] ?? '') || mark.test(text[index] ?? '')
      const letterBefore = (index: number) => {
        let at = index
        while (mark.test(text[at] ?? '')) at--
        if (!letter.test(text[at] ?? '')) return false
        return at !== index || !(/^[bfnrt]$/.test(text[at] ?? '') && text[at - 1] === '\\')
      }
      identifiers.forEach((identifier, index) => {
        const key = identifierKey(identifier.kind, identifier.value)
        const isWritten = (start: number, end: number) => {
          const written = value.slice(signs[start]?.from, signs[end - 1]?.to)
          return readingsOf(written).some((reading) => identifierKey(identifier.kind, reading) === key)
        }
        const found = searchForms(identifier).some((form) => {
          const wanted = [...form]
          if (wanted.length === 0) return false
          if (!isSearchable(identifier)) return text.join('') === form && isWritten(0, text.length)
          const rule = boundaryRule(form)
          const before = rule === 'address' ? "_+@.-'\u2019&~^$" : '_+@.-'
          const behind = rule === 'address' ? '.-' : '_+@.-'
          for (let start = 0; start + wanted.length <= text.length; start++) {
            const end = start + wanted.length
            if (!wanted.every((sign, at) => text[start + at] === sign)) continue
            if (letterBefore(start - 1) || letterBehind(end) || !isWritten(start, end)) continue
            if (rule === 'uuid') return true
            if (start > 0 && before.includes(text[start - 1] ?? ' ') && letterBefore(start - 2)) continue
            if (end < text.length && behind.includes(text[end] ?? ' ') && letterBehind(end + 1)) continue
            return true
          }
          return false
        })
        if (found) findings.push(`${row} ${column} ${index}`)
      })
    })
  })
  return findings.sort()
}

/** Where a stream is cut: at a few places, or behind every byte. */
const cuts = fc.oneof(fc.array(fc.nat(), { maxLength: 8 }), fc.constant('everywhere' as const))

test('agrees with a naive reference on texts over a small alphabet, for every chunking', () => {
  const plain = [
    'a',
    'b',
    'A',
    '@',
    '.',
    '-',
    ' ',
    '_',
    '+',
    '\u00e9',
    '\u00c9',
    'e\u0301',
    'n',
    '1',
    '\u201c',
    '\u8bf7',
  ]
  const escapes = [
    '%40',
    '%2E',
    '%2540',
    '%25',
    '%61',
    '%c3%89',
    '%E2%80%9C',
    '%c3',
    '&#64;',
    '&#x40',
    '&amp;',
    '&amp',
    '&eacute;',
    '&',
    '#',
    '6',
    '4',
    ';',
    "'",
    '\\u0040',
    '\\u00e9',
    '\\\\u002d',
    '\\u0061',
  ]
  const special = ['\\', '/', '"', '\n', '\t', '%', '\\uD83D', '\u1e9e']
  // A number stands for one of the needles.
  const piece = fc.oneof(
    { weight: 5, arbitrary: fc.constantFrom(...plain) },
    { weight: 2, arbitrary: fc.constantFrom(...escapes, ...special) },
    { weight: 2, arbitrary: fc.nat() },
  )
  const needle = fc.oneof(
    fc.string({ unit: fc.constantFrom('a', 'b', '@', '.', '-', '\u00e9', '/', '\\', ' '), maxLength: 8 }),
    fc.constantFrom('a@b.a', 'aa.bb', '\u00e9-a@b', '1', '11', 'a%40b.a', '6f9619ff-8b86-d011-b42d-00c04fc964ff'),
  )
  const rows = fc.integer({ min: 1, max: 3 }).chain((columns) =>
    fc.array(fc.array(fc.array(piece, { maxLength: 10 }), { minLength: columns, maxLength: columns }), {
      maxLength: 4,
    }),
  )
  let hits = 0
  fc.assert(
    fc.property(fc.array(needle, { minLength: 1, maxLength: 8 }), rows, cuts, (values, pieces, where) => {
      const table = pieces.map((row) =>
        row.map((parts) =>
          parts.map((part) => (typeof part === 'number' ? values[part % values.length] : part)).join(''),
        ),
      )
      const { found, rows: counted } = scan(refs(...values), copyStream(table), where)
      expect(counted).toBe(table.length)
      const expected = naiveFindings(refs(...values), table)
      hits += expected.length
      expect(found.map(({ identifier, column, row }) => `${row} ${column} ${identifier}`).sort()).toEqual(expected)
    }),
    { numRuns: effort(250, 1000) },
  )
  expect(hits).toBeGreaterThan(effort(50, 500))
})

const word = fc.string({
  unit: fc.constantFrom(...'abcdefghijklmnopqrstuvwxyz0123456789'),
  minLength: 1,
  maxLength: 10,
})
const address = fc.tuple(word, word).map(([name, host]) => `${name}@${host}.org`)
const prose = fc
  .array(fc.oneof(word, address, fc.constantFrom('\n', '\t', '\\', '\u00e9t\u00e9', '\ud83d\ude00', '%', '...')), {
    maxLength: 40,
  })
  .map((words) => words.join(' '))

test('always finds an address with something other than a word on both sides', () => {
  const left = fc.constantFrom(...' <:|\n\t(=/\u00ab\u201c', '\\n', '%3C', '\\u003c')
  const right = fc.constantFrom(...' >,\n\t)?/\u00bb\u201d', '. ', '\\n', '%3E', '\\u003e')
  fc.assert(
    fc.property(
      address,
      fc.array(address, { maxLength: 30 }),
      prose,
      left,
      right,
      prose,
      cuts,
      (planted, others, before, open, close, after, where) => {
        const identifiers = [planted, ...others].map(email)
        const spelled = before.length % 2 === 0 ? planted : planted.toUpperCase().replace('@', '%40')
        const { found } = scan(identifiers, `7\t${copyText(before + open + spelled + close + after)}\n`, where)
        expect(found).toContainEqual({ identifier: 0, column: 1, row: 0 })
      },
    ),
    { numRuns: effort(100, 1000) },
  )
})

test('never finds an address inside a longer one', () => {
  const joiner = fc.constantFrom('', '.', '-', '_', '+', '%2B', '\\u002b')
  const ending = fc.constantFrom('a', '.uk', '-old.com', '%2Euk', '\u00e9')
  fc.assert(
    fc.property(address, word, joiner, ending, fc.boolean(), cuts, (planted, other, join, end, behind, where) => {
      const longer = behind ? planted + end : other + join + planted
      expect(scan([email(planted)], `${copyText(`to ${longer} now`)}\n`, where).found).toEqual([])
    }),
    { numRuns: effort(100, 1000) },
  )
})
