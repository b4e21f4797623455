import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { actorColumns } from '../../platform/initiator.ts'
import { inputError } from '../../platform/validation/errors.ts'
import { requireUuid } from '../../platform/validation/require-uuid.ts'
import { peopleError } from '../errors.ts'

/**
 * Makes sure that a row may refer to these people, and that none of them is erased before the transaction ends. An
 * erasure takes an exclusive lock on their rows. So it comes before, and this finds no user, or after the commit, and
 * the erasure finds the reference. A foreign key alone does not do: it keeps the row of an anonymized person, too.
 *
 * `field` is what names them in the caller's words. Undefined ids name nobody. A deleted person may still be referred to.
 *
 * Throws `input.invalid` with the field where an id is no UUID, or belongs to nobody or to an anonymized person.
 */
export async function requirePeople(
  tx: TenantTransaction,
  field: string,
  userIds: readonly (string | null | undefined)[],
): Promise<void> {
  const ids = [...new Set(userIds.flatMap((id) => (id == null ? [] : requireUuid(field, id))))]
  if (ids.length === 0) return
  // In the order of the ids, like every lock on users, so that transactions wait for each other in one order.
  const { rowCount } = await tx.query(
    `select from users where tenant_id = $1 and id = any ($2::uuid[]) and state <> 'anonymized' order by id for key share`,
    [tx.tenantId, ids],
    'require_people',
  )
  if (rowCount < ids.length) {
    throw inputError('input.invalid', { field, expected: 'the id of a user of this tenant is expected' })
  }
}

/**
 * The id of the user who acts, for a column that says who did something; null where no user is signed in. Like
 * {@link requirePeople}, it keeps an erasure of that user waiting until the transaction ends.
 *
 * Throws `user.acting_erased`.
 */
export async function actingUser(tx: TenantTransaction): Promise<string | null> {
  const { userId } = tx.initiator
  if (userId === undefined) return null
  const { rowCount } = await tx.query(
    `select from users where tenant_id = $1 and id = $2 and state <> 'anonymized' for key share`,
    [tx.tenantId, userId],
    'acting_user',
  )
  if (rowCount === 0) throw peopleError('user.acting_erased')
  return userId
}

/**
 * Who did something, for the columns `…_by` and `…_by_credential`: the person that the field names, else the user who
 * acts, else the credential. The person cannot be erased before the transaction ends.
 *
 * Throws what {@link requirePeople} and {@link actingUser} throw.
 */
export async function doneBy(
  tx: TenantTransaction,
  field = 'userId',
  named?: string | null,
): Promise<{ userId: string | null; credentialId: string | null }> {
  if (named == null) await actingUser(tx)
  else await requirePeople(tx, field, [named])
  return actorColumns(tx.initiator, named)
}
