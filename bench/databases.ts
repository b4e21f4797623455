import pg from 'pg'
import type { Application } from '../server/application.ts'
import { readConfig } from '../server/config.ts'
import { importedTables, importOulad } from '../server/imports/oulad/import-oulad.ts'
import { newKey } from '../server/platform/crypto/seal.ts'
import type { Driver } from '../server/platform/database/driver.ts'
import { migrate } from '../server/platform/database/migrate.ts'
import { openDatabase } from '../server/platform/database/pool.ts'
import { vacuumTables } from '../server/platform/database/vacuum.ts'
import { createTenant } from '../server/tenancy/tenants.ts'

/** The server that a benchmark runs on, and the data set. */
export type Place = { ownerUrl: string; appUrl: string; oulad: string; log: (line: string) => void }

/** A database with the data set in one tenant; others are cloned from it. */
export type Loaded = Place & { name: string; tenant: string }

/** Imports the data set once, as the application does, and vacuums it as the command line does. */
export async function loadDatabase(place: Place): Promise<Loaded> {
  const name = 'lethe_bench_loaded'
  const ownerUrl = urlOf(place.ownerUrl, name)
  const appUrl = urlOf(place.appUrl, name)
  await migrate({ ownerUrl, appUrl })
  const database = await openDatabase({ url: appUrl, masterKey: newKey() })
  try {
    const { id } = await createTenant(database, { name: 'Benchmark', kind: 'enterprise' })
    await importOulad(database, id, { folder: place.oulad })
    await vacuumTables(ownerUrl, [...importedTables])
    return { ...place, name, tenant: id }
  } finally {
    await database.close()
  }
}

/** A clone of a loaded database: the application on it, and its owner's connection. */
export type Clone = { app: Application; owner: pg.Client }

/** Clones the loaded database, gives it to `work` in a settled state, and drops it. */
export async function withClone<T>(
  loaded: Loaded,
  name: string,
  work: (clone: Clone) => Promise<T>,
  driver?: Driver,
): Promise<T> {
  const admin = new pg.Client({ connectionString: urlOf(loaded.ownerUrl, 'postgres') })
  await admin.connect()
  try {
    await admin.query(`drop database if exists ${name} with (force)`)
    await admin.query(`create database ${name} template ${loaded.name}`)
    const owner = new pg.Client({ connectionString: urlOf(loaded.ownerUrl, name) })
    await owner.connect()
    const masterKey = newKey()
    const database = await openDatabase({ url: urlOf(loaded.appUrl, name), masterKey, driver })
    try {
      return await work({
        app: { config: readConfig({}), database, masterKey, close: () => database.close() },
        owner,
      })
    } finally {
      await database.close()
      await owner.end()
      await admin.query(`drop database ${name} with (force)`)
    }
  } finally {
    await admin.end()
  }
}

/** Writes to disk what earlier work left, so that nobody pays for it within a measurement. */
export async function settle(owner: pg.Client): Promise<void> {
  await owner.query('vacuum analyze users')
  await owner.query('checkpoint')
}

/** The connection string of another database of the same server. */
export function urlOf(url: string, database: string): string {
  const changed = new URL(url)
  changed.pathname = `/${database}`
  return changed.href
}
