import { resolveUsers } from '../people/accounts/find-users.ts'
import { type ListUsersOptions, listUsers } from '../people/accounts/list-users.ts'
import type { User } from '../people/accounts/user.ts'
import { findPendingErasures } from '../people/lifecycle/pending-erasure.ts'
import type { TenantTransaction } from '../platform/database/transaction.ts'
import { twinAddress } from './hire-people.ts'

/** People of the demo to try commands with, as they are now: some may have been purged since it was loaded. */
export type Examples = {
  /** E-mail address of a deleted learner, which nobody else has; undefined when nobody of this kind is left. */
  leaver: string | undefined
  /** The same of another one. */
  otherLeaver: string | undefined
  /** The same of an active learner. */
  learner: string | undefined
  /** Two people with one login name, and the directory object id of the one who is deleted. */
  twins: { login: string; directoryObjectId: string } | undefined
}

/** Finds people for the commands that "lethe demo" proposes. */
export async function findExamples(tx: TenantTransaction): Promise<Examples> {
  const twins = await listUsers(tx, { states: ['active', 'deleted'], search: twinAddress })
  const deletedTwin = twins.users.find(({ state }) => state === 'deleted')?.directory_object_id
  const [leaver, otherLeaver] = await findAddresses(tx, { sort: 'deleted' }, 2)
  const [learner] = await findAddresses(tx, { states: ['active'] }, 1)
  return {
    leaver,
    otherLeaver,
    learner,
    twins:
      twins.users.length > 1 && deletedTwin != null
        ? { login: twinAddress, directoryObjectId: deletedTwin }
        : undefined,
  }
}

/** The addresses of the last learners in the list whom they name alone and nothing else is being done to. */
async function findAddresses(tx: TenantTransaction, options: ListUsersOptions, most: number): Promise<string[]> {
  const { users } = await listUsers(tx, { ...options, limit: 1000 })
  const addresses: string[] = []
  for (const { id, email } of users.filter(isLearner).reverse()) {
    if (addresses.length === most) break
    if (email === null) continue
    const [named] = await resolveUsers(tx, [{ by: 'email', value: email }])
    if (named?.outcome === 'found' && (await findPendingErasures(tx, [id])).length === 0) addresses.push(email)
  }
  return addresses
}

function isLearner({ roles, former_roles }: User): boolean {
  return [...roles, ...former_roles].every((role) => role === 'learner')
}
