import type { TenantTransaction } from '../../platform/database/transaction.ts'

/** Which of these people the request erases or has erased, in this batch or in another. */
export async function findSubjects(tx: TenantTransaction, request: string, people: string[]): Promise<Set<string>> {
  const { rows } = await tx.query<{ user_id: string }>(
    `select user_id from erasure_subjects
     where tenant_id = $1 and request_id = $2 and user_id = any($3) and state in ('queued', 'running', 'done')`,
    [tx.tenantId, request, people],
    'find_subjects',
  )
  return new Set(rows.map(({ user_id }) => user_id))
}
