import type { Command } from 'commander'
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
import { rootCommand } from './root-command.ts'

/** Each adds one group of commands. A new group is one line here, and one in load-program.ts for what is loaded alone. */
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

/** The whole command line: {@link rootCommand} with every command. */
export function buildProgram(): Command {
  const program = rootCommand()
  for (const add of groups) add(program)
  return program
}
