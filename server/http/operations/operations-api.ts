import type { Workers } from '../../platform/jobs/work.ts'
import type { Api } from '../api.ts'
import { addHealthRoutes } from './health-routes.ts'
import { addMetricsRoute } from './metrics.ts'

/** What the frame answers by itself: health, metrics and the document of all APIs. */
export function operationsApi(options: {
  title: string
  dataFolder?: string | undefined
  workers?: Pick<Workers, 'missingFor' | 'idleFor'> | undefined
}): Api {
  return {
    title: options.title,
    prefixes: ['/metrics', '/healthz', '/readyz', '/openapi.json'],
    tags: [{ name: 'Operations', description: 'Health, metrics, keys.' }],
    plugin(server) {
      addMetricsRoute(server)
      addHealthRoutes(server, options)
      server.route({
        method: 'GET',
        url: '/openapi.json',
        config: { permission: 'public' },
        schema: { hide: true },
        handler: async () => server.swagger(),
      })
    },
  }
}
