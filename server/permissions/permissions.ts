import { permissionError } from './errors.ts'
import type { Access, Principal, Role, Scope } from './principal.ts'
import type { UserRole } from './roles.ts'

/** Who may do something. Whoever is not named may not. */
export type Rule = {
  /** What is done, for the page in docs/. */
  does: string
  roles: readonly Role[]
  scopes: readonly Scope[]
  /** A person of any role may do it to the own account. */
  own?: true
}

const reading = ['api/all', 'api/read'] satisfies Scope[]
const writing = ['api/all', 'api/write'] satisfies Scope[]
const administrators = ['administrator'] satisfies UserRole[]
const officers = ['administrator', 'privacy_officer'] satisfies UserRole[]
const integrators = ['administrator', 'integration_administrator'] satisfies UserRole[]

/**
 * The one table of who may do what. Every entry point asks it by {@link requirePermission}; docs/access.md is made of it.
 *
 * No program may make credentials or give passwords: what it made would outlive its own revocation.
 */
export const permissions = {
  'users.read': {
    does: 'list and read users, their roles and state',
    roles: ['administrator', 'privacy_officer', 'integration_administrator', 'manager'],
    scopes: reading,
    own: true,
  },
  'users.write': {
    does: 'create, change, suspend and reactivate users',
    roles: administrators,
    scopes: writing,
  },
  'events.send': {
    does: 'send events about users from another system, which create, change, suspend, reactivate and anonymize users',
    roles: administrators,
    scopes: ['api/all', 'api/webhooks'],
  },
  'users.delete': { does: 'delete users (they can be restored)', roles: officers, scopes: writing },
  'users.restore': { does: 'restore deleted users', roles: administrators, scopes: writing },
  'users.roles': { does: 'give and take roles', roles: administrators, scopes: writing },
  'users.password': { does: 'set a first or a new password', roles: administrators, scopes: [], own: true },
  'users.sign_out': { does: 'end all sessions of a user', roles: officers, scopes: writing, own: true },
  'identities.read': {
    does: 'see which identities of a user are confirmed',
    roles: officers,
    scopes: reading,
    own: true,
  },
  'identities.ask': {
    does: 'send a user a link that confirms the own e-mail address',
    roles: administrators,
    scopes: writing,
    own: true,
  },
  'users.export': {
    does: 'export all data about a user',
    roles: officers,
    scopes: reading,
    own: true,
  },
  'exports.read': {
    does: 'follow and download kept exports of a user',
    roles: officers,
    scopes: reading,
    own: true,
  },
  'exports.order': { does: 'request and delete kept exports of a user', roles: officers, scopes: writing },
  'imports.read': {
    does: 'read imports, what became of each row, and the files',
    roles: officers,
    scopes: reading,
  },
  'connectors.read': { does: 'read connectors and their runs', roles: administrators, scopes: reading },
  'connectors.write': {
    does: 'create, change, run and delete connectors, which import users',
    roles: administrators,
    scopes: writing,
  },
  'transcripts.read': {
    does: 'read the transcript and the skills of a user',
    roles: administrators,
    scopes: reading,
    own: true,
  },
  'notifications.read': {
    does: 'read the notifications of a user',
    roles: administrators,
    scopes: reading,
    own: true,
  },
  'notifications.mark': {
    does: 'mark notifications of a user as read',
    roles: administrators,
    scopes: writing,
    own: true,
  },
  'groups.read': { does: 'read directory groups and their members', roles: administrators, scopes: reading },
  'groups.write': {
    does: 'create groups, set their members, and synchronize them, which creates users',
    roles: administrators,
    scopes: writing,
  },
  'learning.read': {
    does: 'read catalogs, courses, enrollments and certificates of learners',
    roles: administrators,
    scopes: reading,
  },
  'learning.write': {
    does: 'create catalogs, courses and training plans, change their members, enroll, complete, certify, unenroll, purge enrollments',
    roles: administrators,
    scopes: writing,
  },
  'skills.read': { does: 'read skills, scales and levels', roles: administrators, scopes: reading },
  'skills.write': { does: 'create skills and scales', roles: administrators, scopes: writing },
  'skills.award': { does: 'award and revoke skills', roles: administrators, scopes: writing },
  'erasures.preview': { does: 'count what an erasure would do', roles: officers, scopes: reading },
  'erasures.order': { does: 'request a purge or an anonymization', roles: officers, scopes: writing },
  'erasures.read': {
    does: 'follow erasure requests, with steps, people and receipts',
    roles: officers,
    scopes: reading,
  },
  'erasures.retry': { does: 'retry failed people of an erasure request', roles: officers, scopes: writing },
  'wishes.make': {
    does: 'make, read and withdraw the wish of a user to be erased',
    roles: officers,
    scopes: writing,
    own: true,
  },
  'wishes.read': { does: 'list the wishes of all users to be erased', roles: officers, scopes: reading },
  'wishes.decide': { does: 'accept and refuse wishes to be erased', roles: officers, scopes: writing },
  'erasures.cancel': {
    does: 'cancel an erasure request for people who are not erased yet',
    roles: officers,
    scopes: writing,
  },
  'proposals.read': {
    does: 'list the erasures that an identity provider asks for',
    roles: officers,
    scopes: reading,
  },
  'proposals.decide': {
    does: 'accept or refuse the erasures that an identity provider asks for',
    roles: officers,
    scopes: writing,
  },
  'erasures.approve': {
    does: 'approve or refuse an erasure request of another person',
    roles: officers,
    scopes: [],
  },
  'holds.read': { does: 'list legal holds and the people that they cover', roles: officers, scopes: reading },
  'holds.manage': { does: 'place, change and release legal holds', roles: officers, scopes: writing },
  'retention.read': {
    does: 'list retention policies, the people that they would purge, and their runs',
    roles: officers,
    scopes: reading,
  },
  'retention.manage': {
    does: 'create, change, enable, run and delete retention policies',
    roles: officers,
    scopes: writing,
  },
  'acknowledgements.ask': {
    does: 'make and withdraw links by which receivers acknowledge an erasure',
    roles: officers,
    scopes: writing,
  },
  'certificates.read': {
    does: 'read certificates, and check whether one covers a person',
    roles: officers,
    scopes: reading,
  },
  'audit.read': { does: 'read the audit trail', roles: officers, scopes: reading },
  'audit.export': { does: 'export and verify the audit trail', roles: officers, scopes: reading },
  'tenant.read': {
    does: "read the settings of the caller's tenant",
    roles: ['administrator', 'privacy_officer', 'integration_administrator'],
    scopes: reading,
  },
  'tenant.update': { does: "change the settings of the caller's tenant", roles: administrators, scopes: [] },
  'external_systems.read': {
    does: 'read the register of external systems that hold data about people',
    roles: officers,
    scopes: reading,
  },
  'external_systems.write': { does: 'change the register of external systems', roles: officers, scopes: writing },
  'webhooks.read': {
    does: 'list webhook endpoints, with their addresses, and deliveries',
    roles: integrators,
    scopes: writing,
  },
  'webhooks.manage': {
    does: 'create, change, try and delete webhook endpoints, and replay deliveries',
    roles: integrators,
    scopes: writing,
  },
  'keys.read': { does: 'list API keys, without their secrets', roles: integrators, scopes: [] },
  'keys.manage': { does: 'create and revoke API keys', roles: integrators, scopes: [] },
  'clients.read': { does: 'list OAuth clients, without their secrets', roles: integrators, scopes: [] },
  'clients.manage': { does: 'create and revoke OAuth clients', roles: integrators, scopes: [] },
  'tenants.read': { does: 'list all tenants', roles: ['operator'], scopes: [] },
  'tenants.manage': { does: 'create and change any tenant', roles: ['operator'], scopes: [] },
  'tenants.delete': { does: 'delete a tenant with everything in it', roles: ['operator'], scopes: [] },
  'reach.decide': {
    does: 'list, accept and refuse the erasures that would reach a trial tenant without a confirmed identity',
    roles: ['operator'],
    scopes: [],
  },
  'identity_providers.manage': {
    does: 'set, list and remove identity providers',
    roles: ['operator'],
    scopes: [],
  },
  'operators.manage': { does: 'create and list operators', roles: ['operator'], scopes: [] },
  'installation.audit': {
    does: 'read, export and verify the system trail',
    roles: ['operator'],
    scopes: [],
  },
  'sweep.run': { does: 'search the whole installation for purged people', roles: ['operator'], scopes: [] },
} as const satisfies Record<string, Rule>

