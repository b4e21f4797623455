import { notify } from '../../notify/notify.ts'
import { activeUsersWithRoles } from '../../people/accounts/administrators.ts'
import { permissions } from '../../permissions/permissions.ts'
import type { UserRole } from '../../permissions/roles.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'

/** Notifies all people who may approve a request, except its requester, in the product and by e-mail. */
export async function notifyApprovers(
  tx: TenantTransaction,
  { request, people, requester }: { request: string; people: number; requester: string | undefined },
): Promise<void> {
  const roles = [...permissions['erasures.approve'].roles] satisfies UserRole[]
  const approvers = (await activeUsersWithRoles(tx, roles)).filter((id) => id !== requester)
  await notify(
    tx,
    approvers,
    {
      kind: 'erasure_awaiting_approval',
      subject: 'An erasure request waits for an approval',
      body: `Erasure request ${request} of ${people} ${people === 1 ? 'person' : 'people'} waits for a second person. Approve it, or refuse it with a reason.`,
      data: { request },
    },
    { byEmail: true },
  )
}

/** Notifies the requester of the decision about a request, in the product and by e-mail. */
export async function notifyOfDecision(
  tx: TenantTransaction,
  given: { request: string; requester: string | undefined; decision: 'approved' | 'rejected'; reason?: string },
): Promise<void> {
  const { request, requester, decision, reason } = given
  if (requester === undefined) return
  const approved = decision === 'approved'
  await notify(
    tx,
    [requester],
    {
      kind: approved ? 'erasure_approved' : 'erasure_rejected',
      subject: approved ? 'An erasure request was approved' : 'An erasure request was refused',
      body: approved
        ? `Erasure request ${request} was approved.`
        : `Erasure request ${request} was refused. Reason: ${reason}. No person of it was erased.`,
      data: { request },
    },
    { byEmail: true },
  )
}
