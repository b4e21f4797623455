import { v7 as newId } from 'uuid'
import { inInstallation } from '../../audit/installation-trail.ts'
import { record } from '../../audit/record.ts'
import { identifierKey } from '../../identifiers/identifier-key.ts'
import { identityHash } from '../../identity/identity-hash.ts'
import { takeToken, verifyProviderToken } from '../../identity/verify-provider-token.ts'
import type { Database } from '../../platform/database/pool.ts'
import { enqueue } from '../../platform/jobs/enqueue.ts'
import { sealPeople } from './reach-people.ts'

/**
 * Takes the signed request of an identity provider to erase a person, given by `sub` and, if it is verified, `email`.
 * Workers look for the person in all tenants, as reach-table.ts says: they purge in trials, and tell the administrators
 * of enterprises, who decide. The caller learns nothing about that: the answer and its time are the same whether any
 * tenant knows the person or not, because nothing is looked for here. The token is taken once.
 *
 * Throws `identity_provider.token_invalid`.
 */
export async function requestErasureByProvider(database: Database, token: string): Promise<void> {
  const request = await verifyProviderToken(database, token, 'erasure')
  const { providerId, issuer, subject, email } = request
  const { masterKey } = database
  const person = {
    addresses: email === undefined ? [] : [identifierKey('email', email)],
    identities: [identifierKey('external_identity_id', subject)],
  }
  const confirmed = [
    identityHash(masterKey, { kind: 'external_identity_id', value: subject, issuer }),
    ...(email === undefined ? [] : [identityHash(masterKey, { kind: 'email', value: email })]),
  ]
  await inInstallation(
    database,
    async (tx) => {
      await takeToken(tx, request)
      const id = newId()
      await tx.query(
        `insert into erasure_reaches (tenant_id, id, provider_id, sealed_people, confirmed_hashes)
         values ($1, $2, $3, $4, $5)`,
        [tx.tenantId, id, providerId, sealPeople(masterKey, [person]), confirmed],
      )
      await record(tx, { activity: 'IdentityProviderAsked', object: providerId })
      enqueue(tx, 'reach', { tenant: tx.tenantId, reach: id })
    },
    { initiator: { from: 'identity_provider' } },
  )
}
