import { record } from '../audit/record.ts'
import type { TenantTransaction } from '../platform/database/transaction.ts'
import { LetheError } from '../platform/errors.ts'

/** What anonymize leaves of people's custom fields. */
export type TenantSettings = { id: string; name: string; surviving_fields: string[]; singled_out_below: number }

export type TenantSettingsChanges = {
  /** The custom fields that survive, by name; replaces those that did before. */
  survivingFields?: readonly string[]
  /** A preview warns where fewer people than this, themselves included, have the same values in them. */
  singledOutBelow?: number
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
    throw new LetheError('input.invalid', {
      field: 'surviving field',
      expected: `up to ${mostFields} names of custom fields are expected`,
    })
  }
  const below = changes.singledOutBelow
  if (below !== undefined && (!Number.isInteger(below) || below < 1 || below > mostPeople)) {
    throw new LetheError('input.invalid', {
      field: 'singled out below',
      expected: `a whole number from 1 to ${mostPeople} is expected`,
    })
  }
  const { rows } = await tx.query<TenantSettings>(
    `update tenants set surviving_fields = coalesce($2::text[], surviving_fields),
       singled_out_below = coalesce($3::integer, singled_out_below)
     where id = $1
     returning id, name, surviving_fields, singled_out_below`,
    [tx.tenantId, fields === undefined ? null : [...new Set(fields)], below ?? null],
  )
  const [settings] = rows
  if (settings === undefined) throw new Error('The tenant of the transaction is not there')
  const columns = [
    ...(fields === undefined ? [] : ['surviving_fields']),
    ...(below === undefined ? [] : ['singled_out_below']),
  ]
  if (columns.length > 0) await record(tx, { activity: 'TenantUpdated', object: tx.tenantId, details: { columns } })
  return settings
}
