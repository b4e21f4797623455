import { requireAddress, requireVisible } from '../../identifiers/address.ts'
import { identifierKey } from '../../identifiers/identifier-key.ts'
import { type UserRole, userRoles } from '../../permissions/roles.ts'
import type { JsonObject } from '../../platform/database/generated/schema.gen.ts'
import type { LetheError } from '../../platform/errors.ts'
import { inputError } from '../../platform/validation/errors.ts'
import { requireLine } from '../../platform/validation/require-text.ts'
import { requireUuid } from '../../platform/validation/require-uuid.ts'
import { trim } from '../../platform/validation/trim.ts'
import { type Product, products, type UserKind, userKinds } from './user.ts'

/** What can be set on a user. Null clears a field; a field that is absent stays as it is. */
export type UserFields = {
  kind?: UserKind
  /** May be a claims string, `i:0#.f|membership|user@domain`. Not unique. */
  login_name?: string | null
  /** UUID, unique in the tenant. */
  directory_object_id?: string | null
  /** Unique in the tenant. */
  ref?: string | null
  email?: string | null
  email_verified?: boolean
  external_identity_id?: string | null
  first_name?: string | null
  last_name?: string | null
  /** Without one: first and last name. */
  display_name?: string | null
  title?: string | null
  job_title?: string | null
  department?: string | null
  office?: string | null
  city?: string | null
  country?: string | null
  /** BCP 47 language tag; stored in its canonical form. */
  locale?: string | null
  /** IANA name. */
  time_zone?: string | null
  /** Id of another user of the tenant. */
  manager_id?: string | null
  /** Replaces all custom fields. */
  custom_fields?: JsonObject
  roles?: UserRole[]
  /** The products that the user has an account in. */
  products?: Product[]
}

export type UserFieldName = keyof UserFields

const maxTextLength = 256
const maxCustomFieldsBytes = 32 * 1024
const maxCustomFieldsDepth = 32

type Check<Value> = (field: string, value: unknown) => Value

const checks: { [Field in UserFieldName]-?: Check<Exclude<UserFields[Field], undefined>> } = {
  kind: (field, value) => oneOf(field, value, userKinds),
  login_name: orNull(loginName),
  directory_object_id: orNull(uuid),
  ref: orNull(reference),
  email: orNull(requireAddress),
  email_verified: (field, value) => {
    if (typeof value !== 'boolean') throw invalid(field, 'true or false is expected')
    return value
  },
  external_identity_id: orNull(reference),
  first_name: orNull(requireLine),
  last_name: orNull(requireLine),
  display_name: orNull(requireLine),
  title: orNull(requireLine),
  job_title: orNull(requireLine),
  department: orNull(requireLine),
  office: orNull(requireLine),
  city: orNull(requireLine),
  country: orNull(requireLine),
  locale: orNull(locale),
  time_zone: orNull(timeZone),
  manager_id: orNull(uuid),
  custom_fields: customFields,
  roles: (field, value) => {
    const roles = listOf(field, value, userRoles)
    if (roles.length === 0) throw invalid(field, 'at least one role is expected')
    return roles
  },
  products: (field, value) => listOf(field, value, products),
}

/** The names of all fields that can be set. */
export const userFieldNames = Object.keys(checks) as UserFieldName[]

/**
 * Checks the given fields of a user, of any type, and returns them as stored: trimmed text, clean addresses, UUIDs in
 * lower case, lists without duplicates. Fields that are undefined count as absent.
 *
 * Throws `input.unknown_field` and `input.invalid`, which name the field and never repeat the value.
 */
export function checkUserFields(given: object): UserFields {
  const checked: Record<string, unknown> = {}
  for (const [field, value] of Object.entries(given)) {
    if (!isUserField(field)) throw inputError('input.unknown_field', { field: field.slice(0, 64) })
    if (value !== undefined) checked[field] = checks[field](field, value)
  }
  return checked as UserFields
}

/** The display name of a person without one of their own. */
export function defaultDisplayName(names: {
  first_name?: string | null | undefined
  last_name?: string | null | undefined
}): string | null {
  return [names.first_name, names.last_name].filter(Boolean).join(' ').slice(0, maxTextLength) || null
}

