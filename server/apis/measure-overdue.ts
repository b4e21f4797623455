import { Gauge } from 'prom-client'
import { countOverdue } from '../erasure/requests/list-requests.ts'
import type { HttpServer } from '../http/http-server.ts'

/**
 * Adds the number of overdue erasure requests of all tenants to the metrics. It names no tenant and no person. Without the
 * database the number is NaN, so that the other metrics can still be read; the log has the reason.
 */
export function measureOverdue(server: HttpServer): void {
  new Gauge({
    name: 'lethe_erasure_requests_overdue',
    help: 'Erasure requests of all tenants that are past their due date and have not ended, or have people who failed.',
    registers: [server.metrics],
    async collect() {
      try {
        this.set(await countOverdue(server.database))
      } catch (error) {
        server.log.warn(error, 'the overdue erasure requests could not be counted')
        this.set(Number.NaN)
      }
    },
  })
}
