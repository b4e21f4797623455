import { Agent, request as sendRequest } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import pg from 'pg'
import { pino } from 'pino'
import { createApiKey } from '../server/access/api-keys.ts'
import type { Application } from '../server/application.ts'
import { inTenant } from '../server/platform/database/transaction.ts'
import { buildServer } from '../server/server.ts'
import { startWorkers } from '../server/workers.ts'
import { type Clone, type Loaded, settle, urlOf, withClone } from './databases.ts'
import { median, type Row } from './report.ts'
import { sized } from './size.ts'

const log = pino({ level: 'error' })
const callers = 16
/** Statements are prepared on every connection, and caches are warmed; not counted. */
const warmUp = sized(64, 16)
const each = sized(160, 16)
const rounds = sized(5, 1)
const far = 1_000_000_000

/**
 * Delete by ref as Thrive's API has it, by 16 callers at once, until each is answered: a delete and an anonymization with
 * its certificate. The floor is a hand-written transaction for each learner, by as many callers, with the same updates.
 */
export async function benchDeleteByRef(loaded: Loaded): Promise<Row[]> {
  const name = 'lethe_bench_by_ref'
  return await withClone(loaded, name, async ({ app, owner }: Clone) => {
    const people = await learners(owner, loaded.tenant, 2 * (warmUp + rounds * each))
    await settle(owner)
    const pool = new pg.Pool({ connectionString: urlOf(loaded.ownerUrl, name), max: callers })
    // It ends before its connections do, and the clone is dropped with force.
    pool.on('error', (error) => {
      if (!pool.ending) throw error
    })
    const { call, stop } = await openServer(app, loaded.tenant)
    const workers = await startWorkers(app, log)
    try {
      const byHand = (person: Person) => anonymizeByHand(pool, loaded.tenant, person.id)
      const ours = (person: Person) => call(`/users/ref/${encodeURIComponent(person.ref)}`)
      await rateOf(people.splice(0, warmUp), byHand)
      await rateOf(people.splice(0, warmUp), ours)
      const rates = { floor: [] as number[], ours: [] as number[], ratio: [] as number[] }
      for (let round = 0; round < rounds; round++) {
        const floor = await rateOf(people.splice(0, each), byHand)
        const rate = await rateOf(people.splice(0, each), ours)
        rates.floor.push(floor)
        rates.ours.push(rate)
        rates.ratio.push(rate / floor)
      }
      const ratio = median(rates.ratio)
      return [
        {
          what: `delete by ref over HTTP, ${callers} callers`,
          floor: `${median(rates.floor).toFixed(0)}/s`,
          ours: `${median(rates.ours).toFixed(0)}/s`,
          ratio,
          target: '>= 0.33',
          met: ratio >= 0.33,
          better: 'more' as const,
        },
      ]
    } finally {
      await workers.stop()
      await stop()
      await pool.end()
    }
  })
}

type Person = { id: string; ref: string }

async function learners(owner: pg.Client, tenant: string, number: number): Promise<Person[]> {
  const { rows } = await owner.query<Person>(
    `select id, ref from users where tenant_id = $1 and ref is not null and state = 'active'
     order by md5(id::text) limit $2`,
    [tenant, number],
  )
  if (rows.length < number) throw new Error(`The data set has ${rows.length} learners, fewer than ${number}`)
  return rows
}

/** How many a second, by all callers together. */
async function rateOf(people: Person[], act: (person: Person) => Promise<void>): Promise<number> {
  const waiting = [...people]
  const started = performance.now()
  const caller = async () => {
    for (let person = waiting.pop(); person !== undefined; person = waiting.pop()) await act(person)
  }
  await Promise.all(Array.from({ length: callers }, caller))
  return (people.length * 1000) / (performance.now() - started)
}

/** What the delete and the anonymization change about a learner of this data, without any record of it. */
async function anonymizeByHand(pool: pg.Pool, tenant: string, id: string): Promise<void> {
  const client = await pool.connect()
  try {
    await client.query('begin')
    await client.query('select from users where tenant_id = $1 and id = $2 for update', [tenant, id])
    await client.query(
      `update users set state = 'deleted', deleted_at = now(), deletion_id = gen_random_uuid(), updated_at = now()
       where tenant_id = $1 and id = $2`,
      [tenant, id],
    )
    await client.query('update enrollments set deletion_id = $2 where tenant_id = $1 and user_id = $2', [tenant, id])
    await client.query('delete from sign_in_sessions where tenant_id = $1 and user_id = $2', [tenant, id])
    await client.query('delete from product_accounts where tenant_id = $1 and user_id = $2', [tenant, id])
    await client.query(
      `update users
       set login_name = null, directory_object_id = null, ref = null, email = null, external_identity_id = null,
         first_name = null, last_name = null, display_name = null, title = null, job_title = null, department = null,
         office = null, city = null, country = null, locale = null, time_zone = null, manager_id = null,
         custom_fields = '{}', state = 'anonymized', roles = '{}', deleted_at = null, deletion_id = null,
         deleted_by = null, anonymized_at = now(), updated_at = now()
       where tenant_id = $1 and id = $2`,
      [tenant, id],
    )
    await client.query('commit')
  } finally {
    client.release()
  }
}

/** Lethe's server in this process, and a function that sends it a DELETE and throws unless that succeeds. */
async function openServer(
  app: Application,
  tenant: string,
): Promise<{ call: (path: string) => Promise<void>; stop: () => Promise<void> }> {
  const { secret } = await inTenant(app.database, tenant, (tx) =>
    createApiKey(tx, { name: 'Benchmark', access: 'full_control', kind: 'thrive' }),
  )
  const authorization = `Basic ${Buffer.from(`${tenant}:${secret}`).toString('base64')}`
  const server = await buildServer(app, { log, rateLimits: { perCredential: far, failures: far, open: far } })
  await server.listen({ host: '127.0.0.1', port: 0 })
  const { port } = server.server.address() as AddressInfo
  const agent = new Agent({ keepAlive: true, maxSockets: callers })
  return {
    async call(path) {
      const { promise, resolve, reject } = Promise.withResolvers<{ status: number; body: string }>()
      const request = sendRequest({
        host: '127.0.0.1',
        port,
        path,
        method: 'DELETE',
        headers: { authorization },
        agent,
      })
      request.on('error', reject)
      request.on('response', (response) => {
        text(response).then((body) => resolve({ status: response.statusCode ?? 0, body }), reject)
      })
      request.end()
      const { status, body } = await promise
      if (status !== 200) throw new Error(`A delete was answered ${status}: ${body}`)
    },
    async stop() {
      agent.destroy()
      await server.close()
    },
  }
}
