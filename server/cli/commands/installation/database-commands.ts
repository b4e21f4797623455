import type { Command } from 'commander'
import { countAddresses } from '../../../clean-addresses.ts'
import { type DiskStatus, showDisk } from '../../../erasure/disk/show-disk.ts'
import { migrateDatabase } from '../../../migrate-database.ts'
import { findAmbiguousIdentifiers } from '../../../people/identifiers/ambiguous-identifiers.ts'
import { migrationStatus } from '../../../platform/database/migrate.ts'
import { connectOwner } from '../../../platform/database/pool.ts'
import { inTenant } from '../../../platform/database/transaction.ts'
import { commandError } from '../../errors.ts'
import { helpText } from '../../help-text.ts'
import { counted, formatFields, formatTable } from '../../output.ts'
import { chosenTenants, withApplication, withServer } from '../../session.ts'
import { addBackups, addRewrite } from '../erasure/rewrite-command.ts'

type SharedIdentifier = { kind: string; ids: string[]; spelled_differently: boolean }

/** `lethe db migrate|status|check-identifiers|rewrite|backups` */
export function addDatabaseCommands(program: Command): void {
  const group = program
    .command('db')
    .description('migrate, check and rewrite the database')
    .addHelpText(
      'after',
      helpText({ examples: ['lethe db migrate', 'lethe db status --json', 'lethe db check-identifiers'] }),
    )

  group
    .command('migrate')
    .description('apply the pending migrations')
    .addHelpText(
      'after',
      helpText({
        notes: `
With a server of your own, DATABASE_OWNER_URL is the login that owns the tables, and DATABASE_URL is the login of the
application. The command creates that login if it does not exist. The embedded server migrates itself. If a migration
cleans stored e-mail addresses, the command prints their number per column; --json lists the rows by id.`,
        examples: [
          'lethe db migrate',
          'DATABASE_OWNER_URL=postgres://owner@host/lethe DATABASE_URL=postgres://lethe:secret@host/lethe lethe db migrate',
        ],
      }),
    )
    .action(async (_options, command: Command) => {
      await withServer(command, async ({ server, output }) => {
        if (server.ownerUrl === undefined) throw commandError('database.owner_missing')
        const { applied, addresses } = await migrateDatabase({
          ownerUrl: server.ownerUrl,
          appUrl: server.appUrl,
          onProgress: output.note,
        })
        const document = { applied, addresses: { counts: countAddresses(addresses), findings: addresses } }
        output.result(document, () =>
          applied.length === 0 ? 'The database is up to date.' : `${counted(applied.length, 'migration')} applied.`,
        )
        if (applied.includes('0019_identifiers.sql') && !applied.includes('0001_foundation.sql')) {
          output.note(
            'This version compares identifiers in another way. "lethe db check-identifiers" lists people with the same identifier.',
          )
        }
      })
    })

  group
    .command('status')
    .description('list the migrations, and the level on disk that ended erasures have reached')
    .addHelpText(
      'after',
      helpText({
        exitCodes: { 0: 'listed, even if migrations are pending' },
        examples: ['lethe db status', 'lethe db status --json'],
      }),
    )
    .action(async (_options, command: Command) => {
      await withServer(command, async ({ server, output }) => {
        const client = await connectOwner(server.ownerUrl ?? server.appUrl)
        try {
          // The application's login can read nothing before it enters its role.
          if (server.ownerUrl === undefined) await client.query('set role lethe_app')
          const migrations = await migrationStatus(client)
          const pending = migrations.filter(({ appliedAt }) => appliedAt === undefined).length
          const document = migrations.map(({ name, appliedAt }) => ({ name, applied_at: appliedAt ?? null }))
          // The application's login may read all requests as the auditor.
          if (pending === 0 && server.ownerUrl === undefined) await client.query('set role lethe_auditor')
          const disk = pending === 0 ? await showDisk(client) : undefined
          output.result({ migrations: document, pending, disk: disk ?? null }, () =>
            [
              formatTable(document, [
                { title: 'migration', value: ({ name }) => name },
                { title: 'applied', value: ({ applied_at }) => applied_at ?? 'pending' },
              ]),
              ...(disk === undefined ? [] : [formatDisk(disk)]),
            ].join('\n\n'),
          )
        } finally {
          await client.end()
        }
      })
    })

  addRewrite(group)
  addBackups(group)
  group
    .command('check-identifiers')
    .description('list the people in each tenant that have the same identifier')
    .addHelpText(
      'after',
      helpText({
        notes: `
Two identifiers are the same if they differ only in upper and lower case, in composed letters, or in the spelling of a
domain. Such an identifier does not select one person, so name these people by id. The list shows ids, not identifiers.`,
        exitCodes: { 0: 'listed, even if no two people have the same identifier' },
        examples: ['lethe db check-identifiers', 'lethe db check-identifiers --tenant acme --json'],
      }),
    )
    .action(async (_options, command: Command) => {
      await withApplication(command, async (session) => {
        const tenants: { tenant: string; people: number; shared: SharedIdentifier[] }[] = []
        for (const id of await chosenTenants(session)) {
          const shared = await inTenant(session.application.database, id, findAmbiguousIdentifiers)
          tenants.push({
            tenant: id,
            people: new Set(shared.flatMap(({ ids }) => ids)).size,
            shared: shared.map(({ kind, ids, spelledDifferently }) => ({
              kind,
              ids,
              spelled_differently: spelledDifferently,
            })),
          })
        }
        session.output.result({ tenants }, () => {
          const rows = tenants.flatMap(({ tenant, shared }) => shared.map((one) => ({ tenant, ...one })))
          if (rows.length === 0) return 'No two people have the same identifier.'
          return formatTable(rows, [
            { title: 'tenant', value: ({ tenant }) => tenant },
            { title: 'identifier', value: ({ kind }) => kind },
            { title: 'spelled differently', value: ({ spelled_differently }) => (spelled_differently ? 'yes' : 'no') },
            { title: 'people', value: ({ ids }) => ids.join(' ') },
          ])
        })
      })
    })
}

function formatDisk({ requests, ...disk }: DiskStatus): string {
  const { backups } = disk
  return formatFields({
    'erasures at level 2': requests[2],
    'erasures at level 3': requests[3],
    'erasures at level 4': requests[4],
    'erasures at level 5': requests[5],
    'tables rewritten since': `${disk.rewritten} of ${disk.tables}`,
    'last rewritten': disk.lastRewrite,
    'the log is waited for since': disk.logWaitsSince,
    'oldest backup': backups === null ? 'not declared' : `${backups.oldest.toISOString()} (${backups.kind})`,
    'erasures not past the backups': disk.waitingForBackups,
  })
}
