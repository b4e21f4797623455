import type pg from 'pg'
import { statisticsTable } from '../../platform/database/rewrite-table.ts'
import { alwaysTouched } from './touched-tables.ts'

/** How far erasures have got on disk, over all tenants. */
export type DiskStatus = {
  /** Ended requests whose keys are destroyed, by level. */
  requests: { 2: number; 3: number; 4: number; 5: number }
  /** How many of them wait for the backups to be past them. */
  waitingForBackups: number
  /** Of the tables that every erasure may have touched: those that were rewritten since the last one that waits ended. */
  rewritten: number
  tables: number
  lastRewrite: Date | null
  /** When the log must get past a rewriting, and since when it is waited for. */
  logWaitsSince: Date | null
  backups: { kind: string; oldest: Date; declaredAt: Date } | null
}

/** Reads it as a role that may read the requests of all tenants: the owner of the tables, or the search role. */
export async function showDisk(client: pg.ClientBase): Promise<DiskStatus> {
  const { rows } = await client.query<{
    two: number
    three: number
    four: number
    five: number
    waiting: number
    rewritten: number
    last: Date | null
    since: Date | null
    kind: string | null
    oldest: Date | null
    declared_at: Date | null
  }>(
    `with ended as (
       select coalesce(disk_level, 2) as level, backups_past_at, finished_at from erasure_requests
       where finished_at is not null and sealed_key is null
     )
     select r.*, t.rewritten, t.last, m.since, b.kind, b.oldest, b.declared_at
     from (
       select count(*) filter (where level = 2)::int as two, count(*) filter (where level = 3)::int as three,
         count(*) filter (where level = 4)::int as four, count(*) filter (where level = 5)::int as five,
         count(*) filter (where backups_past_at is null)::int as waiting,
         max(finished_at) filter (where level < 4) as until
       from ended
     ) r
     cross join lateral (
       select count(*) filter (where table_name = any ($1) and (r.until is null or began_at > r.until))::int as rewritten,
         max(ended_at) as last
       from table_rewrites
     ) t
     cross join lateral (select min(rewritten_at) as since from log_marks where passed_at is null) m
     left join lateral (select * from backup_declarations order by declared_at desc limit 1) b on true`,
    [[...alwaysTouched, statisticsTable]],
  )
  const [row] = rows
  if (row === undefined) throw new Error('counts are one row')
  return {
    requests: { 2: row.two, 3: row.three, 4: row.four, 5: row.five },
    waitingForBackups: row.waiting,
    rewritten: row.rewritten,
    tables: alwaysTouched.length + 1,
    lastRewrite: row.last,
    logWaitsSince: row.since,
    backups:
      row.kind === null || row.oldest === null || row.declared_at === null
        ? null
        : { kind: row.kind, oldest: row.oldest, declaredAt: row.declared_at },
  }
}
