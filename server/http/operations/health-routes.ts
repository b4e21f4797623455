import { Type } from 'typebox'
import type { Application } from '../../application.ts'
import type { Workers } from '../../platform/jobs/work.ts'
import type { HttpServer } from '../http-server.ts'
import { answers } from '../openapi/complete-route.ts'
import { Readiness } from './readiness.ts'

const Health = Type.Object({ status: Type.Literal('ok') }, { description: 'Yes' })

/** `/healthz`: the process answers. `/readyz`: it can work; where it cannot, the answer says why. */
export function addHealthRoutes(
  server: HttpServer,
  app: Application,
  workers?: Pick<Workers, 'missingFor' | 'idleFor'>,
): void {
  const readiness = new Readiness(app, workers)
  server.addHook('onClose', () => readiness.close())
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
      description:
        'Asks the database whether it answers, is migrated, accepts changes and has space on its disk, and whether requests and jobs have to wait for long. 503 where it cannot, with the reason in `detail`, and while the server stops.',
      response: answers({ 200: Health }),
    },
    handler: async () => {
      await readiness.require()
      return { status: 'ok' } as const
    },
  })
}
