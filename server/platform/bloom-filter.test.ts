import { randomInt } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { BloomFilter } from './bloom-filter.ts'

const word = fc.integer({ min: 0, max: 0xffffffff })

test('never denies an entry', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(word, word), { maxLength: 2000 }), fc.nat(2000), (entries, room) => {
      const filter = new BloomFilter(room)
      for (const [first, second] of entries) filter.add(first, second)
      expect(entries.every(([first, second]) => filter.mayHold(first, second))).toBe(true)
    }),
  )
})

test('takes few others for an entry', () => {
  const random = () => randomInt(2 ** 32)
  const filter = new BloomFilter(50_000)
  for (let entry = 0; entry < 50_000; entry++) filter.add(random(), random())
  let mistaken = 0
  for (let other = 0; other < 50_000; other++) if (filter.mayHold(random(), random())) mistaken++
  expect(mistaken).toBeLessThan(200)
  expect(new BloomFilter(0).mayHold(1, 2)).toBe(false)
})
