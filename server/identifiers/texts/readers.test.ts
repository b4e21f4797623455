import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../../test/database.ts'
import { effort } from '../../../test/effort.ts'
import { fold } from '../fold.ts'
import { type Identifier, identifierKey } from '../identifier-key.ts'
import { readEscapes } from './escapes.ts'
import { IdentifierScanner } from './identifier-scanner.ts'
import { likePatterns } from './like-patterns.ts'
import { scrubAddresses, scrubJson, scrubText } from './scrub-value.ts'
import { copyText } from './search-form-stream.ts'
import { isSearchable } from './search-forms.ts'
import { TokenScanner } from './token-scanner.ts'

let test: TestDatabase
beforeAll(async () => {
  test = await createTestDatabase()
})
afterAll(() => test.close())

/** Letters of ten scripts and more, those that fold to several and those that have several spellings among them. */
const scripts: Record<string, string> = {
  latin: 'abcxyzABCXYZ\u0130\u0131\u00df\u1e9e\u00e9\u00c9\u023a\u212a\u212b\u00e5\u1eb7\u1ea4\u0149\u01c5\ufb01',
  greek: '\u03b1\u03b2\u03c3\u03c2\u03a3\u0391\u0390\u1f80\u1fb4\u1ffc\u0345',
  cyrillic: '\u0430\u0431\u0416\u0401\u0419\u0457\u1c80\ua64a',
  armenian: '\u0531\u0532\u0561\u0587\ufb13',
  georgian: '\u10d0\u10d1\u1c90\u10a0\u2d00',
  hebrew: '\u05d0\u05d1\u05e9\u05c1\ufb2a',
  arabic: '\u0627\u0628\u0622\u0623\u064e\u0651',
  devanagari: '\u0915\u0958\u093c\u092e\u0932\u093f',
  hangul: '\uac00\uac01\u1100\u1161\u11a8\ud55c',
  han: '\u738b\u82b3\uf900\u2f81a'.replace('\u2f81a', '\u{2f81a}'),
  cherokee: '\u13a0\u13f8\uab70\u13ef',
  adlam: '\u{1e900}\u{1e922}\u{1e94a}',
  deseret: '\u{10400}\u{10428}',
  fullwidth: '\uff21\uff22\uff41\uff19',
  roman: '\u2167\u2177\u24b6\u24d0',
}

const word = fc
  .constantFrom(...Object.values(scripts))
  .chain((letters) => fc.string({ unit: fc.constantFrom(...letters, '7'), minLength: 1, maxLength: 5 }))
const identifierValue = fc
  .oneof(
    fc.tuple(word, word).map(([a, b]) => `${a}.4711-${b}`),
    fc.tuple(word, word).map(([name, host]) => `${name}x@${host}y.example`),
    fc.tuple(word, word).map(([domain, name]) => `${domain}\\${name}7`),
    fc.tuple(word).map(([name]) => `o'${name}@corp.example`),
    fc.tuple(word).map(([name]) => `idp|${name}/4711`),
    fc.constantFrom('R&amp;D-4711', '50%41-x', 'a\\u0041-9', 'R&D-4711', 'a"b/c-1', 'ann@stra\u00dfe.example'),
  )
  .map((value): Identifier => ({ kind: 'ref', value: identifierKey('ref', value) }))
  .filter(isSearchable)

const each = (change: (character: string) => string) => (text: string) => Array.from(text, change).join('')
const hex = (number: number, length: number) => number.toString(16).padStart(length, '0')
const units = (character: string) => Array.from({ length: character.length }, (_, at) => character.charCodeAt(at))
const isWordSign = (character: string) => /[a-z0-9]/i.test(character)
const signsOnly = (encode: (character: string) => string) =>
  each((character) => (isWordSign(character) ? character : encode(character)))

const json = (character: string) =>
  units(character)
    .map((unit) => `\\u${hex(unit, 4)}`)
    .join('')
const percent = (character: string) =>
  [...Buffer.from(character)].map((byte) => `%${hex(byte, 2).toUpperCase()}`).join('')
