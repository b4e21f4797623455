import type { Initiator } from '../platform/initiator.ts'
import type { UserRole } from './roles.ts'

/** What a person may be: the operator of the installation, or a user of a tenant by the user's roles. */
export type Role = 'operator' | UserRole

/** What a program may do (Thrive's names). */
export const scopes = ['api/all', 'api/read', 'api/write', 'api/webhooks'] as const
export type Scope = (typeof scopes)[number]

/** What each is for. */
export const aboutScopes: Record<Scope, string> = {
  'api/all': 'reads and writes, including webhooks',
  'api/read': 'reads',
  'api/write': 'writes',
  'api/webhooks': 'the webhooks that other systems call',
}

/** What a credential opens. */
export type Access = { kind: 'person'; roles: UserRole[] } | { kind: 'program'; scopes: Scope[] } | { kind: 'operator' }

/** Who asks, once the credential was checked. */
export type Principal = {
  /** Undefined: an operator, who belongs to the installation and to no tenant. */
  tenantId: string | undefined
  /** What `inTenant(..., { initiator })` takes. */
  initiator: Initiator
  access: Access
  /** Set where a browser's cookie was the credential: a request that changes something needs its CSRF token too. */
  sessionId?: string | undefined
}
