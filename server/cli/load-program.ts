import type { Command } from 'commander'
import { rootCommand } from './root-command.ts'

/** Loading every command takes longer than most commands take to run, so these are loaded alone. */
const alone: Record<string, () => Promise<(program: Command) => void>> = {
  anonymize: async () => (await import('./commands/erasure/erasure-commands.ts')).addErasureCommands,
  audit: async () => (await import('./commands/installation/audit-commands.ts')).addAuditCommands,
  catalog: async () => (await import('./commands/learning/catalog-commands.ts')).addCatalogCommands,
  certificate: async () => (await import('./commands/erasure/certificate-commands.ts')).addCertificateCommands,
  client: async () => (await import('./commands/access/client-commands.ts')).addClientCommands,
  course: async () => (await import('./commands/learning/course-commands.ts')).addCourseCommands,
  db: async () => (await import('./commands/installation/database-commands.ts')).addDatabaseCommands,
  demo: async () => (await import('./commands/installation/demo-command.ts')).addDemoCommand,
  erasure: async () => (await import('./commands/erasure/erasure-commands.ts')).addErasureCommands,
  export: async () => (await import('./commands/people/export-commands.ts')).addExportCommands,
  group: async () => (await import('./commands/people/group-commands.ts')).addGroupCommands,
  hold: async () => (await import('./commands/erasure/hold-commands.ts')).addHoldCommands,
  import: async () => (await import('./commands/people/import-commands.ts')).addImportCommands,
  key: async () => (await import('./commands/access/key-commands.ts')).addKeyCommands,
  ledger: async () => (await import('./commands/erasure/ledger-commands.ts')).addLedgerCommands,
  operator: async () => (await import('./commands/access/operator-commands.ts')).addOperatorCommands,
  plan: async () => (await import('./commands/learning/plan-commands.ts')).addPlanCommands,
  preview: async () => (await import('./commands/erasure/erasure-commands.ts')).addErasureCommands,
  purge: async () => (await import('./commands/erasure/erasure-commands.ts')).addErasureCommands,
  retention: async () => (await import('./commands/erasure/retention-commands.ts')).addRetentionCommands,
  serve: async () => (await import('./commands/installation/serve-command.ts')).addServeCommand,
  session: async () => (await import('./commands/learning/session-commands.ts')).addSessionCommands,
  skill: async () => (await import('./commands/learning/skill-commands.ts')).addSkillCommands,
  sweep: async () => (await import('./commands/erasure/sweep-command.ts')).addSweepCommand,
  tenant: async () => (await import('./commands/installation/tenant-commands.ts')).addTenantCommands,
  user: async () => (await import('./commands/people/user-commands.ts')).addUserCommands,
  webhook: async () => (await import('./commands/installation/webhook-commands.ts')).addWebhookCommands,
}

/** The commands that {@link loadProgram} loads alone. */
export const loadedAlone = Object.keys(alone)

/**
 * The program that runs these arguments: only with the command that the first one names, if that can be loaded alone, or
 * else with every command.
 */
export async function loadProgram([first = '']: readonly string[]): Promise<Command> {
  const load = Object.hasOwn(alone, first) ? alone[first] : undefined
  if (load === undefined) return await wholeProgram()
  const program = rootCommand()
  const add = await load()
  add(program)
  return program
}

/** The program with every command. */
export async function wholeProgram(): Promise<Command> {
  const { buildProgram } = await import('./program.ts')
  return buildProgram()
}
