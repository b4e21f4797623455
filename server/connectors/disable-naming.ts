import { record } from '../audit/record.ts'
import type { Identifier } from '../identifiers/identifier-key.ts'
import { keyringError } from '../keyring/errors.ts'
import { openWith } from '../keyring/identifier-hash-key.ts'
import type { Effect } from '../personal-data/affected-rows.ts'
import { identifiersIn } from '../personal-data/find-mentions.ts'
import type { NamingRow } from '../personal-data/naming-row.ts'
import type { TenantTransaction } from '../platform/database/transaction.ts'
import { credentialsPurpose } from './connectors.ts'

/** A connector that names one of the people: by the user it runs as, an address, its name, or its credentials. */
type NamingConnector = { id: string; name: string; inCredentials: boolean }

/** Selects what of each connector may name a person. A tenant has few, so all of them are read. */
export const namingConnectors = `select 'connectors' as room, id, name, array[name, address] || notify_emails as texts,
  sealed_credentials as sealed, run_as, disabled_because from connectors where tenant_id = $1`

function naming(
  tx: TenantTransaction,
  all: readonly NamingRow[],
  identifiers: readonly Identifier[],
  runsAs: (row: NamingRow) => boolean,
): NamingConnector[] {
  const rows = all.filter(({ room }) => room === 'connectors')
  if (rows.length === 0) return []
  const wanted = [...new Map(identifiers.map((one) => [one.value, one])).values()]
  const texts = identifiersIn(
    rows.map(({ texts }) => texts),
    wanted,
  )
  const credentials = identifiersIn(
    rows.map(({ id, sealed }) => opened(tx, id, sealed)),
    wanted,
  )
  return rows.flatMap((row, index) => {
    const inCredentials = (credentials[index] ?? []).length > 0
    const isNamed = runsAs(row) || (texts[index] ?? []).length > 0 || inCredentials
    return isNamed ? [{ id: row.id, name: row.name, inCredentials }] : []
  })
}

/** The credentials as text; empty where there are none, or none that the master key opens: those say nothing. */
function opened(tx: TenantTransaction, id: string, sealed: Buffer | null): string {
  try {
    return sealed === null ? '' : openWith(tx.masterKey, sealed, credentialsPurpose(id)).toString('utf8')
  } catch (error) {
    if (keyringError.is(error, 'master_key.wrong')) return ''
    throw error
  }
}

/**
 * The connectors that an erasure of these people would disable, as a line of the preview; `identifiers` are those that only
 * they hold. Changes nothing.
 */
export function countConnectorsToDisable(
  tx: TenantTransaction,
  rows: readonly NamingRow[],
  { identifiers, people }: { identifiers: readonly Identifier[]; people: readonly string[] },
): Effect[] {
  return effectsOf(naming(tx, rows, identifiers, ({ run_as }) => run_as !== null && people.includes(run_as)))
}

/**
 * Disables the connectors that name an erased person, in the transaction of the erasure: with the reason, until an
 * administrator changes them. Credentials that name the person are destroyed; texts are scrubbed as everywhere. `rows` were
 * read before the scrub, when the erased users were already taken out of `run_as`. Returns what was done.
 */
export async function disableNaming(
  tx: TenantTransaction,
  rows: readonly NamingRow[],
  identifiers: readonly Identifier[],
): Promise<Effect[]> {
  const found = naming(
    tx,
    rows,
    identifiers,
    ({ run_as, disabled_because }) => run_as === null && disabled_because !== 'names_purged_person',
  )
  if (found.length === 0) return []
  tx.send(
    `update connectors set enabled = false, disabled_because = 'names_purged_person', next_run_at = null,
       asking_rows = null, confirmed_rows = null
     where tenant_id = $1 and id = any ($2::uuid[])`,
    [tx.tenantId, found.map(({ id }) => id)],
    'disable_naming_connectors',
  )
  tx.send(
    `update connectors set sealed_credentials = null, credentials_kind = null
     where tenant_id = $1 and id = any ($2::uuid[])`,
    [tx.tenantId, found.flatMap(({ id, inCredentials }) => (inCredentials ? [id] : []))],
    'destroy_naming_credentials',
  )
  await record(
    tx,
    found.map(({ id }) => ({
      activity: 'ConnectorDisabled' as const,
      object: id,
      details: { because: 'names_purged_person' },
    })),
  )
  return effectsOf(found)
}

function effectsOf(found: readonly NamingConnector[]): Effect[] {
  return found.length === 0 ? [] : [{ table: 'connectors', effect: 'disabled', rows: found.length }]
}
