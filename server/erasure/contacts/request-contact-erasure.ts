import { v7 as newId } from 'uuid'
import { record } from '../../audit/record.ts'
import type { Identifier } from '../../identifiers/identifier-key.ts'
import { identifierHashKey } from '../../keyring/identifier-hash-key.ts'
import { actingUser } from '../../people/accounts/require-people.ts'
import { newKey } from '../../platform/crypto/seal.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { actorColumns } from '../../platform/initiator.ts'
import { requireContactPlan } from '../plans/contact-plan.ts'
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
 * `plan`: of a preview of this contact. If the address stands in other rows by then, nothing is changed, and the request
 * ends as `plan_changed`.
 *
 * Throws what {@link requireContact} and `requireContactPlan` throw, `user.acting_erased` and `master_key.wrong`; then
 * nothing was requested.
 */
export async function requestContactErasure(
  tx: TenantTransaction,
  given: { address: string; reason?: string | undefined; fromOutside?: boolean; plan?: string | undefined },
): Promise<RequestedErasure> {
  const identifiers = await requireContact(tx, given.address)
  const planned = given.plan === undefined ? undefined : await requireContactPlan(tx, given.plan, identifiers)
  return await requestPurge(tx, [{ id: planned?.contact ?? newId(), identifiers }], { ...given, plan: planned?.plan })
}

/** The same for contacts that were checked before, each given by the identifiers of its address. */
export async function requestErasureOfContacts(
  tx: TenantTransaction,
  contacts: Identifier[][],
  given: { reason?: string | undefined; fromOutside?: boolean },
): Promise<RequestedErasure> {
  return await requestPurge(
    tx,
    contacts.map((identifiers) => ({ id: newId(), identifiers })),
    given,
  )
}

async function requestPurge(
  tx: TenantTransaction,
  contacts: { id: string; identifiers: Identifier[] }[],
  {
    reason,
    fromOutside = false,
    plan,
  }: { reason?: string | undefined; fromOutside?: boolean; plan?: string | undefined },
): Promise<RequestedErasure> {
  // The first batch of the tenant's first purge would make it otherwise, and let all other batches wait for it.
  await identifierHashKey(tx)
  await actingUser(tx)
  const key = newKey()
  const { request, first } = insertRequest(tx, {
    operation: 'purge',
    reason,
    about: 'contacts',
    fromOutside,
    key,
    plan,
    subjects: contacts.map(({ id, identifiers }) => ({ id, sealedIdentifiers: sealIdentifiers(key, identifiers) })),
  })
  await record(tx, { activity: 'ContactErasureOrdered', object: request, details: { contacts: contacts.length } })
  const requesting = requesterOf(tx, actorColumns(tx.initiator))
  return { request, ...(await beginWaiting(tx, { request, first, people: contacts.length, requesting })) }
}
