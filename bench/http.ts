import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import autocannon from 'autocannon'
import pg from 'pg'
import { createApiKey } from '../server/access/api-keys.ts'
import { authenticate } from '../server/access/authenticate.ts'
import { createOAuthClient } from '../server/access/oauth-clients.ts'
import { issueToken } from '../server/access/tokens.ts'
import type { Application } from '../server/application.ts'
import { readConfig } from '../server/config.ts'
import { migrate } from '../server/platform/database/migrate.ts'
import { openDatabase } from '../server/platform/database/pool.ts'
import { inTenant, outsideTenants } from '../server/platform/database/transaction.ts'
import { createTenant } from '../server/tenancy/tenants.ts'
import { type Place, urlOf } from './databases.ts'
import { median, milliseconds, type Row } from './report.ts'

export const users = 25_000
/** Both processes open with it what the other one sealed. */
export const masterKeyOfBenchmark = Buffer.alloc(32, 7)
export const connections = 8
const secondsEach = 4
export const rounds = 3
const purgesAtATime = 4
const purges = 40
const checks = 2000

/**
 * Requests under concurrent load against a bare handler with the same statements, checks of credentials, and purges over
 * HTTP, in a tenant of 25,000 users.
 */
export async function benchHttp(place: Place): Promise<Row[]> {
  const name = 'lethe_bench_http'
  const [ownerUrl, appUrl] = [urlOf(place.ownerUrl, name), urlOf(place.appUrl, name)]
  await migrate({ ownerUrl, appUrl })
  const masterKey = masterKeyOfBenchmark
  const database = await openDatabase({ url: appUrl, masterKey })
  try {
    const app: Application = { config: readConfig({}), database, masterKey, close: () => database.close() }
    const { id: tenant } = await createTenant(database, { name: 'Benchmark', kind: 'enterprise' })
    const ids = await fillWithUsers(ownerUrl, tenant)
    const { secret } = await inTenant(database, tenant, (tx) =>
      createApiKey(tx, { name: 'Benchmark', access: 'full_control' }),
    )
    const headers = { authorization: `Basic ${Buffer.from(`api:${secret}`).toString('base64')}` }
    const checked = await benchChecks(app, tenant, headers.authorization)
    const servers = await Promise.all(['bare', 'lethe'].map((kind) => startServer(kind, appUrl, tenant, ids[0] ?? '')))
    const [floor, ours] = servers
    let rows: Row[]
    if (floor === undefined || ours === undefined) throw new Error('There are two servers')
    try {
      const one = ids.map((id) => `/api/v1/users/${id}`)
      const list = ['/api/v1/users?role=learner&limit=50']
      rows = [
        await compare('look-up by id over HTTP', { floor, ours, paths: one, headers }),
        await compare('filtered list of 50 over HTTP', { floor, ours, paths: list, headers }),
        ...checked,
      ]
    } finally {
      for (const server of servers) await server.stop()
    }
    const start = (kind: string) => startServer(kind, appUrl, tenant, ids[0] ?? '')
    return [...rows, await comparePurges(place, start, headers)]
  } finally {
    await database.close()
  }
}

/** Many users with an account each, `person-1` and so on, and the ids of a thousand of them. */
export async function fillWithUsers(ownerUrl: string, tenant: string): Promise<string[]> {
  const owner = new pg.Client({ connectionString: ownerUrl })
  await owner.connect()
  try {
    await owner.query(`select set_config('lethe.tenant_id', $1, false)`, [tenant])
    await owner.query(
      `with people as (
         insert into users (tenant_id, email, login_name, ref, first_name, last_name, display_name, department, roles)
         select $1, 'person-' || n || '@example.org', 'person-' || n, n::text, 'First ' || n, 'Last ' || n,
           'First ' || n || ' Last ' || n, 'Department ' || n % 20,
           case when n % 10 = 0 then '{author,learner}'::text[] else '{learner}' end
         from generate_series(1, $2::int) as n
         returning id
       )
       insert into product_accounts (tenant_id, user_id, product) select $1, id, 'learn' from people`,
      [tenant, users],
    )
    await owner.query('vacuum analyze users, product_accounts')
    const { rows } = await owner.query<{ id: string }>('select id from users order by random() limit 1000')
    return rows.map(({ id }) => id)
  } finally {
    await owner.end()
  }
}

/** A server to be measured, in a process of its own. */
export type Server = { url: string; stop(): Promise<void> }

/** Starts what http-server.ts says, with these arguments. */
export async function startServer(...args: string[]): Promise<Server> {
  const script = fileURLToPath(new URL('http-server.ts', import.meta.url))
  const child = spawn(process.execPath, [script, ...args], { stdio: ['pipe', 'pipe', 'inherit'] })
  const exited = once(child, 'exit')
  const [port] = await Promise.race([
    once(child.stdout, 'data'),
    exited.then(() => Promise.reject(new Error('The server to be measured ended'))),
  ])
  return {
    url: `http://127.0.0.1:${String(port).trim()}`,
    async stop() {
      child.stdin.end()
      await exited
    },
  }
}

