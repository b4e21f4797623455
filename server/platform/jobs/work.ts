import { EventEmitter, once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { Logger, type ParsedCronItem, parseCronItems, run, type WorkerEvents } from 'graphile-worker'
import pg from 'pg'
import type { Logger as Log } from 'pino'
import type { databaseError } from '../database/errors.ts'
import { transientFailure } from '../database/failures.ts'
import { codeOf, type Database } from '../database/pool.ts'
import { isLetheError, type platformError } from '../errors.ts'
import { stackOf } from '../stack-of.ts'
import type { JobPayload } from './enqueue.ts'
import { lockSpace, releaseJobsOfTheDead } from './living-processes.ts'

/**
 * What a job does. It may be run again after a crash or a failure, so it must take up what is there. When the signal is
 * aborted, the process wants to end: a long job leaves what is left to another one.
 */
export type Task = (payload: JobPayload, signal: AbortSignal) => Promise<void>

export type Workers = {
  /** Takes no new jobs, lets those that run finish, and resolves. */
  stop(): Promise<void>
  /** For how long nothing in this process has taken jobs, in milliseconds; 0 while something does. */
  missingFor(): number
  /** For how long no job has run in this process, in milliseconds; 0 while one runs. */
  idleFor(): number
}

/** A task that runs every day. */
export type Daily = { task: string; at: { hour: number; minute: number } }

/** So often the jobs of processes that died are looked for. */
const lookForDeadEvery = 2000

/** Between two tries to take jobs again, in milliseconds. */
const shortestRestart = 100
const longestRestart = 5000

/** So long the queue gets, in milliseconds, to say of its last jobs that they are done. */
const afterLastJob = 5000

const hour = 60 * 60 * 1000

/** What failed by one of these codes is not tried again later than this, in seconds: the cause may end at any time. */
const passingDelay = 60
const passingCodes = [
  'service.unavailable',
  'database.busy',
  'database.tenant_busy',
  'database.no_answer',
  'database.no_connection_left',
  'database.lock_timeout',
  'database.statement_timeout',
  'database.disk_full',
  'database.read_only',
] satisfies (keyof typeof databaseError.table | keyof typeof platformError.table)[]

export type WorkOptions = {
  concurrency: number
  log: Log
  everyMinute?: readonly string[]
  hourly?: readonly string[]
  daily?: readonly Daily[]
}

/**
 * Works on jobs, `concurrency` at a time, until stopped. Jobs of killed processes are taken over within seconds, not
 * after the queue's four hours. While it lives, a process holds an advisory lock that belongs to its name in the queue.
 *
 * The database may go away at any moment. Then everything that takes jobs is started anew, under another name, as soon
 * as the database is back. Jobs that a lost connection left in doubt (taken but not given to a worker, or done but not
 * marked) are freed with the old name and run again.
 *
 * The tasks in `hourly` run at every full hour, once for all processes, without a payload. Where none ran then, the first
 * one that starts within the hour makes up for it. Those in `daily` run the same way once a day, at a time in UTC. Those in
 * `everyMinute` run every minute, and nothing makes up for it.
 */
export async function work(database: Database, tasks: Record<string, Task>, options: WorkOptions): Promise<Workers> {
  const { log } = options
  const stopping = new AbortController()
  const stopped = once(stopping.signal, 'abort')
  const draining = new Set<Promise<void>>()
  const activity: Activity = { running: 0, lastEnded: Date.now() }
  const counted = countJobs(tasks, activity)
  let missingSince: number | undefined
  let current: Runner | undefined = await startRunner(database, counted, stopping.signal, options)
  const drain = (runner: Runner) => {
    const ending = runner.drain().finally(() => draining.delete(ending))
    draining.add(ending)
  }
  const restart = async (): Promise<Runner | undefined> => {
    for (let delay = shortestRestart; !stopping.signal.aborted; delay = Math.min(2 * delay, longestRestart)) {
      try {
        return await startRunner(database, counted, stopping.signal, options)
      } catch (error) {
        log.error({ code: codeOf(error) }, 'no jobs can be taken; that is tried again')
        await Promise.race([stopped, pause(delay, undefined, { ref: false })])
      }
    }
    return undefined
  }
  const supervise = async () => {
    while (current !== undefined) {
      const lost = await Promise.race([stopped.then(() => undefined), current.lost])
      drain(current)
      if (lost === undefined) return
      missingSince = Date.now()
      log.warn({ code: codeOf(lost.cause) }, 'the job queue lost its connection; taking jobs is started anew')
      current = undefined
      current = await restart()
      missingSince = undefined
    }
  }
  const supervised = supervise()
  const looking = setInterval(() => {
    if (missingSince !== undefined) return
    Promise.all([releaseJobsOfTheDead(database), hastenPassingFailures(database)]).catch((error: unknown) =>
      log.error({ code: codeOf(error) }, 'jobs of processes that died could not be looked for'),
    )
  }, lookForDeadEvery)
  looking.unref()
  return {
    missingFor: () => (missingSince === undefined ? 0 : Date.now() - missingSince),
    idleFor: () => (activity.running > 0 ? 0 : Date.now() - activity.lastEnded),
    async stop() {
      clearInterval(looking)
      stopping.abort()
      await supervised
      await Promise.all(draining)
    },
  }
}

/** How many jobs run in this process, and when the last one ended. */
type Activity = { running: number; lastEnded: number }

function countJobs(tasks: Record<string, Task>, activity: Activity): Record<string, Task> {
  const count =
    (task: Task): Task =>
    async (payload, signal) => {
      activity.running++
      try {
        await task(payload, signal)
      } finally {
        activity.running--
        activity.lastEnded = Date.now()
      }
    }
  return Object.fromEntries(Object.entries(tasks).map(([name, task]) => [name, count(task)]))
}

/** What takes jobs, from one loss of the connection to the next. */
type Runner = {
  /** Resolves when this can no longer be relied on, with the reason. */
  lost: Promise<{ cause: unknown }>
  /** Takes no new jobs, and resolves when those that run have ended and all connections are closed. Never rejects. */
  drain(): Promise<void>
}

async function startRunner(
  database: Database,
  tasks: Record<string, Task>,
  signal: AbortSignal,
  { concurrency, log, everyMinute = [], hourly = [], daily = [] }: WorkOptions,
): Promise<Runner> {
  await releaseJobsOfTheDead(database)
  await retryFailedJobs(database)
  const { promise: lost, resolve } = Promise.withResolvers<{ cause: unknown }>()
  const inDoubt = new AbortController()
  const lose = (cause: unknown) => {
    inDoubt.abort()
    resolve({ cause })
  }
  const running = new Set<Promise<void>>()
  const events: WorkerEvents = new EventEmitter()
  const names: string[] = []
  events.on('pool:create', ({ workerPool }) => names.push(workerPool.id))
  // The answer may have been lost after the database gave the job away.
  events.on('worker:getJob:error', ({ error }) => lose(error))
  events.on('pool:fatalError', ({ error }) => lose(error))
  events.on('worker:fatalError', ({ error }) => lose(error))
  // Without its lock this name counts as dead and others take its jobs over.
  const life = new pg.Client({
    connectionString: database.url(),
    application_name: 'lethe worker is alive',
    connectionTimeoutMillis: 10_000,
    keepAlive: true,
    keepAliveInitialDelayMillis: 30_000,
  })
  life.on('error', lose)
  life.on('end', () => lose(new Error('the connection ended')))
  // A crash may lose that a job was taken or done, and it runs again, which every job must bear. One connection listens.
  const queue = database.openUnflushed(concurrency + 1)
  const close = async () => {
    await Promise.allSettled([queue.end(), life.end()])
  }
  try {
    await life.connect()
    const runner = await run({
      pgPool: queue,
      // Otherwise the library marks jobs as done or failed by a promise that nobody waits for: where the connection is lost
      // in that moment, its rejection ends the process. Batches report the error instead. Seen in graphile-worker 0.18.
      preset: { worker: { completeJobBatchDelay: 0, failJobBatchDelay: 0 } },
      taskList: Object.fromEntries(
        Object.entries(tasks).map(([name, task]) => [
          name,
          (payload: unknown) => {
            const job = runTask(task, name, payload, { log, signal })
              .then(() => requireOurs(inDoubt.signal, name, log))
              .finally(() => running.delete(job))
            running.add(job)
            return job
          },
        ]),
      ),
      concurrency,
      pollInterval: 2000,
      noHandleSignals: true,
      parsedCronItems: cronItemsOf(everyMinute, hourly, daily),
      events,
      logger: silent,
    })
    runner.promise.then(() => lose(new Error('the queue ended by itself')), lose)
    const drain = async () => {
      const stopped = runner.stop()
      const ended = Promise.allSettled([stopped, runner.promise])
      // The library's schedule may sleep for a minute before it notices; nothing is lost by leaving it behind.
      await Promise.race([
        ended,
        Promise.allSettled(running).then(() => pause(afterLastJob, undefined, { ref: false })),
      ])
      await Promise.race([close(), pause(afterLastJob, undefined, { ref: false })])
    }
    try {
      await life.query('select pg_advisory_lock($1, hashtext(name)) from unnest($2::text[]) as name', [
        lockSpace,
        names,
      ])
    } catch (error) {
      await drain()
      throw error
    }
    return { lost, drain }
  } catch (error) {
    await close()
    throw error
  }
}

function cronItemsOf(
  everyMinute: readonly string[],
  hourly: readonly string[],
  daily: readonly Daily[],
): ParsedCronItem[] {
  return parseCronItems([
    ...everyMinute.map((task) => ({ task, match: '* * * * *', options: { jobKey: `every minute ${task}` } })),
    ...hourly.map((task) => ({
      task,
      match: '0 * * * *',
      options: { backfillPeriod: hour, jobKey: `hourly ${task}` },
    })),
    ...daily.map(({ task, at }) => ({
      task,
      match: `${at.minute} ${at.hour} * * *`,
      options: { backfillPeriod: 24 * hour, jobKey: `daily ${task}` },
    })),
  ])
}

/**
 * Retries failed jobs immediately, including those without attempts left. An operator who starts the workers has often
 * just fixed the cause, such as a key or a full disk.
 */
async function retryFailedJobs(database: Database): Promise<void> {
  await database.pool.query(
    `select graphile_worker.reschedule_jobs(array_agg(id), run_at := now(), attempts := 0)
     from graphile_worker._private_jobs
     where (last_error is not null or attempts >= max_attempts) and locked_at is null
     having count(*) > 0`,
  )
}

/** The queue waits longer after each failure, up to six hours: too long for what failed because of a full disk, say. */
async function hastenPassingFailures(database: Database): Promise<void> {
  await database.pool.query(
    `select graphile_worker.reschedule_jobs(array_agg(id), run_at := now() + make_interval(secs => $1), attempts := 1)
     from graphile_worker._private_jobs
     where last_error = any ($2::text[]) and locked_at is null and run_at > now() + make_interval(secs => $1)
     having count(*) > 0`,
    [passingDelay, passingCodes],
  )
}

/** The queue stores a failed job's message and prints it: only codes get out of here, because messages hold values. */
async function runTask(
  task: Task,
  name: string,
  payload: unknown,
  { log, signal }: { log: Log; signal: AbortSignal },
): Promise<void> {
  try {
    await task(payload as JobPayload, signal)
  } catch (error) {
    const known = isLetheError(error) ? error : transientFailure(error)
    const code = known?.code ?? codeOf(error) ?? 'internal.unexpected'
    const place = error instanceof pg.DatabaseError ? { table: error.table, constraint: error.constraint } : {}
    log.error({ task: name, code, ...place, stack: stackOf(error) }, 'a job failed')
    throw new Error(code)
  }
}

/**
 * Throws where another worker may have taken the job over while it ran. The queue deletes a job that one worker reports as
 * done, even if another one has it by then; if that one fails, nothing runs the job again. It looks at the name when a job
 * failed, so a failure that is reported too late changes nothing. Seen in graphile-worker 0.18.
 */
function requireOurs(inDoubt: AbortSignal, name: string, log: Log): void {
  if (!inDoubt.aborted) return
  log.warn({ task: name }, 'a job ended after the queue had lost its connection; it runs again')
  throw new Error('service.unavailable' satisfies (typeof passingCodes)[number])
}

const silent = new Logger(() => () => undefined)
