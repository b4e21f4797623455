import pg from 'pg'

/** Called with what is announced, behind the id of what it is about. */
export type Hear = (said: string) => void

/** `url`: where the server is, asked for each new connection. */
export type AnnouncementsConfig = { url: () => string; application_name?: string }

/**
 * Hears what the database announces (`pg_notify('lethe', id || ' ' || what is said)`), for any number of listeners over
 * one connection of its own. The first listener opens it, and it stays open. A new LISTEN for each waiting client takes
 * the server as long as a small transaction, at the moment when it begins the work. A notification may be lost with the
 * connection: whoever listens looks from time to time as well.
 */
export class Announcements {
  readonly #config: AnnouncementsConfig
  readonly #listeners = new Map<string, Set<Hear>>()
  #connection: pg.Client | undefined

  constructor(config: AnnouncementsConfig) {
    this.#config = config
  }

  /** Calls `hear` whenever something about this is announced, until the returned function is called. */
  listen(about: string, hear: Hear): () => void {
    const listeners = this.#listeners.get(about) ?? new Set()
    listeners.add(hear)
    this.#listeners.set(about, listeners)
    this.#connection ??= this.#connect()
    return () => {
      listeners.delete(hear)
      if (listeners.size === 0) this.#listeners.delete(about)
    }
  }

  async close(): Promise<void> {
    await this.#connection?.end()
  }

  /** Where there is no connection, or it is lost, nothing is heard: listeners look for themselves, and the next one tries again. */
  #connect(): pg.Client {
    const { url, ...rest } = this.#config
    const client = new pg.Client({
      ...rest,
      connectionString: url(),
      connectionTimeoutMillis: 10_000,
      keepAlive: true,
      keepAliveInitialDelayMillis: 30_000,
    })
    const forget = () => {
      if (this.#connection === client) this.#connection = undefined
    }
    client.on('error', forget)
    client.on('end', forget)
    client.on('notification', ({ payload = '' }) => {
      const [about = ''] = payload.split(' ', 1)
      const said = payload.slice(about.length + 1)
      for (const hear of this.#listeners.get(about) ?? []) hear(said)
    })
    client
      .connect()
      .then(() => client.query('listen lethe'))
      .catch(() => {
        forget()
        // It may be in the midst of failing; there is nothing left that could be done about it.
        client.end().catch(() => undefined)
      })
    return client
  }
}
