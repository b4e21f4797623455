import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { effort } from '../../../test/effort.ts'
import { type IdentifierKind, identifierKey } from '../identifier-key.ts'
import { IdentifierScanner } from './identifier-scanner.ts'
import { copyText } from './search-form-stream.ts'
import { isSearchable } from './search-forms.ts'

const kinds: IdentifierKind[] = ['email', 'login_name', 'directory_object_id', 'ref', 'external_identity_id']

describe('identifierKey', () => {
  test.each([
    ['email', '  Jane@X.org ', 'jane@x.org'],
    ['login_name', 'i:0#.f|membership|Jane.Doe@x.org', 'jane.doe@x.org'],
    ['login_name', 'i:0#.w|contoso\\jane', 'contoso\\jane'],
    ['directory_object_id', '{6F9619FF-8B86-D011-B42D-00C04FC964FF}', '6f9619ff-8b86-d011-b42d-00c04fc964ff'],
    ['directory_object_id', '6F9619FF8B86D011B42D00C04FC964FF', '6f9619ff-8b86-d011-b42d-00c04fc964ff'],
    ['ref', 'E\u0301LODIE-7', '\u00e9lodie-7'],
  ] as const)('brings the %s %j to %j', (kind, value, expected) => {
    expect(identifierKey(kind, value)).toBe(expected)
  })

  test('changes nothing the second time', () => {
    const value = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({ unit: fc.constantFrom(' ', '|', '{', '}', '-', 'a', 'É', 'E', '\u0301', 'İ', 'Σ', '\u00a0') }),
      fc.uuid().map((id) => `{${id.toUpperCase()}}`),
    )
    fc.assert(
      fc.property(fc.constantFrom(...kinds), value, (kind, raw) => {
        const once = identifierKey(kind, raw)
        expect(identifierKey(kind, once)).toBe(once)
      }),
      { numRuns: effort(200, 2000) },
    )
  })
})

test.each([
  ['anna', false],
  ['maria', false],
  ['maria7', true],
  ['aaa\\\\', false],
  ['1234567', false],
  ['12345678', true],
  ['a1234', true],
  ['', false],
  ['jane\ndoe', false],
])('%j may be searched for inside texts: %j', (value, expected) => {
  expect(isSearchable({ kind: 'ref', value })).toBe(expected)
})

const jane = 'jane@x.org'
const id = '6f9619ff-8b86-d011-b42d-00c04fc964ff'

/** Identifier, text, whether the text mentions it. */
const mentions: [string, string, boolean][] = [
  [jane, 'jane@x.org', true],
  [jane, 'Write to JANE@X.ORG.', true],
  [jane, 'Write to jane@x.org. She answers.', true],
  [jane, '<jane@x.org>', true],
  [jane, 'mailto:jane@x.org?subject=hi', true],
  [jane, 'i:0#.f|membership|jane@x.org', true],
  [jane, 'jane@x.org,bob@y.org', true],
  [jane, '{bob@y.org,jane@x.org}', true],
  [jane, 'hello\njane@x.org\tbye', true],
  [jane, '{"note":"hello\\njane@x.org\\nbye"}', true],
  [jane, '{"note":"{\\"note\\":\\"hello\\\\njane@x.org\\"}"}', true],
  [jane, '"\\u003cjane\\u0040x.org\\u003e"', true],
  [jane, '"\\\\u003Cjane\\\\u0040x.org\\\\u003E"', true],
  [jane, '"\\ud83d\\ude00jane@x.org"', true],
  [jane, '?to=jane%40x.org&cc=', true],
  [jane, '?next=%2Fmail%3Fto%3Djane%40x.org%26cc', true],
  [jane, '?next=%252Fmail%253Fto%253Djane%2540x.org%2526cc', true],
  [jane, '%E2%80%9Cjane%40x.org%E2%80%9D', true],
  [jane, '\u201cjane@x.org\u201d', true],
  [jane, '\u8bf7\u8054\u7cfbjane@x.org\u8c22\u8c22', true],
  [jane, 'see...jane@x.org...', true],
  [jane, '-jane@x.org', true],
  [jane, '_jane@x.org_', true],
  [jane, 'jane@x.org_2024.pdf', true],
  [jane, '&lt;jane@x.org&gt;', true],
  [jane, 'mary.jane@x.org', false],
  [jane, 'x-jane@x.org', false],
  [jane, 'x+jane@x.org', false],
  [jane, 'x%2Bjane@x.org', false],
  [jane, 'x\\u002bjane@x.org', false],
  [jane, 'jane@x.org.uk', false],
  [jane, 'jane%40x.org%2Euk', false],
  [jane, 'jane@x.organic', false],
  [jane, 'jane@x.org-old.com', false],
  [jane, 'jane@xaorg', false],
  [jane, 'ren\u00e9jane@x.org', false],
  [jane, 'ren\\u00e9jane@x.org', false],
  [jane, 'ren%C3%A9jane@x.org', false],
  [jane, 'jane@x.org\u00e9', false],
  [jane, 'jane@x.org\\u00e9', false],
  [jane, 'jane@x.org%C3%A9', false],
  ['jane+tag@x.org', '"jane\\u002Btag@x.org"', true],
  ['jane.doe', '@jane.doe, please', true],
  ['jane.doe', 'ACME\\jane.doe', true],
  ['njane.doe', 'ACME\\njane.doe', true],
  ['jane.doe', 'ACME\\njane.doe', true],
  ['jane.doe', 'jane.doe@y.org', false],
  ['jane.doe', 'jane.doe+2', false],
  ['acme\\jane', 'ACME\\jane', true],
  ['acme\\jane', '"ACME\\\\jane"', true],
  ['https://idp/jane', '"https:\\/\\/idp\\/jane"', true],
  ['jos\u00e9.x', 'JOS\u00c9.X', true],
  ['jos\u00e9.x', 'Jose\u0301.x', true],
  ['jos\u00e9.x', 'JOSE\u0301.x', true],
  ['jos\u00e9.x', '"jos\\u00E9.x"', true],
  ['jos\u00e9.x', 'jos%c3%a9.x', true],
  ['jos\u00e9.x', 'JOS%C3%89.x', true],
  ['jos\u00e9.x', 'jose.x', false],
  ['\u03bf\u03b4\u03bf\u03c5\u03c2', '\u039f\u0394\u039f\u03a5\u03a3', true],
  [id, id.toUpperCase(), true],
  [id, `photo_${id}.jpg`, true],
  [id, `tenant-${id}@y`, true],
  [id, `a${id}`, false],
  [id, `${id}0`, false],
]

function scannerFinds(identifier: string, text: string): boolean {
  let found = false
  const scanner = new IdentifierScanner([{ kind: 'external_identity_id', value: identifier }], () => {
    found = true
  })
  scanner.write(Buffer.from(`${copyText(text)}\n`))
  scanner.end()
  return found
}

test.each(mentions)('the scanner: %j in %j counts: %j', (identifier, text, expected) => {
  expect(scannerFinds(identifier, text)).toBe(expected)
})
