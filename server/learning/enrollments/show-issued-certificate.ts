import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { requireUuid } from '../../platform/validation/require-uuid.ts'
import { learningError } from '../errors.ts'

export type IssuedCertificate = {
  id: string
  user_id: string
  /** Exactly one of the two is set. */
  course_id: string | null
  training_plan_id: string | null
  number: string | null
  issued_at: Date
  expires_at: Date | null
  /** Null: no user did, or the user was purged. */
  issued_by: string | null
  /** The API key, OAuth client or operator that issued it, where no user did. */
  issued_by_credential: string | null
}

/** A certificate that was issued to a learner. Throws `input.invalid`, `issued_certificate.not_found`. */
export async function showIssuedCertificate(tx: TenantTransaction, certificateId: string): Promise<IssuedCertificate> {
  const id = requireUuid('certificateId', certificateId)
  const { rows } = await tx.query<IssuedCertificate>(
    `select id, user_id, course_id, training_plan_id, number, issued_at, expires_at, issued_by, issued_by_credential
     from issued_certificates where tenant_id = $1 and id = $2`,
    [tx.tenantId, id],
  )
  const [issued] = rows
  if (issued === undefined) throw learningError('issued_certificate.not_found', { id })
  return issued
}
