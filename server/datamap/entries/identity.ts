import { actor, code, fact, key, type RoomMap, reference, sealed, subject } from '../vocabulary.ts'

type IdentityTable = 'confirmed_identities' | 'confirmation_links' | 'identity_providers' | 'identity_provider_tokens'

const providers = 'It is about an identity provider: a machine, its addresses and its public keys.'

export const identityMap: RoomMap<IdentityTable> = {
  confirmed_identities: {
    holds: 'Which identifiers of a person were confirmed as the own, as keyed hashes.',
    about: 'person',
    scope: 'person',
    onDelete: 'keep',
    anonymize: 'delete',
    columns: {
      tenant_id: key,
      user_id: subject,
      kind: code,
      hash: sealed,
      method: code,
      provider_id: reference,
      confirmed_at: fact,
    },
  },
  confirmation_links: {
    holds: 'Links by which a person confirms the own address, as hashes, until a day after they expire.',
    about: 'other',
    columns: {
      tenant_id: key,
      id: key,
      // A link says no more than that this person was asked.
      user_id: actor('remove'),
      address_hash: sealed,
      base_url: code,
      token_hash: sealed,
      created_at: fact,
      expires_at: fact,
      sent_at: fact,
      used_at: fact,
    },
  },
  identity_providers: {
    holds: 'The identity providers of the installation, with the public keys of their signatures.',
    about: 'nobody',
    because: providers,
    columns: {
      id: key,
      issuer: code,
      audience: code,
      keys: fact,
      algorithms: code,
      created_at: fact,
      changed_at: fact,
    },
  },
  identity_provider_tokens: {
    holds: 'Which tokens of identity providers were taken, as hashes, until the tokens expire.',
    about: 'nobody',
    because: 'It holds hashes of random ids.',
    columns: { provider_id: key, token_hash: sealed, expires_at: fact },
  },
}
