import { v7 as newId } from 'uuid'
import { record } from '../../audit/record.ts'
import type { Identifier } from '../../identifiers/identifier-key.ts'
import { identifierHashKey } from '../../keyring/identifier-hash-key.ts'
import { actingUser } from '../../people/accounts/require-people.ts'
import { newKey } from '../../platform/crypto/seal.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { actorColumns } from '../../platform/initiator.ts'
import { insertRequest } from '../requests/insert-request.ts'
import type { RequestedErasure } from '../requests/request-erasure.ts'
import { beginWaiting } from '../safeguards/begin-waiting.ts'
import { requesterOf } from '../safeguards/requesters.ts'
import { sealIdentifiers } from '../sealed-identifiers.ts'
import { requireContact } from './require-contact.ts'

/**
 * Requests the purge of a contact: an address of a person who is no user of this tenant. The workers take the address out
 * of every field that holds it, destroy what the audit trail says about the contact, verify, certify and search, as for
 * a user. The contact gets an id for the request, because it has none. No user is deleted. Returns the request's id, and
 * whether it waits for an approval or a cooling-off period first.
 *
 * Throws what {@link requireContact} throws, `user.acting_erased` and `master_key.wrong`; then nothing was requested.
 */
export async function requestContactErasure(
  tx: TenantTransaction,
  given: { address: string; reason?: string | undefined; fromOutside?: boolean },
): Promise<RequestedErasure> {
  const identifiers = await requireContact(tx, given.address)
  return await requestErasureOfContacts(tx, [identifiers], given)
}

/** The same for contacts that were checked before, each given by the identifiers of its address. */
export async function requestErasureOfContacts(
  tx: TenantTransaction,
  contacts: Identifier[][],
  { reason, fromOutside = false }: { reason?: string | undefined; fromOutside?: boolean },
): Promise<RequestedErasure> {
  // The first batch of the tenant's first purge would make it otherwise, and let all other batches wait for it.
  await identifierHashKey(tx)
  await actingUser(tx)
  const key = newKey()
  const request = insertRequest(tx, {
    operation: 'purge',
    reason,
    about: 'contacts',
    fromOutside,
    key,
    subjects: contacts.map((identifiers) => ({
      id: newId(),
      sealedIdentifiers: sealIdentifiers(key, identifiers),
    })),
  })
  await record(tx, { activity: 'ContactErasureOrdered', object: request, details: { contacts: contacts.length } })
  const requesting = requesterOf(tx, actorColumns(tx.initiator))
  return { request, ...(await beginWaiting(tx, { request, people: contacts.length, requesting })) }
}
