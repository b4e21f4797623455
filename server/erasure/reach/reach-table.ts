import type { TenantKind } from '../../tenancy/tenants.ts'

/** Who starts an erasure: a user, program, command or policy of a tenant, or an identity provider of the installation. */
export type ReachOrigin = 'tenant' | 'identity_provider'

/** What an erasure does in which tenant. */
export type ReachRule = {
  startedBy: ReachOrigin
  /** The kind of the tenant that starts it; for an identity provider, of a tenant in which the person is found. */
  tenant: TenantKind
  subject: 'user' | 'contact'
  /** What happens to the selected user; for an identity provider, to the user that is found. */
  user: 'purged' | 'stays'
  /** What happens to the same person in the other trial tenants. */
  samePersonInTrials: 'purged' | 'stays'
  /** What happens to trial tenants that the person created. The tenants themselves stay. */
  createdTrials: 'stay' | 'all users are purged'
  /** Where the person's address is taken out of other fields. */
  addressInFields: 'own tenant and trials' | 'trials' | 'nowhere'
  /** Who is notified, and of what. */
  notified: 'requester at the end' | 'administrators of the request' | 'no one'
}

/**
 * Which erasure reaches what: the table of Adobe Learning Manager's page "Purge users", section "Results of Purge User
 * action". Reach beyond the own tenant needs a confirmed identity; other matches wait for the operator's decision
 * (docs/reach.md). No erasure reaches an enterprise from outside.
 */
export const reachTable: readonly ReachRule[] = [
  {
    startedBy: 'tenant',
    tenant: 'enterprise',
    subject: 'user',
    user: 'purged',
    samePersonInTrials: 'purged',
    createdTrials: 'stay',
    addressInFields: 'own tenant and trials',
    notified: 'requester at the end',
  },
  {
    startedBy: 'tenant',
    tenant: 'trial',
    subject: 'user',
    user: 'purged',
    samePersonInTrials: 'purged',
    createdTrials: 'stay',
    // The tenant is one of the trials.
    addressInFields: 'trials',
    notified: 'requester at the end',
  },
  {
    startedBy: 'tenant',
    tenant: 'enterprise',
    subject: 'contact',
    user: 'stays',
    samePersonInTrials: 'stays',
    createdTrials: 'stay',
    addressInFields: 'own tenant and trials',
    notified: 'requester at the end',
  },
  {
    startedBy: 'tenant',
    tenant: 'trial',
    subject: 'contact',
    user: 'stays',
    samePersonInTrials: 'stays',
    createdTrials: 'stay',
    addressInFields: 'trials',
    notified: 'requester at the end',
  },
  {
    startedBy: 'identity_provider',
    tenant: 'enterprise',
    subject: 'user',
    user: 'stays',
    samePersonInTrials: 'stays',
    createdTrials: 'stay',
    addressInFields: 'nowhere',
    notified: 'administrators of the request',
  },
  {
    startedBy: 'identity_provider',
    tenant: 'trial',
    subject: 'user',
    user: 'purged',
    samePersonInTrials: 'purged',
    createdTrials: 'all users are purged',
    addressInFields: 'trials',
    notified: 'no one',
  },
]

/** The rule for an erasure. */
export function reachOf(of: Pick<ReachRule, 'startedBy' | 'tenant' | 'subject'>): ReachRule {
  const rule = reachTable.find(
    ({ startedBy, tenant, subject }) => startedBy === of.startedBy && tenant === of.tenant && subject === of.subject,
  )
  if (rule === undefined) throw new TypeError(`no rule says how far an erasure of a ${of.subject} reaches`)
  return rule
}
