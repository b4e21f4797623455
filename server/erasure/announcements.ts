import type pg from 'pg'
import type { Database } from '../platform/database/pool.ts'

/**
 * Hears what the database announces about erasures, for any number of listeners over one connection. The connection is
 * taken when the first one comes, and given back when the last one has gone. An announcement may be lost with the
 * connection: whoever listens looks from time to time as well.
 */
export class ErasureAnnouncements {
  readonly #database: Database
  readonly #listeners = new Map<string, Set<() => void>>()
  #connection: Promise<pg.PoolClient | undefined> | undefined

  constructor(database: Database) {
    this.#database = database
  }

  /** Calls `wake` whenever something about the request is announced, until the returned function is called. */
  listen(request: string, wake: () => void): () => void {
    const listeners = this.#listeners.get(request) ?? new Set()
    listeners.add(wake)
    this.#listeners.set(request, listeners)
    this.#connection ??= this.#connect()
    return () => {
      listeners.delete(wake)
      if (listeners.size === 0) this.#listeners.delete(request)
      if (this.#listeners.size === 0) this.#disconnect()
    }
  }

  async #connect(): Promise<pg.PoolClient | undefined> {
    try {
      const client = await this.#database.pool.connect()
      client.on('notification', this.#hear)
      client.once('end', this.#forget)
      await client.query('listen lethe_erasure')
      return client
    } catch {
      // Without a connection nothing is heard; listeners look for themselves, and the next one tries again.
      this.#forget()
      return undefined
    }
  }

  #disconnect(): void {
    const connection = this.#connection
    this.#connection = undefined
    connection
      ?.then(async (client) => {
        client?.off('notification', this.#hear)
        client?.off('end', this.#forget)
        await client?.query('unlisten lethe_erasure')
        client?.release()
      })
      .catch(async () => (await connection)?.release(true))
  }

  readonly #hear = ({ payload = '' }: pg.Notification): void => {
    for (const wake of this.#listeners.get(payload) ?? []) wake()
  }

  readonly #forget = (): void => {
    this.#connection = undefined
  }
}
