import { record } from '../../audit/record.ts'
import { doneBy } from '../../people/accounts/require-people.ts'
import { requireActiveUser } from '../../people/lifecycle/require-active.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { requireLine } from '../../platform/validation/require-text.ts'
import { requirePast, requireTime } from '../../platform/validation/require-time.ts'
import { learningError } from '../errors.ts'
import { chooseEnrollment, type EnrollmentChoice } from './choose-enrollment.ts'

export type NewIssuedCertificate = EnrollmentChoice & {
  /** What is printed on it. */
  number?: string
  expiresAt?: Date
  /** The user who issues it. Default: who acts. */
  issuedBy?: string
  /** When it happened, where that is recorded afterwards. */
  at?: Date
}

/**
 * Issues a certificate to an active user who has completed the course or the training plan; after one has expired,
 * another may follow. Returns its id.
 *
 * Throws `input.invalid`, `enrollment.not_found`, `enrollment.not_completed`, `user.not_found`, `user.wrong_state`,
 * `user.acting_erased`.
 */
export async function issueCertificate(
  tx: TenantTransaction,
  certificate: NewIssuedCertificate,
): Promise<{ id: string }> {
  const { number, expiresAt } = certificate
  const at = requirePast('at', certificate.at)
  const { userId, place, column, value } = await chooseEnrollment(tx, certificate)
  await requireActiveUser(tx, { userId, act: 'issued a certificate' })
  const { rows } = await tx.query(
    `select from enrollments
     where tenant_id = $1 and user_id = $2 and ${column} = $3 and state = 'completed'`,
    [tx.tenantId, userId, value],
  )
  if (rows.length === 0) {
    throw learningError('enrollment.not_completed', { of: place.noun })
  }
  const by = await doneBy(tx, 'issuedBy', certificate.issuedBy)
  const issued = await tx.db
    .insertInto('issued_certificates')
    .values({
      tenant_id: tx.tenantId,
      user_id: userId,
      [place.column]: place.id,
      number: number === undefined ? null : requireLine('number', number),
      expires_at: expiresAt === undefined ? null : requireTime('expiresAt', expiresAt),
      issued_by: by.userId,
      issued_by_credential: by.credentialId,
      ...(at !== undefined && { issued_at: at }),
    })
    .returning('id')
    .executeTakeFirstOrThrow()
  await record(tx, {
    activity: 'CertificateIssued',
    object: issued.id,
    subject: userId,
    values: { [place.column === 'course_id' ? 'course' : 'training_plan']: place.id },
  })
  return issued
}
