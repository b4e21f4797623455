import { record } from '../audit/record.ts'
import { listReferences, type RegisteredReference, storeReferences } from '../events/references.ts'
import { lockUsers } from '../people/lifecycle/lock-users.ts'
import { requireNoPendingErasure } from '../people/lifecycle/pending-erasure.ts'
import type { TenantTransaction } from '../platform/database/transaction.ts'
import { inputError } from '../platform/validation/errors.ts'
import type { Paging } from '../platform/validation/page.ts'
import { requireLine } from '../platform/validation/require-text.ts'
import { requireUuid } from '../platform/validation/require-uuid.ts'
import { showEndpoint } from './endpoints.ts'

/** The most references that one call registers. */
export const mostReferences = 1000

/** What the receiver knows a user by; null removes it. */
export type GivenReference = { userId: string; reference: string | null }

/**
 * Registers what the receiver of an endpoint knows users by: up to {@link mostReferences}, all or none, each in place of the
 * one before. Events about the erasure of such a user carry it instead of the `ref`. It goes with the user.
 *
 * Throws `input.invalid`, `webhook.not_found`, `user.not_found`, `user.erasure_pending`.
 */
export async function registerReferences(
  tx: TenantTransaction,
  endpointId: string,
  given: readonly GivenReference[],
): Promise<void> {
  if (given.length === 0 || given.length > mostReferences) {
    throw inputError('input.invalid', {
      field: 'references',
      expected: `1 to ${mostReferences} references are expected`,
    })
  }
  const byUser = new Map(
    given.map(({ userId, reference }) => [
      requireUuid('userId', userId),
      reference === null ? null : requireLine('reference', reference),
    ]),
  )
  if (byUser.size < given.length) {
    throw inputError('input.invalid', { field: 'references', expected: 'each user once is expected' })
  }
  const { id } = await showEndpoint(tx, endpointId)
  await lockUsers(tx, [...byUser.keys()])
  await requireNoPendingErasure(tx, [...byUser.keys()])
  const references = [...byUser].map(([userId, reference]) => ({ userId, reference }))
  await storeReferences(tx, id, references)
  const removed = references.filter(({ reference }) => reference === null).length
  await record(tx, {
    activity: 'WebhookReferencesRegistered',
    object: id,
    details: { registered: references.length - removed, removed },
  })
}

/** A page of what the receiver knows users by. Throws `input.invalid`, `webhook.not_found`. */
export async function referencesOf(
  tx: TenantTransaction,
  endpointId: string,
  options: Paging = {},
): Promise<{ references: RegisteredReference[]; next: string | undefined }> {
  const { id } = await showEndpoint(tx, endpointId)
  return await listReferences(tx, id, options)
}
