import { sessionsTaughtBy } from '../../learning/courses/unstaffed.ts'
import { findSuccessor } from '../../people/lifecycle/successor.ts'
import { type PreparedAction, prepareActions } from '../../personal-data/actions.ts'
import { type AffectedRows, countAffectedRows } from '../../personal-data/affected-rows.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { stateSets } from '../states.ts'
import type { Batch } from './claim-batch.ts'
import { findIdentifiersHeldByOthers } from './identifiers-held-by-others.ts'
import type { BatchSubjects } from './lock-and-check.ts'
import { suppressUnhandled } from './suppress-unhandled.ts'

/** What there is to do about the people of a batch. */
export type Counted = {
  affected: AffectedRows[]
  /** The actions of the map that have rows to act on. */
  actions: PreparedAction[]
  /** Sessions that one of the people teaches. */
  taughtSessions: string[]
  /** How many users who stay lose their manager; those that the request erases too do not stay. */
  managed: number
  /** Values of identifiers that other users hold too, and that so stay where they are. May still be under way. */
  heldByOthers: Promise<Set<string>>
}

/**
 * The second phase: counts the rows about the people under lock, by the statement that made the preview, and prepares
 * the actions for which there are rows. `known`: the identifiers held by others, if they are known already.
 */
export async function countRows(
  tx: TenantTransaction,
  batch: Batch,
  subjects: BatchSubjects,
  known?: Promise<Set<string>>,
): Promise<Counted> {
  const { request, operation, prefetched, requestedBy, requestedByCredential } = batch
  const { ids, identifiers } = subjects
  const heldByOthers =
    known ??
    suppressUnhandled(
      findIdentifiersHeldByOthers(tx, { request, identifiers: [...identifiers.values()].flat(), people: ids }),
    )
  // Rows of people who stay are counted too, so the count depends on which people go.
  const isComplete = ids.length === batch.subjects.length
  const affected = await (isComplete ? prefetched.affected : countAffectedRows(tx, operation, ids))
  const manages = affected.some(({ effect }) => effect === 'cleared manager_id')
  const teaches = affected.some(({ table }) => table === 'session_instructors')
  return {
    affected,
    managed: manages ? await countManaged(tx, request, ids) : 0,
    taughtSessions: teaches ? await sessionsTaughtBy(tx, ids) : [],
    actions: await prepareActions({
      operation,
      people: ids,
      affected,
      findSuccessor: async () =>
        (await findSuccessor(tx, { userId: requestedBy, credentialId: requestedByCredential }, ids))?.id,
    }),
    heldByOthers,
  }
}

async function countManaged(tx: TenantTransaction, request: string, ids: string[]): Promise<number> {
  const { rows } = await tx.query<{ managed: number }>(
    `select count(*) as managed from users u
     where u.tenant_id = $1 and u.manager_id = any ($2::uuid[]) and not exists (
       select from erasure_subjects s
       where s.tenant_id = $1 and s.request_id = $3 and s.user_id = u.id and s.state not in ${stateSets.dropped}
     )`,
    [tx.tenantId, ids, request],
  )
  return rows[0]?.managed ?? 0
}
