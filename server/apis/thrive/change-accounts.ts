import { createUserAndNoteReturn } from '../../directory/create-user-and-note-return.ts'
import { findByRef } from '../../people/accounts/find-by-ref.ts'
import { updateUser } from '../../people/accounts/update-user.ts'
import type { User } from '../../people/accounts/user.ts'
import type { UserFields } from '../../people/accounts/user-fields.ts'
import { peopleError } from '../../people/errors.ts'
import { setEmploymentDates, suspendNow } from '../../people/lifecycle/employment-dates.ts'
import type { UserRole } from '../../permissions/roles.ts'
import { type ThriveRole, thriveRoleOf } from '../../permissions/thrive-role.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { inputError } from '../../platform/validation/errors.ts'
import type { NewUser, UserChanges } from './bodies.ts'
import { readMoment } from './read-query.ts'

/** A new account. In an event, the names may be missing. */
type NewAccount = Omit<NewUser, 'firstName' | 'lastName'> & Pick<UserChanges, 'firstName' | 'lastName'>

/** The roles that Thrive's role stands for. Of the roles that can read people, the manager's can do least. */
const rolesFor: Record<ThriveRole, UserRole[]> = {
  administrator: ['administrator', 'learner'],
  learneradmin: ['manager', 'learner'],
  learner: ['learner'],
}

/**
 * Creates the account that a caller of Thrive describes. A ref whose former holder was anonymized, purged or renamed makes
 * another person.
 *
 * Throws what `createUserAndNoteReturn` throws, and `input.invalid` where `email` is missing or `managerRef` names no user.
 */
export async function createAccount(tx: TenantTransaction, given: NewAccount): Promise<User> {
  const { ref, email, loginMethod = 'email', role = 'learner' } = given
  if (loginMethod === 'email' && (email === undefined || email === null)) {
    throw inputError('input.invalid', { field: 'email', expected: 'it is required, unless loginMethod is ref' })
  }
  const fields = {
    ...(await fieldsOf(tx, given)),
    ref,
    login_name: loginMethod === 'ref' ? ref : (email ?? null),
    custom_fields: withoutNulls(given.additionalFields ?? {}),
    ...(role !== 'learner' && { roles: rolesFor[role] }),
  }
  return await withDates(tx, await inWordsOfThrive(createUserAndNoteReturn(tx, fields)), given)
}

/**
 * Changes the fields of an account that a caller of Thrive names; absent ones stay. The login name follows the e-mail
 * address or the ref, whichever it was.
 *
 * Throws what `updateUser` throws, and `input.invalid` where `managerRef` names no user.
 */
export async function changeAccount(tx: TenantTransaction, user: User, given: UserChanges): Promise<User> {
  const fields = await fieldsOf(tx, given)
  const { role, additionalFields } = given
  const login_name = loginNameAfter(user, given)
  const changes = {
    ...fields,
    ...(login_name !== undefined && { login_name }),
    ...(additionalFields !== undefined && {
      custom_fields: additionalFields === null ? {} : withoutNulls({ ...user.custom_fields, ...additionalFields }),
    }),
    // Other roles that stand for the same one of Thrive's stay.
    ...(role !== undefined && role !== thriveRoleOf(user) && { roles: rolesFor[role] }),
  }
  const changed = Object.keys(changes).length === 0 ? user : await inWordsOfThrive(updateUser(tx, user.id, changes))
  return await withDates(tx, changed, given)
}

/** When a person starts and leaves, as a caller writes it. */
type Dates = { startDate?: string | null | undefined; endDate?: string | null | undefined }

/**
 * Suspends an account at once, and records the end where one is given. A suspended account stays so, also where it waited
 * for its start.
 *
 * Throws what `suspendNow` and `setEmploymentDates` throw.
 */
export async function suspendAccount(tx: TenantTransaction, user: User, { endDate }: Dates): Promise<User> {
  return await withDates(tx, await suspendNow(tx, user.id), { endDate })
}

async function withDates(tx: TenantTransaction, user: User, { startDate, endDate }: Dates): Promise<User> {
  if (startDate === undefined && endDate === undefined) return user
  const startsAt = momentOf('startDate', startDate)
  const endsAt = momentOf('endDate', endDate)
  return await inWordsOfThrive(setEmploymentDates(tx, user.id, { startsAt, endsAt }))
}

function momentOf(field: string, text: string | null | undefined): Date | null | undefined {
  return text === undefined || text === null ? text : readMoment(field, text)
}

/** The fields of Thrive by the names that the operations give them. */
const fieldNames: Record<string, string> = {
  first_name: 'firstName',
  last_name: 'lastName',
  job_title: 'jobTitle',
  manager_id: 'managerRef',
  time_zone: 'timeZone',
  locale: 'languageCode',
  custom_fields: 'additionalFields',
  starts_at: 'startDate',
  ends_at: 'endDate',
}

/** Names an invalid field as the caller wrote it. */
async function inWordsOfThrive<Result>(work: Promise<Result>): Promise<Result> {
  try {
    return await work
  } catch (error) {
    if (!inputError.is(error, 'input.invalid')) throw error
    const { field, expected } = error.details
    throw inputError('input.invalid', { field: fieldNames[field] ?? field, expected }, error)
  }
}

/** The user with this ref. Deleted users are not found. Throws `user.not_found`. */
export async function presentUser(tx: TenantTransaction, ref: string): Promise<User> {
  const user = await findByRef(tx, ref)
  if (user.state === 'deleted') throw peopleError('user.not_found', { selector: 'ref' })
  return user
}

async function fieldsOf(tx: TenantTransaction, given: UserChanges): Promise<UserFields> {
  const { ref, email, firstName, lastName, jobTitle, timeZone, languageCode, managerRef } = given
  return {
    ...(ref !== undefined && { ref }),
    ...(email !== undefined && { email }),
    ...(firstName !== undefined && { first_name: firstName }),
    ...(lastName !== undefined && { last_name: lastName }),
    ...(jobTitle !== undefined && { job_title: jobTitle }),
    ...(timeZone !== undefined && { time_zone: timeZone }),
    ...(languageCode !== undefined && { locale: languageCode }),
    ...(managerRef !== undefined && { manager_id: await managerId(tx, managerRef) }),
  }
}

async function managerId(tx: TenantTransaction, ref: string | null): Promise<string | null> {
  if (ref === null) return null
  try {
    return (await presentUser(tx, ref)).id
  } catch (error) {
    if (!peopleError.is(error, 'user.not_found')) throw error
    throw inputError('input.invalid', { field: 'managerRef', expected: 'the ref of a user of this tenant is expected' })
  }
}

function loginNameAfter(user: User, { ref, email, loginMethod }: UserChanges): string | null | undefined {
  const by = loginMethod ?? (user.login_name === null ? undefined : methodOf(user))
  if (by === 'ref') return ref ?? user.ref
  if (by === 'email') return email === undefined ? user.email : email
  return undefined
}

/** How the user signs in as Thrive has it; undefined where it is by another name, which stays. */
function methodOf({ login_name, ref, email }: User): 'email' | 'ref' | undefined {
  if (login_name === ref) return 'ref'
  return login_name === email ? 'email' : undefined
}

function withoutNulls<Fields extends object>(fields: Fields): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null)) as Fields
}
