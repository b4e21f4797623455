import { createHmac } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { keyedHash } from './keyed-hash.ts'

test('is HMAC-SHA-256, whatever the texts and their order', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 0, maxLength: 64 }),
      fc.array(fc.oneof(fc.string({ unit: 'binary' }), fc.string({ minLength: 300, maxLength: 5000, size: 'max' }))),
      (bytes, texts) => {
        const key = Buffer.from(bytes)
        const hash = keyedHash(key)
        for (const text of texts) {
          expect(Buffer.from(hash(text), 'latin1')).toEqual(createHmac('sha256', key).update(text).digest())
        }
      },
    ),
  )
})

test('refuses a key that HMAC would shorten first', () => {
  expect(() => keyedHash(Buffer.alloc(65))).toThrow(RangeError)
})