const decimal = (character: string) => `&#${character.codePointAt(0)};`
const hexadecimal = (character: string) => `&#x${hex(character.codePointAt(0) ?? 0, 6)};`
const named = (character: string) =>
  ({ '@': '&commat;', '.': '&period;', "'": '&apos;', '&': '&amp;', '"': '&quot;', '\u00e9': '&eacute;' })[character] ??
  character

/** Ways to write a text: by an encoder of signs, of everything, or another spelling of the letters. */
const shapes: Record<string, (text: string) => string> = {
  'as it is': (text) => text,
  'upper case': (text) => text.toUpperCase(),
  composed: (text) => text.normalize('NFC'),
  decomposed: (text) => text.normalize('NFD'),
  'half composed': (text) =>
    Array.from(text, (character, at) => character.normalize(at % 2 === 0 ? 'NFC' : 'NFD')).join(''),
  'JSON, signs': signsOnly(json),
  'JSON, everything': each(json),
  'JSON in JSON': (text) => JSON.stringify(JSON.stringify(text).slice(1, -1)).slice(1, -1),
  'percent, signs': signsOnly(percent),
  'percent, everything': each(percent),
  'references, signs': signsOnly(decimal),
  'references, everything': each(hexadecimal),
  'references by name': each(named),
  encodeURIComponent: (text) => (text.isWellFormed() ? encodeURIComponent(text) : text),
}
const shape = fc.constantFrom(...Object.keys(shapes))
const written = (names: readonly string[], text: string) =>
  names.reduce((result, name) => shapes[name]?.(result) ?? result, text)

const neighbor = fc.constantFrom(
  ...[
    '',
    ' ',
    '<',
    '"',
    '(',
    '\n',
    '\t',
    ', ',
    '\u8bf7',
    '\u2709\ufe0f',
    '\uff1a',
    '%20',
    '&nbsp;',
    '&lt;',
    '?u=',
    '|',
    ':',
  ],
)

function find(text: string, identifiers: Identifier[], protect: Identifier[] = []): Set<number> {
  const found = new Set<number>()
  const scanner = new IdentifierScanner(identifiers, ({ identifier }) => found.add(identifier), {
    protect,
    slice: 1024,
  })
  scanner.write(Buffer.from(`${copyText(text)}\n`))
  scanner.end()
  return found
}

async function lookUp(texts: string[], identifiers: Identifier[]): Promise<boolean[]> {
  const { rows } = await test.owner.query<{ found: boolean }>(
    `select lethe_search_form(given.value) like any (array(select jsonb_array_elements_text(given.patterns))) as found
     from unnest($1::text[], $2::jsonb[]) with ordinality as given (value, patterns, place) order by place`,
    [texts, identifiers.map((identifier) => JSON.stringify(likePatterns([identifier])))],
  )
  return rows.map(({ found }) => found)
}

/** Control characters are all read alike. */
const alike = (text: string) => Array.from(text, (sign) => (sign < ' ' ? '\u001f' : sign)).join('')

