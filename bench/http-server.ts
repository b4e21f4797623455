import fastify from 'fastify'
import pg from 'pg'
import { pino } from 'pino'
import { readConfig } from '../server/config.ts'
import { buildServer } from '../server/http/build-server.ts'
import { listUsers } from '../server/people/list-users.ts'
import { showUser } from '../server/people/show-user.ts'
import { openDatabase } from '../server/platform/database/pool.ts'
import { inTenant } from '../server/platform/database/transaction.ts'
import { startWorkers } from '../server/workers.ts'

// A server to be measured, in a process of its own: "lethe", or "bare", the floor: Fastify and pg alone, without access,
// schemas or logs, which sends the very statements that Lethe's operations send, one after the other.
// Arguments: which one, the connection string, the tenant, an id of a user. Prints the port. Ends with its input.

const [kind = '', url = '', tenant = '', sample = ''] = process.argv.slice(2)
const masterKey = Buffer.alloc(32, 7)
const database = await openDatabase({ url, masterKey })
const config = readConfig({})
const app = { config, database, masterKey, close: () => database.close() }
const log = pino({ level: 'info' }, pino.destination('/dev/null'))
const server = kind === 'lethe' ? await lethe() : await bare()
process.stdout.write(`${new URL(await server.listen({ host: '127.0.0.1', port: 0 })).port}\n`)
process.stdin.on('end', () => process.exit(0)).resume()

async function lethe() {
  await startWorkers(app, log)
  const far = 1_000_000_000
  return await buildServer(app, { log, rateLimits: { perCredential: far, failures: far, open: far } })
}

type Statement = { text: string; values: unknown[]; name?: string }

async function bare() {
  const look = await recorded(() => inTenant(database, tenant, (tx) => showUser(tx, { by: 'id', value: sample })))
  const list = await recorded(() => inTenant(database, tenant, (tx) => listUsers(tx, { role: 'learner', limit: 50 })))
  const floor = fastify()
  floor.get<{ Params: { id: string } }>('/api/v1/users/:id', ({ params }) => send(look, params.id))
  floor.get('/api/v1/users', () => send(list, sample))
  return floor
}

/** The statements that the work sends. */
async function recorded(work: () => Promise<unknown>): Promise<Statement[]> {
  const statements: Statement[] = []
  const { query } = pg.Client.prototype
  pg.Client.prototype.query = function (this: pg.Client, ...given: unknown[]) {
    const [statement] = given
    if (typeof statement === 'string') statements.push({ text: statement, values: [] })
    else statements.push({ ...(statement as Statement) })
    return Reflect.apply(query, this, given)
  } as typeof query
  await work()
  pg.Client.prototype.query = query
  return statements
}

async function send(statements: Statement[], id: string): Promise<unknown> {
  const client = await database.pool.connect()
  try {
    const results: unknown[] = []
    for (const { values, ...statement } of statements) {
      const { rows } = await client.query({
        ...statement,
        values: values.map((value) => (value === sample ? id : value)),
      })
      results.push(rows)
    }
    return results.slice(1, -1)
  } finally {
    client.release()
  }
}
