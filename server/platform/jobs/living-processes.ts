import type { Database } from '../database/pool.ts'

/** First number of the advisory locks by which living processes are known to each other. */
export const lockSpace = 0x6c65

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

/** What sends a statement: a connection, a pool, or a transaction. */
type Sender = { query(text: string, values: unknown[]): Promise<{ rowCount: number | null }> }

/** Tells whether a process is alive that works on jobs; this one counts too, until its workers have stopped. */
export async function areWorkersAlive(sender: Sender): Promise<boolean> {
  const { rowCount } = await sender.query(
    `select from pg_locks where locktype = 'advisory' and classid = $1 and granted
       and database = (select oid from pg_database where datname = current_database()) limit 1`,
    [lockSpace],
  )
  return (rowCount ?? 0) > 0
}
