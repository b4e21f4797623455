import { v7 as newId } from 'uuid'
import type { Identifier } from '../../identifiers/identifier-key.ts'
import { hashIdentifier, identifierHashKey } from '../../keyring/identifier-hash-key.ts'
import type { Mention } from '../../personal-data/find-mentions.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { erasureError } from '../errors.ts'
import { digestOfParts, partsByPerson, storedPart } from './plan-parts.ts'
import { requirePlan } from './require-plan.ts'
import { digestOfPlan, insertPlan } from './store-plan.ts'

/** A contact is not deleted first, and has so few identifiers that all mentions are looked up. */
const ofContact = { operation: 'purge', deleteFirst: false, coversMentions: true } as const

/**
 * Stores the plan of a contact's preview, and returns the digest by which a request names it, in hexadecimal, with its
 * end. `mentions`: every place where an identifier of the contact stands. The same preview has the same digest.
 *
 * A contact has no id, so the plan gets one for its row. The digest covers a keyed hash of the address instead, which is
 * not stored: {@link requireContactPlan} makes it again from the address that a request names.
 *
 * Throws `master_key.wrong`.
 */
export async function storeContactPlan(
  tx: TenantTransaction,
  { identifiers, mentions }: { identifiers: readonly Identifier[]; mentions: readonly Mention[] },
): Promise<{ plan: string; expiresAt: Date }> {
  const contact = newId()
  const found = partsByPerson([contact], [], { found: mentions, identifiers: new Map([[contact, identifiers]]) })
  const parts = found.get(contact) ?? []
  const digest = digestOfParts(parts)
  const plan = digestOfPlan(tx, ofContact, [{ name: await nameOf(tx, identifiers), digest }])
  const { id, expiresAt } = await insertPlan(tx, { ...ofContact, digest: plan, people: 1 })
  await tx.query(
    `insert into erasure_plan_subjects (tenant_id, plan_id, user_id, digest, parts)
     select $1, $2, $3, $4, $5 where not exists (
       select from erasure_plan_subjects where tenant_id = $1 and plan_id = $2
     )
     on conflict do nothing`,
    [tx.tenantId, id, contact, digest, JSON.stringify(parts.map(storedPart))],
    'insert_plan_contact',
  )
  return { plan, expiresAt }
}

/**
 * The plan of this digest, provided that a request for the purge of this contact may name it. Returns its id, and the id
 * that the contact has in it.
 *
 * Throws `plan.other_contact`, `master_key.wrong`, and what `requirePlan` throws.
 */
export async function requireContactPlan(
  tx: TenantTransaction,
  given: string,
  identifiers: readonly Identifier[],
): Promise<{ plan: string; contact: string }> {
  const { id, userIds } = await requirePlan(tx, given, ofContact)
  const [contact] = userIds
  // The erasure of the contact takes its row away.
  if (contact === undefined) throw erasureError('plan.not_found')
  const { rows } = await tx.query<{ digest: Buffer }>(
    'select digest from erasure_plan_subjects where tenant_id = $1 and plan_id = $2 and user_id = $3',
    [tx.tenantId, id, contact],
    'digest_of_contact',
  )
  const people = await Promise.all(rows.map(async ({ digest }) => ({ name: await nameOf(tx, identifiers), digest })))
  if (userIds.length > 1 || digestOfPlan(tx, ofContact, people) !== given) throw erasureError('plan.other_contact')
  return { plan: id, contact }
}

/** What the digest of a plan knows a contact by. */
async function nameOf(tx: TenantTransaction, identifiers: readonly Identifier[]): Promise<string> {
  const key = await identifierHashKey(tx)
  return `contact ${identifiers.map((one) => hashIdentifier(key, one).toString('hex')).join(' ')}`
}
