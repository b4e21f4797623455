import { record } from '../../audit/record.ts'
import { requireMayGrant } from '../../permissions/grants.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { requirePast } from '../../platform/validation/require-time.ts'
import { peopleError } from '../errors.ts'
import { identifiersOf } from '../identifiers/candidate-identifiers.ts'
import { findFormerHolders } from '../identifiers/former-identifiers.ts'
import { requireManager } from './manager.ts'
import { setProducts } from './product-accounts.ts'
import { createdColumns } from './recorded-changes.ts'
import { refuseTaken } from './unique-fields.ts'
import { type User, userColumns } from './user.ts'
import { checkUserFields, defaultDisplayName, type UserFields } from './user-fields.ts'

/**
 * Creates an active user, a learner with an account in Learn where the fields do not say otherwise. `at` is when it
 * happened, where that is recorded afterwards.
 *
 * A former identifier of a user may mean that user, or another person with a reused address. `anotherPerson` says that
 * it is somebody else.
 *
 * Throws `input.unknown_field`, `input.invalid`, `user.taken`, `user.taken_by_deleted` and, unless `anotherPerson` says
 * so, `user.known_before`; `access.beyond_own` for roles that may do more than who acts.
 */
export async function createUser(
  tx: TenantTransaction,
  fields: UserFields,
  options: { at?: Date | undefined; anotherPerson?: boolean | undefined } = {},
): Promise<User> {
  const { products = ['learn'], custom_fields, ...columns } = checkUserFields(fields)
  const at = requirePast('at', options.at)
  if (columns.roles !== undefined) await requireMayGrant(tx, { roles: columns.roles })
  await Promise.all([
    requireManager(tx, columns.manager_id),
    options.anotherPerson === true ? undefined : refuseKnownBefore(tx, columns),
  ])
  const user = await tx.db
    .insertInto('users')
    .values({
      ...columns,
      tenant_id: tx.tenantId,
      display_name: columns.display_name ?? defaultDisplayName(columns),
      custom_fields: JSON.stringify(custom_fields ?? {}),
      ...(at !== undefined && { created_at: at, updated_at: at }),
    })
    // Waits for a transaction that inserts the same ids, and then finds them taken.
    .onConflict((conflict) => conflict.doNothing())
    .returning(userColumns)
    .executeTakeFirst()
  if (user === undefined) {
    await refuseTaken(tx, columns)
    // Whoever had the id is gone again since: an erasure was faster. The next attempt succeeds.
    throw peopleError('user.taken', { field: columns.ref == null ? 'directory_object_id' : 'ref' })
  }
  await setProducts(tx, user.id, products)
  await record(tx, { activity: 'UserCreated', object: user.id, ...createdColumns(user as User) })
  return user as User
}

async function refuseKnownBefore(tx: TenantTransaction, fields: UserFields): Promise<void> {
  const found = await findFormerHolders(tx, [fields], identifiersOf, {
    directoryIdOf: ({ directory_object_id }) => directory_object_id,
  })
  const ids = found.get(fields)?.map(({ id }) => id)
  if (ids !== undefined) throw peopleError('user.known_before', { ids })
}
