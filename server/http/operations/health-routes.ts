import { Type } from 'typebox'
import type { Application } from '../../application.ts'
import type { Workers } from '../../platform/jobs/work.ts'
import type { HttpServer } from '../http-server.ts'
import { answers } from '../openapi/complete-route.ts'
import { Readiness } from './readiness.ts'

const Health = Type.Object({ status: Type.Literal('ok') }, { description: 'It does' })

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
    schema: { tags: ['Operations'], summary: 'Check whether the process responds', response: answers({ 200: Health }) },
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
      response: answers({ 200: Health }),
    },
    handler: async () => {
      await readiness.require()
      return { status: 'ok' } as const
    },
  })
}
