import { forgetAttemptsOf } from '../../access/sign-in-attempts.ts'
import { recordErased } from '../../audit/record-erased.ts'
import { destroyContactKeys } from '../../audit/subject-keys.ts'
import { sessionsWithoutInstructor } from '../../learning/courses/unstaffed.ts'
import { notify } from '../../notify/notify.ts'
import { activeAdministrators } from '../../people/accounts/administrators.ts'
import { performActions } from '../../personal-data/actions.ts'
import type { Effect } from '../../personal-data/affected-rows.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { alsoErasedFinder } from './also-erased.ts'
import type { Batch } from './claim-batch.ts'
import type { Counted } from './count-rows.ts'
import type { BatchSubjects } from './lock-and-check.ts'

/**
 * The third phase: deletes, reassigns and clears the rows about the people, and what is kept under hashes of their
 * identifiers. Returns the lines of the receipt. The actions are sent before it waits for an answer, so what the caller
 * sends next comes after them.
 */
export async function act(
  tx: TenantTransaction,
  batch: Batch,
  { ids, identifiers }: BatchSubjects,
  { actions, taughtSessions, managed, heldByOthers }: Counted,
): Promise<Effect[]> {
  const { operation, request, about } = batch
  const [effects, held] = await Promise.all([
    performActions(tx, actions, alsoErasedFinder(tx, batch, ids)),
    heldByOthers,
    // A contact is no user of the trail: the request says all there is to say.
    about === 'users' ? recordErased(tx, { operation, request, people: ids }) : undefined,
  ])
  if (taughtSessions.length > 0) {
    await notifyOfUnstaffedSessions(tx, request, await sessionsWithoutInstructor(tx, taughtSessions))
  }
  if (managed > 0) await notifyOfLostManagers(tx, request, managed)
  const own = [...identifiers.values()].flat().filter(({ value }) => !held.has(value))
  await destroyContactKeys(tx, own)
  forgetAttemptsOf(tx, own)
  return effects
}

/** Tells the administrators which sessions now need an instructor. The message holds no personal data. */
async function notifyOfUnstaffedSessions(tx: TenantTransaction, request: string, sessions: string[]): Promise<void> {
  if (sessions.length === 0) return
  await notify(tx, await activeAdministrators(tx), {
    kind: 'sessions_need_instructor',
    subject: 'Sessions need an instructor',
    body: `${sessions.length} sessions have no instructor any more since request ${request}.`,
    data: { request, sessions: sessions.slice(0, 100) },
  })
}

/** Tells the administrators how many users lost their manager. The message holds no personal data. */
async function notifyOfLostManagers(tx: TenantTransaction, request: string, managed: number): Promise<void> {
  await notify(tx, await activeAdministrators(tx), {
    kind: 'people_need_manager',
    subject: 'People need a manager',
    body: `${managed} people have no manager any more since request ${request}. "lethe user list --without-manager" lists who has none.`,
    data: { request, people: managed },
  })
}
