import { code, fact, key, type RoomMap, sealed } from '../vocabulary.ts'

export const keyringMap: RoomMap<'signing_keys' | 'tenant_keys'> = {
  signing_keys: {
    holds: 'The keys that sign certificates and access tokens.',
    about: 'nobody',
    because: 'Keys belong to the installation.',
    columns: {
      kid: code,
      purpose: code,
      public_jwk: code,
      sealed_private_key: sealed,
      created_at: fact,
      retired_at: fact,
    },
  },
  tenant_keys: {
    holds: 'The keys of a tenant, wrapped by the master key.',
    about: 'nobody',
    because: 'Keys belong to the tenant.',
    columns: { tenant_id: key, purpose: code, sealed_key: sealed, created_at: fact },
  },
}
