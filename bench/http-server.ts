import fastify, { type FastifyInstance } from 'fastify'
import pg from 'pg'
import { pino } from 'pino'
import { v7 as newId } from 'uuid'
import { userByKey } from '../server/apis/learn365/user-key.ts'
import { readConfig } from '../server/config.ts'
import { readCertificate } from '../server/erasure/proof/read-certificate.ts'
import { requestErasure } from '../server/erasure/requests/request-erasure.ts'
import { waitForErasure } from '../server/erasure/requests/wait-for-erasure.ts'
import { createUser } from '../server/people/accounts/create-user.ts'
import { listUsers } from '../server/people/accounts/list-users.ts'
import type { UserFields } from '../server/people/accounts/user-fields.ts'
import { deleteUsers } from '../server/people/lifecycle/delete-users.ts'
import { plainDriver } from '../server/platform/database/drivers.ts'
import { openDatabase } from '../server/platform/database/pool.ts'
import { inTenant, isUuid, type TenantTransaction } from '../server/platform/database/transaction.ts'
import { buildServer } from '../server/server.ts'
import { revokeSkill } from '../server/skills/revoke-skill.ts'
import { showUser } from '../server/views/user-details.ts'
import { startWorkers } from '../server/workers.ts'

// A server to be measured, in a process of its own: "lethe", or "bare", the floor: Fastify and pg alone, without access,
// schemas or logs, which sends the very statements that Lethe's operations send, one after the other. Those of a purge
// depend on what is found: for it the floor calls the operations, and both have workers.
// Arguments: which one, the connection string, the tenant, an id of a user, and for skills what that user is to lose, as
// JSON. Prints the port. Ends with its input.

const [kind = '', url = '', tenant = '', sample = '', award] = process.argv.slice(2)
const masterKey = Buffer.alloc(32, 7)
const database = await openDatabase({ url, masterKey })
const config = readConfig({})
const app = { config, database, masterKey, close: () => database.close() }
const log = pino({ level: 'info' }, pino.destination('/dev/null'))
const server = kind === 'lethe' ? await lethe() : await bare()
// Only now: what they send must not stand among the statements that the floor records.
await startWorkers(app, log)
process.stdout.write(`${new URL(await server.listen({ host: '127.0.0.1', port: 0 })).port}\n`)
process.stdin.on('end', () => process.exit(0)).resume()

async function lethe() {
  const far = 1_000_000_000
  return await buildServer(app, { log, rateLimits: { perCredential: far, failures: far, open: far } })
}

/** What the user is to lose whose statements are recorded. */
export type SampleAward = { login: string; catalogId: string; skillId: string; levelId: string }

type Statement = {
  text: string
  values: unknown[]
  name?: string
  /** Ids in the answer that later statements name, with their places: a repetition names the ones that it is answered. */
  answers: { id: string; row: number; column: string }[]
  /** Ids that the code made for its statements: a repetition makes its own. */
  made: string[]
}

async function bare() {
  const look = await recorded((tx) => showUser(tx, { by: 'id', value: sample }))
  const list = await recorded((tx) => listUsers(tx, { role: 'learner', limit: 50 }))
  const floor = fastify()
  floor.get<{ Params: { id: string } }>('/api/v1/users/:id', ({ params }) => send(look, params.id))
  floor.get('/api/v1/users', () => send(list, sample))
  addPurge(floor)
  if (award !== undefined) await addRevoke(floor, JSON.parse(award) as SampleAward)
  return floor
}

/** What a purge over HTTP takes, from the creation of the user to the end of the search. */
function addPurge(floor: FastifyInstance): void {
  const run = <T>(work: (tx: TenantTransaction) => Promise<T>) => inTenant(database, tenant, work)
  const wait = (request: string, until: 'certified' | 'ended') => waitForErasure(database, tenant, request, { until })
  type Named = { Params: { id: string } }
  floor.post<{ Body: UserFields }>('/api/v1/users', ({ body }) => run((tx) => createUser(tx, body)))
  floor.delete<Named>('/api/v1/users/:id', ({ params: { id } }) => run((tx) => deleteUsers(tx, { userIds: [id] })))
  floor.post<{ Body: { subjects: { id: string }[] } }>('/api/v1/erasures', async ({ body: { subjects } }, reply) => {
    const userIds = subjects.map(({ id }) => id)
    const ordered = await run((tx) => requestErasure(tx, { operation: 'purge', userIds }))
    return reply.header('location', `/api/v1/erasures/${ordered.request}`).send(ordered)
  })
  floor.get<Named>('/api/v1/erasures/:id/certificate', async ({ params: { id } }) => {
    await wait(id, 'certified')
    return await run((tx) => readCertificate(tx, id))
  })
  floor.get<Named>('/api/v1/erasures/:id/progress', ({ params: { id } }) => wait(id, 'ended'))
}

