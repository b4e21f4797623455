import { Type } from 'typebox'
import type { HttpServer } from '../http-server.ts'
import { Readiness, type ReadinessOptions } from './readiness.ts'

const Health = Type.Object({ status: Type.Literal('ok') }, { description: 'It does' })

/** `/healthz`: the process answers. `/readyz`: it can work; where it cannot, the answer says why. */
export function addHealthRoutes(server: HttpServer, options: Omit<ReadinessOptions, 'database'>): void {
  const readiness = new Readiness({ ...options, database: server.database })
  server.addHook('onClose', () => readiness.close())
  server.route({
    method: 'GET',
    url: '/healthz',
    config: { permission: 'public' },
    schema: { tags: ['Operations'], summary: 'Check whether the process responds', response: { 200: Health } },
    handler: async () => ({ status: 'ok' }) as const,
  })
  server.route({
    method: 'GET',
    url: '/readyz',
    config: { permission: 'public' },
    schema: {
      tags: ['Operations'],
      summary: 'Check whether the process can work',
      description:
        'Checks that the database responds, is migrated, accepts changes and has disk space, and that requests and jobs do not wait for long. Returns 503 with the reason in `detail` if a check fails, and while the server stops.',
      response: { 200: Health },
    },
    handler: async () => {
      await readiness.require()
      return { status: 'ok' } as const
    },
  })
}
