import { plainDriver } from './platform/database/drivers.ts'
import { pino } from 'pino'
import { readConfig } from './config.ts'
import { Announcements } from './platform/database/announcements.ts'
import { GuardedPool } from './platform/database/guarded-pool.ts'
import type { Database } from './platform/database/pool.ts'
import { buildServer } from './server.ts'

/** The OpenAPI document of all routes, as JSON text. Needs no database: no route is called. */
export async function openApiDocument(): Promise<string> {
  const url = () => 'postgres://127.0.0.1:1/none'
  const pool = new GuardedPool({ url, max: 1, waitSeconds: 1, family: {}, rank: 1 })
  const masterKey = Buffer.alloc(32)
  const announcements = new Announcements({ url })
  const database: Database = {
    pool,
    reading: pool,
    masterKey,
    driver: plainDriver,
    announcements,
    openUnflushed: () => pool,
    moveTo: () => undefined,
    url,
    close: () => pool.end(),
  }
  const server = await buildServer(
    { config: readConfig({}), database, masterKey, close: database.close },
    { log: pino({ level: 'silent' }) },
  )
  await server.ready()
  const document = JSON.stringify(server.swagger(), null, 2)
  await server.close()
  await database.close()
  return `${document}\n`
}
