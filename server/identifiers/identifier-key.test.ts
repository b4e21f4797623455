import { domainToASCII } from 'node:url'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { effort } from '../../test/effort.ts'
import { identifierTexts } from '../../test/identifier-texts.ts'
import { domainSpellings, type IdentifierKind, identifierKey } from './identifier-key.ts'
import { decodePunycode, encodePunycode } from './punycode.ts'
import { similarKey } from './similar.ts'

const kinds: IdentifierKind[] = ['email', 'login_name', 'directory_object_id', 'ref', 'external_identity_id']

describe('identifierKey', () => {
  it.each<[IdentifierKind, string, string]>([
    ['login_name', 'ΔΟΚΙΜΗΣ.1', 'δοκιμησ.1'],
    ['login_name', 'i:0#.f|membership| Ann@X.ORG', 'ann@x.org'],
    ['email', 'ann@bücher.example', 'ann@xn--bcher-kva.example'],
    ['email', 'Ann@BÜCHER.example\u00a0', 'ann@xn--bcher-kva.example'],
    ['email', 'ann@XN--BCHER-KVA.example', 'ann@xn--bcher-kva.example'],
    ['email', 'ann@bu\u0308cher.example', 'ann@xn--bcher-kva.example'],
    ['ref', 'ann@straße.example', 'ann@xn--strae-oqa.example'],
    ['ref', 'ann@STRAẞE.example', 'ann@xn--strae-oqa.example'],
    ['ref', 'Straße', 'strasse'],
    ['ref', '\ufeffA-7\u2003', 'a-7'],
    ['directory_object_id', '{0B7E9BB6-A2D2-4D4C-8B2B-1A2B3C4D5E6F}', '0b7e9bb6-a2d2-4d4c-8b2b-1a2b3c4d5e6f'],
  ])('makes of the %s %j the key %j', (kind, value, key) => {
    expect(identifierKey(kind, value)).toBe(key)
  })

  it('leaves a key as it is', () => {
    fc.assert(
      fc.property(fc.constantFrom(...kinds), identifierTexts, (kind, value) => {
        const key = identifierKey(kind, value)
        expect(identifierKey(kind, key)).toBe(key)
      }),
      { numRuns: effort(300, 3_000) },
    )
  })

  it('writes domains as the URL parser of Node does, where that maps nothing but case', () => {
    for (const domain of [
      'bücher.example',
      'παράδειγμα.δοκιμή',
      '例え.テスト',
      'straße.example',
      'faß.de',
      'bücher.a.ру',
    ]) {
      expect(identifierKey('email', `a@${domain}`)).toBe(`a@${domainToASCII(domain)}`)
    }
  })

  it('gives the same key to every spelling of the domain', () => {
    fc.assert(
      fc.property(identifierTexts, (value) => {
        const key = identifierKey('email', value)
        for (const spelling of domainSpellings(key)) expect(identifierKey('email', spelling)).toBe(key)
      }),
    )
    expect(domainSpellings('ann@post.xn--bcher-kva.example')).toEqual([
      'ann@post.xn--bcher-kva.example',
      'ann@post.bücher.example',
    ])
    expect(domainSpellings('a-7')).toEqual(['a-7'])
  })
})

describe('Punycode', () => {
  // RFC 3492, section 7.1, some of the samples.
  it.each([
    ['ليهمابتكلموشعربي؟', 'egbpdaj6bu4bxfgehfvwxn'],
    ['他们为什么不说中文', 'ihqwcrb4cv8a8dqg056pqjye'],
    ['почемужеонинеговорятпорусски', 'b1abfaaepdrnnbgefbadotcwatmq2g4l'],
    ['3年b組金八先生', '3b-ww4c5e180e575a65lsy2b'],
    ['-> $1.00 <-', '-> $1.00 <--'],
  ])('is written of %s as RFC 3492 has it', (label, punycode) => {
    expect(encodePunycode(label)).toBe(punycode)
    expect(decodePunycode(punycode)).toBe(label)
  })

  it('gives back what it was made of', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (label) => {
        fc.pre(label.isWellFormed())
        expect(decodePunycode(encodePunycode(label))).toBe(label)
      }),
    )
  })
})

describe('similarKey', () => {
  it.each([
    ['ａｂｃ309', 'abc309'],
    ['ⅷ', 'viii'],
    ['o’brien@corp.example', "o'brien@corp.example"],
    ['ann@xn--bcher-kva.example', 'ann@bücher.example'],
    ['josé@corp.example', 'josé@corp.example'],
    ['żaneta', 'żaneta'],
    ['møller', 'møller'],
    ['कि-7', 'कि-7'],
    ['ที่-7', 'ที่-7'],
    ['דָּג', 'דָּג'],
    ['ёж', 'ëж'],
    ['аnn@corp.example', 'ann@corp.example'],
    ['i̇pek', 'ipek'],
    ['ıpek', 'ipek'],
    ['a\u200bnn', 'ann'],
    ['brien', 'brien'],
    ["o'brien@corp.example", "o'brien@corp.example"],
    ['l1i0o', 'l1i0o'],
  ])('makes of %s %s', (key, similar) => {
    expect(similarKey(key)).toBe(similar)
  })

  it('is the same for keys that are the same, leaves plain ASCII as it is, and changes nothing when done again', () => {
    fc.assert(
      fc.property(identifierTexts, (value) => {
        const key = identifierKey('ref', value)
        const similar = similarKey(key)
        expect(similarKey(similarKey(similar))).toBe(similarKey(similar))
        if (/^[\0-\x7f]*$/.test(key) && !key.includes('xn--')) expect(similar).toBe(key)
      }),
      { numRuns: effort(300, 3_000) },
    )
  })
})
