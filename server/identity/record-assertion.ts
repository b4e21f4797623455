import { identifierKey } from '../identifiers/identifier-key.ts'
import { findUser } from '../people/accounts/find-users.ts'
import { updateUser } from '../people/accounts/update-user.ts'
import { peopleError } from '../people/errors.ts'
import { lockUsers } from '../people/lifecycle/lock-users.ts'
import type { Database } from '../platform/database/pool.ts'
import { inTenant, isUuid, type TenantTransaction } from '../platform/database/transaction.ts'
import { confirmIdentity } from './confirm-identity.ts'
import { identityError } from './errors.ts'
import { identityHash } from './identity-hash.ts'
import { type ProviderToken, takeToken, verifyProviderToken } from './verify-provider-token.ts'

/** What was confirmed of the account. */
export type RecordedAssertion = { confirmed: ('email' | 'external_identity_id')[] }

/**
 * Records the signed assertion of an identity provider: the account `user` of the tenant `tenant` belongs to the person
 * `sub`. If the token has a verified `email` and the account has that address, the address is confirmed too. An account
 * without an id at an identity provider gets `sub` as its id. The token is taken once.
 *
 * Throws `identity_provider.token_invalid`, and `identity.no_such_account` unless the account is active and has no other
 * id.
 */
export async function recordAssertion(database: Database, token: string): Promise<RecordedAssertion> {
  const assertion = await verifyProviderToken(database, token, 'identity')
  const { tenant, user } = assertion.claims
  if (typeof tenant !== 'string' || !isUuid(tenant) || typeof user !== 'string' || !isUuid(user)) {
    throw identityError('identity_provider.token_invalid')
  }
  try {
    return await inTenant(database, tenant.toLowerCase(), (tx) => confirm(tx, user.toLowerCase(), assertion), {
      initiator: { from: 'identity_provider' },
    })
  } catch (error) {
    const isAbout =
      peopleError.is(error, 'user.not_found') ||
      peopleError.is(error, 'user.wrong_state') ||
      peopleError.is(error, 'user.erasure_pending')
    throw isAbout ? identityError('identity.no_such_account', undefined, error) : error
  }
}

async function confirm(tx: TenantTransaction, userId: string, assertion: ProviderToken): Promise<RecordedAssertion> {
  await takeToken(tx, assertion)
  const { issuer, subject, email, providerId } = assertion
  await lockUsers(tx, [userId])
  const user = await findUser(tx, { by: 'id', value: userId })
  const keyOf = (value: string) => identifierKey('external_identity_id', value)
  if (user.external_identity_id !== null && keyOf(user.external_identity_id) !== keyOf(subject)) {
    throw identityError('identity.no_such_account')
  }
  if (user.state !== 'active') throw identityError('identity.no_such_account')
  if (user.external_identity_id === null) await updateUser(tx, userId, { external_identity_id: subject })
  const how = { userId, method: 'identity_provider', providerId } as const
  const hash = identityHash(tx.masterKey, { kind: 'external_identity_id', value: subject, issuer })
  await confirmIdentity(tx, { ...how, kind: 'external_identity_id', hash })
  const isAddress =
    email !== undefined && user.email !== null && identifierKey('email', email) === identifierKey('email', user.email)
  if (!isAddress) return { confirmed: ['external_identity_id'] }
  await confirmIdentity(tx, {
    ...how,
    kind: 'email',
    hash: identityHash(tx.masterKey, { kind: 'email', value: email }),
  })
  return { confirmed: ['email', 'external_identity_id'] }
}
