import type pg from 'pg'
import { to } from 'pg-copy-streams'

/**
 * Streams the rows of a query in COPY's text format. COPY takes no parameters: what stands in the text must be safe. A
 * chunk is the callee's until it returns. Throws what `onChunk` throws, once the server has sent everything.
 */
export async function copyTo(client: pg.ClientBase, query: string, onChunk: (chunk: Buffer) => void): Promise<void> {
  let failure: { error: unknown } | undefined
  // Read to the end even after a failure: to leave earlier would leave the connection in the midst of the COPY.
  for await (const chunk of client.query(to(`copy (${query}) to stdout`))) {
    try {
      if (failure === undefined) onChunk(chunk as Buffer)
    } catch (error) {
      failure = { error }
    }
  }
  if (failure !== undefined) throw failure.error
}
