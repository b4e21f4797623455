import type { Socket } from 'node:net'
import type pg from 'pg'
import { CopyOutput } from './copy-output.ts'

/** The driver's side of the connection, which its type declarations know in part only. */
type Wire = { stream: Socket & { borrows?: boolean }; query(text: string): void }

/**
 * Streams the rows of a query in COPY's text format. COPY takes no parameters: what stands in the text must be safe. A
 * chunk is the callee's until it returns. What `onChunk` throws is thrown when the server has sent everything.
 *
 * We read it ourselves. The library that writes COPY for us makes two objects per row, which takes longer than to
 * search the row, and leaves them to the garbage collector.
 */
export async function copyTo(client: pg.ClientBase, query: string, onChunk: (chunk: Buffer) => void): Promise<void> {
  let failure: { error: unknown } | undefined
  await new Promise<void>((resolve, reject) => {
    client.query({
      submit(connection: unknown) {
        const { stream } = connection as Wire
        const [driver] = stream.listeners('data') as ((data: Buffer) => void)[]
        if (driver === undefined) throw new Error('the driver does not read its connection')
        const output = new CopyOutput()
        const read = (received: Buffer) => {
          const { rows, rest } = output.read(received)
          try {
            if (rows.length > 0 && failure === undefined) onChunk(rows)
          } catch (error) {
            failure = { error }
          }
          if (rest === undefined) return
          stream.borrows = false
          stream.off('data', read).on('data', driver)
          // It may keep a part of it.
          driver(Buffer.from(rest))
        }
        stream.borrows = true
        stream.off('data', driver).on('data', read)
        ;(connection as Wire).query(`copy (${query}) to stdout`)
      },
      handleError: reject,
      handleCommandComplete: () => undefined,
      handleReadyForQuery: () => resolve(),
    } as pg.Submittable)
  })
  if (failure !== undefined) throw failure.error
}
