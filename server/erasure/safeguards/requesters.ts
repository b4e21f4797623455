import { ownerOfCredential } from '../../access/credential-owner.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'

/**
 * The person who counts as the one who made a request: the user, or the user who created the API key or OAuth client.
 * Undefined where no person is known: on the command line without `--as`, and for an operator.
 */
export async function requesterOf(
  tx: TenantTransaction,
  { userId, credentialId }: { userId: string | null; credentialId: string | null },
): Promise<string | undefined> {
  if (userId !== null) return userId
  return credentialId === null ? undefined : await ownerOfCredential(tx, credentialId)
}
