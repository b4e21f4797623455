import type { Database } from '../database/pool.ts'
import { outsideTenants, type TenantTransaction } from '../database/transaction.ts'

/** Payloads carry ids only: what stands in the queue's tables outlives people. */
export type JobPayload = Record<string, string>

/**
 * Enqueues a job in the transaction given: it exists exactly when that transaction commits, and a worker picks it up
 * within milliseconds. With a `key`, a job of that key that waits already is not doubled.
 */
export function enqueue(
  tx: TenantTransaction,
  task: string,
  payload: JobPayload,
  options: { key?: string } = {},
): void {
  tx.send(addJob, [task, JSON.stringify(payload), options.key ?? null], 'enqueue')
}

/** Enqueues a job by itself, for what follows from work that is committed already. */
export async function enqueueNow(database: Database, task: string, payload: JobPayload): Promise<void> {
  await outsideTenants(database, addJob, [task, JSON.stringify(payload), null], 'enqueue')
}

const addJob = `select graphile_worker.add_job($1, payload := $2::json, job_key := $3, job_key_mode := 'preserve_run_at')`
