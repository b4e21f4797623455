import { randomBytes } from 'node:crypto'
import { expect, it } from 'vitest'
import { newKey } from '../platform/crypto/seal.ts'
import { type Chunk, chunkBytes, chunkCount, inChunks, openChunk, sealChunk } from './export-content.ts'

async function chunksOf(pieces: Buffer[]): Promise<Chunk[]> {
  return await Array.fromAsync(
    inChunks(
      (async function* () {
        yield* pieces
      })(),
    ),
  )
}

it.each([
  ['nothing', []],
  ['less than a chunk', [1, 2, 3]],
  ['a chunk exactly', [chunkBytes]],
  ['a chunk and a byte', [chunkBytes, 1]],
  ['several chunks exactly', [chunkBytes * 2, chunkBytes]],
  ['a large piece and small ones', [7, chunkBytes * 5 + 3, 1, 1]],
])('what is cut into chunks comes together again: %s', async (_, lengths) => {
  const pieces = lengths.map((length) => randomBytes(length))
  const whole = Buffer.concat(pieces)
  const chunks = await chunksOf(pieces)
  expect(Buffer.concat(chunks.map(({ plain }) => plain)).equals(whole)).toBe(true)
  expect(chunks.map(({ position }) => position)).toEqual(chunks.map((_, index) => index))
  expect(chunks.map(({ last }) => last)).toEqual(chunks.map((_, index) => index === chunks.length - 1))
  expect(chunks.slice(0, -1).every(({ plain }) => plain.length === chunkBytes)).toBe(true)
  expect(chunks.length).toBe(chunkCount(whole.length))
})

it('a chunk opens at its place only, under its key, and unchanged', () => {
  const key = newKey()
  const plain = Buffer.from('a piece')
  const sealed = sealChunk(key, { position: 3, plain, last: false })
  expect(sealed.includes(plain)).toBe(false)
  expect(openChunk(key, sealed, { position: 3, last: false }).equals(plain)).toBe(true)
  expect(() => openChunk(key, sealed, { position: 4, last: false })).toThrow()
  expect(() => openChunk(key, sealed, { position: 3, last: true })).toThrow()
  expect(() => openChunk(newKey(), sealed, { position: 3, last: false })).toThrow()
  sealed[30] = (sealed[30] ?? 0) ^ 1
  expect(() => openChunk(key, sealed, { position: 3, last: false })).toThrow()
})
