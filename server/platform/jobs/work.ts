import { EventEmitter } from 'node:events'
import { Logger, parseCronItems, run, type WorkerEvents } from 'graphile-worker'
import pg from 'pg'
import type { Logger as Log } from 'pino'
import { codeOf, type Database } from '../database/pool.ts'
import { isLetheError } from '../errors.ts'
import { stackOf } from '../stack-of.ts'
import type { JobPayload } from './enqueue.ts'

/**
 * What a job does. It may be run again after a crash or a failure, so it must take up what is there. When the signal is
 * aborted, the process wants to end: a long job leaves what is left to another one.
 */
export type Task = (payload: JobPayload, signal: AbortSignal) => Promise<void>

export type Workers = {
  /** Takes no new jobs, lets those that run finish, and resolves. */
  stop(): Promise<void>
}

/** A task that runs every day. */
export type Daily = { task: string; at: { hour: number; minute: number } }

/** So often the jobs of processes that died are looked for. */
const lookForDeadEvery = 2000

const hour = 60 * 60 * 1000

/** First number of the advisory locks by which living processes are known to each other. */
const lockSpace = 0x6c65

/**
 * Works on jobs, `concurrency` at a time, until stopped. Jobs of processes that were killed are taken over within seconds,
 * not after the queue's four hours: while it lives, a process holds an advisory lock that its name in the queue leads to.
 *
 * The tasks in `hourly` run at every full hour, once for all processes, without a payload. Where none ran then, the first
 * one that starts within the hour makes up for it. Those in `daily` run the same way once a day, at a time in UTC.
 */
export async function work(
  database: Database,
  tasks: Record<string, Task>,
  options: { concurrency: number; log: Log; hourly?: readonly string[]; daily?: readonly Daily[] },
): Promise<Workers> {
  await releaseJobsOfTheDead(database)
  await retryFailedJobs(database)
  const life = await database.pool.connect()
  // Without its lock this process counts as dead and others take its jobs over, which is right if the server went away.
  const lost = (error: Error) =>
    options.log.error({ code: codeOf(error) }, 'the connection that shows this process is alive ended')
  life.on('error', lost)
  const events: WorkerEvents = new EventEmitter()
  const names: string[] = []
  const stopping = new AbortController()
  events.on('pool:create', ({ workerPool }) => names.push(workerPool.id))
  // A crash may lose that a job was taken or done, and it runs again, which every job must bear. One connection listens.
  const queue = database.openUnflushed(options.concurrency + 1)
  const runner = await run({
    pgPool: queue,
    taskList: Object.fromEntries(
      Object.entries(tasks).map(([name, task]) => [
        name,
        (payload: unknown) => runTask(task, name, payload, { log: options.log, signal: stopping.signal }),
      ]),
    ),
    concurrency: options.concurrency,
    pollInterval: 2000,
    noHandleSignals: true,
    parsedCronItems: parseCronItems([
      ...(options.hourly ?? []).map((task) => ({
        task,
        match: '0 * * * *',
        options: { backfillPeriod: hour, jobKey: `hourly ${task}` },
      })),
      ...(options.daily ?? []).map(({ task, at }) => ({
        task,
        match: `${at.minute} ${at.hour} * * *`,
        options: { backfillPeriod: 24 * hour, jobKey: `daily ${task}` },
      })),
    ]),
    events,
    logger: silent,
  })
  await life.query('select pg_advisory_lock($1, hashtext(name)) from unnest($2::text[]) as name', [lockSpace, names])
  const looking = setInterval(() => {
    releaseJobsOfTheDead(database).catch((error: unknown) =>
      options.log.error({ code: codeOf(error) }, 'jobs of processes that died could not be looked for'),
    )
  }, lookForDeadEvery)
  looking.unref()
  return {
    async stop() {
      clearInterval(looking)
      stopping.abort()
      await runner.stop()
      await life.query('select pg_advisory_unlock($1, hashtext(name)) from unnest($2::text[]) as name', [
        lockSpace,
        names,
      ])
      life.off('error', lost)
      life.release()
      await queue.end()
    },
  }
}

/**
 * Frees jobs whose process is gone. A process that took a job and has not yet its lock may lose it to another one: then
 * both run it, which every job must bear.
 */
export async function releaseJobsOfTheDead(database: Database): Promise<void> {
  await database.pool.query(
    `select graphile_worker.force_unlock_workers(array_agg(name))
     from (
       select locked_by as name from graphile_worker._private_jobs where locked_by is not null
       union
       select locked_by from graphile_worker._private_job_queues where locked_by is not null
     ) locked
     where not exists (
       select from pg_locks
       where locktype = 'advisory' and classid = $1 and objid::bigint = hashtext(name)::bigint & 4294967295 and granted
         and database = (select oid from pg_database where datname = current_database())
     )
     having count(*) > 0`,
    [lockSpace],
  )
}

/** Tells whether a process is alive that works on jobs; this one counts too, until its workers have stopped. */
export async function areWorkersAlive(database: Database): Promise<boolean> {
  const { rowCount } = await database.pool.query(
    `select from pg_locks where locktype = 'advisory' and classid = $1 and granted
       and database = (select oid from pg_database where datname = current_database()) limit 1`,
    [lockSpace],
  )
  return (rowCount ?? 0) > 0
}

/**
 * Gives failed jobs another try at once, those that used up their attempts too: whoever starts the workers has often just
 * put right what made them fail, a key or a full disk.
 */
async function retryFailedJobs(database: Database): Promise<void> {
  await database.pool.query(
    `select graphile_worker.reschedule_jobs(array_agg(id), run_at := now(), attempts := 0)
     from graphile_worker._private_jobs where last_error is not null and locked_at is null
     having count(*) > 0`,
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
    const code = isLetheError(error) ? error.code : (codeOf(error) ?? 'internal.unexpected')
    const place = error instanceof pg.DatabaseError ? { table: error.table, constraint: error.constraint } : {}
    log.error({ task: name, code, ...place, stack: stackOf(error) }, 'a job failed')
    throw new Error(code)
  }
}

const silent = new Logger(() => () => undefined)
