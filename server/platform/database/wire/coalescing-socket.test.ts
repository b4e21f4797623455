import { once } from 'node:events'
import net from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { CoalescingSocket } from './coalescing-socket.ts'

let server: net.Server
let socket: CoalescingSocket
let other: net.Socket

beforeEach(async () => {
  server = net.createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  socket = new CoalescingSocket()
  socket.connect((server.address() as net.AddressInfo).port, '127.0.0.1')
  ;[other] = await once(server, 'connection')
})
afterEach(() => {
  socket.destroy()
  other.destroy()
  server.close()
})

/** What the socket gives while so many bytes come from the other side, in several pieces. */
async function receive(length: number): Promise<Buffer[]> {
  const chunks: Buffer[] = []
  let left = length
  const read = (chunk: Buffer) => {
    chunks.push(chunk)
    left -= chunk.length
  }
  socket.on('data', read)
  for (let sent = 0; sent < length; sent += 50_000)
    other.write(Buffer.alloc(Math.min(50_000, length - sent), sent % 251))
  while (left > 0) await once(socket, 'data')
  socket.off('data', read)
  return chunks
}

const memories = (chunks: Buffer[]) => new Set(chunks.map(({ buffer }) => buffer))

describe('a gathering socket', () => {
  it('gives chunks that stay as they are', async () => {
    const chunks = await receive(1_000_000)
    const expected = Buffer.concat(
      Array.from({ length: 20 }, (_, piece) => Buffer.alloc(50_000, (piece * 50_000) % 251)),
    )
    expect(Buffer.concat(chunks).equals(expected)).toBe(true)
  })

  it('gives a reader that borrows the same memory again and again, and others copies as before', async () => {
    socket.borrows = true
    const borrowed = await receive(1_000_000)
    expect(borrowed.length).toBeGreaterThan(10)
    expect(memories(borrowed).size).toBe(1)
    socket.borrows = false
    const [kept = Buffer.alloc(0)] = await receive(10)
    await receive(20)
    expect(kept).toEqual(Buffer.alloc(10, 0))
    expect(memories(borrowed).has(kept.buffer)).toBe(false)
  })

  it('sends what is written within one turn at once', async () => {
    const received: Buffer[] = []
    other.on('data', (chunk) => received.push(chunk))
    for (const part of ['a', 'b', 'c']) socket.write(part)
    while (Buffer.concat(received).length < 3) await once(other, 'data')
    expect(received.map(String)).toEqual(['abc'])
  })

  it('sends before the end of the turn what it is told to', async () => {
    socket.write('a')
    expect(socket.writableCorked).toBe(1)
    socket.flush()
    expect(socket.writableCorked).toBe(0)
    socket.write('b')
    expect(socket.writableCorked).toBe(1)
    await new Promise((resolve) => setImmediate(resolve))
    expect(socket.writableCorked).toBe(0)
  })

  it('ends with the other side', async () => {
    socket.resume()
    other.end()
    await once(socket, 'end')
  })
})
