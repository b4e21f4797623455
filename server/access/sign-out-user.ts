import { record } from '../audit/record.ts'
import { requireActiveUser } from '../people/lifecycle/require-active.ts'
import type { TenantTransaction } from '../platform/database/transaction.ts'
import { signOutEverywhere } from './sessions.ts'

/**
 * Signs an active user out in every browser, as an act of its own. Answers how many sessions ended.
 *
 * Throws `input.invalid`, `user.not_found`, `user.wrong_state`.
 */
export async function signOutUser(tx: TenantTransaction, userId: string): Promise<{ ended: number }> {
  await requireActiveUser(tx, { userId, act: 'signed out' })
  const ended = await signOutEverywhere(tx, [userId])
  if (ended > 0) await record(tx, { activity: 'UserSignedOut', object: userId, details: { sessions: ended } })
  return { ended }
}
