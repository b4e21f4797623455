import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { effort } from '../../test/effort.ts'
import { readAddress, requireVisible } from './address.ts'
import { identifierKey } from './identifier-key.ts'

const cleaned = (text: string) => {
  const read = readAddress(text)
  return 'address' in read ? read.address : `refused: ${read.expected}`
}

describe('an address', () => {
  it.each([
    'ann@example.org',
    "o'brien@corp.example",
    "'tilde'@example.org",
    'ann.aster+tag=1/2@sub.example.org',
    '{a|b}@example.org',
    'a..b.@docomo.example',
    'user@localhost',
    'user@host_1.example',
    'x@1.2.example',
    'δοκιμή@παράδειγμα.example',
    'ann@bücher.example',
    'ann@xn--bcher-kva.example',
    'ann@l·l.example',
    'user@نامه‌ای.example',
    'क्‍ष@example.org',
    'ann@[192.0.2.1]',
    'ann@[IPv6:2001:db8::1]',
    'o’brien@example.org',
  ])('stays as it is where it is valid: %s', (address) => {
    expect(cleaned(address)).toBe(address)
  })

  it.each([
    ['x@y\u200b'],
    ['\ufeffx@y'],
    ['\u202ax@y\u202c'],
    ['x@y\u00a0'],
    ['\u00a0\t x@y \r\n'],
    ['x@y;'],
    ['x@y,'],
    ['x@y.'],
    ['x@y. ; '],
    ['x@y:'],
    ['x@y；'],
    ['x@y。'],
    [', x@y'],
    ['mailto:x@y'],
    ['mailto://x@y'],
    ['MAILTO: x@y'],
    ['smtp:x@y'],
    ['<x@y>'],
    ['<mailto:x@y>'],
    ['(x@y)'],
    ['"x@y"'],
    ["'x@y'"],
    ['“x@y”'],
    ['"<x@y>",'],
    ['<\u200bx@y\u00a0>;'],
    ['[x@y]'],
  ])('loses what came along at its ends: %j', (text) => {
    expect(cleaned(text)).toBe('x@y')
  })

  it.each([
    ['Name <x@y>', /by itself/],
    ['x@y <x@y>', /by itself/],
    ['x@y, a@b', /by itself/],
    ['x@y;a@b', /by itself/],
    ['x @y', /by itself/],
    ['x@y z', /by itself/],
    ['x\u00a0@y', /by itself/],
    ['x@y>', /by itself/],
    ['"x@y', /by itself/],
    ['"a b"@y', /by itself/],
    ['a,b@y', /by itself/],
    ['a\\b@y', /by itself/],
    ['x\u200b@y', /U\+200B/],
    ['x@\u00ady', /U\+00AD/],
    ['a\u200db@y', /U\+200D/],
    ['a\0b@y', /U\+0000/],
    ['caf\ufffd@y', /U\+FFFD/],
    ['x', /one @/],
    ['@y', /one @/],
    ['x@', /one @/],
    ['x@@y', /one @/],
    ['a@b@c', /one @/],
    ['x@y..z', /domain/],
    ['x@-y', /domain/],
    ['x@y-', /domain/],
    ['x@y?subject=a', /domain/],
    ['x@y/z', /domain/],
    ['x@[192.0.2]', /domain|by itself/],
    ['mailto:x%2By@z', /link/],
    ['_x@y.example_', /underscore/],
    ['', /empty/],
    ['\u200b', /empty/],
    ['<>', /empty/],
    ['\ud800@y', /broken/],
  ])('is refused with the way out, and without what was given, where something else stands inside: %j', (text, way) => {
    const read = readAddress(text)
    expect(read).toEqual({ expected: expect.stringMatching(way) })
  })

  it('is long at most as addresses are', () => {
    const longest = `${'a'.repeat(64)}@${'b'.repeat(63)}.${'c'.repeat(63)}.example`
    expect(cleaned(longest)).toBe(longest)
    expect(cleaned(`x@${'y'.repeat(64)}`)).toMatch(/domain/)
    for (const length of [320, 1030, 1_000_000]) expect(cleaned(`${'x'.repeat(length)}@y`)).toMatch(/320/)
  })

  const junk = fc.constantFrom(
    ...[' ', '\t', '\u00a0', '\u200b', '\ufeff', '\u2060', '\u00ad', '\u2028', '.', ',', ';', ':', 'mailto:', 'smtp:'],
    ...['<', '>', '(', ')', '[', ']', '"', "'", '“', '”', '«', '»', '。', '；', '\u200d', '%', '@', 'x', 'é', '\0'],
  )
  const texts = fc.oneof(
    fc.emailAddress(),
    fc.string({ unit: 'binary', maxLength: 40 }),
    fc
      .tuple(fc.array(junk, { maxLength: 5 }), fc.emailAddress(), fc.array(junk, { maxLength: 5 }))
      .map(([before, address, behind]) => [...before, address, ...behind].join('')),
    fc.array(junk, { maxLength: 12 }).map((parts) => parts.join('')),
  )

  it('is the same when it is read again, has one @ and two ends that are seen', () => {
    fc.assert(
      fc.property(texts, (text) => {
        const read = readAddress(text)
        if ('expected' in read) return
        expect(readAddress(read.address)).toEqual(read)
        expect(read.address).toMatch(/^[^\s@]+@[^\s@]+$/u)
        expect(read.address).not.toMatch(/[\s.,;:\p{Default_Ignorable_Code_Point}]$/u)
        expect(text).toContain(read.address)
      }),
      { numRuns: effort(2000, 20_000) },
    )
  })

  it('that is valid never changes, nor does the key that it is found by', () => {
    fc.assert(
      fc.property(fc.emailAddress(), fc.array(junk, { maxLength: 4 }), (address, ends) => {
        expect(cleaned(address)).toBe(address)
        const read = readAddress(`<${address}>${ends.filter((one) => /^[\s.,;]$/.test(one)).join('')}`)
        expect(read).toEqual({ address })
        const key = (value: string) => identifierKey('email', value)
        expect('address' in read && key(read.address)).toBe(key(address))
      }),
      { numRuns: effort(500, 5000) },
    )
  })
})

describe('a login name', () => {
  it.each([
    ['i:0#.f|membership|x@y;', 'i:0#.f|membership|x@y'],
    ['i:0#.f|membership|<x@y>\u200b', 'i:0#.f|membership|x@y'],
    ['\ufeffann\u200b', 'ann'],
    ['mailto:x@y', 'x@y'],
    ['ACME\\jdoe', 'ACME\\jdoe'],
    ['i:0#.f|membership|ann_example.org#ext#@acme.example', 'i:0#.f|membership|ann_example.org#ext#@acme.example'],
    ['auth0|X', 'auth0|X'],
  ])('is read like an address where it is one: %j', (given, stored) => {
    expect(requireVisible('login_name', given, { mayBeAddress: true })).toBe(stored)
  })

  it('is refused with an invisible character inside', () => {
    expect(() => requireVisible('login_name', 'an\u200bn', { mayBeAddress: true })).toThrow(/login_name.*U\+200B/)
  })
})
