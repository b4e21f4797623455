import { setTimeout as pause } from 'node:timers/promises'
import pg from 'pg'
import { databaseError } from './errors.ts'
import { codeOf } from './pool.ts'
import { sqlstate } from './sqlstates.ts'

/** Where PostgreSQL keeps the statistics of all columns, values of rows among them. */
export const statisticsTable = 'pg_catalog.pg_statistic'

/**
 * How a table is cleaned. `vacuum`: dead rows go, and the entries of indexes that lead to them; nobody is held up, and
 * their bytes stay in the files until something is written over them. `rewrite`: table and indexes are written anew,
 * into other files, and the old files are removed; meanwhile nobody can use the table, and the disk needs room for
 * both.
 */
export type Cleaning = 'vacuum' | 'rewrite'

export type CleaningOptions = {
  /** The longest that others wait behind us for the table, in milliseconds, before we let them pass and try again. */
  lockTimeout: number
  /** So often we ask for the table, and so often dead rows are looked at that somebody may still see. */
  tries: number
  signal?: AbortSignal | undefined
}

const waitBetweenTries = 1000

/**
 * Cleans a table as its owner. Returns the number of dead rows that stay; 0 means that none is left. An older
 * transaction, a prepared transaction, a replication slot or a replica may still read them.
 *
 * Throws `database.table_busy` where others use the table all the time, and `database.not_owner`.
 */
export async function cleanTable(
  owner: pg.Client,
  table: string,
  cleaning: Cleaning,
  { lockTimeout, tries, signal }: CleaningOptions,
): Promise<{ deadRowsLeft: number }> {
  await owner.query(`select set_config('lock_timeout', $1, false)`, [`${lockTimeout}ms`])
  for (let attempt = 1; ; attempt++) {
    signal?.throwIfAborted()
    const deadRowsLeft = await tryToClean(owner, table, cleaning)
    if (deadRowsLeft === 0) return { deadRowsLeft }
    if (attempt === tries) {
      if (deadRowsLeft !== undefined) return { deadRowsLeft }
      throw databaseError('database.table_busy', { table })
    }
    await pause(waitBetweenTries, undefined, { signal })
  }
}

/** Undefined: others use the table. */
async function tryToClean(owner: pg.Client, table: string, cleaning: Cleaning): Promise<number | undefined> {
  const notices: { message: string | undefined; detail: string | undefined }[] = []
  const hear = ({ message, detail }: { message: string | undefined; detail?: string | undefined }) =>
    notices.push({ message, detail })
  owner.on('notice', hear)
  try {
    await owner.query(
      cleaning === 'rewrite'
        ? `vacuum (full, verbose) ${quotedTable(table)}`
        : `vacuum (index_cleanup on, verbose) ${quotedTable(table)}`,
    )
  } catch (error) {
    if (codeOf(error) === sqlstate.lockNotAvailable) return undefined
    throw error
  } finally {
    owner.off('notice', hear)
  }
  const counts = notices.flatMap((notice) => deadRowsOf(notice, cleaning) ?? [])
  // PostgreSQL passes over what one does not own, with a warning.
  if (counts.length === 0) throw databaseError('database.not_owner', { table, login: owner.user ?? 'the owner' })
  return counts.reduce((sum, count) => sum + count, 0)
}

/**
 * The number of dead rows that stay, from the output of VACUUM VERBOSE in any language. With FULL, it is the first
 * number in the detail. Otherwise it is the third number in the third line, for the table and for its TOAST table.
 */
function deadRowsOf(
  { message, detail }: { message: string | undefined; detail: string | undefined },
  cleaning: Cleaning,
): number | undefined {
  const [line, place] = cleaning === 'rewrite' ? [detail?.split('\n')[0], 0] : [message?.split('\n')[2], 2]
  const number = line?.match(/\d+/g)?.[place]
  return number === undefined ? undefined : Number(number)
}

/** Bytes of tables with their indexes and long values, by name; of those only that exist. */
export async function sizesOf(owner: pg.ClientBase, tables: readonly string[]): Promise<Map<string, number>> {
  const { rows } = await owner.query<{ name: string; size: number }>(
    `select name, pg_total_relation_size(to_regclass(name))::float8 as size from unnest($1::text[]) as name
     where to_regclass(name) is not null`,
    [tables],
  )
  return new Map(rows.map(({ name, size }) => [name, size]))
}

/** Whether the login may rewrite the table of statistics: it is the owner of the database, or a superuser. */
export async function ownsDatabase(owner: pg.ClientBase): Promise<boolean> {
  const { rows } = await owner.query<{ owns: boolean }>(
    `select pg_has_role(datdba, 'usage') as owns from pg_database where datname = current_database()`,
  )
  return rows[0]?.owns === true
}

/** A table name with or without its schema, for a statement; one with quotation marks is quoted already. */
function quotedTable(table: string): string {
  return table.includes('"') ? table : table.split('.').map(pg.escapeIdentifier).join('.')
}

/**
 * The tables and materialized views of the database that are neither PostgreSQL's own nor among those given, quoted where
 * that is needed, and whether the login may rewrite them. A table of the schema public is given without its schema.
 */
export async function otherTables(
  owner: pg.ClientBase,
  known: readonly string[],
): Promise<{ table: string; own: boolean }[]> {
  const { rows } = await owner.query<{ table: string; own: boolean }>(
    `select format('%I.%I', n.nspname, c.relname) as table, pg_has_role(c.relowner, 'usage') as own
     from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where c.relkind in ('r', 'm') and c.relpersistence <> 't' and n.nspname <> 'information_schema' and n.nspname !~ '^pg_'
       and (case n.nspname when 'public' then c.relname else n.nspname || '.' || c.relname end) <> all ($1)
     order by 1`,
    [known],
  )
  return rows
}
