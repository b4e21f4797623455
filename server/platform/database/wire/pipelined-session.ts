import pg from 'pg'
import { afterTheEnd, errorFrom, type Session } from '../driver.ts'
import { type Answer, Batch } from './batch.ts'
import { CoalescingSocket } from './coalescing-socket.ts'

/** `pipeline` is read-only by its type: pg documents it as an option of the constructor. */
type PipelinedClient = Omit<pg.PoolClient, 'pipeline'> & { pipeline: boolean; connection: pg.Connection }

/** Sends without waiting for answers: prepared statements of one turn of the event loop together. */
export class PipelinedSession implements Session {
  readonly #client: PipelinedClient
  #batch: Batch | undefined
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
    try {
      return await new Promise((resolve, reject) => {
        this.#send(text, values, name, (error, result) => (result === undefined ? reject(error) : resolve(result)))
      })
    } catch (error) {
      // The driver's own stack ends where the answer was read.
      if (error instanceof Error) Error.captureStackTrace(error)
      throw error
    }
  }

  #send(text: string, values: readonly unknown[], name: string | undefined, answer: Answer): void {
    if (this.#closed) throw afterTheEnd()
    if (this.#unsendable !== undefined) throw this.#unsendable
    if (values.length > 0 || name !== undefined) {
      try {
        this.#gather().add(text, values, name, answer)
      } catch (error) {
        this.#unsendable = errorFrom(error)
        throw error
      }
    } else {
      this.#submit()
      this.#client.query(new pg.Query(text, [], answer as (error: Error | undefined) => void))
    }
  }

  flush(): void {
    this.#submit()
    const { stream } = this.#client.connection
    if (stream instanceof CoalescingSocket) stream.flush()
  }

  async lend<T>(work: (client: pg.ClientBase) => Promise<T>): Promise<T> {
    this.#submit()
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

  /** Gives the driver what is gathered, so that what it is given next comes after it. */
  #submit(): void {
    const batch = this.#batch
    this.#batch = undefined
    if (batch !== undefined) this.#client.query(batch)
  }

  #gather(): Batch {
    if (this.#batch === undefined) {
      this.#batch = new Batch(this.#client)
      process.nextTick(() => this.#submit())
    }
    return this.#batch
  }
}
