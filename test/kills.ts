import { execFile } from 'node:child_process'
import { chmod, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import fc from 'fast-check'
import pg from 'pg'
import { makeMemoryFolder } from './memory-folder.ts'
import { command, ownerUrlOf, postmasterOf, type ServeProcess, startServe } from './serve-process.ts'

/** What is killed, and how long after the work began, in milliseconds. */
export type Kill = { victim: Victim; after: number }

/**
 * `serve`: the process that answers and works, and another one is started. `postmaster`: the first process of the server.
 * `backend`: any one that serves a connection, which makes PostgreSQL end all others and recover. `connection`: one is
 * ended as an administrator does it. `connections`: all of them are.
 */
const victims = ['serve', 'postmaster', 'backend', 'connection', 'connections'] as const
type Victim = (typeof victims)[number]

/** So many kills, the same for the same seed. */
export function planKills(seed: number, count: number, longest: number): Kill[] {
  const kill = fc.record({ victim: fc.constantFrom(...victims), after: fc.integer({ min: 0, max: longest }) })
  return fc.sample(fc.array(kill, { minLength: count, maxLength: count }), { seed, numRuns: 1 })[0] ?? []
}

type Answered = { status: number; body: Record<string, unknown> }

/** A server with an embedded database that things are killed of, while it works. */
export class Victims {
  readonly folder: string
  readonly #environment: Record<string, string>
  #serve: ServeProcess
  readonly #authorization: string
  readonly #mounted: boolean
  readonly tenant: string
  /** Server processes that ended although nobody killed them. */
  readonly deaths: string[] = []
  /** Users that were answered as created, and whose purge was not requested. */
  readonly created = new Set<string>()
  /** Users of the purges that were answered as requested, by request. */
  readonly ordered = new Map<string, string[]>()
  readonly exports: { user: string; id: string }[] = []
  #people = 0

  private constructor(folder: string, serve: ServeProcess, secret: string, tenant: string, mounted: boolean) {
    this.#mounted = mounted
    this.folder = folder
    this.#environment = { LETHE_DATA: folder }
    this.#serve = serve
    this.#authorization = `Basic ${Buffer.from(`api:${secret}`).toString('base64')}`
    this.tenant = tenant
  }

  /** `mountOfMebibytes`: the data folder is a file system of its own, of this size. Needs root. */
  static async start(options: { mountOfMebibytes?: number } = {}): Promise<Victims> {
    const folder = await makeMemoryFolder('lethe-kills-')
    const { mountOfMebibytes: size } = options
    if (size !== undefined) {
      await promisify(execFile)('mount', ['-t', 'tmpfs', '-o', `size=${size}m`, 'tmpfs', folder])
    }
    // As root the server runs as another user, who must be able to enter.
    await chmod(folder, 0o711)
    const environment = { LETHE_DATA: folder }
    const { tenant } = await command<{ tenant: { id: string } }>(environment, 'tenant', 'create', 'Kills')
    const { secret } = await command<{ secret: string }>(
      environment,
      'key',
      'create',
      'Kills',
      '--access',
      'full_control',
    )
    return new Victims(folder, await startServe(environment), secret, tenant.id, size !== undefined)
  }

  get url(): string {
    return this.#serve.url
  }

  get serve(): ServeProcess {
    return this.#serve
  }

  async stop(): Promise<void> {
    this.#serve.child.kill('SIGTERM')
    const ended = await this.#serve.ended
    if (ended !== 0) process.stderr.write(`the server ended with ${ended}: ${this.#serve.said().slice(-3000)}\n`)
    if (this.#mounted) await promisify(execFile)('umount', [this.folder])
    await rm(this.folder, { recursive: true, force: true })
  }

  /** Asks once, and answers whatever comes. */
  async askOnce(method: string, where: string, body?: unknown): Promise<{ status: number; text: string }> {
    const answer = await fetch(`${this.url}${where}`, {
      method,
      headers: {
        authorization: this.#authorization,
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    return { status: answer.status, text: await answer.text() }
  }

  /** Asks again, with the same Idempotency-Key, until there is an answer that is none of a server in trouble. */
  async ask(method: string, where: string, body?: unknown): Promise<Answered> {
    const key = crypto.randomUUID()
    const deadline = Date.now() + 120_000
    for (;;) {
      try {
        const answer = await fetch(`${this.url}${where}`, {
          method,
          headers: {
            authorization: this.#authorization,
            'idempotency-key': key,
            ...(body !== undefined && { 'content-type': 'application/json' }),
          },
          ...(body !== undefined && { body: JSON.stringify(body) }),
          signal: AbortSignal.timeout(60_000),
        })
        const text = await answer.text()
        // A 503 says that it is worth another try; a 500 never may come of a kill.
        if (answer.status !== 503) return { status: answer.status, body: JSON.parse(text || '{}') }
      } catch (error) {
        if (!(error instanceof TypeError) && !(error instanceof DOMException) && !(error instanceof SyntaxError))
          throw error
      }
      if (Date.now() > deadline) throw new Error(`${method} ${where} was not answered for two minutes`)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }

  async #must(expected: number, method: string, where: string, body?: unknown): Promise<Record<string, unknown>> {
    const { status, body: answer } = await this.ask(method, where, body)
    if (status !== expected) throw new Error(`${method} ${where}: ${status} ${JSON.stringify(answer)}`)
    return answer
  }

  /** One round of work: people come, have an export written, are imported, and some are deleted and purged. */
  async work(): Promise<void> {
    const people = await Promise.all(
      Array.from({ length: 4 }, async () => {
        const { id } = await this.#must(201, 'POST', '/api/v1/users', { email: `k${++this.#people}@kills.example` })
        this.created.add(String(id))
        return String(id)
      }),
    )
    const [first = '', second = '', third = ''] = people
    const [kept] = await Promise.all([
      this.#must(202, 'POST', `/api/v1/users/${third}/exports`, {}),
      this.#must(200, 'PATCH', `/api/v1/users/${third}`, { first_name: 'Third' }),
      this.#import(),
      // Deleting twice is a conflict: the first answer was lost.
      ...[first, second].map((id) => this.#delete(id)),
    ])
    this.exports.push({ user: third, id: String(kept.id) })
    const subjects = [{ id: first }, { id: second }]
    const { id } = await this.#must(202, 'POST', '/api/v1/erasures', { operation: 'purge', subjects })
    for (const { id: gone } of subjects) this.created.delete(gone)
    this.ordered.set(String(id), [first, second])
  }

  async #delete(id: string): Promise<void> {
    const { status, body } = await this.ask('DELETE', `/api/v1/users/${id}`)
    if (status !== 200 && status !== 204 && status !== 409) throw new Error(`DELETE: ${status} ${JSON.stringify(body)}`)
  }

  /** A command that is cut off is repeated, as a person would. */
  async #import(): Promise<void> {
    if (this.#people % 5 !== 4) return
    const file = path.join(this.folder, `people-${this.#people}.csv`)
    await writeFile(file, `ref,email\nimported-${this.#people},i${this.#people}@kills.example\n`)
    for (let tries = 0; ; tries++) {
      try {
        await command(this.#environment, 'import', 'users', file)
        return
      } catch (error) {
        if (tries === 20) throw error
        await new Promise((resolve) => setTimeout(resolve, 200))
      }
    }
  }

  /** Kills, and says whether there was something to kill. Where it was the process that serves, starts another one. */
  async kill({ victim }: Kill): Promise<boolean> {
    if (!this.#serve.running()) {
      this.deaths.push(this.#serve.said())
      await this.#restart()
    }
    if (victim === 'serve') {
      const { pid } = this.#serve.child
      if (pid === undefined) return false
      // The group: the launcher and the program itself.
      process.kill(-pid, 'SIGKILL')
      await this.#serve.ended
      await this.#restart()
      return true
    }
    if (victim === 'postmaster') return killed(await postmasterOf(this.folder))
    return await this.#killConnection(victim)
  }

  async #killConnection(victim: Exclude<Victim, 'serve' | 'postmaster'>): Promise<boolean> {
    const owner = new pg.Client({ connectionString: await ownerUrlOf(this.folder), connectionTimeoutMillis: 5000 })
    owner.on('error', () => undefined)
    try {
      await owner.connect()
      const among = `from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()`
      if (victim === 'connections') {
        const { rows } = await owner.query(`select pg_terminate_backend(pid) ${among}`)
        return rows.length > 0
      }
      const { rows } = await owner.query<{ pid: number }>(`select pid ${among} order by random() limit 1`)
      const pid = rows[0]?.pid
      if (pid === undefined) return false
      if (victim === 'backend') return killed(pid)
      await owner.query('select pg_terminate_backend($1)', [pid])
      return true
    } catch {
      // The server is still down from the kill before.
      return false
    } finally {
      await owner.end().catch(() => undefined)
    }
  }

  async #restart(): Promise<void> {
    this.#serve = await startServe(this.#environment)
  }

  async waitUntilReady(within = 60_000): Promise<void> {
    const deadline = Date.now() + within
    for (;;) {
      const status = await fetch(`${this.url}/readyz`).then(
        (answer) => answer.status,
        () => 0,
      )
      if (status === 200) return
      if (Date.now() > deadline) throw new Error(`not ready: ${status}, ${this.#serve.said().slice(-2000)}`)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }

  /** Looks no more at what was done so far. */
  forget(): void {
    this.created.clear()
    this.ordered.clear()
    this.exports.length = 0
  }

  /** What is not as it must be, once everything that was requested has had the time to end. Empty: nothing. */
  async problems(): Promise<string[]> {
    await this.waitUntilReady()
    const problems: string[] = this.deaths.map((said) => `a server ended by itself: ${said.slice(-2000)}`)
    for (const [request, people] of this.ordered) {
      const deadline = Date.now() + 180_000
      for (;;) {
        const { body } = await this.ask('GET', `/api/v1/erasures/${request}`)
        if (body.state === 'completed') break
        if (body.state === 'failed' || Date.now() > deadline) {
          problems.push(`request ${request}: ${JSON.stringify(body)}`)
          break
        }
        await new Promise((resolve) => setTimeout(resolve, 100))
      }
      for (const id of people) {
        if ((await this.ask('GET', `/api/v1/users/${id}`)).status !== 404)
          problems.push(`${id} was purged and is there`)
      }
    }
    for (const id of this.created) {
      if ((await this.ask('GET', `/api/v1/users/${id}`)).status !== 200) problems.push(`${id} was created and is lost`)
    }
    for (const { user, id } of this.exports) {
      const deadline = Date.now() + 120_000
      for (;;) {
        const { body } = await this.ask('GET', `/api/v1/users/${user}/exports/${id}`)
        if (body.state === 'ready') break
        if (Date.now() > deadline) {
          problems.push(`export ${id}: ${JSON.stringify(body)}, ${await this.#queue()}`)
          break
        }
        await new Promise((resolve) => setTimeout(resolve, 100))
      }
    }
    return [...problems, ...(await this.#inDatabase())]
  }

  /** What the queue and the connections do, for what did not end. */
  async #queue(): Promise<string> {
    const owner = new pg.Client({ connectionString: await ownerUrlOf(this.folder) })
    await owner.connect()
    try {
      const { rows: jobs } = await owner.query(
        `select task_identifier, attempts, last_error, locked_by, locked_at, run_at - now() as due from graphile_worker.jobs`,
      )
      const { rows: waits } = await owner.query(
        `select application_name, state, wait_event, now() - state_change as since, left(query, 80) as query
         from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()`,
      )
      return JSON.stringify({ jobs, waits })
    } finally {
      await owner.end()
    }
  }

  async #inDatabase(): Promise<string[]> {
    const owner = new pg.Client({ connectionString: await ownerUrlOf(this.folder) })
    await owner.connect()
    try {
      const { rows: twice } = await owner.query<{ request_id: string; certificates: number }>(
        `select request_id, count(*)::int as certificates from erasure_certificates group by 1 having count(*) <> 2`,
      )
      const { rows: ledger } = await owner.query<{ user_id: string }>(
        'select user_id from erasure_ledger group by 1 having count(*) <> 1',
      )
      const { rows: imported } = await owner.query<{ ref: string }>(
        `select ref from users where ref like 'imported-%' group by 1 having count(*) <> 1`,
      )
      return [
        ...twice.map(({ request_id, certificates }) => `request ${request_id} has ${certificates} certificates, not 2`),
        ...ledger.map(({ user_id }) => `${user_id} is in the ledger more than once`),
        ...imported.map(({ ref }) => `${ref} is there more than once`),
      ]
    } finally {
      await owner.end()
    }
  }
}

function killed(pid: number | undefined): boolean {
  if (pid === undefined) return false
  try {
    process.kill(pid, 'SIGKILL')
    return true
  } catch {
    return false
  }
}

/** Kills according to the plan while work goes on without a pause. Answers how many kills hit something. */
export async function killWhileWorking(victims: Victims, plan: readonly Kill[]): Promise<number> {
  let hits = 0
  let ending = false
  const work = async () => {
    while (!ending) await victims.work()
  }
  const working = [work(), work()]
  const failed = Promise.all(working).then(() => undefined)
  failed.catch(() => undefined)
  try {
    for (const kill of plan) {
      await Promise.race([failed, new Promise((resolve) => setTimeout(resolve, kill.after))])
      if (await victims.kill(kill)) hits++
    }
  } finally {
    ending = true
  }
  await failed
  return hits
}
