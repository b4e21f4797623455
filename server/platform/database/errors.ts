import { defineErrors } from '../errors.ts'

/** What is wrong with the database, or with the embedded server and its data folder. */
export const databaseError = defineErrors({
  'database.unreachable': {
    kind: 'environment',
    message: (d: { address: string; reason: string }) =>
      `No PostgreSQL server answers at ${d.address} (${d.reason}). Check that it runs and that DATABASE_URL is right.`,
  },
  'database.refused': {
    kind: 'environment',
    message: (d: { address: string; reason: string }) =>
      `The PostgreSQL server at ${d.address} refuses the connection: ${d.reason}. Check the user, the password and the database in the connection string.`,
  },
  'database.busy': {
    kind: 'unavailable',
    message: (d: { connections: number; seconds: number }) =>
      `All ${d.connections} connections to the database were in use for ${d.seconds} seconds. Try again in a few seconds; if it happens often, raise LETHE_DATABASE_CONNECTIONS.`,
  },
  'database.tenant_busy': {
    kind: 'unavailable',
    message: (d: { connections: number; seconds: number }) =>
      `Requests of this tenant used all ${d.connections} database connections that one tenant may have, for ${d.seconds} seconds. Try again in a few seconds; if it happens often, send fewer requests at a time, or raise LETHE_DATABASE_CONNECTIONS.`,
  },
  'database.no_answer': {
    kind: 'unavailable',
    message: (d: { seconds: number }) =>
      `The database did not answer within ${d.seconds} seconds. Try again in a few seconds; if it fails again, check the database server and the network.`,
  },
  'database.no_connection_left': {
    kind: 'unavailable',
    message: () =>
      'The database server accepts no more connections. Try again in a few seconds; if it happens often, raise max_connections of PostgreSQL, or lower LETHE_DATABASE_CONNECTIONS of Lethe.',
  },
  'database.lock_timeout': {
    kind: 'unavailable',
    message: () =>
      'Another change locks rows that this one needs, and did not end in time. This step was rolled back. Try again when the other change, such as an import or an erasure, has ended.',
  },
  'database.statement_timeout': {
    kind: 'unavailable',
    message: () =>
      'The database reached the time limit for this step, or an administrator stopped it. This step was rolled back. Ask for less at a time, or try again later; LETHE_STATEMENT_TIMEOUT sets the limit.',
  },
  'database.disk_full': {
    kind: 'unavailable',
    message: () =>
      'The disk of the database is full. This step was rolled back. Free space on that disk, or make it larger; then try again.',
  },
  'database.read_only': {
    kind: 'unavailable',
    message: () =>
      'The database accepts no changes at the moment: it is a standby, or it is set to read-only. Connect to the primary server, or end the read-only mode; then try again.',
  },
  'database.too_old': {
    kind: 'environment',
    message: (d: { version: string }) =>
      `The PostgreSQL server is version ${d.version}; Lethe needs 15 or newer. Upgrade it, or unset DATABASE_URL to use the embedded server.`,
  },
  'database.encoding': {
    kind: 'environment',
    message: (d: { encoding: string }) =>
      `The database has the encoding ${d.encoding}; Lethe needs UTF8, to store names in any script. Create a database with: create database … encoding 'UTF8' template template0; and move the data there with pg_dump and pg_restore.`,
  },
  'database.locale': {
    kind: 'environment',
    message: (d: { locale: string }) =>
      `The database has the locale ${d.locale}, which knows ASCII letters only. Searches in texts would be slow and would miss capital letters. Create a database with: create database … locale 'C.UTF-8' template template0; and move the data there with pg_dump and pg_restore.`,
  },
  'database.extension_missing': {
    kind: 'environment',
    message: (d: { extension: string; role: string }) =>
      `The role ${d.role} may not create the extension ${d.extension}. Run in this database as a superuser: create extension ${d.extension}; then repeat the command.`,
  },
  'database.role_missing': {
    kind: 'environment',
    message: (d: { role: string; login: string }) =>
      `The role ${d.role} does not exist, and ${d.login} may not create roles. Run as a superuser: create role ${d.role} nologin; then repeat the command.`,
  },
  'database.not_migrated': {
    kind: 'environment',
    message: (d: { pending: number }) => `${d.pending} migration${d.pending === 1 ? ' is' : 's are'} pending.`,
    hint: () => `Run "lethe db migrate" with the owner's connection string.`,
  },
  'database.newer_schema': {
    kind: 'environment',
    message: (d: { migration: string }) =>
      `The database has the migration ${d.migration}, which this version of Lethe does not know. Start the version that applied it, or a newer one.`,
  },
  'database.changed_migration': {
    kind: 'environment',
    message: (d: { migration: string }) =>
      `The file of the migration ${d.migration} has changed since the migration was applied. Restore the file, and put the change into a new migration.`,
  },
  'database.not_owner': {
    kind: 'environment',
    message: (d: { table: string; login: string }) =>
      `The role ${d.login} may not rewrite ${d.table}. Set DATABASE_OWNER_URL to the owner of the tables, and make that role the owner of the database too ("alter database NAME owner to ROLE").`,
  },
  'database.table_busy': {
    kind: 'unavailable',
    message: (d: { table: string }) =>
      `Table ${d.table} was in use all the time, so it was not rewritten. Repeat the command when the load is lower; rewritten tables are not rewritten again.`,
  },
  'database.privileged_login': {
    kind: 'environment',
    message: (d: { login: string; why: string }) =>
      `The login ${d.login} ${d.why}, so it could read the data of all tenants. Put this connection string into DATABASE_OWNER_URL and an ordinary login into DATABASE_URL.`,
    hint: () => 'Then run "lethe db migrate", which creates that login and grants its rights.',
  },
  'data_folder.in_use': {
    kind: 'environment',
    message: (d: { folder: string; pid: number }) => `The data folder ${d.folder} is in use by process ${d.pid}.`,
    hint: () => 'Stop that process first, or name another folder with --data or LETHE_DATA.',
  },
  'data_folder.unusable': {
    kind: 'environment',
    message: (d: { folder: string; reason: string }) => `The data folder ${d.folder} cannot be used: ${d.reason}.`,
    hint: () => 'Name another one with --data or LETHE_DATA.',
  },
  'embedded.failed': {
    kind: 'environment',
    message: (d: { log: string; reason: string }) =>
      `The embedded PostgreSQL server did not start: ${d.reason}. Its log is ${d.log}. Or set DATABASE_URL to a server of your own.`,
  },
  'embedded.not_stopped': {
    kind: 'environment',
    message: (d: { log: string; reason: string }) =>
      `The embedded PostgreSQL server did not stop: ${d.reason}. Its log is ${d.log}. The next command on this data folder connects to it and tries again.`,
  },
  'embedded.unsupported_platform': {
    kind: 'environment',
    message: (d: { platform: string; reason: string }) =>
      `Lethe has no embedded PostgreSQL server for ${d.platform}: ${d.reason}. Set DATABASE_URL to a server of your own.`,
  },
  'embedded.programs_unusable': {
    kind: 'environment',
    message: (d: { folder: string; user: string; reason: string }) =>
      `The system user ${d.user} cannot run the programs of the embedded PostgreSQL server in ${d.folder}: ${d.reason}. Move Lethe to a folder that every user may enter, run it as an ordinary user, or set DATABASE_URL to a server of your own.`,
  },
  'embedded.no_system_user': {
    kind: 'environment',
    message: (d: { user: string; reason: string }) =>
      `PostgreSQL does not run as root, and Lethe cannot create the system user ${d.user}: ${d.reason}. Create that user, run Lethe as an ordinary user, or set DATABASE_URL to a server of your own.`,
  },
  'embedded.other_version': {
    kind: 'environment',
    message: (d: { folder: string; found: string; brought: string }) =>
      `The data folder ${d.folder} belongs to PostgreSQL ${d.found}, but this version of Lethe contains PostgreSQL ${d.brought}.`,
    hint: () =>
      'Start the version of Lethe that made the folder, dump the database there, and restore the dump into another data folder (--data or LETHE_DATA).',
  },
})
