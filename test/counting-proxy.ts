import { createServer, type Socket, connect as tcpConnect } from 'node:net'

/**
 * What a client asked of PostgreSQL. `roundTrips`: how often it sent something after an answer had arrived, so that the
 * network lay between the two. `syncs`: how often it asked for the end of a group of statements.
 */
export type Counts = { statements: number; syncs: number; roundTrips: number }

export type CountingProxy = {
  /** The connection string of the server behind the proxy, through the proxy. */
  url: string
  /** What was asked since the last call. */
  take(): Counts
  close(): Promise<void>
}

/**
 * A proxy before PostgreSQL that counts what passes, by the messages of the protocol (PostgreSQL's documentation, "Message
 * Formats"): it does not depend on how a driver gathers statements.
 */
export async function openCountingProxy(behind: string): Promise<CountingProxy> {
  const url = new URL(behind)
  const target = { host: url.hostname, port: Number(url.port) }
  let counts: Counts = { statements: 0, syncs: 0, roundTrips: 0 }
  const sockets = new Set<Socket>()
  const server = createServer((client) => {
    const upstream = tcpConnect(target)
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.setNoDelay(true)
      socket.on('error', () => socket.destroy())
      socket.on('close', () => sockets.delete(socket))
    }
    let answered = true
    const read = messageReader((type) => {
      if (type === 'Q' || type === 'E') counts.statements++
      if (type === 'Q' || type === 'S') counts.syncs++
    })
    client.on('data', (data) => {
      if (answered) counts.roundTrips++
      answered = false
      read(data)
      upstream.write(data)
    })
    upstream.on('data', (data) => {
      answered = true
      client.write(data)
    })
    client.on('end', () => upstream.end())
    upstream.on('end', () => client.end())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port')
  url.hostname = '127.0.0.1'
  url.port = String(address.port)
  return {
    url: url.href,
    take() {
      const taken = counts
      counts = { statements: 0, syncs: 0, roundTrips: 0 }
      return taken
    },
    async close() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** Reads the types of a client's messages. The first one, which opens the connection, has none. */
function messageReader(found: (type: string) => void): (data: Buffer) => void {
  let waiting = Buffer.alloc(0)
  let started = false
  return (data) => {
    waiting = Buffer.concat([waiting, data])
    for (;;) {
      const header = started ? 1 : 0
      if (waiting.length < header + 4) return
      const length = header + waiting.readUInt32BE(header)
      if (waiting.length < length) return
      if (started) found(String.fromCharCode(waiting[0] ?? 0))
      started = true
      waiting = waiting.subarray(length)
    }
  }
}
