import { AsyncLocalStorage } from 'node:async_hooks'
import pg from 'pg'
import { databaseError } from './errors.ts'

/** A connection that this async context holds, and the one that it held before. */
type Held = { pool: GuardedPool; active: boolean; outer: Held | undefined }

/** How many connections a tenant has, and who waits for one of them. */
type Share = { held: number; waiting: (() => void)[] }

/** So many connections are never a single tenant's. */
const reserveOf = (max: number) => (max >= 6 ? 3 : max >= 3 ? 1 : 0)

const holding = new AsyncLocalStorage<Held>()

export type GuardedPoolOptions = {
  /** Where the server is now: asked for each new connection, because an embedded server may come back on another port. */
  url: () => string
  /** Most connections at a time. */
  max: number
  /** The longest wait for a connection, in seconds. */
  waitSeconds: number
  /** Pools of one application share this value. */
  family: object
  /**
   * The order in which pools of a family are asked: who holds a connection may only ask a pool of a higher rank. Then
   * no circle of waits can come about.
   */
  rank: number
} & Omit<pg.PoolConfig, 'connectionString' | 'max' | 'connectionTimeoutMillis'>

/**
 * A pool without deadlocks that the server cannot see. Code that holds a connection and asks for another one gets an
 * error immediately. Every wait has a limit.
 */
export class GuardedPool extends pg.Pool {
  readonly #family: object
  readonly #rank: number
  readonly #max: number
  readonly #waitSeconds: number
  /** Most connections that one tenant may have. */
  readonly #share: number
  readonly #shares = new Map<string, Share>()
  /** When each caller that has no connection yet began to wait, the first one first. */
  readonly #waits = new Set<{ since: number }>()

  constructor({ url, max, waitSeconds, family, rank, ...config }: GuardedPoolOptions) {
    super({ ...config, max, connectionTimeoutMillis: waitSeconds * 1000 })
    // The driver reads it anew for each connection.
    Object.defineProperty(this.options, 'connectionString', { get: url, enumerable: true })
    this.#family = family
    this.#rank = rank
    this.#max = max
    this.#waitSeconds = waitSeconds
    this.#share = max - reserveOf(max)
  }

  /** How long the caller that waits longest has waited for a connection, in milliseconds. 0: no caller waits. */
  get longestWait(): number {
    const [first] = this.#waits
    return first === undefined ? 0 : Date.now() - first.since
  }

  /**
   * Takes a connection. Use {@link lend} where possible: it gives the connection back, and the guard knows of it.
   *
   * Throws `database.busy` or `database.no_answer` after the longest wait, and an `Error` at once where the caller
   * holds a connection already.
   */
  override connect(): Promise<pg.PoolClient>
  override connect(
    callback: (
      error: Error | undefined,
      client: pg.PoolClient | undefined,
      done: (release?: Error | boolean) => void,
    ) => void,
  ): void
  override connect(
    callback?: (
      error: Error | undefined,
      client: pg.PoolClient | undefined,
      done: (release?: Error | boolean) => void,
    ) => void,
  ): Promise<pg.PoolClient> | undefined {
    const taken = this.#take()
    if (callback === undefined) return taken
    taken.then(
      (client) => {
        let released = false
        // The job queue gives a lost connection back a second time while it stops, and waits for nothing there.
        callback(undefined, client, (release) => {
          if (!released) client.release(release)
          released = true
        })
      },
      (error: Error) => callback(error, undefined, () => undefined),
    )
    return undefined
  }

  /**
   * Waits until this tenant may have one more connection. A few are never used by a single tenant alone, so that its
   * requests, waiting for a lock, leave some to the other tenants. Call the answer when the connection is given back.
   *
   * Throws `database.tenant_busy` after so many seconds.
   */
  async enter(tenant: string, waitSeconds = this.#waitSeconds): Promise<() => void> {
    let share = this.#shares.get(tenant)
    if (share === undefined) {
      share = { held: 0, waiting: [] }
      this.#shares.set(tenant, share)
    }
    if (share.held < this.#share) share.held++
    else await this.#awaitTurn(share, waitSeconds)
    const { waiting } = share
    return () => {
      const next = waiting.shift()
      // Who waits takes the place over.
      if (next !== undefined) next()
      else if (--share.held === 0) this.#shares.delete(tenant)
    }
  }

  async #awaitTurn({ waiting }: Share, seconds: number): Promise<void> {
    this.#requireNoneHeld()
    await new Promise<void>((resolve, reject) => {
      const turn = () => {
        clearTimeout(timer)
        resolve()
      }
      const timer = setTimeout(() => {
        waiting.splice(waiting.indexOf(turn), 1)
        reject(databaseError('database.tenant_busy', { connections: this.#share, seconds }))
      }, seconds * 1000)
      waiting.push(turn)
    })
  }

  /** Runs `work` with a connection, which goes back to the pool afterwards. Where `work` throws, the connection is closed. */
  async lend<T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
    const client = await this.connect()
    let failure: Error | undefined
    try {
      return await this.whileHolding(() => work(client))
    } catch (error) {
      failure = error instanceof Error ? error : new Error(String(error))
      throw error
    } finally {
      client.release(failure)
    }
  }

  /** Runs `work`, which has a connection of this pool, so that it cannot ask for one more. */
  async whileHolding<T>(work: () => Promise<T>): Promise<T> {
    const held: Held = { pool: this, active: true, outer: holding.getStore() }
    try {
      return await holding.run(held, work)
    } finally {
      // What outlives the work, such as a timer, remembers the context but holds nothing.
      held.active = false
    }
  }

  async #take(): Promise<pg.PoolClient> {
    this.#requireNoneHeld()
    const wait = { since: Date.now() }
    this.#waits.add(wait)
    try {
      return await super.connect()
    } catch (error) {
      throw this.#explained(error)
    } finally {
      this.#waits.delete(wait)
    }
  }

  #requireNoneHeld(): void {
    for (let held = holding.getStore(); held !== undefined; held = held.outer) {
      if (!held.active || held.pool.#family !== this.#family || held.pool.#rank < this.#rank) continue
      throw new Error('a connection is asked for while another one of the same pool is held: that can wait for ever')
    }
  }

  /** The driver tells its two limits apart by the message only. */
  #explained(error: unknown): unknown {
    const message = error instanceof Error ? error.message : ''
    if (message === 'timeout exceeded when trying to connect') {
      return databaseError('database.busy', { connections: this.#max, seconds: this.#waitSeconds }, error)
    }
    if (message === 'Connection terminated due to connection timeout') {
      return databaseError('database.no_answer', { seconds: this.#waitSeconds }, error)
    }
    return error
  }
}
