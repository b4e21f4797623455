import { type Effect, sumEffects } from '../../personal-data/affected-rows.ts'
import { findMentions, mentionEffects } from '../../personal-data/find-mentions.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { storeContactPlan } from '../plans/contact-plan.ts'
import { countElsewhere, type ErasurePreview, findBlocking } from '../requests/preview-erasure.ts'
import { requireContact } from './require-contact.ts'

/** What the purge of a contact would do. `effects`: exactly what its receipt will say. */
export type ContactPreview = { effects: Effect[] } & Pick<ErasurePreview, 'blockedBy' | 'plan' | 'planExpiresAt'>

/**
 * Counts where the address of a contact stands in this tenant, and makes the plan by which a request is bound to that.
 * Changes nothing else. The data map knows the places: lists of addresses, texts, JSON, messages, values in the audit trail,
 * kept exports. The plan covers the same as that of a user: see `previewErasure`.
 *
 * Throws `master_key.wrong`, and what {@link requireContact} throws.
 */
export async function previewContact(tx: TenantTransaction, address: string): Promise<ContactPreview> {
  const identifiers = await requireContact(tx, address)
  const mentions = await findMentions(tx, 'purge', identifiers, [])
  const effects = sumEffects([...mentionEffects(mentions), ...(await countElsewhere(tx, identifiers, []))])
  const blockedBy = await findBlocking(tx, identifiers, [])
  const { plan, expiresAt } = await storeContactPlan(tx, { identifiers, mentions })
  return { effects, blockedBy, plan, planExpiresAt: expiresAt }
}
