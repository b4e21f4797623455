import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import { addClientCommands } from './commands/access/client-commands.ts'
import { addKeyCommands } from './commands/access/key-commands.ts'
import { addOperatorCommands } from './commands/access/operator-commands.ts'
import { addCertificateCommands } from './commands/erasure/certificate-commands.ts'
import { addErasureCommands } from './commands/erasure/erasure-commands.ts'
import { addHoldCommands } from './commands/erasure/hold-commands.ts'
import { addLedgerCommands } from './commands/erasure/ledger-commands.ts'
import { addProviderCommands } from './commands/erasure/provider-commands.ts'
import { addReachCommands } from './commands/erasure/reach-commands.ts'
import { addRetentionCommands } from './commands/erasure/retention-commands.ts'
import { addSweepCommand } from './commands/erasure/sweep-command.ts'
import { addSystemCommands } from './commands/erasure/system-commands.ts'
import { addAuditCommands } from './commands/installation/audit-commands.ts'
import { addCompletionCommand } from './commands/installation/completion-command.ts'
import { addDatabaseCommands } from './commands/installation/database-commands.ts'
import { addDemoCommand } from './commands/installation/demo-command.ts'
import { addServeCommand } from './commands/installation/serve-command.ts'
import { addTenantCommands } from './commands/installation/tenant-commands.ts'
import { addWebhookCommands } from './commands/installation/webhook-commands.ts'
import { addCatalogCommands } from './commands/learning/catalog-commands.ts'
import { addCourseCommands } from './commands/learning/course-commands.ts'
import { addPlanCommands } from './commands/learning/plan-commands.ts'
import { addSessionCommands } from './commands/learning/session-commands.ts'
import { addSkillCommands } from './commands/learning/skill-commands.ts'
import { addConnectorCommands } from './commands/people/connector-commands.ts'
import { addExportCommands } from './commands/people/export-commands.ts'
import { addGroupCommands } from './commands/people/group-commands.ts'
import { addIdentityCommands } from './commands/people/identity-commands.ts'
import { addImportCommands } from './commands/people/import-commands.ts'
import { addNotificationCommands } from './commands/people/notification-commands.ts'
import { addUserCommands } from './commands/people/user-commands.ts'
import { addWishCommands } from './commands/people/wish-commands.ts'
import { helpText } from './help-text.ts'

/** Each adds one group of commands. A new group is one line here. */
const groups: ((program: Command) => void)[] = [
  addDemoCommand,
  addServeCommand,
  addDatabaseCommands,
  addTenantCommands,
  addSystemCommands,
  addUserCommands,
  addCatalogCommands,
  addCourseCommands,
  addPlanCommands,
  addSessionCommands,
  addSkillCommands,
  addIdentityCommands,
  addGroupCommands,
  addNotificationCommands,
  addWishCommands,
  addKeyCommands,
  addClientCommands,
  addOperatorCommands,
  addProviderCommands,
  addImportCommands,
  addConnectorCommands,
  addWebhookCommands,
  addErasureCommands,
  addReachCommands,
  addHoldCommands,
  addRetentionCommands,
  addExportCommands,
  addCertificateCommands,
  addLedgerCommands,
  addSweepCommand,
  addAuditCommands,
  addCompletionCommand,
]

const notes = `Environment:
  DATABASE_URL         the application's login on a PostgreSQL server; unset:
                       the embedded server
  DATABASE_OWNER_URL   the owner of the tables, for "lethe db migrate" and
                       "lethe db rewrite"
  LETHE_MASTER_KEY     32 bytes in base64 that wrap every other key; needed
                       with DATABASE_URL
  LETHE_DATA           like --data
  LETHE_TENANT         like --tenant
  LETHE_SMTP_URL       the mail server, such as smtp://user:password@host:587;
                       unset: no e-mails
  LETHE_MAIL_FROM      the address that e-mails are sent from; needed with
                       LETHE_SMTP_URL
  LETHE_PUBLIC_URL     where people and programs reach "lethe serve", for
                       links; unset: the host of a request
  LETHE_REWRITE_AT     the time (UTC) at which the embedded server rewrites
                       the tables of erased people, or off; unset: 03:00
  LETHE_REWRITE_LIMIT  the largest table to rewrite then, in MiB; larger ones
                       need "lethe db rewrite"; unset: 256
  LETHE_DEBUG=1        adds the stack to an error
  docs/operations.md lists the settings for connections, timeouts,
  connectors and webhooks.

Exit codes:
  0    done; demo and serve end with it after Ctrl-C
  1    failed, or you declined
  2    bad input
  3    not found
  4    ambiguous: several people match
  5    conflict with the present state
  6    environment: server, keys, data folder
  8    the person of --as may not do this
  10   outstanding: an erasure waits for an approval, a date or a hold;
       certificate verify: erased, search outstanding
  11   certificate verify: residual data found
  130  stopped by Ctrl-C`

const examples = [
  'lethe demo',
  'lethe user create --email ann@example.org --first-name Ann --last-name Aster',
  'lethe user list --deleted-in 2026-03 --json',
  'lethe user delete --file leavers.csv && lethe purge --file leavers.csv',
]

/** The whole command line. It throws CommanderError instead of ending the process, and prints no error itself. */
export function buildProgram(): Command {
  const program = new Command('lethe')
    .description('Keeps learner records and can forget them.')
    .version(readVersion(), '--version')
    .option('--data <folder>', 'folder of the embedded server and of the keys')
    .option('--tenant <name or id>', 'the tenant to work in; needed only if there are several')
    .option('--as <person>', 'the acting person: an active user, by any identifier, or an operator, by name')
    .option('--json', 'print one JSON document; an error is the last line on stderr, as JSON')
    .option('--quiet', 'print results and errors only')
    .addHelpText('after', helpText({ notes, examples }))
    .configureHelp({ showGlobalOptions: true })
    .showSuggestionAfterError(false)
    .exitOverride()
    .configureOutput({ outputError: () => undefined })
  for (const add of groups) add(program)
  return program
}

function readVersion(): string {
  const content: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  const known = typeof content === 'object' && content !== null && 'version' in content
  return known ? String(content.version) : 'unknown'
}
