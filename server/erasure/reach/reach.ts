import { identityHash } from '../../identity/identity-hash.ts'
import type { TenantKind } from '../../tenancy/tenants.ts'
import type { ReachPerson } from './reach-people.ts'
import type { ReachOrigin } from './reach-table.ts'

/** An erasure whose people are looked for in other tenants. */
export type Reach = {
  id: string
  /** The tenant that erased them; the id of the system trail for an identity provider. */
  tenant: string
  request: string | null
  provider: string | null
  subject: 'user' | 'contact'
  startedBy: ReachOrigin
  kind: TenantKind
  people: ReachPerson[]
  /** Hashes of confirmed identities, in hexadecimal. */
  confirmed: Set<string>
}

/** Whether the address itself was confirmed by the person who is erased. */
export function isConfirmedAddress(masterKey: Buffer, reach: Reach, address: string): boolean {
  return reach.confirmed.has(identityHash(masterKey, { kind: 'email', value: address }).toString('hex'))
}
