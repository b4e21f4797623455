import { Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type pg from 'pg'
import { to } from 'pg-copy-streams'

/** Streams the rows of a query in COPY's text format. COPY takes no parameters: what stands in the text must be safe. */
export async function copyTo(client: pg.ClientBase, query: string, onChunk: (chunk: Buffer) => void): Promise<void> {
  await pipeline(
    client.query(to(`copy (${query}) to stdout`)),
    new Writable({
      write(chunk: Buffer, _encoding, done) {
        onChunk(chunk)
        done()
      },
    }),
  )
}
