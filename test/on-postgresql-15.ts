/**
 * The tests that run on PostgreSQL 15 as well as on the embedded server: those of what reads the catalog, folds text, or
 * depends on the server in another way. The others would find nothing more there: their statements are the same, and what
 * is the server's own in them is tested here. Each pattern has its reason; one that matches no file fails test/kinds.test.ts.
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
