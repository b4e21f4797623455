import type { Database } from '../database/pool.ts'
import { outsideTenants, type TenantTransaction } from '../database/transaction.ts'

/** Payloads carry ids only: what stands in the queue's tables outlives people. */
export type JobPayload = Record<string, string>

/**
 * Enqueues a job in the transaction given: it exists exactly when that transaction commits, and a worker picks it up
 * within milliseconds, or at `runAt`. With a `key`, a job of that key that waits already is not doubled; a `runAt` moves
 * it. Jobs of one `queue` run one after the other.
 */
export function enqueue(
  tx: TenantTransaction,
  task: string,
  payload: JobPayload,
  options: { key?: string; queue?: string; runAt?: Date } = {},
): void {
  const { key = null, queue = null, runAt } = options
  if (runAt === undefined) tx.send(addJob, [task, JSON.stringify(payload), key, 0, queue], 'enqueue')
  else tx.send(addJobAt, [task, JSON.stringify(payload), key, runAt, queue], 'enqueue_at')
}

/**
 * Enqueues a job by itself, for what follows from work that is committed already. `priority`: workers take waiting jobs
 * with a lower number first; 0 unless given. `key`: see {@link enqueue}.
 */
export async function enqueueNow(
  database: Database,
  task: string,
  payload: JobPayload,
  { priority = 0, key = null }: { priority?: number; key?: string | null } = {},
): Promise<void> {
  await outsideTenants(database, addJob, [task, JSON.stringify(payload), key, priority, null], 'enqueue')
}

// add_job would make the same of it, in a second function around this one.
const addJob = `
  select from graphile_worker.add_jobs(
    array[($1, $2::json, $5, null, null, $3, $4, null)::graphile_worker.job_spec], job_key_preserve_run_at := true
  )`

const addJobAt = `
  select from graphile_worker.add_jobs(
    array[($1, $2::json, $5, $4::timestamptz, null, $3, 0, null)::graphile_worker.job_spec]
  )`
