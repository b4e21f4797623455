import { rm } from 'node:fs/promises'
import pg from 'pg'
import { useEmbeddedServer } from '../server/platform/database/embedded.ts'
import { makeMemoryFolder } from './memory-folder.ts'

/** A PostgreSQL server for tests: the one that DATABASE_OWNER_URL names, or an embedded one in a folder of its own. */
export type TestServer = {
  ownerUrlOf(databaseName: string): string
  appUrlOf(databaseName: string): string
  dropDatabase(databaseName: string): Promise<void>
  release(): Promise<void>
}

/** Tests of crashes and restarts start a server of their own, which keeps what it commits. */
const withoutDurability = {
  fsync: 'off',
  full_page_writes: 'off',
  shared_buffers: '512MB',
  max_wal_size: '1GB',
  max_connections: '200',
}

/** Starts, or finds, the server. Whoever started it must release it. */
export async function useTestServer(): Promise<TestServer> {
  const given = process.env.DATABASE_OWNER_URL
  if (given !== undefined && given !== '') {
    const app = process.env.DATABASE_URL || withLogin(given, 'lethe_test_server', 'test')
    return testServer(given, app, () => Promise.resolve())
  }
  const folder = await makeMemoryFolder('lethe-test-')
  const embedded = await useEmbeddedServer({ dataFolder: folder, settings: withoutDurability })
  return testServer(embedded.ownerUrl, embedded.appUrl, async () => {
    await embedded.release()
    await rm(folder, { recursive: true, force: true })
  })
}

/** The server that the global setup of the tests started; its addresses are in the environment. */
export function startedTestServer(): TestServer {
  const owner = process.env.LETHE_TEST_OWNER_URL
  const app = process.env.LETHE_TEST_APP_URL
  if (owner === undefined || app === undefined) throw new Error('The global setup of the tests did not run')
  return testServer(owner, app, () => Promise.resolve())
}

function testServer(ownerUrl: string, appUrl: string, release: () => Promise<void>): TestServer {
  return {
    ownerUrlOf: (name) => withDatabase(ownerUrl, name),
    appUrlOf: (name) => withDatabase(appUrl, name),
    async dropDatabase(name) {
      const client = new pg.Client({ connectionString: withDatabase(ownerUrl, 'postgres') })
      await client.connect()
      try {
        await client.query(`drop database if exists ${pg.escapeIdentifier(name)} with (force)`)
      } finally {
        await client.end()
      }
    },
    release,
  }
}

function withDatabase(url: string, name: string): string {
  const changed = new URL(url)
  changed.pathname = `/${name}`
  return changed.href
}

function withLogin(url: string, user: string, password: string): string {
  const changed = new URL(url)
  changed.username = user
  changed.password = password
  return changed.href
}
