import { ownerOfCredential } from '../../access/credential-owner.ts'
import type { Operation } from '../../datamap/plan.ts'
import { notify } from '../../notify/notify.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { readSummary, type SummaryRow, summaryOf } from './request-progress.ts'

const nouns: Record<Operation, { act: string; done: string }> = {
  purge: { act: 'purge', done: 'purged' },
  anonymize: { act: 'anonymization', done: 'anonymized' },
}

/**
 * Tells the user who makes an erasure request, in the product and by e-mail, that it is accepted, with its id and the
 * number of people. Sends its statements at once. A program has the answer to its request instead.
 */
export function notifyAccepted(
  tx: TenantTransaction,
  { request, operation, people }: { request: string; operation: Operation; people: number },
): void {
  const { userId } = tx.initiator
  if (userId === undefined) return
  notify(
    tx,
    [userId],
    {
      kind: 'erasure_accepted',
      subject: `Your ${nouns[operation].act} request is accepted`,
      body: `Erasure request ${request} is accepted: the ${nouns[operation].act} of ${counted(people)}. You get another message when it has ended.`,
      data: { request, people },
    },
    { byEmail: true },
  )
}

/**
 * Tells the requester, with counts, that an erasure request has ended. A user gets the message by e-mail too. If a key or
 * a client made the request, the user responsible for it gets the message in the product only, because programs make
 * many. The transaction has ended the request. The message holds no personal data.
 */
export async function notifyEnded(tx: TenantTransaction, request: string): Promise<void> {
  const row = await readSummary(tx, request)
  const told = row.requested_by ?? (await ownerOf(tx, row.requested_by_credential))
  if (told === undefined) return
  const { act } = nouns[row.operation]
  const clean = row.failed === 0
  notify(
    tx,
    [told],
    {
      kind: clean ? 'erasure_completed' : 'erasure_failed',
      subject: clean ? `Your ${act} request has ended` : `Your ${act} request has ended with failures`,
      body: `Erasure request ${request} has ended: ${outcomeOf(row)}. ${adviceFor(row)}`,
      data: { request, people: summaryOf(row).subjects },
    },
    { byEmail: row.requested_by !== null },
  )
}

async function ownerOf(tx: TenantTransaction, credentialId: string | null): Promise<string | undefined> {
  return credentialId === null ? undefined : await ownerOfCredential(tx, credentialId)
}

function outcomeOf({ operation, total, done, failed, cancelled, plan_changed }: SummaryRow): string {
  const parts = [
    `${done} of ${counted(total)} ${nouns[operation].done}`,
    ...(failed > 0 ? [`${failed} failed`] : []),
    ...(cancelled > 0 ? [`${cancelled} cancelled`] : []),
    ...(plan_changed > 0 ? [`${plan_changed} untouched because they changed since the preview`] : []),
  ]
  return parts.join(', ')
}

function adviceFor({ id, done, failed }: SummaryRow): string {
  if (failed > 0) {
    return `"lethe erasure show ${id}" shows the reasons, and "lethe erasure retry ${id}" tries these people again.`
  }
  return done > 0 ? 'The search found no residual data. The certificate is signed.' : 'Nothing was erased.'
}

function counted(people: number): string {
  return people === 1 ? '1 person' : `${people} people`
}