/** The two in turn, so that a drift of the machine hits both. */
async function compare(
  what: string,
  options: { floor: Server; ours: Server; paths: string[]; headers: Record<string, string> },
): Promise<Row> {
  const rates = { floor: [] as number[], ours: [] as number[] }
  for (let round = 0; round < rounds; round++) {
    for (const who of ['floor', 'ours'] as const) {
      const { requests, non2xx, errors } = await autocannon({
        url: options[who].url,
        connections,
        duration: secondsEach,
        headers: options.headers,
        requests: options.paths.map((path) => ({ path })),
      })
      if (non2xx + errors > 0) throw new Error(`${non2xx + errors} requests of ${who} failed`)
      rates[who].push(requests.average)
    }
  }
  const [floor, ours] = [median(rates.floor), median(rates.ours)]
  return {
    what,
    floor: `${Math.round(floor)}/s`,
    ours: `${Math.round(ours)}/s`,
    ratio: ours / floor,
    target: '>= 0.7',
    met: ours / floor >= 0.7,
  }
}

/** What finding out who asks costs, against one statement that asks nothing. */
async function benchChecks(app: Application, tenant: string, key: string): Promise<Row[]> {
  const { client, secret } = await inTenant(app.database, tenant, (tx) =>
    createOAuthClient(tx, { name: 'Benchmark', scopes: ['api/read'] }),
  )
  const request = {
    grantType: 'client_credentials',
    clientId: client.id,
    clientSecret: secret,
    issuer: 'https://lethe.example',
  }
  const { access_token } = await issueToken(app.database, tenant, request)
  const floor = await each(() => outsideTenants(app.database, 'select 1'))
  const measured = async (what: string, authorization: string): Promise<Row> => {
    const ours = await each(() => authenticate(app.database, { authorization }))
    return {
      what,
      floor: `${Math.round(floor * 1000)} µs`,
      ours: `${Math.round(ours * 1000)} µs`,
      ratio: ours / floor,
      target: '<= 5',
      met: ours / floor <= 5,
    }
  }
  return [await measured('check of an API key', key), await measured('check of a token', `Bearer ${access_token}`)]
}

/** The mean time of one, in milliseconds, after a warm-up. */
async function each(act: () => Promise<unknown>): Promise<number> {
  for (let number = 0; number < checks / 10; number++) await act()
  const started = performance.now()
  for (let number = 0; number < checks; number++) await act()
  return (performance.now() - started) / checks
}

/** Users created, deleted and purged by several callers at a time; one server after the other, for both have workers. */
async function comparePurges(
  place: Place,
  start: (kind: string) => Promise<Server>,
  headers: Record<string, string>,
): Promise<Row> {
  const rates = { bare: [] as number[], lethe: [] as number[] }
  for (let round = 0; round < rounds; round++) {
    for (const kind of ['bare', 'lethe'] as const) {
      const server = await start(kind)
      try {
        await purgeSome(server.url, headers, `warm-up-${kind}-${round}`, 12)
        const { rate, certified, completed } = await purgeSome(server.url, headers, `${kind}-${round}`)
        rates[kind].push(rate)
        place.log(`${kind}: certificate after ${milliseconds(certified)}, completed after ${milliseconds(completed)}`)
      } finally {
        await server.stop()
      }
    }
  }
  const [floor, ours] = [median(rates.bare), median(rates.lethe)]
  return {
    what: `create, delete, purge until completed, ${purgesAtATime} at a time`,
    floor: `${floor.toFixed(1)}/s`,
    ours: `${ours.toFixed(1)}/s`,
    ratio: ours / floor,
    target: '>= 0.7',
    met: ours / floor >= 0.7,
  }
}

/** How many a second, and the median times to the certificate and to the end. */
async function purgeSome(
  url: string,
  headers: Record<string, string>,
  name: string,
  howMany = purges,
): Promise<{ rate: number; certified: number; completed: number }> {
  const certified: number[] = []
  const completed: number[] = []
  const call = async (method: string, path: string, body?: unknown): Promise<Response> => {
    const response = await fetch(`${url}${path}`, {
      method,
      headers: { ...headers, ...(body !== undefined && { 'content-type': 'application/json' }) },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    if (!response.ok) throw new Error(`${method} ${path} was answered ${response.status}`)
    return response
  }
  const purge = async (number: number) => {
    const started = performance.now()
    const user = { email: `${name}-${number}@example.org`, first_name: 'Bench', ref: `${name}-${number}` }
    const { id } = (await (await call('POST', '/api/v1/users', user)).json()) as { id: string }
    await (await call('DELETE', `/api/v1/users/${id}`)).text()
    const ordered = await call('POST', '/api/v1/erasures', { operation: 'purge', subjects: [{ id }] })
    await ordered.text()
    const order = ordered.headers.get('location') ?? ''
    await (await call('GET', `${order}/certificate?wait=30`)).text()
    certified.push(performance.now() - started)
    await (await call('GET', `${order}/progress`)).text()
    completed.push(performance.now() - started)
  }
  const started = performance.now()
  let next = 0
  await Promise.all(
    Array.from({ length: purgesAtATime }, async () => {
      while (next < howMany) await purge(next++)
    }),
  )
  const rate = (howMany / (performance.now() - started)) * 1000
  return { rate, certified: median(certified), completed: median(completed) }
}
