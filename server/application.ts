import { type Config, readConfig } from './config.ts'
import { migrateDatabase } from './migrate-database.ts'
import { readMasterKey } from './platform/crypto/master-key.ts'
import { useEmbeddedServer } from './platform/database/embedded.ts'
import { requireMigrated } from './platform/database/migrate.ts'
import { type Database, openDatabase, openPool } from './platform/database/pool.ts'
import { requireOrdinary } from './platform/database/roles.ts'

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
  close(): Promise<void>
}

/** The connection strings of this configuration; the embedded server is started, or joined, where none is given. */
export type Server = { appUrl: string; ownerUrl: string | undefined; embedded: boolean; release(): Promise<void> }

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
  return { appUrl: server.appUrl, ownerUrl: server.ownerUrl, embedded: true, release: () => server.release() }
}

/**
 * Opens the database and the keys. The embedded server migrates itself; a server of one's own must be migrated with
 * `lethe db migrate` first. Throws the `database.*`, `data_folder.*` and `master_key.*` errors of the table.
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
    })
    try {
      await requireMigrated(database.pool)
    } catch (error) {
      await database.close()
      throw error
    }
    return {
      config,
      database,
      masterKey,
      ownerUrl: server.ownerUrl,
      embeddedFolder: server.embedded ? config.dataFolder : undefined,
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

async function refusePrivileged(url: string): Promise<void> {
  const probe = await openPool({ url, max: 1, role: undefined })
  try {
    await requireOrdinary(probe, decodeURIComponent(new URL(url).username))
  } finally {
    await probe.end()
  }
}
