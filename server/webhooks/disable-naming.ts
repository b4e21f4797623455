import { record } from '../audit/record.ts'
import type { Identifier } from '../identifiers/identifier-key.ts'
import { keyringError } from '../keyring/errors.ts'
import type { Effect } from '../personal-data/affected-rows.ts'
import { identifiersIn } from '../personal-data/find-mentions.ts'
import type { NamingRow } from '../personal-data/naming-row.ts'
import type { TenantTransaction } from '../platform/database/transaction.ts'
import { openPart } from './sealed.ts'

/** Selects what of each endpoint may name a person: the sealed address. A tenant has few, so all of them are read. */
export const namingEndpoints = `select 'webhooks' as room, id, name, '{}'::text[] as texts, sealed_url as sealed,
  null::uuid as run_as, disabled_because from webhook_endpoints where tenant_id = $1`

function naming(tx: TenantTransaction, rows: readonly NamingRow[], identifiers: readonly Identifier[]): string[] {
  const endpoints = rows.filter(({ room, sealed }) => room === 'webhooks' && sealed !== null)
  if (endpoints.length === 0) return []
  const wanted = [...new Map(identifiers.map((one) => [one.value, one])).values()]
  const found = identifiersIn(
    endpoints.map(({ id, sealed }) => opened(tx, id, sealed)),
    wanted,
  )
  return endpoints.flatMap(({ id }, index) => ((found[index] ?? []).length > 0 ? [id] : []))
}

/** The address; empty where the master key does not open it: then it says nothing. */
function opened(tx: TenantTransaction, id: string, sealed: Buffer | null): string {
  try {
    return sealed === null ? '' : openPart(tx.masterKey, 'url', id, sealed)
  } catch (error) {
    if (keyringError.is(error, 'master_key.wrong')) return ''
    throw error
  }
}

/** The endpoints that an erasure would disable, as a line of the preview. `identifiers`: those that only the people hold. */
export function countEndpointsToDisable(
  tx: TenantTransaction,
  rows: readonly NamingRow[],
  identifiers: readonly Identifier[],
): Effect[] {
  return effectsOf(naming(tx, rows, identifiers))
}

/**
 * Disables the endpoints whose address names an erased person, in the transaction of the erasure, and destroys the address:
 * an administrator gives them another one. `rows` were read before. Returns what was done.
 */
export async function disableNamingEndpoints(
  tx: TenantTransaction,
  rows: readonly NamingRow[],
  identifiers: readonly Identifier[],
): Promise<Effect[]> {
  const found = naming(tx, rows, identifiers)
  if (found.length === 0) return []
  tx.send(
    `update webhook_endpoints set enabled = false, disabled_because = 'names_purged_person', sealed_url = null
     where tenant_id = $1 and id = any ($2::uuid[])`,
    [tx.tenantId, found],
    'disable_naming_endpoints',
  )
  await record(
    tx,
    found.map((object) => ({
      activity: 'WebhookDisabled' as const,
      object,
      details: { because: 'names_purged_person' },
    })),
  )
  return effectsOf(found)
}

function effectsOf(found: readonly string[]): Effect[] {
  return found.length === 0 ? [] : [{ table: 'webhook_endpoints', effect: 'disabled', rows: found.length }]
}
