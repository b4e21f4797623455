import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { refPrefix } from './generated-identity.ts'
import type { OuladRun } from './oulad-run.ts'

/**
 * Locks the users of the learners that a temporary table names against an erasure until the transaction ends. The next
 * statement sees all earlier erasures, and no user is erased between it and the rows about the user.
 */
export async function lockLearners(run: OuladRun, tx: TenantTransaction, stagedAs: string): Promise<void> {
  // "offset 0" holds the planner, which may know the table as empty, to looking each learner up in the index.
  await tx.query(
    `select from users
     where tenant_id = $1 and id in (
       select u.id
       from (select distinct id_student from ${stagedAs}) s
       cross join lateral (select id from users where tenant_id = $1 and ref = $2 || s.id_student offset 0) u
     )
     order by id for key share`,
    [tx.tenantId, refPrefix(run.source)],
  )
}