export type Permission = keyof typeof permissions

/** The target user, for permissions that people have on their own account. */
export type PermissionTarget = { userId?: string | undefined }

/** Whether the table grants the principal this permission; `target` is the target user, if it is one user. */
export function isPermitted(principal: Principal, permission: Permission, target: PermissionTarget = {}): boolean {
  const rule: Rule = permissions[permission]
  const { access, initiator } = principal
  if (isOpenTo(access, rule)) return true
  if (access.kind !== 'person') return false
  return rule.own === true && target.userId !== undefined && target.userId === initiator.userId
}

/** Everything that such an access may do, apart from what every person may do to the own account. */
export function permissionsOf(access: Access): Permission[] {
  return (Object.keys(permissions) as Permission[]).filter((permission) => isOpenTo(access, permissions[permission]))
}

function isOpenTo(access: Access, rule: Rule): boolean {
  switch (access.kind) {
    case 'operator':
      return rule.roles.includes('operator')
    case 'program':
      return access.scopes.some((scope) => rule.scopes.includes(scope))
    case 'person':
      return access.roles.some((role) => rule.roles.includes(role))
  }
}

/** Throws `access.forbidden` where the table does not let this principal do this. */
export function requirePermission(principal: Principal, permission: Permission, target: PermissionTarget = {}): void {
  if (isPermitted(principal, permission, target)) return
  const { roles, scopes }: Rule = permissions[permission]
  throw permissionError('access.forbidden', { permission, roles: [...roles], scopes: [...scopes] })
}
