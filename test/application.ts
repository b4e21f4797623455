import { Writable } from 'node:stream'
import { pino } from 'pino'
import { usePasswordCost } from '../server/access/passwords.ts'
import type { Application } from '../server/application.ts'
import { readConfig } from '../server/config.ts'
import type { Operation } from '../server/datamap/compile.ts'
import { requestErasure } from '../server/erasure/requests/request-erasure.ts'
import { type ErasureDetails, showErasure } from '../server/erasure/requests/show-request.ts'
import { waitForErasure } from '../server/erasure/requests/wait-for-erasure.ts'
import { inTenant, type TenantTransaction } from '../server/platform/database/transaction.ts'
import type { Workers } from '../server/platform/jobs/work.ts'
import { startWorkers } from '../server/workers.ts'
import { createTestDatabase, type TestDatabase } from './database.ts'

/** The application on a test database, with its workers and what they log. */
export type TestApplication = TestDatabase & {
  app: Application
  /** Everything logged so far. */
  log(): string
  /** Starts workers in this process; `close` stops them. */
  startWorkers(): Promise<void>
  stopWorkers(): Promise<void>
  inTenant<T>(tenant: string, work: (tx: TenantTransaction) => Promise<T>): Promise<T>
  /** Requests a purge. */
  order(tenant: string, userIds: string[], requestedBy?: string): Promise<string>
  /** Waits until the request has ended, and shows it. */
  ended(tenant: string, request: string): Promise<ErasureDetails>
  /** Requests an anonymization. */
  orderToAnonymize(tenant: string, userIds: string[], requestedBy?: string): Promise<{ request: string; salt: string }>
  /** Requests a purge and waits until it has ended. */
  purge(tenant: string, userIds: string[], requestedBy?: string): Promise<ErasureDetails>
  /** Requests an anonymization and waits until it has ended. */
  anonymize(tenant: string, userIds: string[], requestedBy?: string): Promise<ErasureDetails & { salt: string }>
}

/** Opens the application on a database of its own; workers run only once they are started. */
export async function openTestApplication(): Promise<TestApplication> {
  return testApplicationOn(await createTestDatabase())
}

/** The application on a database that is there; `close` closes that too. */
export function testApplicationOn(test: TestDatabase): TestApplication {
  const app: Application = {
    config: readConfig({ DATABASE_URL: test.appUrl }),
    database: test.database,
    masterKey: test.database.masterKey,
    ownerUrl: test.ownerUrl,
    close: () => Promise.resolve(),
  }
  // What it should cost takes a quarter of a second each time.
  usePasswordCost({ memory: 64, passes: 1, parallelism: 1 })
  const lines: string[] = []
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(chunk.toString('utf8'))
      done()
    },
  })
  let workers: Workers | undefined
  const stopWorkers = async () => {
    await workers?.stop()
    workers = undefined
  }
  const request = (operation: Operation, tenant: string, userIds: string[], requestedBy?: string) =>
    inTenant(test.database, tenant, (tx) => requestErasure(tx, { operation, userIds }), {
      initiator: { from: 'command_line', userId: requestedBy },
    })
  const order = async (tenant: string, userIds: string[], requestedBy?: string) =>
    (await request('purge', tenant, userIds, requestedBy)).request
  const orderToAnonymize = async (tenant: string, userIds: string[], requestedBy?: string) => {
    const { salt = '', ...ordered } = await request('anonymize', tenant, userIds, requestedBy)
    return { ...ordered, salt }
  }
  const ended = async (tenant: string, request: string) => {
    await waitForErasure(test.database, tenant, request, { until: 'ended' })
    return inTenant(test.database, tenant, (tx) => showErasure(tx, request))
  }
  return {
    ...test,
    app,
    log: () => lines.join(''),
    async startWorkers() {
      workers ??= await startWorkers(app, pino({ level: 'trace' }, sink))
    },
    stopWorkers,
    inTenant: (tenant, work) => inTenant(test.database, tenant, work),
    order,
    orderToAnonymize,
    ended,
    purge: async (tenant, userIds, requestedBy) => ended(tenant, await order(tenant, userIds, requestedBy)),
    async anonymize(tenant, userIds, requestedBy) {
      const { request, salt } = await orderToAnonymize(tenant, userIds, requestedBy)
      return { ...(await ended(tenant, request)), salt }
    },
    async close() {
      await stopWorkers()
      await test.close()
    },
  }
}
