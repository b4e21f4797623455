import { recordEach } from '../../audit/record-each.ts'
import { requirePeople } from '../../people/accounts/require-people.ts'
import { lockForChange } from '../../people/lifecycle/lock-users.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { actorColumns } from '../../platform/initiator.ts'
import { requireAmount } from '../../platform/validation/require-number.ts'
import { requireText } from '../../platform/validation/require-text.ts'
import { requireDay } from '../../platform/validation/require-time.ts'
import { requirePresent } from '../require-existing.ts'

export type AttemptRecord = {
  userId: string
  assessmentId: string
  /** YYYY-MM-DD (UTC). Default: today. */
  submittedOn?: string
  /** Without one, the attempt is not graded yet. */
  score?: number
  gradedBy?: string
  feedback?: string
}

/**
 * Records attempts of active users at assessments, any number at once. Attempts of one user at one assessment are
 * numbered from 1, in the order of the list, behind those that are there. Returns how many there are.
 *
 * Throws `input.invalid`, `assessment.not_found`, `user.not_found`, `user.wrong_state`; then nothing was recorded.
 */
export async function recordAttempts(
  tx: TenantTransaction,
  records: readonly AttemptRecord[],
): Promise<{ recorded: number }> {
  const assessmentIds = records.map(({ assessmentId }) => assessmentId)
  const userIds = records.map(({ userId }) => userId)
  await requirePresent(tx, 'assessment', assessmentIds)
  // Locked, so that two transactions do not give one number twice.
  await lockForChange(tx, { userIds, act: 'assessed', from: ['active'] })
  await requirePeople(
    tx,
    'gradedBy',
    records.map(({ gradedBy }) => gradedBy),
  )
  const { rowCount } = await tx.query(
    `insert into assessment_attempts
       (tenant_id, user_id, assessment_id, attempt, submitted_on, score, graded_by, graded_by_credential, feedback)
     select $1, user_id, assessment_id,
       coalesce((
         select max(earlier.attempt) from assessment_attempts earlier
         where earlier.tenant_id = $1 and earlier.user_id = given.user_id and earlier.assessment_id = given.assessment_id
       ), 0) + row_number() over (partition by user_id, assessment_id order by position),
       coalesce(submitted_on, (now() at time zone 'utc')::date), score, graded_by,
       case when score is not null and graded_by is null then $8::uuid end, feedback
     from unnest($2::uuid[], $3::uuid[], $4::date[], $5::numeric[], $6::uuid[], $7::text[]) with ordinality
       as given (user_id, assessment_id, submitted_on, score, graded_by, feedback, position)`,
    [
      tx.tenantId,
      userIds,
      assessmentIds,
      records.map(({ submittedOn }) => submittedOn && requireDay('submittedOn', submittedOn)),
      records.map(({ score }) => (score === undefined ? undefined : requireAmount('score', score))),
      records.map(({ gradedBy }) => gradedBy),
      records.map(({ feedback }) => (feedback === undefined ? undefined : requireText('feedback', feedback))),
      // Who grades is named by the one who records; a score that no user is named for was given by the program itself.
      actorColumns(tx.initiator).credentialId,
    ],
  )
  await recordEach(tx, 'AttemptsRecorded', userIds)
  return { recorded: rowCount }
}
