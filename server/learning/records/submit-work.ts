import { record } from '../../audit/record.ts'
import { requireActiveUser } from '../../people/lifecycle/require-active.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { requireLine, requireText } from '../../platform/validation/require-text.ts'
import { requirePast } from '../../platform/validation/require-time.ts'
import { requirePresent } from '../require-existing.ts'

export type NewSubmission = {
  userId: string
  assessmentId: string
  comment?: string
  files?: readonly SubmittedFile[]
  /** When it happened, where that is recorded afterwards. */
  at?: Date
}

export type SubmittedFile = { name: string; mediaType: string; content: Uint8Array }

/** Small enough that a reader can pass a file on without holding all of it, large enough that few rows make a file. */
const chunkBytes = 256 * 1024

/**
 * Hands in work of an active user for an assessment, with files, which are kept in chunks. Returns its id.
 *
 * Throws `input.invalid`, `assessment.not_found`, `user.not_found`, `user.wrong_state`.
 */
export async function submitWork(tx: TenantTransaction, submission: NewSubmission): Promise<{ id: string }> {
  const { userId, assessmentId, comment } = submission
  const at = requirePast('at', submission.at)
  await requirePresent(tx, 'assessment', [assessmentId])
  await requireActiveUser(tx, { userId, act: 'the author of a submission' })
  const { id } = await tx.db
    .insertInto('submissions')
    .values({
      tenant_id: tx.tenantId,
      user_id: userId,
      assessment_id: assessmentId,
      comment: comment === undefined ? null : requireText('comment', comment),
      ...(at !== undefined && { submitted_at: at }),
    })
    .returning('id')
    .executeTakeFirstOrThrow()
  for (const file of submission.files ?? []) await storeFile(tx, { submissionId: id, userId, file, at })
  await record(tx, {
    activity: 'WorkSubmitted',
    object: id,
    subject: userId,
    values: { assessment: assessmentId },
  })
  return { id }
}

async function storeFile(
  tx: TenantTransaction,
  options: { submissionId: string; userId: string; file: SubmittedFile; at: Date | undefined },
): Promise<void> {
  const { submissionId, userId, file, at } = options
  const { id } = await tx.db
    .insertInto('submission_files')
    .values({
      tenant_id: tx.tenantId,
      submission_id: submissionId,
      user_id: userId,
      name: requireLine('files.name', file.name),
      media_type: requireLine('files.mediaType', file.mediaType),
      size: file.content.byteLength,
      ...(at !== undefined && { created_at: at }),
    })
    .returning('id')
    .executeTakeFirstOrThrow()
  for (let position = 0; position * chunkBytes < file.content.byteLength; position++) {
    const content = file.content.subarray(position * chunkBytes, (position + 1) * chunkBytes)
    await tx.query(
      `insert into submission_file_chunks (tenant_id, file_id, position, user_id, content) values ($1, $2, $3, $4, $5)`,
      [tx.tenantId, id, position, userId, Buffer.from(content.buffer, content.byteOffset, content.byteLength)],
    )
  }
}
