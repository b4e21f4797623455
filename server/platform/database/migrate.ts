import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import pg from 'pg'
import { databaseError } from './errors.ts'
import { codeOf, connectionError, connectOwner, requireLocale, tolerateLostConnections } from './pool.ts'
import { createRoles, equipLogin } from './roles.ts'
import { sqlstate } from './sqlstates.ts'

const migrationsFolder = new URL('../../../migrations/', import.meta.url)

/** The advisory lock that migrators of one database take turns by. */
const migratorsLock = 0x6c657468

/** What a migration does besides its SQL, in the same transaction, as the owner of the tables. */
export type MigrationStep = (owner: pg.Client) => Promise<void>

export type MigrationStatus = { name: string; appliedAt: Date | undefined }

/**
 * Brings the database up to this version's schema: roles, numbered migrations, the job queue's own tables, and the
 * rights of the application's login. Each migration is one transaction. Several migrators at once wait for each other,
 * and running it again changes nothing.
 *
 * `steps` are what migrations do in code, by the name of their file. `appUrl` is the application's connection string:
 * its login is created where it does not exist.
 *
 * Throws `database.*` errors of the table, all with the way out.
 */
export async function migrate(options: {
  ownerUrl: string
  appUrl?: string | undefined
  steps?: Record<string, MigrationStep>
  onProgress?: (sentence: string) => void
}): Promise<{ applied: string[] }> {
  await createDatabaseIfMissing(options.ownerUrl, options.onProgress)
  const owner = await connectOwner(options.ownerUrl)
  try {
    await requireLocale(owner)
    // Held until the connection ends. Grants and "if not exists" do not bear company.
    await owner.query('select pg_advisory_lock($1)', [migratorsLock])
    await createRoles(owner)
    await owner.query(`
      create table if not exists lethe_migrations (
        name text primary key,
        digest text not null,
        applied_at timestamptz not null default now()
      )`)
    await owner.query('grant select on lethe_migrations to lethe_app, lethe_auditor')
    const applied: string[] = []
    const known = await readMigrations()
    const recorded = await readRecorded(owner)
    requireKnown(known, recorded)
    for (const migration of known) {
      const before = recorded.get(migration.name)
      if (before !== undefined) {
        if (before.digest !== migration.digest) {
          throw databaseError('database.changed_migration', { migration: migration.name })
        }
        continue
      }
      await applyMigration(owner, migration, options.steps?.[migration.name])
      applied.push(migration.name)
      options.onProgress?.(`Migrated ${migration.name}.`)
    }
    await installJobQueue(owner, options.ownerUrl)
    if (options.appUrl !== undefined) await equipLogin(owner, options.appUrl)
    return { applied }
  } finally {
    await owner.end()
  }
}

/** Every migration of this version in order, with the time it was applied; undefined where it is pending. */
export async function migrationStatus(client: pg.ClientBase | pg.Pool): Promise<MigrationStatus[]> {
  const known = await readMigrations()
  const { rows } = await client.query<{ present: boolean }>(
    `select to_regclass('public.lethe_migrations') is not null as present`,
  )
  const recorded = rows[0]?.present ? await readRecorded(client) : new Map<string, { digest: string; at: Date }>()
  requireKnown(known, recorded)
  return known.map(({ name }) => ({ name, appliedAt: recorded.get(name)?.at }))
}

/** Throws `database.not_migrated` unless every migration of this version is applied. */
export async function requireMigrated(client: pg.ClientBase | pg.Pool): Promise<void> {
  const pending = (await migrationStatus(client)).filter(({ appliedAt }) => appliedAt === undefined)
  if (pending.length > 0) throw databaseError('database.not_migrated', { pending: pending.length })
}

type Migration = { name: string; sql: string; digest: string }

async function readMigrations(): Promise<Migration[]> {
  const names = (await readdir(migrationsFolder)).filter((name) => /^\d{4}_.*\.sql$/.test(name)).sort()
  return Promise.all(
    names.map(async (name) => {
      const sql = await readFile(new URL(name, migrationsFolder), 'utf8')
      return { name, sql, digest: createHash('sha256').update(sql).digest('hex') }
    }),
  )
}

async function readRecorded(client: pg.ClientBase | pg.Pool): Promise<Map<string, { digest: string; at: Date }>> {
  const { rows } = await client.query<{ name: string; digest: string; applied_at: Date }>(
    'select name, digest, applied_at from lethe_migrations order by name',
  )
  return new Map(rows.map((row) => [row.name, { digest: row.digest, at: row.applied_at }]))
}

