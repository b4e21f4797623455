import type { Command } from 'commander'
import { findByAnyIdentifier } from '../people/accounts/find-users.ts'
import type { TenantTransaction } from '../platform/database/transaction.ts'

/** What an option gives that can also be cleared: a value, false for its `--no-` form, undefined where it is not used. */
export type Clearable<Value> = Value | boolean | undefined

/** Lets a command set a field to a text, or clear it. `name` is the option, such as "reply-to". */
export function addClearable(command: Command, name: string, value: string, description: string): Command {
  return command.option(`--${name} ${value}`, description).option(`--no-${name}`, `clear it`)
}

/** The field of a change: null clears it, undefined leaves it alone. The command line gives true for an unused option. */
export function cleared<Value>(given: Clearable<Value>): Exclude<Value, boolean> | null | undefined {
  if (given === false) return null
  return given === undefined || given === true ? undefined : (given as Exclude<Value, boolean>)
}

/** The same for a list, which is cleared by an empty one. */
export function clearedList(given: Clearable<string[]>): string[] | undefined {
  if (given === false) return []
  return given === undefined || given === true ? undefined : given
}

/** The ids of users that are named by any identifier. Throws `user.not_found`, `subject.ambiguous`. */
export async function idsOfPeople(tx: TenantTransaction, names: readonly string[]): Promise<string[]> {
  const ids: string[] = []
  for (const name of names) ids.push((await findByAnyIdentifier(tx, name)).id)
  return ids
}
