import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import autocannon from 'autocannon'
import { createApiKey } from '../server/access/api-keys.ts'
import { authenticate } from '../server/access/authenticate.ts'
import { createOAuthClient } from '../server/access/oauth-clients.ts'
import { issueToken } from '../server/access/tokens.ts'
import type { Application } from '../server/application.ts'
import { inTenant, outsideTenants } from '../server/platform/database/transaction.ts'
import { type Loaded, settle, withClone } from './databases.ts'
import { median, milliseconds, type Row } from './report.ts'

const connections = 8
const secondsEach = 4
const rounds = 3
const purgesAtATime = 4
const purges = 60
const checks = 2000

/** Requests under concurrent load against a bare handler with the same statements; purges over HTTP; checks of credentials. */
export async function benchHttp(loaded: Loaded): Promise<Row[]> {
  return await withClone(loaded, 'lethe_bench_http', async ({ app: clone, owner }) => {
    const masterKey = Buffer.alloc(32, 7)
    const app = { ...clone, masterKey, database: { ...clone.database, masterKey } }
    const { rows } = await owner.query<{ id: string }>('select id from users order by random() limit 1000')
    const ids = rows.map(({ id }) => id)
    const { tenant } = loaded
    const { secret } = await inTenant(app.database, tenant, (tx) =>
      createApiKey(tx, { name: 'Benchmark', access: 'full_control' }),
    )
    const headers = { authorization: `Basic ${Buffer.from(`api:${secret}`).toString('base64')}` }
    await settle(owner)
    const url = new URL(loaded.appUrl)
    url.pathname = `/${owner.database}`
    const servers = await Promise.all(
      ['bare', 'lethe'].map((kind) => startServer(kind, url.href, tenant, ids[0] ?? '')),
    )
    const [floor, ours] = servers
    if (floor === undefined || ours === undefined) throw new Error('There are two servers')
    try {
      const paths = ids.map((id) => `/api/v1/users/${id}`)
      return [
        await compare('look-up by id over HTTP', { floor, ours, paths, headers }),
        await compare('filtered list of 50 over HTTP', {
          floor,
          ours,
          paths: ['/api/v1/users?role=learner&limit=50'],
          headers,
        }),
        ...(await benchChecks(app, tenant, headers.authorization)),
        ...(await benchPurges(loaded, ours.url, headers)),
      ]
    } finally {
      for (const server of servers) await server.stop()
    }
  })
}

type Server = { url: string; stop(): Promise<void> }

async function startServer(...args: string[]): Promise<Server> {
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
      if (non2xx + errors > 0) throw new Error(`${non2xx + errors} requests failed`)
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
  const request = { grantType: 'client_credentials', clientId: client.id, clientSecret: secret }
  const { access_token } = await issueToken(app, tenant, request)
  const floor = await each(() => outsideTenants(app.database, 'select 1'))
  const measured = async (what: string, authorization: string): Promise<Row> => {
    const ours = await each(() => authenticate(app, { authorization }))
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

/** Users created, deleted and purged by several callers at a time. There is no floor: the engine's own stands above. */
async function benchPurges(loaded: Loaded, url: string, headers: Record<string, string>): Promise<Row[]> {
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
    const user = { email: `bench-${number}@example.org`, first_name: 'Bench', ref: `bench-${number}` }
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
      while (next < purges) await purge(next++)
    }),
  )
  const rate = (purges / (performance.now() - started)) * 1000
  loaded.log(
    `create, delete, purge over HTTP, ${purgesAtATime} at a time: certificate after ${milliseconds(median(certified))}, completed after ${milliseconds(median(completed))} (medians), ${rate.toFixed(1)}/s`,
  )
  return []
}
