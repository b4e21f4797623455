import type { TenantTransaction } from '../platform/database/transaction.ts'
import { permissionError } from './errors.ts'
import { type Permission, permissionsOf, requirePermission } from './permissions.ts'
import type { Access, Scope } from './principal.ts'
import type { UserRole } from './roles.ts'

/** What is handed out: roles to a person, or scopes to a program. A password is handed out with the roles of its person. */
export type Grant = { roles: readonly UserRole[] } | { scopes: readonly Scope[] }

/**
 * The one rule for handing out rights: nobody hands out a permission that they do not have. Every operation that makes a
 * credential, gives a role, or sets the password of another person asks here, so it holds for every way in.
 *
 * Who acts is the transaction's initiator. The roles of a person are read again, under a lock: who lost them a moment ago
 * hands out nothing, and nobody takes them away before the transaction ends. The command line and the replay of a ledger
 * may hand out everything: who runs them has the database and the master key.
 *
 * Throws `access.beyond_own`, which names the permissions that are missing.
 */
export async function requireMayGrant(tx: TenantTransaction, grant: Grant): Promise<void> {
  const granted = permissionsOf(
    'roles' in grant ? { kind: 'person', roles: [...grant.roles] } : { kind: 'program', scopes: [...grant.scopes] },
  )
  if (granted.length === 0) return
  await requireOwn(tx, granted)
}

/**
 * The same for what is not handed out as roles or scopes, such as a subscription: makes sure that the one who acts has these
 * permissions. Throws `access.beyond_own`.
 */
export async function requireOwn(tx: TenantTransaction, permissions: readonly Permission[]): Promise<void> {
  const own = await ownPermissions(tx)
  if (own === 'all') return
  const missing = [...new Set(permissions)].filter((permission) => !own.includes(permission))
  if (missing.length > 0) throw permissionError('access.beyond_own', { permissions: missing })
}

/**
 * Makes sure that the user who acts has this permission by the roles of this moment, also at the command line. The roles
 * stay until the transaction ends. Throws `access.forbidden`.
 */
export async function requireActingPermission(tx: TenantTransaction, permission: Permission): Promise<void> {
  const { userId } = tx.initiator
  const roles = userId === undefined ? [] : await rolesOf(tx, userId)
  requirePermission({ tenantId: tx.tenantId, initiator: tx.initiator, access: { kind: 'person', roles } }, permission)
}

/** The roles that a change would add. */
export function gainedRoles(before: readonly UserRole[], after: readonly UserRole[]): UserRole[] {
  return after.filter((role) => !before.includes(role))
}

async function ownPermissions(tx: TenantTransaction): Promise<Permission[] | 'all'> {
  const { from, userId, credential } = tx.initiator
  if (from === 'command_line' || from === 'ledger' || from === 'system') return 'all'
  if (userId !== undefined) return permissionsOf({ kind: 'person', roles: await rolesOf(tx, userId) })
  return permissionsOf(accessOf(credential))
}

async function rolesOf(tx: TenantTransaction, userId: string): Promise<UserRole[]> {
  const { rows } = await tx.query<{ roles: UserRole[] }>(
    `select roles from users where tenant_id = $1 and id = $2 and state = 'active' for share`,
    [tx.tenantId, userId],
    'roles_of_acting_user',
  )
  return rows[0]?.roles ?? []
}

/** A credential whose scopes nobody said has none. */
function accessOf(credential: TenantTransaction['initiator']['credential']): Access {
  if (credential?.kind === 'operator') return { kind: 'operator' }
  return { kind: 'program', scopes: (credential?.scopes ?? []) as Scope[] }
}
