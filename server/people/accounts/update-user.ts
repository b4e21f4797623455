import { record } from '../../audit/record.ts'
import { identifierKey } from '../../identifiers/identifier-key.ts'
import { gainedRoles, requireMayGrant } from '../../permissions/grants.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { formerValues, keepFormer } from '../identifiers/former-identifiers.ts'
import { lockForChange } from '../lifecycle/lock-users.ts'
import { findUser } from './find-users.ts'
import { requireManager } from './manager.ts'
import { setProducts } from './product-accounts.ts'
import { changedColumns } from './recorded-changes.ts'
import { refuseTaken, takenError } from './unique-fields.ts'
import { type User, userColumns } from './user.ts'
import { checkUserFields, defaultDisplayName, type UserFields } from './user-fields.ts'

/**
 * Changes the given fields of an active or suspended user; null clears a field. A new e-mail address is unverified
 * unless the same change says otherwise; a display name made of the names follows them. An identifier that another one
 * takes the place of stays the user's, as a former one.
 *
 * Throws `input.unknown_field`, `input.invalid`, `user.not_found`, `user.taken`, `user.taken_by_deleted`,
 * `user.wrong_state`, `user.erasure_pending`, `user.last_administrator` for roles without the administrator's, and
 * `access.beyond_own` for new roles that may do more than who acts.
 */
export async function updateUser(tx: TenantTransaction, userId: string, changes: UserFields): Promise<User> {
  const { products, custom_fields, ...columns } = checkUserFields(changes)
  await lockForChange(tx, {
    userIds: [userId],
    act: 'updated',
    from: ['active', 'suspended'],
    endsAdministrators: columns.roles !== undefined && !columns.roles.includes('administrator'),
  })
  const before = await findUser(tx, { by: 'id', value: userId })
  if (columns.roles !== undefined) await requireMayGrant(tx, { roles: gainedRoles(before.roles, columns.roles) })
  await requireManager(tx, columns.manager_id, before.id)
  await refuseTaken(tx, columns, before.id)
  const user = await tx.db
    .updateTable('users')
    .set(({ fn }) => ({
      ...followingNames(before, columns),
      ...followingEmail(before, columns),
      ...columns,
      ...(custom_fields !== undefined && { custom_fields: JSON.stringify(custom_fields) }),
      updated_at: fn<Date>('now', []),
    }))
    .where('tenant_id', '=', tx.tenantId)
    .where('id', '=', before.id)
    .returning(userColumns)
    .executeTakeFirstOrThrow()
    .catch((error: unknown) => Promise.reject(takenError(error)))
  await keepFormer(tx, formerValues(before.id, before, user, new Date()))
  if (products !== undefined) await setProducts(tx, before.id, products)
  await record(tx, {
    activity: 'UserUpdated',
    object: before.id,
    ...changedColumns(before, user as User, products === undefined ? [] : ['products']),
  })
  return user as User
}

function keyOf(email: string | null): string | undefined {
  return email === null ? undefined : identifierKey('email', email)
}

function followingNames(before: User, columns: UserFields): { display_name?: string | null } {
  if (before.display_name !== defaultDisplayName(before)) return {}
  return { display_name: defaultDisplayName({ ...before, ...columns }) }
}

function followingEmail(before: User, columns: UserFields): { email_verified?: boolean } {
  if (columns.email === undefined || keyOf(columns.email) === keyOf(before.email)) return {}
  return { email_verified: false }
}
