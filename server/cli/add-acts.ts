import type { Command } from 'commander'
import type { TenantTransaction } from '../platform/database/transaction.ts'
import { helpText } from './help-text.ts'
import { withTenant } from './session.ts'

/** A verb that takes a thing by its id and nothing else. */
export type Act = {
  name: string
  /** The description in the help. */
  does: string
  notes?: string
  /** The end of the sentence that the command prints afterwards. */
  said: string
  work: (tx: TenantTransaction, id: string) => Promise<unknown>
}

/**
 * Adds a command for each act to a group, such as `lethe webhook enable WEBHOOK`. `thing`: the word of the group; `noun`: what the help calls
 * it; `called`: how a sentence about it begins; `result`: what `--json` prints.
 */
export function addActs(
  group: Command,
  {
    thing,
    noun,
    called,
    result,
    acts,
  }: {
    thing: string
    noun: string
    called: string
    result: (id: string, act: string) => Record<string, string>
    acts: readonly Act[]
  },
): void {
  for (const { name, does, notes, said, work } of acts) {
    const command = `lethe ${thing} ${name} ${thing.toUpperCase()}`
    group
      .command(name)
      .argument(`<${thing}>`, `the id of the ${noun}`)
      .description(does)
      .addHelpText(
        'after',
        helpText({ ...(notes !== undefined && { notes }), examples: [command, `${command} --json`] }),
      )
      .action(async (id: string, _options: unknown, given: Command) => {
        await withTenant(given, async ({ run, output }) => {
          await run((tx) => work(tx, id))
          output.result(result(id, name), () => `${called} ${id} ${said}.`)
        })
      })
  }
}
