import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { readConfig } from '../server/config.ts'
import { newKey } from '../server/platform/crypto/seal.ts'
import { driverNamed } from '../server/platform/database/drivers.ts'
import { type Database, openDatabase } from '../server/platform/database/pool.ts'
import { startedTestServer } from './server.ts'

export const templateName = `lethe_template_${process.env.LETHE_TEST_RUN ?? 'tests'}`

/** A database of its own for one test file, cloned from the migrated template. */
export type TestDatabase = {
  /** The application's connections, as the program opens them. */
  database: Database
  /** The owner's connection, which sees everything: to look at what is really there. */
  owner: pg.Client
  ownerUrl: string
  appUrl: string
  close(): Promise<void>
}

/** Clones the template. Call `close` when the file's tests have run. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const server = startedTestServer()
  const name = `lethe_test_${randomBytes(6).toString('hex')}`
  const admin = new pg.Client({ connectionString: server.ownerUrlOf('postgres') })
  await admin.connect()
  try {
    // A third of the CPU time that the default strategy takes, which logs every page.
    await admin.query(`create database ${name} template ${templateName} strategy file_copy`)
  } finally {
    await admin.end()
  }
  return openTestDatabase(server.ownerUrlOf(name), server.appUrlOf(name), () => server.dropDatabase(name), newKey())
}

/** Connects to a migrated database that is there. `drop` is what `close` does last. */
export async function openTestDatabase(
  ownerUrl: string,
  appUrl: string,
  drop: () => Promise<void>,
  masterKey: Buffer,
): Promise<TestDatabase> {
  const owner = new pg.Client({ connectionString: ownerUrl })
  await owner.connect()
  const driver = driverNamed(readConfig(process.env).driver)
  const database = await openDatabase({ url: appUrl, masterKey, driver })
  return {
    database,
    owner,
    ownerUrl,
    appUrl,
    async close() {
      await database.close()
      await owner.end()
      await drop()
    },
  }
}
