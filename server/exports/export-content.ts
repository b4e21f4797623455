import { open, seal } from '../platform/crypto/seal.ts'

/** So many bytes of the archive make a chunk; only the last is shorter. */
export const chunkBytes = 256 * 1024

/** A piece of the archive, at its place. The last one is marked, so that an archive cannot be cut short unnoticed. */
export type Chunk = { position: number; plain: Buffer; last: boolean }

/** Cuts what comes into chunks of {@link chunkBytes}. The last is marked; there is one at least. */
export async function* inChunks(bytes: AsyncIterable<Buffer>): AsyncGenerator<Chunk> {
  let position = 0
  let gathered: Buffer[] = []
  let length = 0
  for await (const piece of bytes) {
    gathered.push(piece)
    length += piece.length
    // A full chunk waits for what comes next, because it may be the last.
    if (length <= chunkBytes) continue
    const all = Buffer.concat(gathered)
    let from = 0
    for (; all.length - from > chunkBytes; from += chunkBytes) {
      yield { position: position++, plain: all.subarray(from, from + chunkBytes), last: false }
    }
    gathered = [all.subarray(from)]
    length = all.length - from
  }
  yield { position, plain: Buffer.concat(gathered), last: true }
}

/** How many chunks an archive of so many bytes has. */
export function chunkCount(size: number): number {
  return Math.max(1, Math.ceil(size / chunkBytes))
}

/** Encrypts a chunk under the key of its export, bound to its place. */
export function sealChunk(key: Buffer, { position, plain, last }: Chunk): Buffer {
  return seal(key, plain, purposeOf(position, last))
}

/** Opens what {@link sealChunk} made. Throws where it is another chunk, or was changed. */
export function openChunk(key: Buffer, sealed: Buffer, place: { position: number; last: boolean }): Buffer {
  return open(key, sealed, purposeOf(place.position, place.last))
}

/** A chunk of kept content, opened, and how many bytes the whole content has. */
export type OpenedChunk = { size: number; plain: Buffer }

/** Opens the chunk at this place of content of so many bytes. Throws where it is another chunk, or was changed. */
export function openChunkOf(
  key: Buffer,
  sealed: Buffer,
  { position, size }: { position: number; size: number },
): Buffer {
  return openChunk(key, sealed, { position, last: position === chunkCount(size) - 1 })
}

/**
 * Kept content, chunk by chunk: each is read when it is needed. The first is read at once, so content that cannot be read
 * throws before anything is sent.
 */
export async function openContent(
  read: (position: number) => Promise<OpenedChunk>,
): Promise<{ size: number; content: AsyncGenerator<Buffer> }> {
  const first = await read(0)
  const content = async function* () {
    let chunk = first
    for (let position = 0; ; ) {
      yield chunk.plain
      if (++position >= chunkCount(first.size)) return
      chunk = await read(position)
    }
  }
  return { size: first.size, content: content() }
}

function purposeOf(position: number, last: boolean): string {
  return `${last ? 'last chunk' : 'chunk'} ${position} of an export`
}
