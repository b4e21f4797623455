import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { effort } from '../../../test/effort.ts'
import { decomposedFold } from '../fold.ts'
import { type Identifier, type IdentifierKind, identifierKey } from '../identifier-key.ts'
import { IdentifierScanner } from './identifier-scanner.ts'
import { copyText } from './search-form-stream.ts'
import { isSearchable, searchForm } from './search-forms.ts'
import { kindsOf, TokenScanner } from './token-scanner.ts'
import { isLetterOrMark } from './words.ts'

/** The tokens of each value, by the value's number. */
function tokensOf(stream: Buffer | string, cuts: number[] | 'everywhere' = []): Map<number, Set<string>> {
  const found = new Map<number, Set<string>>()
  const scanner = new TokenScanner(
    (token, { value }) => {
      found.set(value, (found.get(value) ?? new Set()).add(token))
    },
    { slice: 1024 },
  )
  feed(scanner, Buffer.from(stream), cuts)
  return found
}

function feed(scanner: { write(chunk: Buffer): void; end(): void }, bytes: Buffer, cuts: number[] | 'everywhere') {
  const places =
    cuts === 'everywhere' ? [...bytes.keys()] : cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b)
  let start = 0
  for (const end of [...places, bytes.length]) {
    const chunk = Buffer.from(bytes.subarray(start, end))
    scanner.write(chunk)
    chunk.fill(0x21)
    start = end
  }
  scanner.end()
}

const tokensIn = (text: string) => [...(tokensOf(`${copyText(text)}\n`).get(0) ?? [])]

/**
 * How a later search can find this identifier, of which only the hash is left: as a word of any text, as a whole value
 * only, or not at all.
 */
function sweepable({ kind, value }: Identifier): 'word' | 'value' | 'no' {
  const key = identifierKey(kind, value)
  const isAmong = (text: string) =>
    tokensIn(text).some((token) => kindsOf(token).includes(kind) && identifierKey(kind, token) === key)
  return isAmong(`. ${key} .`) ? 'word' : isAmong(key) ? 'value' : 'no'
}

const id = '6f9619ff-8b86-d011-b42d-00c04fc964ff'

describe('tokens', () => {
  it.each<[string, string[]]>([
    ['Ask Jane.Doe@X.org, please.', ['jane.doe@x.org']],
    ['ordinary words, and 1234567 or 2024', []],
    ['emp-4711 and 12345678', ['emp-4711', '12345678']],
    ['ACME\\jdoe', ['acme\\jdoe']],
    ['see auth0|5f7c8ec7', ['auth0', 'auth0|5f7c8ec7', '5f7c8ec7']],
    ['A/47/11x', ['a/47/11x', '47/11x']],
    ["o'neil@x.org", ["o'neil@x.org"]],
    ['R&amp;D@x.org', ['r&d@x.org', 'r&amp;d@x.org']],
    ['call +49123456789', ['+49123456789', '49123456789']],
    ['see...jane@x.org...', ['jane@x.org', '.jane@x.org']],
    ['jane@x.org_old', ['jane@x.org_old', 'jane@x.org']],
    [`photo_${id}.jpg`, [`photo_${id}.jpg`, id]],
    [`{"id":"${id.toUpperCase()}"}`, [id]],
    ['mailto:jane%40x.org?subject', ['mailto:jane@x.org', 'jane@x.org', 'mailto:jane%40x.org', 'jane%40x.org']],
    ['hello\njane@x.org', ['jane@x.org']],
    ['{"text":"hello\\njane@x.org"}', ['njane@x.org', 'jane@x.org', 'hello\\njane@x.org']],
    ['2026-01-31T10:00:00.000Z 2026-01-31 10:00:00', []],
    ['\u8bf7jane@x.org\u3002', ['\u8bf7jane@x.org', 'jane@x.org']],
    ['J\u00fcrgen@x.org', ['J\u00fcrgen@x.org']],
    [
      '\u05d0\u05d1jane@x.org\u05d2\u05d3',
      ['\u05d0\u05d1jane@x.org\u05d2\u05d3', 'jane@x.org\u05d2\u05d3', '\u05d0\u05d1jane@x.org', 'jane@x.org'],
    ],
    ['\u0905\u092c.7-\u0915', ['\u0905\u092c.7-\u0915', '\u0905\u092c.7', '7-\u0915', '.7-\u0915']],
  ])('of %j', (text, expected) => {
    // As one value the text is a token too; here it is what stands in it.
    const found = tokensIn(`. ${text} .`).filter((token) => !token.includes(' '))
    expect(found.sort()).toEqual(expected.sort())
  })

  it('are whole values, too, where they have a digit or an at sign', () => {
    expect(tokensIn('Room 4 of 7')).toEqual(['room 4 of 7'])
    expect(tokensIn('\u738b\u82b3@\u4f8b\u5b50.cn')).toContain('\u738b\u82b3@\u4f8b\u5b50.cn')
    expect(tokensIn('An ordinary title')).toEqual([])
    expect(tokensIn('emp-4711')).toEqual(['emp-4711'])
  })

  it('say which column they stand in and in which value, and belong to the group in the first column', () => {
    const found: unknown[] = []
    let group = ''
    const scanner = new TokenScanner((token, { column, value }) => found.push([group, token, column, value]), {
      groups: (name) => {
        group = name
      },
    })
    scanner.write(Buffer.from(`${id}\tx\temp-4711\n${id}\temp-4711\t\\N\nother-1\tq\temp-4711 emp-4711\n`))
    scanner.flush()
    expect(found).toEqual([
      [id, 'emp-4711', 2, 2],
      [id, 'emp-4711', 1, 4],
      ['other-1', 'emp-4711', 2, 8],
      ['other-1', 'emp-4711', 2, 8],
      ['other-1', 'emp-4711 emp-4711', 2, 8],
    ])
  })

  it('say whether the value begins and ends with them', () => {
    const found: unknown[] = []
    const scanner = new TokenScanner((token, { first, last }) => found.push([token, first, last]))
    scanner.write(Buffer.from('emp-4711\ta|b-1x@y.z_q\tsee emp-4711\n'))
    scanner.end()
    expect(found).toEqual([
      ['emp-4711', true, true],
      ['b-1x@y.z_q', false, true],
      ['b-1x@y.z', false, false],
      ['a|b-1x@y.z_q', true, true],
      ['a|b-1x@y.z', true, false],
      ['emp-4711', false, true],
      ['see emp-4711', true, true],
    ])
  })

  it('come in flat memory from values of any length, wherever a long word ends', () => {
    const long = Buffer.concat([
      Buffer.alloc(300_000, 'a1-b/'),
      Buffer.from(' jane@x.org '),
      Buffer.alloc(300_000, 'x1'),
      Buffer.from(' bob@y.org\n'),
    ])
    const tokens = tokensOf(long, [65_536, 131_072, 400_001]).get(0)
    expect(tokens).toContain('jane@x.org')
    expect(tokens).toContain('bob@y.org')
    expect(Math.max(...[...(tokens ?? [])].map(({ length }) => length))).toBeLessThanOrEqual(1024)
  })
})

