import { record } from '../audit/record.ts'
import type { TenantTransaction } from '../platform/database/transaction.ts'
import { inputError } from '../platform/validation/errors.ts'
import { requireWholeNumber } from '../platform/validation/require-number.ts'

/** What a synchronization of a group does with members who were purged: new users without records, or nothing. */
export const returningMembers = ['create', 'block'] as const
export type ReturningMembers = (typeof returningMembers)[number]

/** What an import does with rows of purged people, unless it says otherwise: skip them, or create users without records. */
export const returningRows = ['skip', 'create'] as const
export type ReturningRows = (typeof returningRows)[number]

/**
 * What anonymize leaves of people's custom fields, whether purged people come back with groups, when erasure requests are
 * due, and what they must wait for.
 */
export type TenantSettings = {
  id: string
  name: string
  surviving_fields: string[]
  singled_out_below: number
  returning_members: ReturningMembers
  returning_rows: ReturningRows
  erasure_due_days: number
  /** A second person approves each erasure request. */
  approval_required: boolean
  /** Hours between request (or approval) and erasure; 0 for none. */
  cooling_off_hours: number
}

export type TenantSettingsChanges = {
  /** The custom fields that survive, by name; replaces those that did before. */
  survivingFields?: readonly string[]
  /** A preview warns where fewer people than this, themselves included, have the same values in them. */
  singledOutBelow?: number
  returningMembers?: ReturningMembers
  returningRows?: ReturningRows
  /** An erasure request is due so many days after it is made, 1 to 3650. Requests keep the date that they were made with. */
  erasureDueDays?: number
  /** For new erasure requests; earlier ones keep what was demanded of them. */
  approvalRequired?: boolean
  /** For new erasure requests, up to 8,760. */
  coolingOffHours?: number
}

/** The columns of {@link TenantSettings}. */
export const settingsColumns =
  'id, name, surviving_fields, singled_out_below, returning_members, erasure_due_days, approval_required, cooling_off_hours, returning_rows'

const mostFields = 100
const mostPeople = 1_000_000
const mostHours = 8760

/** Changes the settings of the tenant that are given, and answers all of them. Throws `input.invalid`. */
export async function updateTenant(tx: TenantTransaction, changes: TenantSettingsChanges): Promise<TenantSettings> {
  const values = {
    surviving_fields: requireFields(changes.survivingFields),
    singled_out_below: requireThreshold(changes.singledOutBelow),
    returning_members: requireReturning(changes.returningMembers),
    erasure_due_days: requireDueDays(changes.erasureDueDays),
    approval_required: changes.approvalRequired,
    cooling_off_hours: requireHours(changes.coolingOffHours),
    returning_rows: requireRows(changes.returningRows),
  }
  const dueDays = changes.erasureDueDays
  if (dueDays !== undefined) requireWholeNumber('erasure due days', dueDays, { from: 1, to: 3650 })
  const { rows } = await tx.query<TenantSettings>(
    `update tenants set surviving_fields = coalesce($2::text[], surviving_fields),
       singled_out_below = coalesce($3::integer, singled_out_below),
       returning_members = coalesce($4, returning_members),
       erasure_due_days = coalesce($5::integer, erasure_due_days),
       approval_required = coalesce($6::boolean, approval_required),
       cooling_off_hours = coalesce($7::integer, cooling_off_hours),
       returning_rows = coalesce($8, returning_rows)
     where id = $1
     returning ${settingsColumns}`,
    [tx.tenantId, ...Object.values(values).map((value) => value ?? null)],
  )
  const [settings] = rows
  if (settings === undefined) throw new Error('The tenant of the transaction is not there')
  const columns = Object.entries(values).flatMap(([column, value]) => (value === undefined ? [] : [column]))
  if (columns.length === 0) return settings
  const { approval_required, cooling_off_hours } = values
  const safeguards = {
    ...(approval_required !== undefined && { approval_required }),
    ...(cooling_off_hours !== undefined && { cooling_off_hours }),
  }
  await record(tx, { activity: 'TenantUpdated', object: tx.tenantId, details: { columns, ...safeguards } })
  return settings
}

function requireFields(given: readonly string[] | undefined): string[] | undefined {
  if (given === undefined) return undefined
  const fields = given.map((name) => name.trim())
  if (
    fields.length <= mostFields &&
    fields.every((name) => name !== '' && !name.includes('\0') && name.isWellFormed())
  ) {
    return [...new Set(fields)]
  }
  throw inputError('input.invalid', {
    field: 'surviving field',
    expected: `up to ${mostFields} names of custom fields are expected`,
  })
}

function requireThreshold(below: number | undefined): number | undefined {
  return below === undefined ? undefined : requireWholeNumber('singled out below', below, { from: 1, to: mostPeople })
}

function requireHours(hours: number | undefined): number | undefined {
  return hours === undefined ? undefined : requireWholeNumber('cooling off hours', hours, { from: 0, to: mostHours })
}

function requireReturning(returning: ReturningMembers | undefined): ReturningMembers | undefined {
  if (returning === undefined || returningMembers.includes(returning)) return returning
  throw inputError('input.invalid', {
    field: 'returning members',
    expected: `one of ${returningMembers.join(', ')} is expected`,
  })
}

function requireRows(returning: ReturningRows | undefined): ReturningRows | undefined {
  if (returning === undefined || returningRows.includes(returning)) return returning
  throw inputError('input.invalid', {
    field: 'returning rows',
    expected: `one of ${returningRows.join(', ')} is expected`,
  })
}

function requireDueDays(days: number | undefined): number | undefined {
  return days === undefined ? undefined : requireWholeNumber('erasure due days', days, { from: 1, to: 3650 })
}
