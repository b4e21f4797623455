import { globSync } from 'node:fs'

/**
 * The tests that run on PostgreSQL 15 as well as on the embedded server: those of what reads the catalog, folds text, or
 * depends on the server in another way. The others would find nothing more there: their statements are the same, and what
 * is the server's own in them is tested here. Each pattern has its reason; one that matches no file fails test/kinds.test.ts.
 * Those of {@link notOnPostgresql15} are taken away again.
 */
export const onPostgresql15: Record<string, string> = {
  'server/platform/database/**': 'roles, policies, migrations, the protocol of COPY and of prepared statements',
  'server/platform/jobs/**': 'the queue reads the catalog and locks rows',
  'server/datamap/**': 'the map is held against the catalog',
  'server/identifiers/**': 'text is folded and compared in SQL, in the locales of the server',
  'test/upgrade.test.ts': 'the catalog and the rows of a migrated database',
  'server/migrate-database.test.ts': 'migrations of a filled database',
  'server/clean-addresses.test.ts': 'addresses are read and cut in SQL',
  'server/audit/**': 'entries are sealed by functions of the database',
  'server/erasure/**': 'the statements of the map, ICU and trigrams of the search, locks, and files on disk',
  'server/people/**': 'people are found by folded names, and locked while they change',
  'server/imports/**': 'rows come by COPY and are folded in SQL',
  'server/holds/**': 'people are locked, and held by the groups that they are in',
  'server/identity/**': 'triggers drop confirmations, and people are locked',
  'server/exports/**': 'exports leave by COPY from a snapshot',
  'server/learning/enrollments/**': 'rows of enrollments are locked and counted',
  'server/cli/**/rewrite-command.test.ts': 'tables are rewritten',
  'server/cli/**/ledger-commands.test.ts': 'rows are restored with times and ids of before',
  'server/cli/**/sweep-command.test.ts': 'the search through all texts',
  'server/apis/learn365/filter.test.ts': 'filters become SQL that compares text',
  'server/apis/thrive/users.test.ts': 'refs are compared as they are stored',
  'test/addresses.test.ts': 'identifiers of all scripts, end to end',
  'test/canary.test.ts': 'the search for traces through the whole database',
  'test/isolation.test.ts': 'row level security',
}

/** Of the files that {@link onPostgresql15} names, those that would find nothing more there, with the reason. */
export const notOnPostgresql15: Record<string, string> = {
  'server/platform/database/embedded.test.ts': 'starts embedded servers of its own',
  'server/erasure/disk/disk.test.ts': 'starts both servers itself',
  'server/erasure/ledger/ledger.test.ts':
    'starts PostgreSQL 15 itself for the restored dump; ledger-commands.test.ts is on the list',
  'server/erasure/engine/restart.test.ts':
    'kills processes of Lethe; either server only sees that a connection ends, which work.test.ts has too',
  'server/erasure/engine/concurrency.test.ts': 'the order of work between processes; the row locks are the same',
  'server/erasure/plans/plan-races.test.ts': 'the order of work between requests; the row locks are the same',
  'server/erasure/safeguards/safeguards-races.test.ts':
    'the order of work between requests; the row locks are the same',
  'server/erasure/reach/reach-{table,world}.test.ts': 'the rules of which tenants a purge reaches',
  'server/exports/{kept,withdraw}-exports.test.ts':
    'keys, links and words of files behind the COPY of export-archive.test.ts',
  'server/exports/busy.test.ts': 'who waits for a connection of the pool',
}

/** The files of tests that run on PostgreSQL 15, as paths below the root of the project. */
export function filesOnPostgresql15(cwd: string): Set<string> {
  const matching = (patterns: Record<string, string>) =>
    new Set(Object.keys(patterns).flatMap((pattern) => globSync(pattern, { cwd })))
  return matching(onPostgresql15).difference(matching(notOnPostgresql15))
}
