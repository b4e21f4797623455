import type { Logger } from 'pino'
import { type Config, readConfig } from './config.ts'
import { migrateDatabase } from './migrate-database.ts'
import { readMasterKey } from './platform/crypto/master-key.ts'
import { driverNamed } from './platform/database/drivers.ts'
import { type ServerWatcher, useEmbeddedServer } from './platform/database/embedded.ts'
import { requireMigrated } from './platform/database/migrate.ts'
import { codeOf, type Database, openDatabase, openPool } from './platform/database/pool.ts'
import { requireOrdinary } from './platform/database/roles.ts'
import { isLetheError } from './platform/errors.ts'

/** What every entry point (command line, workers, later HTTP) works with. */
export type Application = {
  config: Config
  database: Database
  /** Wraps every other key. */
  masterKey: Buffer
  /** The owner of the tables, for what only the owner may do; undefined where it is not configured. */
  ownerUrl?: string | undefined
  /** Where the embedded server keeps its files; undefined with a server of one's own. */
  embeddedFolder?: string | undefined
  /**
   * From now on starts the embedded server again whenever it has ended by itself or was killed. Missing where the database
   * is another server's.
   */
  keepServerRunning?: ((log: Logger) => void) | undefined
  close(): Promise<void>
}

/** The connection strings of this configuration; the embedded server is started, or joined, where none is given. */
export type Server = {
  appUrl: string
  ownerUrl: string | undefined
  embedded: boolean
  /** See {@link EmbeddedServer}. */
  keepRunning?: ((watcher: ServerWatcher) => void) | undefined
  release(): Promise<void>
}

/** Finds the PostgreSQL server: the configured one, or the embedded one of the data folder. */
export async function useServer(config: Config, onProgress?: (sentence: string) => void): Promise<Server> {
  if (config.databaseUrl !== undefined) {
    return {
      appUrl: config.databaseUrl,
      ownerUrl: config.databaseOwnerUrl,
      embedded: false,
      release: () => Promise.resolve(),
    }
  }
  const server = await useEmbeddedServer({ dataFolder: config.dataFolder, ...(onProgress && { onProgress }) })
  const { appUrl, ownerUrl, keepRunning } = server
  return { appUrl, ownerUrl, embedded: true, keepRunning, release: () => server.release() }
}

/**
 * Opens the database and the keys. The embedded server migrates itself; a server of one's own must be migrated with
 * `lethe db migrate` first. Throws the errors `database.*`, `data_folder.*` and `master_key.*`.
 */
export async function openApplication(
  options: { config?: Config; onProgress?: (sentence: string) => void; applicationName?: string } = {},
): Promise<Application> {
  const config = options.config ?? readConfig(process.env)
  const server = await useServer(config, options.onProgress)
  try {
    if (server.embedded && server.ownerUrl !== undefined) {
      await migrateDatabase({
        ownerUrl: server.ownerUrl,
        appUrl: server.appUrl,
        ...(options.onProgress && { onProgress: options.onProgress }),
      })
    }
    const masterKey = await readMasterKey({
      configured: config.masterKey,
      dataFolder: server.embedded ? config.dataFolder : undefined,
    })
    if (!server.embedded) await refusePrivileged(server.appUrl)
    const database = await openDatabase({
      url: server.appUrl,
      masterKey,
      applicationName: options.applicationName ?? 'lethe',
      max: config.databaseConnections,
      waitSeconds: config.databaseWaitSeconds,
      patience: config.requestPatience,
      driver: driverNamed(config.driver),
    })
    try {
      await requireMigrated(database.pool)
    } catch (error) {
      await database.close()
      throw error
    }
    const { keepRunning } = server
    return {
      config,
      database,
      masterKey,
      ownerUrl: server.ownerUrl,
      embeddedFolder: server.embedded ? config.dataFolder : undefined,
      keepServerRunning: keepRunning && ((log) => keepRunning(watcherOf(database, log))),
      async close() {
        await database.close()
        await server.release()
      },
    }
  } catch (error) {
    await server.release()
    throw error
  }
}

/** Says in the log what becomes of the server, and connects to it where it is. */
function watcherOf(database: Database, log: Logger): ServerWatcher {
  return {
    onLost: () => log.error('the embedded PostgreSQL has ended; it is started again'),
    onFailure: (error) =>
      log.error(
        { code: isLetheError(error) ? error.code : codeOf(error) },
        'the embedded PostgreSQL could not be started; that is tried again',
      ),
    onBack(appUrl) {
      database.moveTo(appUrl)
      log.info('the embedded PostgreSQL runs again')
    },
  }
}

async function refusePrivileged(url: string): Promise<void> {
  const probe = await openPool({ url, max: 1, role: undefined })
  try {
    await requireOrdinary(probe, decodeURIComponent(new URL(url).username))
  } finally {
    await probe.end()
  }
}