function isUserField(field: string): field is UserFieldName {
  return Object.hasOwn(checks, field)
}

function invalid(field: string, expected: string): LetheError {
  return inputError('input.invalid', { field, expected })
}

function orNull(check: Check<string>): Check<string | null> {
  return (field, value) => (value === null ? null : check(field, value))
}

function uuid(field: string, value: unknown): string {
  return requireUuid(field, typeof value === 'string' ? trim(value) : '')
}

/** What somebody is known by elsewhere. */
function reference(field: string, value: unknown): string {
  return requireLine(field, requireVisible(field, requireLine(field, value)))
}

function loginName(field: string, value: unknown): string {
  const name = requireLine(field, requireVisible(field, requireLine(field, value), { mayBeAddress: true }))
  if (identifierKey('login_name', name) === '') {
    throw invalid(field, 'a claims string needs a login name behind its last bar')
  }
  return name
}

function locale(field: string, value: unknown): string {
  const tag = requireLine(field, value)
  return canonical(locales, tag, field, 'a language tag such as en-US is expected', () => {
    return Intl.getCanonicalLocales(tag)[0] ?? tag
  })
}

function timeZone(field: string, value: unknown): string {
  const name = requireLine(field, value)
  return canonical(timeZones, name, field, 'a time zone such as Europe/Berlin is expected', () => {
    new Intl.DateTimeFormat('en', { timeZone: name })
    return name
  })
}

// Few values occur, and to look one up takes longer than to check all other fields of a user.
const locales = new Map<string, string>()
const timeZones = new Map<string, string>()
const mostKnown = 1000

function canonical(
  known: Map<string, string>,
  value: string,
  field: string,
  expected: string,
  lookUp: () => string,
): string {
  let found = known.get(value)
  if (found !== undefined) return found
  try {
    found = lookUp()
  } catch (error) {
    if (error instanceof RangeError) throw invalid(field, expected)
    throw error
  }
  if (known.size < mostKnown) known.set(value, found)
  return found
}

function customFields(field: string, value: unknown): JsonObject {
  if (!isJsonObject(value)) throw invalid(field, 'a JSON object is expected')
  checkJson(field, value, 1)
  if (Buffer.byteLength(JSON.stringify(value)) > maxCustomFieldsBytes) {
    throw invalid(field, `at most ${maxCustomFieldsBytes / 1024} KiB of JSON are allowed`)
  }
  return value
}

function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function checkJson(field: string, value: unknown, depth: number): void {
  if (depth > maxCustomFieldsDepth) throw invalid(field, `at most ${maxCustomFieldsDepth} levels are allowed`)
  if (value === null || typeof value === 'boolean' || Number.isFinite(value)) return
  if (typeof value === 'string') {
    checkJsonText(field, value)
    return
  }
  if (Array.isArray(value)) {
    for (const item of value) checkJson(field, item, depth + 1)
    return
  }
  const prototype = typeof value === 'object' ? Object.getPrototypeOf(value) : undefined
  if (!isJsonObject(value) || (prototype !== Object.prototype && prototype !== null)) {
    throw invalid(field, 'only what JSON can say is allowed')
  }
  for (const [key, item] of Object.entries(value)) {
    checkJsonText(field, key)
    checkJson(field, item, depth + 1)
  }
}

function checkJsonText(field: string, value: string): void {
  if (value.includes('\0') || !value.isWellFormed()) {
    throw invalid(field, 'null bytes and broken characters are not allowed')
  }
}

function oneOf<Choice extends string>(field: string, value: unknown, choices: readonly Choice[]): Choice {
  const choice = choices.find((candidate) => candidate === value)
  if (choice === undefined) throw invalid(field, `one of ${choices.join(', ')} is expected`)
  return choice
}

function listOf<Choice extends string>(field: string, value: unknown, choices: readonly Choice[]): Choice[] {
  if (!Array.isArray(value)) throw invalid(field, `a list of ${choices.join(', ')} is expected`)
  const chosen = new Set(value.map((item) => oneOf(field, item, choices)))
  return choices.filter((choice) => chosen.has(choice))
}