describe('an identifier', () => {
  it.each<[IdentifierKind, string, 'word' | 'value' | 'no']>([
    ['email', 'Jane.Doe@x.org', 'word'],
    ['email', 'j\u00fcrgen@x.org', 'word'],
    ['login_name', 'i:0#.f|membership|jane@x.org', 'word'],
    ['login_name', 'ACME\\jdoe', 'word'],
    ['directory_object_id', `{${id}}`, 'word'],
    ['ref', id, 'word'],
    ['ref', 'A/47/11x', 'word'],
    ['ref', 'A/4/7/11x', 'value'],
    ['ref', 'Employee 4711', 'value'],
    ['email', '\u738b\u82b3@\u4f8b\u5b50.cn', 'word'],
    ['email', 'j\u00fcrgen@b\u00fccher.example', 'word'],
    ['ref', 'first aid', 'no'],
    ['ref', `Employee ${'4711 '.repeat(60)}`, 'no'],
    ['ref', 'sales', 'no'],
    ['ref', '1234567', 'no'],
    ['ref', '2026-01-31', 'no'],
    ['email', 'a%40b.org', 'no'],
    ['email', 'nobody at all', 'no'],
    ['login_name', '\u03bf\u03b4\u03bf\u03c2-1', 'word'],
    ['ref', '\u0915\u092e\u0932.7', 'word'],
  ])('%s %s can be found again: %s', (kind, value, expected) => {
    expect(sweepable({ kind, value })).toBe(expected)
  })
})

const pieces = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.constantFrom(...'abAn1x@.-_+ \\/|:#\'"', '\u00e9', '\u00c9', 'e\u0301', '\u201c', '\u8bf7', '  '),
  },
  { weight: 1, arbitrary: fc.constantFrom('%40', '%2E', '\\u0040', '\\n', '\n', '\t', '%c3%89', '%', '\u1e9e') },
  // A number stands for one of the identifiers.
  { weight: 4, arbitrary: fc.nat() },
)
const kind = fc.constantFrom<IdentifierKind>('email', 'login_name', 'ref', 'external_identity_id')
const identifiers = fc.array(
  fc.record({
    kind,
    value: fc.oneof(
      fc.string({ unit: fc.constantFrom(..."ab1@.-_+\\/|:#' ", '\u00e9'), minLength: 5, maxLength: 12 }),
      fc.constantFrom('a1@b.x', 'aa-bb', '\u00e9-a@b', 'a1\\b-1', id, 'n1@b.a', '+a1-b1'),
    ),
  }),
  { minLength: 1, maxLength: 6 },
)
const rows = fc.integer({ min: 1, max: 3 }).chain((columns) =>
  fc.array(fc.array(fc.array(pieces, { maxLength: 8 }), { minLength: columns, maxLength: columns }), {
    minLength: 1,
    maxLength: 3,
  }),
)
const cuts = fc.oneof(fc.array(fc.nat(), { maxLength: 6 }), fc.constant('everywhere' as const))

