import { collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { Application } from '../../application.ts'
import type { HttpServer } from '../http-server.ts'
import { answers, contents } from '../openapi/complete-route.ts'

/**
 * Measures every request, and answers /metrics in Prometheus' format. Labels are methods, patterns of routes and statuses:
 * nothing that names a tenant or a person.
 */
export function addMetrics(server: HttpServer, app: Application): void {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const requests = new Histogram({
    name: 'lethe_http_request_duration_seconds',
    help: 'How long requests took, by pattern of the route.',
    labelNames: ['method', 'route', 'status'] as const,
    buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers: [registry],
  })
  new Gauge({
    name: 'lethe_database_connections',
    help: 'Connections of this process to the database, by what they do.',
    labelNames: ['state'] as const,
    registers: [registry],
    collect() {
      const { totalCount, idleCount, waitingCount } = app.database.pool
      this.set({ state: 'busy' }, totalCount - idleCount)
      this.set({ state: 'idle' }, idleCount)
      this.set({ state: 'waited_for' }, waitingCount)
    },
  })
  server.addHook('onResponse', (request, reply, done) => {
    const route = request.routeOptions.url ?? 'none'
    requests.observe({ method: request.method, route, status: reply.statusCode }, reply.elapsedTime / 1000)
    done()
  })
  server.route({
    method: 'GET',
    url: '/metrics',
    config: { permission: 'public' },
    schema: {
      tags: ['Operations'],
      summary: 'Metrics for Prometheus',
      response: answers({ 200: contents('Metrics', { 'text/plain': { type: 'string' } }) }),
    },
    handler: async (_request, reply) => reply.type(registry.contentType).send(await registry.metrics()),
  })
}