async function addRevoke(floor: FastifyInstance, { login, ...of }: SampleAward): Promise<void> {
  const revoke = await recorded(async (tx) => {
    const { userId } = await userByKey(tx, login)
    return await revokeSkill(tx, { userId, ...of })
  })
  floor.post<{ Params: { login: string } }>(
    '/services/skills/catalog/:catalog/UserSkills/User/:login/RevokeSkill',
    ({ params }) => send(revoke, params.login, login),
  )
}

/** The statements that the work sends in its transaction: by the plain driver, which gives each to `pg` for itself. */
async function recorded(work: (tx: TenantTransaction) => Promise<unknown>): Promise<Statement[]> {
  const sent: {
    statement: Omit<Statement, 'answers' | 'made'>
    answer: Promise<{ rows?: Record<string, unknown>[] }>
  }[] = []
  const { query } = pg.Client.prototype
  const begun = Date.now()
  const plain = await openDatabase({ url, masterKey, driver: plainDriver })
  pg.Client.prototype.query = function (this: pg.Client, ...given: unknown[]) {
    const answer = Reflect.apply(query, this, given)
    sent.push({ statement: given[0] as Statement, answer })
    return answer
  } as typeof query
  try {
    await inTenant(plain, tenant, work)
  } finally {
    pg.Client.prototype.query = query
    await plain.close()
  }
  const answered = await Promise.all(sent.map(({ answer }) => answer))
  const idsIn = ({ rows = [] }: { rows?: Record<string, unknown>[] }) =>
    rows.flatMap((row) => uuidsIn(Object.values(row)))
  return sent.map(({ statement }, place) => {
    const later = JSON.stringify(sent.slice(place + 1).map((one) => one.statement.values))
    const isNamed = (value: unknown): value is string =>
      typeof value === 'string' && isUuid(value) && later.includes(value)
    const answers = (answered[place]?.rows ?? []).flatMap((columns, row) =>
      Object.entries(columns).flatMap(([column, id]) => (isNamed(id) ? [{ id, row, column }] : [])),
    )
    // Ids that the code has made: a version 7 tells when. The ones that the server made stand in earlier answers.
    const answeredIds = new Set(answered.slice(0, place).flatMap(idsIn))
    const made = uuidsIn(statement.values).filter(
      (id) => Number.parseInt(id.replace('-', '').slice(0, 12), 16) >= begun && !answeredIds.has(id),
    )
    return { ...statement, answers, made }
  })
}

function uuidsIn(values: unknown): string[] {
  if (Array.isArray(values)) return values.flatMap(uuidsIn)
  return typeof values === 'string' && isUuid(values) ? [values] : []
}

/** Sends recorded statements once more, for somebody else: where `recordedFor` stands, with `value`. */
async function send(statements: Statement[], value: string, recordedFor = sample): Promise<unknown> {
  const client = await database.pool.connect()
  const instead = new Map([[recordedFor, value]])
  try {
    const results: unknown[] = []
    for (const { values, answers, made, ...statement } of statements) {
      for (const id of made) if (!instead.has(id)) instead.set(id, newId())
      const { rows } = await client.query({ ...statement, values: values.map((one) => replaced(one, instead)) })
      for (const { id, row, column } of answers) instead.set(id, rows[row][column])
      results.push(rows)
    }
    return results.slice(1, -1)
  } finally {
    client.release()
  }
}

function replaced(value: unknown, instead: Map<string, string>): unknown {
  if (Array.isArray(value)) return value.map((one) => replaced(one, instead))
  if (typeof value !== 'string') return value
  const whole = instead.get(value)
  if (whole !== undefined || !value.startsWith('{')) return whole ?? value
  return [...instead].reduce((text, [from, to]) => text.replaceAll(from, to), value)
}