function requireKnown(known: Migration[], recorded: Map<string, unknown>): void {
  const names = new Set(known.map(({ name }) => name))
  for (const name of recorded.keys()) {
    if (!names.has(name)) throw databaseError('database.newer_schema', { migration: name })
  }
}

async function applyMigration(owner: pg.Client, migration: Migration, step?: MigrationStep): Promise<void> {
  await owner.query('begin')
  try {
    await owner.query('insert into lethe_migrations (name, digest) values ($1, $2)', [migration.name, migration.digest])
    await owner.query(migration.sql)
    await step?.(owner)
    await owner.query('commit')
  } catch (error) {
    await owner.query('rollback')
    const extension = /create extension "?(\w+)"?/.exec(error instanceof Error ? error.message : '')
    if (codeOf(error) === sqlstate.insufficientPrivilege && /extension/.test(String(error))) {
      throw databaseError(
        'database.extension_missing',
        { extension: extension?.[1] ?? 'pg_trgm', role: owner.user ?? 'the owner' },
        error,
      )
    }
    throw error
  }
}

/**
 * The queue's tables carry row level security without a policy, so that nobody but their owner may use them. The
 * application's role works on the queue, so it gets one; what stands in the queue is ids only.
 */
async function installJobQueue(owner: pg.Client, ownerUrl: string): Promise<void> {
  // Loaded here only: most commands do not migrate.
  const { runMigrations } = await import('graphile-worker')
  const pool = new pg.Pool({ connectionString: ownerUrl, max: 1 })
  tolerateLostConnections(pool)
  try {
    await runMigrations({ pgPool: pool })
  } finally {
    await pool.end()
  }
  await owner.query(`
    grant usage on schema graphile_worker to lethe_app, lethe_auditor;
    grant select, insert, update, delete on all tables in schema graphile_worker to lethe_app;
    grant select on all tables in schema graphile_worker to lethe_auditor;
    grant usage on all sequences in schema graphile_worker to lethe_app;
    grant execute on all functions in schema graphile_worker to lethe_app;
  `)
  const { rows } = await owner.query<{ name: string; policies: string[] }>(`
    select c.oid::regclass::text as name, array(select polname::text from pg_policy where polrelid = c.oid) as policies
    from pg_class c
    where c.relnamespace = 'graphile_worker'::regnamespace and c.relkind = 'r' and c.relrowsecurity
  `)
  for (const table of rows) {
    if (table.policies.includes('application_works')) continue
    await owner.query(`create policy application_works on ${table.name} to lethe_app using (true) with check (true)`)
    await owner.query(`create policy auditor_reads on ${table.name} for select to lethe_auditor using (true)`)
  }
}

async function createDatabaseIfMissing(ownerUrl: string, onProgress?: (sentence: string) => void): Promise<void> {
  const probe = new pg.Client({ connectionString: ownerUrl, connectionTimeoutMillis: 30_000 })
  probe.on('error', () => undefined)
  try {
    await probe.connect()
    await probe.end()
    return
  } catch (error) {
    await probe.end()
    if (codeOf(error) !== sqlstate.invalidCatalogName) throw connectionError(error, ownerUrl)
  }
  const url = new URL(ownerUrl)
  const name = decodeURIComponent(url.pathname.slice(1))
  url.pathname = '/postgres'
  const client = await connectOwner(url.href)
  try {
    await createDatabase(client, name)
    onProgress?.(`Created the database ${name}.`)
  } catch (error) {
    throw connectionError(error, ownerUrl)
  } finally {
    await client.end()
  }
}

/** As the server's other databases, or, where those have the locale C, with letters beyond ASCII. */
async function createDatabase(client: pg.Client, name: string): Promise<void> {
  const { rows } = await client.query<{ locale: string; version: number }>(
    `select datctype as locale, current_setting('server_version_num')::int as version
     from pg_database where datname = 'template0'`,
  )
  const { locale = '', version = 0 } = rows[0] ?? {}
  const isBare = locale === 'C' || locale === 'POSIX'
  const withLetters = version >= 170000 ? `locale_provider builtin builtin_locale 'C.UTF-8'` : `locale 'C.UTF-8'`
  await client.query(
    `create database ${pg.escapeIdentifier(name)} encoding 'UTF8' ${isBare ? withLetters : ''} template template0`,
  )
}
