import type { Identifier } from '../../identifiers/identifier-key.ts'
import { open, seal } from '../../platform/crypto/seal.ts'

/** A person that an erasure looks for in other tenants: addresses, and ids at identity providers, both as keys. */
export type ReachPerson = { addresses: string[]; identities: string[] }

const purpose = 'people of a reach'

/** What of a person's identifiers other tenants may know. A login name counts if it is an address. */
export function reachPersonOf(identifiers: readonly Identifier[]): ReachPerson {
  const values = (wanted: (identifier: Identifier) => boolean) => [
    ...new Set(identifiers.filter(wanted).map(({ value }) => value)),
  ]
  return {
    addresses: values(({ kind, value }) => kind === 'email' || (kind === 'login_name' && value.includes('@'))),
    identities: values(({ kind }) => kind === 'external_identity_id'),
  }
}

/** Encrypts people for the time until they were looked for. */
export function sealPeople(masterKey: Buffer, people: ReachPerson[]): Buffer {
  return seal(masterKey, Buffer.from(JSON.stringify(people)), purpose)
}

/** Opens what {@link sealPeople} made. */
export function openPeople(masterKey: Buffer, sealed: Buffer): ReachPerson[] {
  return JSON.parse(open(masterKey, sealed, purpose).toString('utf8')) as ReachPerson[]
}
