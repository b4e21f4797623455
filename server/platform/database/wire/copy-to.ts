import type { Socket } from 'node:net'
import type pg from 'pg'
import type { Driver } from '../driver.ts'
import { CopyOutput } from './copy-output.ts'

/** The connection below a client, which the type declarations of pg know in part only. */
type Connection = { stream: Socket; query(text: string): void }

/**
 * {@link Driver.copyTo}, which reads the server's messages from the socket itself: `pg-copy-streams` makes two objects of
 * every row, which takes longer than to search it.
 */
export async function copyTo(client: pg.ClientBase, query: string, onChunk: (chunk: Buffer) => void): Promise<void> {
  let failure: { error: unknown } | undefined
  await new Promise<void>((resolve, reject) => {
    client.query({
      submit(connection: unknown) {
        const { stream } = connection as Connection
        const [parser] = stream.listeners('data') as ((data: Buffer) => void)[]
        if (parser === undefined) throw new Error('pg does not read its connection')
        const output = new CopyOutput()
        const read = (received: Buffer) => {
          const { rows, rest } = output.read(received)
          try {
            if (rows.length > 0 && failure === undefined) onChunk(rows)
          } catch (error) {
            failure = { error }
          }
          if (rest === undefined) return
          stream.off('data', read).on('data', parser)
          parser(rest)
        }
        stream.off('data', parser).on('data', read)
        ;(connection as Connection).query(`copy (${query}) to stdout`)
      },
      handleError: reject,
      handleCommandComplete: () => undefined,
      handleReadyForQuery: () => resolve(),
    } as pg.Submittable)
  })
  if (failure !== undefined) throw failure.error
}
