import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { effort, sampled } from '../../test/effort.ts'
import { codePoints, foldedTexts } from '../../test/identifier-texts.ts'
import { trim, whiteSpace } from '../platform/validation/trim.ts'
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

describe('fold', () => {
  it('composes every assigned character of Unicode 17 as Node does', () => {
    const different = sampled(codePoints, 7).filter((codePoint) => {
      const character = String.fromCodePoint(codePoint)
      return [character, `a${character}\u0323\u0301`, `ᄀ${character}`, `가${character}`].some(
        (written) => compose(written) !== written.normalize('NFC'),
      )
    })
    expect(different).toEqual([])
  })

  it('gives all letters that differ in case only one form, for every assigned character', () => {
    const different = sampled(codePoints, 7).filter((codePoint) => {
      const character = String.fromCodePoint(codePoint)
      // Turkish dotted and dotless i aside: their pairs are a matter of language.
      if (character === 'ı' || character === 'İ') return false
      return fold(character) !== fold(character.toLowerCase()) || fold(character) !== fold(character.toUpperCase())
    })
    expect(different).toEqual([])
  })

  it('is idempotent, and decides canonical caseless matching, of any text', () => {
    fc.assert(
      fc.property(foldedTexts, (written) => {
        const folded = fold(written)
        expect(fold(folded)).toBe(folded)
        expect(folded.normalize('NFC')).toBe(folded)
        expect(decomposedFold(written)).toBe(folded.normalize('NFD'))
        for (const spelling of [written.normalize('NFC'), written.normalize('NFD')]) expect(fold(spelling)).toBe(folded)
      }),
      { numRuns: effort(200, 2000) },
    )
  })

  it('is what a reader gets that goes through a text code point by code point', () => {
    fc.assert(
      fc.property(foldedTexts, (written) => {
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
      { numRuns: effort(100, 1000) },
    )
  })

  it('can be computed of the parts of a text, cut before what joins nothing', () => {
    fc.assert(
      fc.property(foldedTexts, foldedTexts, (before, behind) => {
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

describe('trim', () => {
  it('takes off exactly the characters of White_Space and U+FEFF', () => {
    const taken = new Set(whiteSpace)
    for (let codePoint = 0; codePoint <= 0x10ffff; codePoint++) {
      if (codePoint >= 0xd800 && codePoint <= 0xdfff) continue
      const character = String.fromCodePoint(codePoint)
      const expected = /\p{White_Space}|\ufeff/u.test(character)
      if (taken.has(codePoint) !== expected) throw new Error(codePoint.toString(16))
    }
    expect(trim('\ufeff\u0085 a\u2003b\u000b')).toBe('a\u2003b')
  })
})
