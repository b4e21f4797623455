import { record } from '../audit/record.ts'
import type { TenantTransaction } from '../platform/database/transaction.ts'
import { inputError } from '../platform/validation/errors.ts'
import { requireWholeNumber } from '../platform/validation/require-number.ts'

/** What a synchronization of a group does with members who were purged: new users without records, or nothing. */
export const returningMembers = ['create', 'block'] as const
export type ReturningMembers = (typeof returningMembers)[number]

/**
 * What anonymize leaves of people's custom fields, whether purged people come back with groups, and when erasure requests
 * are due.
 */
export type TenantSettings = {
  id: string
  name: string
  surviving_fields: string[]
  singled_out_below: number
  returning_members: ReturningMembers
  erasure_due_days: number
}

export type TenantSettingsChanges = {
  /** The custom fields that survive, by name; replaces those that did before. */
  survivingFields?: readonly string[]
  /** A preview warns where fewer people than this, themselves included, have the same values in them. */
  singledOutBelow?: number
  returningMembers?: ReturningMembers
  /** An erasure request is due so many days after it is made, 1 to 3650. Requests keep the date that they were made with. */
  erasureDueDays?: number
}

const mostFields = 100
const mostPeople = 1_000_000

/** Changes the settings of the tenant that are given, and answers all of them. Throws `input.invalid`. */
export async function updateTenant(tx: TenantTransaction, changes: TenantSettingsChanges): Promise<TenantSettings> {
  const fields = changes.survivingFields?.map((name) => name.trim())
  if (
    fields !== undefined &&
    (fields.length > mostFields || fields.some((name) => name === '' || name.includes('\0') || !name.isWellFormed()))
  ) {
    throw inputError('input.invalid', {
      field: 'surviving field',
      expected: `up to ${mostFields} names of custom fields are expected`,
    })
  }
  const below = changes.singledOutBelow
  if (below !== undefined && (!Number.isInteger(below) || below < 1 || below > mostPeople)) {
    throw inputError('input.invalid', {
      field: 'singled out below',
      expected: `a whole number from 1 to ${mostPeople} is expected`,
    })
  }
  const returning = changes.returningMembers
  if (returning !== undefined && !returningMembers.includes(returning)) {
    throw inputError('input.invalid', {
      field: 'returning members',
      expected: `one of ${returningMembers.join(', ')} is expected`,
    })
  }
  const dueDays = changes.erasureDueDays
  if (dueDays !== undefined) requireWholeNumber('erasure due days', dueDays, { from: 1, to: 3650 })
  const { rows } = await tx.query<TenantSettings>(
    `update tenants set surviving_fields = coalesce($2::text[], surviving_fields),
       singled_out_below = coalesce($3::integer, singled_out_below),
       returning_members = coalesce($4, returning_members),
       erasure_due_days = coalesce($5::integer, erasure_due_days)
     where id = $1
     returning id, name, surviving_fields, singled_out_below, returning_members, erasure_due_days`,
    [
      tx.tenantId,
      fields === undefined ? null : [...new Set(fields)],
      below ?? null,
      returning ?? null,
      dueDays ?? null,
    ],
  )
  const [settings] = rows
  if (settings === undefined) throw new Error('The tenant of the transaction is not there')
  const columns = [
    ...(fields === undefined ? [] : ['surviving_fields']),
    ...(below === undefined ? [] : ['singled_out_below']),
    ...(returning === undefined ? [] : ['returning_members']),
    ...(dueDays === undefined ? [] : ['erasure_due_days']),
  ]
  if (columns.length > 0) await record(tx, { activity: 'TenantUpdated', object: tx.tenantId, details: { columns } })
  return settings
}
