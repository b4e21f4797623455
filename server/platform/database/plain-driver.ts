import pg from 'pg'
import { to as copyToStream } from 'pg-copy-streams'
import { afterTheEnd, type Driver, errorFrom, type Session } from './driver.ts'
import { claimName } from './statement-names.ts'

/**
 * The driver over documented interfaces only: `Pool`, `client.query` and the streams of `pg-copy-streams`. It waits for the
 * answer to a statement before it sends the next one.
 *
 * It does not use pg's option `pipeline`: a client opened with it refuses the streams of `pg-copy-streams`, and a COPY must
 * run in the transaction that needs it.
 */
export const plainDriver: Driver = {
  name: 'plain',
  startSession: (client) => new PlainSession(client),
  async copyTo(client, query, onChunk) {
    let failure: { error: unknown } | undefined
    // Read to the end even after a failure: to leave earlier would leave the connection in the midst of the COPY.
    for await (const chunk of client.query(copyToStream(`copy (${query}) to stdout`))) {
      try {
        if (failure === undefined) onChunk(chunk as Buffer)
      } catch (error) {
        failure = { error }
      }
    }
    if (failure !== undefined) throw failure.error
  },
}

/** One statement at a time, by `client.query`. */
export class PlainSession implements Session {
  readonly #client: pg.PoolClient
  /** Settles when what was given last has its answer; undefined while nothing is under way. */
  #last: Promise<void> | undefined
  #closed = false
  /** Why a statement could not be sent. */
  #unsendable: Error | undefined

  constructor(client: pg.PoolClient) {
    this.#client = client
  }

  async query<Row extends pg.QueryResultRow>(
    text: string,
    values: readonly unknown[] = [],
    name?: string,
  ): Promise<pg.QueryResult<Row>> {
    if (this.#closed) throw afterTheEnd()
    return await this.#inTurn(async () => {
      if (this.#unsendable !== undefined) throw this.#unsendable
      try {
        if (name !== undefined) claimName(this.#client, name, text)
        return await this.#client.query<Row>({ text, values: [...values], ...(name !== undefined && { name }) })
      } catch (error) {
        // Not the server's: pg could not send it, or has lost the connection.
        if (!(error instanceof pg.DatabaseError)) this.#unsendable = errorFrom(error)
        throw error
      }
    })
  }

  lend<T>(work: (client: pg.ClientBase) => Promise<T>): Promise<T> {
    return this.#inTurn(() => work(this.#client))
  }

  close(): void {
    this.#closed = true
  }

  release(failure?: Error): void {
    this.#closed = true
    this.#client.release(failure ?? this.#unsendable)
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const before = this.#last
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#last = promise
    try {
      if (before !== undefined) await before
      return await work()
    } finally {
      if (this.#last === promise) this.#last = undefined
      resolve()
    }
  }
}