function tableOf(given: Identifier[], parts: (string | number)[][][]): { stream: string; columns: number } {
  const values = parts.map((row) =>
    row.map((value) =>
      value.map((part) => (typeof part === 'number' ? given[part % given.length]?.value : part)).join(''),
    ),
  )
  const stream = values.map((row) => `${row.map(copyText).join('\t')}\n`).join('')
  return { stream, columns: values[0]?.length ?? 1 }
}

/** No domain has such a label, and no address is taken in with one (docs/sweep.md). */
function hasHyphenAtEdge({ kind, value }: Identifier): boolean {
  return kind === 'email' && /[@.]-|-(?:\.|$)/.test(value.slice(value.lastIndexOf('@')))
}

test('every sweepable identifier that occurs as a whole word is among the tokens of the value, for every chunking', () => {
  let hits = 0
  fc.assert(
    fc.property(identifiers, rows, cuts, (given, parts, where) => {
      const { stream, columns } = tableOf(given, parts)
      const tokens = tokensOf(stream, where)
      const finder = new IdentifierScanner(given, ({ identifier: index, column, row }) => {
        const identifier = given[index]
        if (identifier === undefined || sweepable(identifier) !== 'word' || hasHyphenAtEdge(identifier)) return
        hits++
        const wanted = identifierKey(identifier.kind, identifier.value)
        const there = [...(tokens.get(row * columns + column) ?? [])].filter((token) =>
          kindsOf(token).includes(identifier.kind),
        )
        expect(there.map((token) => identifierKey(identifier.kind, token))).toContain(wanted)
      })
      finder.write(Buffer.from(stream))
      finder.end()
    }),
    { numRuns: effort(300, 3000) },
  )
  expect(hits).toBeGreaterThan(effort(100, 1_000))
})

test('every identifier that can be found again as a whole value is the token of a value that it is', () => {
  fc.assert(
    fc.property(identifiers, (given) => {
      for (const identifier of given) {
        if (sweepable(identifier) === 'no') continue
        const wanted = identifierKey(identifier.kind, identifier.value)
        const tokens = tokensIn(identifier.value).map((token) => identifierKey(identifier.kind, token))
        expect(tokens).toContain(wanted)
      }
    }),
    { numRuns: effort(100, 1000) },
  )
})

test('no token is a part of a longer word by the rule of the scanner', () => {
  fc.assert(
    fc.property(identifiers, rows, (given, parts) => {
      const { stream, columns } = tableOf(given, parts)
      for (const [value, tokens] of tokensOf(stream)) {
        // The scanner knows no token whose normal form is another one, nor one that would be read as something else again.
        const all = [...tokens].filter(
          (token) =>
            searchForm(token) === token &&
            identifierKey('ref', token) === token &&
            // Where scripts meet, a token may end, though not every identifier does.
            !/[\u8bf7\ufffd]/.test(token) &&
            isSearchable({ kind: 'ref', value: token }),
        )
        const found = new Set<number>()
        const finder = new IdentifierScanner(
          all.map((token) => ({ kind: 'ref', value: token })),
          ({ identifier, column, row }) => {
            if (row * columns + column === value) found.add(identifier)
          },
        )
        finder.write(Buffer.from(stream))
        finder.end()
        expect(all.filter((_, index) => !found.has(index))).toEqual([])
      }
    }),
    { numRuns: effort(100, 1000) },
  )
})

test('a word beyond ASCII is a token where an escape stands in it, and none where it is letters only', () => {
  for (const word of ['größe', 'ёжик', 'naïveté']) {
    const last = word.codePointAt(word.length - 1) ?? 0
    const escaped = `${word.slice(0, -1)}&#${last};`
    const prose = 'über '.repeat(400)
    expect(tokensIn(`${prose}${word} ${prose}`)).toEqual([])
    expect(tokensIn(`${prose}${escaped} ${prose}`)).toEqual([escaped])
    expect(tokensIn(`${prose}${word}7 ${prose}`)).toEqual([`${word}7`])
  }
})

test('every character consists of letters and marks exactly if what it folds to does', () => {
  const different: number[] = []
  for (let codePoint = 0x80; codePoint < 0x110000; codePoint += effort(7, 1)) {
    if (codePoint >= 0xd800 && codePoint < 0xe000) continue
    const folded = decomposedFold(String.fromCodePoint(codePoint))
    const parts = Array.from(folded, (part) => part.codePointAt(0) ?? 0)
    if (parts.every(isLetterOrMark) !== isLetterOrMark(codePoint)) different.push(codePoint)
  }
  expect(different).toEqual([])
})
