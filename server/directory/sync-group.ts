import { createUser } from '../people/accounts/create-user.ts'
import { resolveUsers } from '../people/accounts/find-users.ts'
import type { UserState } from '../people/accounts/user.ts'
import { checkUserFields } from '../people/accounts/user-fields.ts'
import { peopleError } from '../people/errors.ts'
import { identifiersOf } from '../people/identifiers/candidate-identifiers.ts'
import { findFormerHolders } from '../people/identifiers/former-identifiers.ts'
import type { TenantTransaction } from '../platform/database/transaction.ts'
import { requireUuid } from '../platform/validation/require-uuid.ts'
import { findTombstones } from '../tombstones/find-tombstones.ts'
import { recordReappearances } from './reappearances.ts'
import { lockGroup } from './require-group.ts'
import { setGroupMembers } from './set-group-members.ts'

/** A member of a group, as the directory describes it. Users are known by the directory object id and nothing else. */
export type DirectoryMember = {
  directory_object_id: string
  login_name?: string | null
  email?: string | null
  first_name?: string | null
  last_name?: string | null
  display_name?: string | null
}

/** What a synchronization of a group did. */
export type GroupSync = {
  /** Members who came into the group, new users among them, and users who left it. */
  added: number
  removed: number
  /** Ids of users who were made because the directory has them and the tenant had not. */
  created: string[]
  /** Of these, who had been purged: new users with the learner role and no records, and the order that had purged them. */
  reappeared: { id: string; directory_object_id: string; request_id: string }[]
  /** Purged people that the tenant keeps out, by the directory's id, which the caller gave. */
  blocked: { directory_object_id: string; request_id: string }[]
  /**
   * Members that were left out because other users had one of their identifiers before a change, with the ids of these
   * users. They are the same people, or others with a reused address. Give the user the directory object id, or create
   * another one.
   */
  known_before: { directory_object_id: string; user_ids: string[] }[]
  /** Ids of deleted users that the directory still has in the group: they stay deleted until somebody restores them. */
  deleted: string[]
  /** Ids of suspended users who were not in the group yet and stay out of it while suspended. */
  suspended: string[]
}

/**
 * Makes the members of a group those that the directory says. Who is unknown becomes a user with the learner role. Who
 * was purged comes back as such a new user, without anything of then, marked as come back; or, where the tenant says so
 * (`returning_members`), is left out. Who may be a renamed user is left out and told: nobody guesses. Deleted users
 * stay deleted. What the directory says of known users is not applied.
 *
 * Throws `input.invalid`, `group.not_found`, and what {@link createUser} throws; then nothing was changed.
 */
export async function syncGroup(
  tx: TenantTransaction,
  options: { groupId: string; members: readonly DirectoryMember[] },
): Promise<GroupSync> {
  await lockGroup(tx, options.groupId)
  // One synchronization of a group at a time: each makes the group what the directory says.
  await tx.query('select from directory_groups where tenant_id = $1 and id = $2 for no key update', [
    tx.tenantId,
    options.groupId,
  ])
  const members = new Map(
    options.members.map((member) => {
      const id = requireUuid('directory_object_id', member.directory_object_id)
      return [id, { ...fieldsOf(member), directory_object_id: id }]
    }),
  )
  const known = await findKnown(tx, [...members.keys()])
  const unknown = [...members.values()].filter(({ directory_object_id }) => !known.has(directory_object_id))
  const returning = await findTombstones(tx, unknown, identifiersOf, { sameDirectoryId: true })
  const renamed = await findFormerHolders(tx, unknown, identifiersOf, {
    directoryIdOf: ({ directory_object_id }) => directory_object_id,
  })
  const blocks = await isBlocking(tx)
  const sync: GroupSync = {
    added: 0,
    removed: 0,
    created: [],
    reappeared: [],
    blocked: [],
    known_before: [],
    deleted: [],
    suspended: [],
  }
  for (const member of unknown) {
    const { directory_object_id } = member
    const holders = renamed.get(member)
    if (holders !== undefined) {
      sync.known_before.push({ directory_object_id, user_ids: holders.map(({ id }) => id) })
      continue
    }
    const request_id = returning.get(member)
    if (request_id !== undefined && blocks) {
      sync.blocked.push({ directory_object_id, request_id })
      continue
    }
    const { id, created } = await createOrFind(tx, member)
    known.set(directory_object_id, { id, state: 'active' })
    if (!created) continue
    sync.created.push(id)
    if (request_id !== undefined) sync.reappeared.push({ id, directory_object_id, request_id })
  }
  await recordReappearances(tx, { groupId: options.groupId }, sync.reappeared)
  const here = await currentMembers(tx, options.groupId)
  const wanted: string[] = []
  for (const { id, state } of known.values()) {
    if (state === 'active' || here.has(id)) wanted.push(id)
    else if (state === 'suspended') sync.suspended.push(id)
    else sync.deleted.push(id)
  }
  return { ...sync, ...(await setGroupMembers(tx, { groupId: options.groupId, userIds: wanted })) }
}

/** Only what is known, so that a field that a directory sends besides is not taken for one of ours. */
function fieldsOf({ login_name, email, first_name, last_name, display_name }: DirectoryMember) {
  return checkUserFields({
    ...(login_name != null && { login_name }),
    ...(email != null && { email }),
    ...(first_name != null && { first_name }),
    ...(last_name != null && { last_name }),
    ...(display_name != null && { display_name }),
  })
}

type Known = { id: string; state: UserState }

async function findKnown(tx: TenantTransaction, directoryObjectIds: readonly string[]): Promise<Map<string, Known>> {
  const resolved = await resolveUsers(
    tx,
    directoryObjectIds.map((value) => ({ by: 'directory_object_id', value })),
  )
  return new Map(
    directoryObjectIds.flatMap((id, index): [string, Known][] => {
      const user = resolved[index]
      return user?.outcome === 'found' ? [[id, { id: user.id, state: user.state }]] : []
    }),
  )
}

async function createOrFind(tx: TenantTransaction, member: DirectoryMember): Promise<{ id: string; created: boolean }> {
  try {
    const { id } = await createUser(tx, member, { anotherPerson: true })
    return { id, created: true }
  } catch (error) {
    if (!peopleError.is(error, 'user.taken')) throw error
    // The synchronization of another group made the same user in the meantime.
    const found = (await findKnown(tx, [member.directory_object_id])).get(member.directory_object_id)
    if (found === undefined || found.state !== 'active') throw error
    return { id: found.id, created: false }
  }
}

async function isBlocking(tx: TenantTransaction): Promise<boolean> {
  const { rows } = await tx.query<{ returning_members: string }>(
    'select returning_members from tenants where id = $1',
    [tx.tenantId],
  )
  return rows[0]?.returning_members === 'block'
}

/** Who is in the group now. Deleted users count as out, whose memberships nobody but a restore touches. */
async function currentMembers(tx: TenantTransaction, groupId: string): Promise<Set<string>> {
  const { rows } = await tx.query<{ user_id: string }>(
    'select user_id from group_members where tenant_id = $1 and group_id = $2 and deletion_id is null',
    [tx.tenantId, groupId],
  )
  return new Set(rows.map(({ user_id }) => user_id))
}
