import type pg from 'pg'
import type { Database } from '../platform/database/pool.ts'
import type { ErasureSummary } from './show-erasures.ts'

/** How far a request of a tenant is. */
export type Progress = { tenant: string; progress: ErasureSummary }

/**
 * The payload of an announcement that says how far a request is, which spares whoever follows it a look. Others are the
 * request's id alone.
 */
export function announcementOf(said: Progress): string {
  return `${said.progress.id} ${JSON.stringify(said)}`
}

function readProgress(text: string): Progress | undefined {
  if (text === '') return undefined
  const { tenant, progress } = JSON.parse(text) as Progress
  const { createdAt, finishedAt } = progress
  const dates = { createdAt: new Date(createdAt), finishedAt: finishedAt && new Date(finishedAt) }
  return { tenant, progress: { ...progress, ...dates } }
}

/** Called when something is announced, with what the announcement says. */
type Wake = (said: Progress | undefined) => void

/**
 * Hears what the database announces about erasures, for any number of listeners over one connection. The connection is
 * taken when the first one comes, and given back when the last one has gone. An announcement may be lost with the
 * connection: whoever listens looks from time to time as well.
 */
export class ErasureAnnouncements {
  readonly #database: Database
  readonly #listeners = new Map<string, Set<Wake>>()
  #connection: Promise<() => Promise<void>> | undefined

  constructor(database: Database) {
    this.#database = database
  }

  /** Calls `wake` whenever something about the request is announced, until the returned function is called. */
  listen(request: string, wake: Wake): () => void {
    const listeners = this.#listeners.get(request) ?? new Set()
    listeners.add(wake)
    this.#listeners.set(request, listeners)
    this.#connection ??= this.#connect()
    return () => {
      listeners.delete(wake)
      if (listeners.size === 0) this.#listeners.delete(request)
      if (this.#listeners.size === 0) void this.#disconnect()
    }
  }

  #connect(): Promise<() => Promise<void>> {
    const connection = this.#take(() => {
      if (this.#connection === connection) this.#connection = undefined
    })
    return connection
  }

  /**
   * Takes a connection that hears; answers how to give it back. Where there is none, or it is lost, nothing is heard:
   * listeners look for themselves, and the next one tries again.
   */
  async #take(forget: () => void): Promise<() => Promise<void>> {
    const client = await this.#database.pool.connect().catch(forget)
    if (client === undefined) return () => Promise.resolve()
    let held = true
    const release = (broken: boolean) => {
      if (!held) return
      held = false
      client.off('notification', this.#hear)
      client.off('end', lose)
      client.release(broken)
    }
    const lose = () => {
      release(true)
      forget()
    }
    client.on('notification', this.#hear)
    client.on('end', lose)
    await client.query('listen lethe_erasure').catch(lose)
    return async () => {
      if (held) await client.query('unlisten lethe_erasure').catch(lose)
      release(false)
    }
  }

  async #disconnect(): Promise<void> {
    const connection = this.#connection
    this.#connection = undefined
    const giveBack = await connection
    await giveBack?.()
  }

  readonly #hear = ({ payload = '' }: pg.Notification): void => {
    const [request = ''] = payload.split(' ', 1)
    const listeners = this.#listeners.get(request)
    if (listeners === undefined) return
    const said = readProgress(payload.slice(request.length + 1))
    for (const wake of listeners) wake(said)
  }
}
