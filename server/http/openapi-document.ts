import pg from 'pg'
import { pino } from 'pino'
import { readConfig } from '../config.ts'
import { Announcements } from '../platform/database/announcements.ts'
import { buildServer } from './build-server.ts'

/** The OpenAPI document of all routes, as JSON text. Needs no database: no route is called. */
export async function openApiDocument(): Promise<string> {
  const pool = new pg.Pool()
  const masterKey = Buffer.alloc(32)
  const announcements = new Announcements({})
  const database = { pool, masterKey, announcements, openUnflushed: () => pool, close: () => pool.end() }
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
