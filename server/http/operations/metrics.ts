import { collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { HttpServer } from '../http-server.ts'
import { mediaTypes } from '../openapi/shared-schema.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** What is measured in this process. */
    metrics: Registry
  }
}

/**
 * Measures every request of the routes that are added from now on. Labels are methods, patterns of routes and statuses:
 * nothing that names a tenant or a person.
 */
export function measureRequests(server: HttpServer): void {
  const registry = new Registry()
  server.decorate('metrics', registry)
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
      const { totalCount, idleCount, waitingCount } = server.database.pool
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
}

/** `/metrics`, in the format of Prometheus. */
export function addMetricsRoute(server: HttpServer): void {
  server.route({
    method: 'GET',
    url: '/metrics',
    config: { permission: 'public' },
    schema: {
      tags: ['Operations'],
      summary: 'Metrics for Prometheus',
      response: { 200: mediaTypes('Metrics', { 'text/plain': { type: 'string' } }) },
    },
    handler: async (_request, reply) => reply.type(server.metrics.contentType).send(await server.metrics.metrics()),
  })
}
