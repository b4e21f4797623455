import type pg from 'pg'
import { driverOf } from './drivers.ts'

/**
 * Streams the rows of a query in COPY's text format, by the driver that opened the connection. COPY takes no parameters:
 * what stands in the text must be safe. A chunk is the callee's until it returns. Throws what `onChunk` throws, once the
 * server has sent everything.
 */
export async function copyTo(client: pg.ClientBase, query: string, onChunk: (chunk: Buffer) => void): Promise<void> {
  await driverOf(client).copyTo(client, query, onChunk)
}
