import type pg from 'pg'
import {
  currentLogSegment,
  type LogKeeper,
  mayMoveLog,
  readLogKeepers,
  readLogSegments,
  switchLogSegment,
  writeOverSegments,
} from '../../platform/database/log-segments.ts'
import type { Database } from '../../platform/database/pool.ts'
import { inTenant, outsideTenants, tenantIds } from '../../platform/database/transaction.ts'
import { addDiskStatement, readEndedRequests } from './add-statement.ts'

/** What level 5 waits for. */
export type LogState = {
  passed: boolean
  /** Segments that hold what was written before the tables were rewritten; undefined where the login may not list them. */
  segments: number | undefined
  /** What may keep them, where some are kept. */
  keepers: LogKeeper[]
  /** Whether the login may switch segments and order checkpoints. */
  mayMove: boolean
}

/** Notes how far the log must get, once tables were rewritten: beyond the segment that is written now. */
export async function markLog(owner: pg.Client): Promise<void> {
  // As exact as times are here, so that the row can be named by it.
  await owner.query(
    `insert into log_marks (rewritten_at, segment) values (date_trunc('milliseconds', clock_timestamp()), $1)`,
    [await currentLogSegment(owner)],
  )
}

/**
 * Moves the write-ahead log past the newest mark, as far as the rights of the login go. It switches segments and
 * requests checkpoints until the old segments are gone, and overwrites those that wait for reuse. Otherwise it looks
 * whether that has come by itself. Undefined: nothing waits for it.
 *
 * A segment that is removed from its place may wait under a later number with all its old bytes. So first all segments up
 * to the mark must be gone, and then the log must get past the last number that there is at that time.
 */
export async function passLog(
  owner: pg.Client,
  options: { most?: number; onSegment?: (left: number) => void; signal?: AbortSignal | undefined } = {},
): Promise<LogState | undefined> {
  const { rows } = await owner.query<{ rewritten_at: Date; segment: number; last_segment: number | null }>(
    'select rewritten_at, segment, last_segment from log_marks where passed_at is null order by rewritten_at desc limit 1',
  )
  const [mark] = rows
  if (mark === undefined) return undefined
  const mayMove = await mayMoveLog(owner)
  const state = { keepers: [], mayMove }
  let segments = await readLogSegments(owner)
  if (segments === undefined) return { ...state, passed: false, segments: undefined }
  let last = mark.last_segment
  if (last === null) {
    if (mayMove && segments.first <= mark.segment) {
      if (segments.current <= mark.segment) await switchLogSegment(owner)
      await owner.query('checkpoint')
      segments = (await readLogSegments(owner)) ?? segments
    }
    if (segments.first <= mark.segment) {
      const kept = mark.segment - segments.first + 1
      return { ...state, passed: false, segments: kept, keepers: await readLogKeepers(owner) }
    }
    last = segments.last
    await owner.query('update log_marks set last_segment = $2 where rewritten_at = $1', [mark.rewritten_at, last])
  }
  if (mayMove) await writeOverSegments(owner, last, { most: Number.POSITIVE_INFINITY, ...options })
  const current = await currentLogSegment(owner)
  if (current <= last) return { ...state, passed: false, segments: last - current + 1 }
  await owner.query(
    'update log_marks set passed_at = clock_timestamp() where passed_at is null and rewritten_at <= $1',
    [mark.rewritten_at],
  )
  return { ...state, passed: true, segments: 0 }
}

/**
 * Adds level 5 to the requests that the log has passed, and to those whose backups are past it, by the newest declaration,
 * that they are. Answers how many got which.
 */
export async function concludeOnDisk(database: Database): Promise<{ log: number; backups: number }> {
  const [marks, declarations, tenants] = await Promise.all([
    outsideTenants<{ rewritten_at: Date; passed_at: Date }>(
      database,
      'select rewritten_at, passed_at from log_marks where passed_at is not null order by rewritten_at',
    ),
    outsideTenants<{ kind: 'dump' | 'files'; oldest: Date; declared_at: Date }>(
      database,
      'select kind, oldest, declared_at from backup_declarations order by declared_at desc limit 1',
    ),
    tenantIds(database),
  ])
  const [declared] = declarations
  const added = { log: 0, backups: 0 }
  for (const tenant of tenants) {
    const ended = await inTenant(database, tenant, readEndedRequests)
    for (let { id, finishedAt, level, levelAt, backupsPast } of ended) {
      const mark = level === 4 ? marks.find(({ rewritten_at }) => rewritten_at >= levelAt) : undefined
      if (mark !== undefined) {
        const reached = { level: 5, at: mark.passed_at } as const
        if (await inTenant(database, tenant, (tx) => addDiskStatement(tx, id, reached))) added.log++
        level = 5
        levelAt = mark.passed_at
      }
      if (declared === undefined || backupsPast) continue
      const isPast = declared.kind === 'dump' ? declared.oldest > finishedAt : level === 5 && declared.oldest > levelAt
      if (!isPast) continue
      const backups = {
        oldest: declared.oldest.toISOString(),
        kind: declared.kind,
        declared_at: declared.declared_at.toISOString(),
      }
      if (await inTenant(database, tenant, (tx) => addDiskStatement(tx, id, { backups }))) added.backups++
    }
  }
  return added
}
