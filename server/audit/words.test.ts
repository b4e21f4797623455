import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { effort } from '../../test/effort.ts'
import { type Identifier, type IdentifierKind, identifierKey } from '../identifiers/identifier-key.ts'
import { IdentifierScanner } from '../identifiers/texts/identifier-scanner.ts'
import { isSearchable } from '../identifiers/texts/search-forms.ts'
import { keyedHash } from '../platform/crypto/keyed-hash.ts'
import { newKey } from '../platform/crypto/seal.ts'
import { probesOf, type WordHash, wordsOfValues } from './words.ts'

const keyed = keyedHash(newKey())
const hash = (text: string) => Buffer.from(keyed(text)).toString('hex')

/** Whether the index says that an identifier may stand in the values. */
function mayHold(values: unknown, identifier: Identifier): boolean {
  const words = new Set<WordHash>()
  wordsOfValues(hash, values, words)
  return probesOf(hash, identifier)?.some((list) => list.every((word) => words.has(word))) ?? true
}

function isFound(text: string, identifier: Identifier): boolean {
  let found = false
  const scanner = new IdentifierScanner([identifier], () => {
    found = true
  })
  scanner.write(Buffer.from(`${text.replaceAll('\\', '\\\\').replace(/\r/g, '\\r').replace(/\n/g, '\\n')}\n`))
  scanner.end()
  return found
}

const identifierOf = (kind: IdentifierKind, value: string): Identifier => ({
  kind,
  value: identifierKey(kind, value),
})

const parts = [
  'jane',
  'Doe',
  'x',
  '4711',
  'İpek',
  'ΔΟΚΙΜΗΣ',
  'straße',
  'Łódź',
  'нина',
  '王小明',
  'é',
  'na%41',
  '&amp;',
  '\\u0041',
  'a1',
]
const joins = ['.', '-', '_', '@', '|', ' ', '+', "'", '/', '\\']
const identifier = fc
  .tuple(
    fc.constantFrom<IdentifierKind>('email', 'login_name', 'ref', 'external_identity_id'),
    fc.array(fc.tuple(fc.constantFrom(...parts), fc.constantFrom(...joins)), { minLength: 1, maxLength: 4 }),
    fc.constantFrom(...parts),
  )
  .map(([kind, pairs, last]) => identifierOf(kind, `${pairs.map((pair) => pair.join('')).join('')}${last}`))
  .filter(({ value }) => value !== '')

const spelled = (value: string) =>
  fc.constantFrom(
    value,
    value.toUpperCase(),
    value.normalize('NFD'),
    encodeURIComponent(value),
    encodeURIComponent(value).replaceAll('.', '%2E'),
    JSON.stringify(value).slice(1, -1),
    value.replaceAll('@', '&#64;'),
    value.replaceAll('@', '\\u0040'),
  )

describe('the words of sealed values', () => {
  it('are found for every identifier that the scanner finds in a text, in whatever spelling', () => {
    const beside = fc.constantFrom('', ' ', '(', ')', '.', ',', '\\n', '"', '请', 'mailto:', '/', '<', '>', ';')
    const example = identifier.chain((one) => fc.tuple(fc.constant(one), spelled(one.value), beside, beside))
    fc.assert(
      fc.property(example, ([one, spelling, before, after]) => {
        const text = `Assistant to ${before}${spelling}${after}, since 2020`
        fc.pre(isSearchable(one) && isFound(text, one))
        expect(mayHold({ job_title: text }, one)).toBe(true)
      }),
      { numRuns: effort(150, 3_000) },
    )
  })

  it('tell of whole identifiers that are too short for texts', () => {
    const anna = identifierOf('login_name', 'Anna')
    expect(mayHold({ before: { login_name: 'i:0#.f|membership|ANNA' } }, anna)).toBe(true)
    expect(mayHold({ before: { first_name: 'Anna' } }, anna)).toBe(false)
  })

  it('tell people apart who share a domain, a first name or a prefix', () => {
    const values = {
      email: 'ann.smith@corp.example',
      job_title: 'Assistant to joe.brown@corp.example',
      ref: 'EMP-4711',
    }
    for (const [kind, value] of [
      ['email', 'ann.brown@corp.example'],
      ['email', 'joe.smith@corp.example'],
      ['email', 'smith@example.corp'],
      ['ref', 'EMP-4712'],
      ['directory_object_id', '0190a0b1-7d2c-7c3e-8a54-1f2e3d4c5b01'],
    ] as const) {
      expect(mayHold(values, identifierOf(kind, value)), value).toBe(false)
    }
    expect(mayHold(values, identifierOf('email', 'joe.brown@corp.example'))).toBe(true)
    expect(mayHold(values, identifierOf('ref', 'emp-4711'))).toBe(true)
  })
})
