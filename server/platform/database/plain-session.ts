import pg from 'pg'
import { afterTheEnd, errorFrom, type Session } from './driver.ts'
import { claimName } from './statement-names.ts'

/**
 * Waits for the answer to a statement before it sends the next one, by `client.query` as pg documents it.
 *
 * It does not use pg's option `pipeline`: a client opened with it refuses the streams of `pg-copy-streams`, and a COPY must
 * run in the transaction that needs it.
 */
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
