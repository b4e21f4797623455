import { type Effect, sumEffects } from '../../personal-data/affected-rows.ts'
import { findMentions, mentionEffects } from '../../personal-data/find-mentions.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { countElsewhere, type ErasurePreview, findBlocking } from '../requests/preview-erasure.ts'
import { requireContact } from './require-contact.ts'

/** What the purge of a contact would do. `effects`: exactly what its receipt will say. */
export type ContactPreview = { effects: Effect[]; blockedBy: ErasurePreview['blockedBy'] }

/**
 * Counts, without changing anything, where the address of a contact stands in this tenant. The data map knows the places:
 * lists of addresses, texts, JSON, messages, values in the audit trail, kept exports. Throws what {@link requireContact}
 * throws.
 */
export async function previewContact(tx: TenantTransaction, address: string): Promise<ContactPreview> {
  const identifiers = await requireContact(tx, address)
  const effects = [
    ...mentionEffects(await findMentions(tx, 'purge', identifiers, [])),
    ...(await countElsewhere(tx, identifiers, [])),
  ]
  return { effects: sumEffects(effects), blockedBy: await findBlocking(tx, identifiers, []) }
}
