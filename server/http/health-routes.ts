import { Type } from 'typebox'
import type { Application } from '../application.ts'
import { requireMigrated } from '../platform/database/migrate.ts'
import { answers } from './declare-route.ts'
import type { HttpServer } from './http-server.ts'

const Health = Type.Object({ status: Type.Literal('ok') }, { description: 'Yes' })

/** `/healthz`: the process answers. `/readyz`: it can work, because the database is reachable and migrated. */
export function addHealthRoutes(server: HttpServer, app: Application): void {
  server.route({
    method: 'GET',
    url: '/healthz',
    config: { permission: 'public' },
    schema: { tags: ['Operations'], summary: 'Does the process answer?', response: answers({ 200: Health }) },
    handler: async () => ({ status: 'ok' }) as const,
  })
  server.route({
    method: 'GET',
    url: '/readyz',
    config: { permission: 'public' },
    schema: {
      tags: ['Operations'],
      summary: 'Can the process work?',
      description: 'Asks the database, and whether it is migrated. 503 where it cannot, and while the server stops.',
      response: answers({ 200: Health }),
    },
    handler: async () => {
      await requireMigrated(app.database.pool)
      return { status: 'ok' } as const
    },
  })
}
