import type { TenantTransaction } from '../../platform/database/transaction.ts'

/** A completed course or training plan. */
export type Completion = {
  id: string
  user_id: string
  /** The course or the training plan. */
  content_id: string
  kind: 'course' | 'training_plan'
  completed_at: Date
}

export type CompletionFilter = {
  userId?: string | undefined
  contentId?: string | undefined
  /** Both count as inside. */
  from?: Date | undefined
  until?: Date | undefined
}

/**
 * A page of what users completed, anonymized and deleted ones too, in the order of the enrollments. Pages are counted from
 * 1. For callers whose protocol knows no cursor: a page costs more the further back it is.
 */
export async function pageCompletions(
  tx: TenantTransaction,
  { userId, contentId, from, until }: CompletionFilter,
  { page, perPage }: { page: number; perPage: number },
): Promise<Completion[]> {
  const { rows } = await tx.query<Completion>(
    `select id, user_id, coalesce(course_id, training_plan_id) as content_id,
       case when course_id is null then 'training_plan' else 'course' end as kind, completed_at
     from enrollments
     where tenant_id = $1 and state = 'completed' and completed_at is not null
       and ($2::uuid is null or user_id = $2)
       and ($3::uuid is null or course_id = $3 or training_plan_id = $3)
       and ($4::timestamptz is null or completed_at >= $4)
       and ($5::timestamptz is null or completed_at <= $5)
     order by id
     limit $6 offset $7`,
    [tx.tenantId, userId ?? null, contentId ?? null, from ?? null, until ?? null, perPage, (page - 1) * perPage],
  )
  return rows
}
