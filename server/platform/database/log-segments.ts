import type pg from 'pg'

/**
 * The write-ahead log as files: segments of one size, counted from the first one there ever was. A segment that is no
 * longer needed is removed, or waits under a later number to be written again; until then it holds its old bytes.
 */
export type LogSegments = {
  /** The one that is written now. */
  current: number
  /** The lowest and the highest number of the files there are. */
  first: number
  last: number
}

/** What keeps old segments, as far as this login may see it. */
export type LogKeeper = { what: 'slot' | 'archive' | 'wal_keep_size' | 'summarize_wal'; name: string }

/** The number of the segment that is written now, which every login may know. */
export async function currentLogSegment(client: pg.ClientBase): Promise<number> {
  const { rows } = await client.query<{ current: number }>(
    `select floor((pg_current_wal_insert_lsn() - '0/0') / setting::int8)::float8 as current
     from pg_settings where name = 'wal_segment_size'`,
  )
  const [row] = rows
  if (row === undefined) throw new Error('the server has no setting wal_segment_size')
  return row.current
}

/** Reads which segments there are; undefined where the login may not list them (it must be a member of pg_monitor). */
export async function readLogSegments(owner: pg.ClientBase): Promise<LogSegments | undefined> {
  const { rows: may } = await owner.query<{ list: boolean }>(
    `select has_function_privilege('pg_catalog.pg_ls_waldir()', 'execute') as list`,
  )
  if (may[0]?.list !== true) return undefined
  // A name is three numbers of eight hexadecimal digits: the timeline, and two that count the segments.
  const { rows } = await owner.query<Pick<LogSegments, 'first' | 'last'>>(
    `with size as (select setting::int8 as bytes from pg_settings where name = 'wal_segment_size'),
     files as (
       select ('x' || substr(name, 9, 8))::bit(32)::int8 * (4294967296 / bytes) + ('x' || substr(name, 17, 8))::bit(32)::int8 as number
       from pg_ls_waldir(), size where name ~ '^[0-9A-F]{24}$'
     )
     select min(number)::float8 as first, max(number)::float8 as last from files`,
  )
  return rows[0] && { ...rows[0], current: await currentLogSegment(owner) }
}

/**
 * Whether the login may move the log on: it must be able to switch segments (granted, or a superuser) and to order
 * checkpoints (a member of pg_checkpoint, or a superuser).
 */
export async function mayMoveLog(owner: pg.ClientBase): Promise<boolean> {
  const { rows } = await owner.query<{ may: boolean }>(
    `select has_function_privilege('pg_catalog.pg_switch_wal()', 'execute') and (
       pg_has_role('pg_checkpoint', 'usage') or (select rolsuper from pg_roles where rolname = current_user)
     ) as may`,
  )
  return rows[0]?.may === true
}

/** Begins the next segment; the rest of the one that is written now is overwritten with zeros. */
export async function switchLogSegment(owner: pg.ClientBase): Promise<void> {
  // Nothing happens where nothing was written since the last switch.
  await owner.query(`select pg_logical_emit_message(false, 'lethe', '')`)
  await owner.query('select pg_switch_wal()')
}

/** Switches until every segment up to `last` is written over, `most` times at most. `onSegment` hears of each. */
export async function writeOverSegments(
  owner: pg.ClientBase,
  last: number,
  { most, onSegment, signal }: { most: number; onSegment?: (left: number) => void; signal?: AbortSignal | undefined },
): Promise<void> {
  for (let written = 0; written < most; written++) {
    signal?.throwIfAborted()
    const current = await currentLogSegment(owner)
    if (current > last) return
    onSegment?.(last - current + 1)
    await switchLogSegment(owner)
  }
}

/** Names what may keep old segments. */
export async function readLogKeepers(owner: pg.ClientBase): Promise<LogKeeper[]> {
  const { rows } = await owner.query<LogKeeper>(
    `select 'slot' as what, slot_name::text as name from pg_replication_slots where restart_lsn is not null
     union all
     select case name when 'archive_mode' then 'archive' else name end, setting from pg_settings
     where name = 'archive_mode' and setting <> 'off' or name = 'wal_keep_size' and setting <> '0'
       or name = 'summarize_wal' and setting = 'on'`,
  )
  return rows
}
