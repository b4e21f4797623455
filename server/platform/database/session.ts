import pg from 'pg'
import { type Answer, Batch } from './batch.ts'
import { GatheringSocket } from './gathering-socket.ts'

/** The driver sends without waiting for answers while `pipeline` is set; its type declarations know neither of these yet. */
export type PipelinedClient = pg.PoolClient & { pipeline?: boolean; connection: pg.Connection }

/** What one transaction sends over its connection, in order: prepared statements of one turn of the event loop together. */
export class Session {
  readonly client: PipelinedClient
  #batch: Batch | undefined
  #closed = false

  constructor(client: PipelinedClient) {
    this.client = client
  }

  /**
   * Sends a statement at the end of this turn, or before. One without values and a name may consist of several commands.
   * Throws where a value cannot be sent.
   */
  send(text: string, values: readonly unknown[], name: string | undefined, answer: Answer): void {
    this.requireOpen()
    if (values.length > 0 || name !== undefined) this.#gather().add(text, values, name, answer)
    else {
      this.submit()
      this.client.query(new pg.Query(text, [], answer as (error: Error | undefined) => void))
    }
  }

  /** Sends a statement and waits for its answer. */
  async query<Row extends pg.QueryResultRow>(
    text: string,
    values: readonly unknown[] = [],
    name?: string,
  ): Promise<pg.QueryResult<Row>> {
    try {
      return await new Promise((resolve, reject) => {
        this.send(text, values, name, (error, result) => (result === undefined ? reject(error) : resolve(result)))
      })
    } catch (error) {
      // The driver's own stack ends where the answer was read.
      if (error instanceof Error) Error.captureStackTrace(error)
      throw error
    }
  }

  /** Throws where the transaction has ended: the connection may belong to another one by now. */
  requireOpen(): void {
    if (this.#closed) throw new Error('a statement came after the end of its transaction')
  }

  /** The transaction has ended: nothing more is sent. */
  close(): void {
    this.#closed = true
  }

  /** Gives the driver what is gathered, so that what it is given next comes after it. */
  submit(): void {
    const batch = this.#batch
    this.#batch = undefined
    if (batch !== undefined) this.client.query(batch)
  }

  /** Sends what is gathered at once: there is more to do in this turn before anything else can be sent. */
  flush(): void {
    this.submit()
    const { stream } = this.client.connection
    if (stream instanceof GatheringSocket) stream.flush()
  }

  #gather(): Batch {
    if (this.#batch === undefined) {
      this.#batch = new Batch(this.client)
      process.nextTick(() => this.submit())
    }
    return this.#batch
  }
}