describe('an identifier of any script, written in any shape', () => {
  it('is found by the scanner, by the look-up in the database and among the tokens, and scrubbed, and then by none of them', async () => {
    let found = 0
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(identifierValue, fc.array(shape, { minLength: 1, maxLength: 3 }), neighbor, neighbor), {
          minLength: 20,
          maxLength: 20,
        }),
        async (cases) => {
          const texts = cases.map(([{ value }, names, left, right]) =>
            `a text${left}${written(names, value)}${right}and more`
              .replace(/^a text(?=[^\s<"(,])/, 'a text ')
              .replace(/(?<=[^\s<")(,])and more$/, ' and more'),
          )
          const identifiers = cases.map(([identifier]) => identifier)
          const inDatabase = await lookUp(texts, identifiers)
          for (const [index, text] of texts.entries()) {
            const identifier = identifiers[index]
            if (identifier === undefined) throw new Error('unreachable')
            const scanned = find(text, [identifier]).has(0)
            const scrubbed = scrubText(text, [identifier], [])
            expect([text, scrubbed !== text]).toEqual([text, scanned])
            // What is found in its plain spelling is found in every other one, but for capitals that are other letters.
            const [, names = [], left = '', right = ''] = cases[index] ?? []
            const plain = find(`a text${left}${identifier.value}${right}and more`, [identifier]).has(0)
            if (plain && !names.includes('upper case')) expect([text, scanned]).toEqual([text, true])
            if (!scanned) continue
            found++
            expect([text, inDatabase[index]]).toEqual([text, true])
            expect(find(scrubbed, [identifier])).toEqual(new Set())
            expect(scrubbed).toContain('[erased]')
            expect(scrubbed.startsWith('a text') && scrubbed.endsWith('and more')).toBe(true)
          }
        },
      ),
      { numRuns: effort(20, 100) },
    )
    expect(found).toBeGreaterThan(1200)
  }, 120_000)

  it('reads the same in the database as in the code', async () => {
    const piece = fc.oneof(
      identifierValue.map(({ value }) => value),
      fc.constantFrom(
        ...[
          '%',
          '&',
          '\\',
          '%2',
          '%25',
          '&#',
          '&#6',
          '&am',
          '\\u',
          '\\u00',
          'amp;',
          '40',
          ';',
          '=',
          '1',
          'p',
          '#',
          '"',
          '/',
        ],
      ),
      fc.string({ unit: 'grapheme', maxLength: 4 }),
    )
    const text = fc
      .tuple(fc.array(piece, { maxLength: 8 }), fc.array(shape, { maxLength: 3 }))
      .map(([pieces, names]) => written(names, pieces.join('')).replaceAll('\0', ''))
      .filter((value) => value.isWellFormed())
    await fc.assert(
      fc.asyncProperty(fc.array(text, { minLength: 40, maxLength: 40 }), async (texts) => {
        const { rows } = await test.owner.query<{ form: string }>(
          'select lethe_search_form(value) as form from unnest($1::text[]) with ordinality as given (value, place) order by place',
          [texts],
        )
        texts.forEach((value, index) => {
          // Percent-encoded bytes that are no character: the patterns pass them over.
          if (readEscapes(value).includes('\ufffd')) return
          expect([value, alike(rows[index]?.form ?? '')]).toEqual([value, alike(fold(readEscapes(value)))])
        })
      }),
      { numRuns: effort(15, 60) },
    )
  }, 120_000)

  it('reads the same in the database as in the code where many escapes stand, alike or different, inside of each other or not', async () => {
    const escapes = Array.from({ length: 60 }, (_, index) => `&#${200 + index};`)
    const mixed = [
      '&nbsp;',
      '&uuml;',
      '&amp;',
      '&amp;uuml;',
      '%2541',
      '%C3%BC',
      '\\u0041',
      '&#37;41',
      '&y=',
      'R&D',
      '&uuml',
    ]
    const texts = [
      escapes.join('x'),
      mixed.join(' ').repeat(20),
      mixed.join('').repeat(20),
      [...escapes, ...mixed, ...escapes].join('&am&#112;;'),
      '&#92;u0041\\u005cu0041&#101;\\ud83d\\ude00\\u00&#54;1'.repeat(10),
      Array.from({ length: 50 }, (_, index) => `&p${index}x=1&q${index}`).join(''),
    ]
    const { rows } = await test.owner.query<{ form: string }>(
      'select lethe_search_form(value) as form from unnest($1::text[]) with ordinality as given (value, place) order by place',
      [texts],
    )
    expect(rows.map(({ form }) => form)).toEqual(texts.map((text) => fold(readEscapes(text))))
  })
})

describe('JSON that is scrubbed', () => {
  it('stays JSON, keeps every other value, and holds the identifier no more', () => {
    const tree = (identifier: string) =>
      fc.letrec((tie) => ({
        tree: fc.oneof(
          { maxDepth: 3 },
          fc.constantFrom<unknown>(
            null,
            true,
            1.5,
            'kept "\\ \n text',
            identifier,
            `see ${identifier}`,
            `\n${identifier}\t`,
          ),
          fc.array(tie('tree'), { maxLength: 3 }),
          fc.dictionary(fc.constantFrom('a', 'b', identifier), tie('tree'), { maxKeys: 3 }),
        ),
      })).tree
    fc.assert(
      fc.property(
        identifierValue.chain((identifier) => fc.tuple(fc.constant(identifier), tree(identifier.value), fc.boolean())),
        ([identifier, value, nested]) => {
          const text = JSON.stringify(nested ? { inner: JSON.stringify(value) } : value)
          const scrubbed = scrubJson(text, [identifier], [])
          expect(find(scrubbed, [identifier])).toEqual(new Set())
          if (!nested) {
            const expected = JSON.stringify(value, (_, one) => one)
            expect(typeof expected).toBe('string')
          }
          JSON.parse(scrubbed)
          if (find(text, [identifier]).size === 0) expect(scrubbed).toBe(text)
        },
      ),
      { numRuns: effort(100, 500) },
    )
  })

  it('loses a number that is an identifier, a part of a string, and what an identifier takes of two strings', () => {
    const ref = (value: string): Identifier => ({ kind: 'ref', value })
    expect(scrubJson('{"n": 12345678, "m": 123456789}', [ref('12345678')], [])).toBe('{"n": null, "m": 123456789}')
    expect(scrubJson('{"emp-4711": ["x emp\\u002d4711", "\\nemp-4711"]}', [ref('emp-4711')], [])).toBe(
      '{"[erased]": ["x [erased]", "\\n[erased]"]}',
    )
    expect(JSON.parse(scrubJson('["a7", "b7"]', [ref('a7", "b7')], []))).toEqual(['[erased]', '[erased]'])
    expect(JSON.parse(scrubJson('["\\nemp.4711"]', [ref('nemp.4711')], []))).toEqual(['[erased]'])
  })
})

describe('an entry in a list of addresses', () => {
  it('goes, however it names the person, and stays where it names somebody else besides', () => {
    const jane: Identifier = { kind: 'email', value: 'jane@b\u00fccher.example' }
    const entries = [
      'jane@b\u00fccher.example',
      'JANE@B\u00dcCHER.example',
      'jane@xn--bcher-kva.example',
      'mailto:jane@xn--bcher-kva.example',
      'Jane <jane@b\u00fccher.example>',
      'jane%40xn--bcher-kva.example',
      'mary.jane@b\u00fccher.example',
      'jane@b\u00fccher.example; bob@x.org',
      'bob@x.org',
    ]
    expect(scrubAddresses(entries, [jane], [])).toEqual([
      'mary.jane@b\u00fccher.example',
      '[erased]; bob@x.org',
      'bob@x.org',
    ])
  })
})

describe('a longer identifier of somebody who stays', () => {
  const identifier = (value: string): Identifier => ({ kind: 'ref', value: identifierKey('ref', value) })

  it.each([
    ['brien@corp.example', "o'brien@corp.example"],
    ['jdoe7', 'ACME\\jdoe7'],
    ['5f7c8e', 'auth0|5f7c8e'],
    ['jane@x.org', 'auth0|jane@x.org'],
    ['jane@x.org', 'copy of jane@x.org, please'],
    ['ann@strasse.example', 'ann@stra\u00dfe.example'],
    ['emp-4711', 'https://idp/emp-4711/a'],
    ['\u05d0\u05d1.77', '\u05d2|\u05d0\u05d1.77'],
  ])('keeps what %s is in it: %s', (short, long) => {
    for (const name of Object.keys(shapes)) {
      // Nobody can tell any more which of the two it was.
      if (name === 'upper case' && long.includes('\u00df')) continue
      const text = `a ${written([name], long)} b`
      expect([name, scrubText(text, [identifier(short)], [identifier(long)])]).toEqual([name, text])
      const both = `a ${written([name], long)}, ${short}`
      expect(scrubText(both, [identifier(short)], [identifier(long)])).toBe(`a ${written([name], long)}, [erased]`)
      expect(find(text, [identifier(short)], [identifier(long)])).toEqual(new Set())
    }
  })

  it('does not keep the shorter one where that stands alone, nor another one that is longer still', () => {
    const [short, long] = [identifier('jdoe7'), identifier('acme\\jdoe7')]
    expect(scrubText('jdoe7 ACME\\jdoe7 other\\jdoe7', [short], [long])).toBe('[erased] ACME\\jdoe7 other\\[erased]')
    expect(scrubText('XACME\\jdoe7', [short], [long])).toBe('XACME\\[erased]')
  })
})

describe('what only looks the same', () => {
  const email = (value: string): Identifier => ({ kind: 'email', value: identifierKey('email', value) })

  it('is another mailbox where the domain is another one', () => {
    expect(scrubText('ann@stra\u00dfe.example, ann@strasse.example', [email('ann@strasse.example')], [])).toBe(
      'ann@stra\u00dfe.example, [erased]',
    )
    expect(scrubText('ann@stra\u00dfe.example, ann@strasse.example', [email('ann@stra\u00dfe.example')], [])).toBe(
      '[erased], ann@strasse.example',
    )
    expect(scrubText('ANN@XN--STRAE-OQA.EXAMPLE', [email('ann@stra\u00dfe.example')], [])).toBe('[erased]')
  })

  it('is another identifier where the spelling as it is stored looks like an escape', () => {
    const ref = (value: string): Identifier => ({ kind: 'ref', value: identifierKey('ref', value) })
    expect(scrubText('R&amp;D-4711 R&D-4711 R&amp;amp;D-4711', [ref('R&amp;D-4711')], [])).toBe(
      '[erased] R&D-4711 [erased]',
    )
    expect(scrubText('R&amp;D-4711 R&D-4711', [ref('R&D-4711')], [])).toBe('[erased] [erased]')
    expect(scrubText('50%41-x 50A-x 50%2541-x', [ref('50%41-x')], [])).toBe('[erased] 50A-x [erased]')
  })
})

it('tells tokens of identifiers of every script that stand between spaces', () => {
  const letters = fc
    .constantFrom(...Object.values(scripts).map((script) => script.replace(/[\u24b6\u24d0]/g, '')))
    .chain((script) => fc.string({ unit: fc.constantFrom(...script), minLength: 1, maxLength: 4 }))
  const value = fc.oneof(
    fc.tuple(letters, letters).map(([a, b]) => `${a}.${b}@corp.example`),
    letters.map((name) => `${name}-4711`),
    fc.tuple(letters, letters).map(([a, b]) => `ab${a}@${b}x.example`),
  )
  fc.assert(
    fc.property(value, fc.array(shape, { minLength: 1, maxLength: 2 }), (raw, names) => {
      const identifier: Identifier = { kind: 'ref', value: identifierKey('ref', raw) }
      const text = `see ${written(names, identifier.value)} there`
      // Marks at the beginning belong to the space.
      if (!isSearchable(identifier) || /^\p{M}|[@.]\p{M}/u.test(identifier.value) || !find(text, [identifier]).has(0))
        return
      const tokens = new Set<string>()
      const scanner = new TokenScanner((token) => tokens.add(identifierKey('ref', token)), { slice: 1024 })
      scanner.write(Buffer.from(`${copyText(text)}\n`))
      scanner.end()
      expect([...tokens]).toContain(identifier.value)
    }),
    { numRuns: effort(100, 1000) },
  )
})

it('is scrubbed without what stands before or behind it, also where its letters fold to several', () => {
  const greek = Array.from({ length: 0x80 }, (_, at) => String.fromCodePoint(0x1f80 + at))
  const letters = [...greek, '\u03b1\u0345', '\u03b1\u0344', '\u0345', '\u00df', '\u0130', '\u0149', '\ufb03', '\ufb2c']
  for (const letter of letters.filter((one) => /[\p{L}\p{M}]/u.test(one))) {
    for (const value of [`${letter}.4711-x`, `x${letter}${letter}-4711`, `x-4711.${letter}`]) {
      for (const [before, behind] of [
        ['see ', ' there'],
        ['\u0101 ', ' \u0229'],
        ['&lt;', '&gt;'],
      ]) {
        const scrubbed = scrubText(`${before}${value}${behind}`, [{ kind: 'ref', value }], [])
        expect(scrubbed, value).toBe(`${before}[erased]${behind}`)
      }
    }
  }
})
