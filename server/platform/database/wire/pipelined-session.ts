import pg from 'pg'
import { afterTheEnd, errorFrom, type Session } from '../driver.ts'
import { claimName } from '../statement-names.ts'

/** `pipeline` is read-only by its type: pg documents it as an option of the constructor. */
type PipelinedClient = Omit<pg.PoolClient, 'pipeline'> & { pipeline: boolean }

/** Sends each statement at once, without waiting for the answer to the one before. */
export class PipelinedSession implements Session {
  readonly #client: PipelinedClient
  #closed = false
  /** Why a statement could not be sent. */
  #unsendable: Error | undefined

  constructor(client: pg.PoolClient) {
    this.#client = client as PipelinedClient
    this.#client.pipeline = true
  }

  async query<Row extends pg.QueryResultRow>(
    text: string,
    values: readonly unknown[] = [],
    name?: string,
  ): Promise<pg.QueryResult<Row>> {
    if (this.#closed) throw afterTheEnd()
    if (this.#unsendable !== undefined) throw this.#unsendable
    try {
      if (name !== undefined) claimName(this.#client, name, text)
      return await this.#send<Row>({ text, values: [...values], ...(name !== undefined && { name }) })
    } catch (error) {
      // The driver's own stack ends where the answer was read.
      if (error instanceof Error) Error.captureStackTrace(error)
      throw error
    }
  }

  #send<Row extends pg.QueryResultRow>(statement: pg.QueryConfig): Promise<pg.QueryResult<Row>> {
    return new Promise((resolve, reject) => {
      this.#client.query<Row>(statement, (error: Error | null, result) => {
        if (error === null) return resolve(result)
        // Not the server's: pg could not send it, or has lost the connection. A value without a form is found out before
        // this call returns, so nothing is sent after it.
        if (!(error instanceof pg.DatabaseError)) this.#unsendable ??= errorFrom(error)
        reject(error)
      })
    })
  }

  async lend<T>(work: (client: pg.ClientBase) => Promise<T>): Promise<T> {
    // A client that pipelines refuses the streams of COPY.
    this.#client.pipeline = false
    try {
      return await work(this.#client)
    } finally {
      this.#client.pipeline = true
    }
  }

  close(): void {
    this.#closed = true
  }

  release(failure?: Error): void {
    this.#closed = true
    this.#client.pipeline = false
    this.#client.release(failure ?? this.#unsendable)
  }
}
