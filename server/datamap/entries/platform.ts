import { code, fact, key, type RoomMap, reference } from '../vocabulary.ts'

type PlatformTable =
  | 'lethe_migrations'
  | 'graphile_worker.migrations'
  | 'graphile_worker._private_jobs'
  | 'graphile_worker._private_job_queues'
  | 'graphile_worker._private_known_crontabs'
  | 'graphile_worker._private_tasks'

const ids = 'Jobs carry ids only; the errors of a failed job are codes of the table of errors.'

/** The tables that belong to no room: the record of migrations, and those of the job queue, a library. */
export const platformMap: RoomMap<PlatformTable> = {
  lethe_migrations: {
    holds: 'Which migrations were applied when.',
    about: 'nobody',
    because: 'It is about the schema.',
    columns: { name: code, digest: code, applied_at: fact },
  },
  'graphile_worker.migrations': {
    holds: 'Which migrations of the job queue were applied when.',
    about: 'nobody',
    because: 'It is about the schema.',
    columns: { id: key, ts: fact, breaking: fact },
  },
  'graphile_worker._private_jobs': {
    holds: 'Jobs that wait, run or failed.',
    about: 'nobody',
    because: ids,
    columns: {
      id: key,
      job_queue_id: reference,
      task_id: reference,
      payload: fact,
      priority: fact,
      run_at: fact,
      attempts: fact,
      max_attempts: fact,
      last_error: fact,
      created_at: fact,
      updated_at: fact,
      key: key,
      locked_at: fact,
      locked_by: fact,
      revision: fact,
      flags: fact,
      is_available: fact,
    },
  },
  'graphile_worker._private_job_queues': {
    holds: 'Queues whose jobs run one after the other.',
    about: 'nobody',
    because: ids,
    columns: { id: key, queue_name: key, locked_at: fact, locked_by: fact, is_available: fact },
  },
  'graphile_worker._private_known_crontabs': {
    holds: 'Repeated jobs.',
    about: 'nobody',
    because: ids,
    columns: { identifier: code, known_since: fact, last_execution: fact },
  },
  'graphile_worker._private_tasks': {
    holds: 'The names of the tasks that jobs run.',
    about: 'nobody',
    because: 'Names of tasks are fixed in the code.',
    columns: { id: key, identifier: code },
  },
}
