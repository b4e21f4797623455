import { keyFingerprint, openWith } from '../../keyring/identifier-hash-key.ts'
import type { Database } from '../../platform/database/pool.ts'
import { inTenant, type TenantTransaction } from '../../platform/database/transaction.ts'
import { LedgerDigest, type LedgerLine } from './ledger-file.ts'

const linesAtATime = 2000

const erasedLines = `
  select row_to_json(line)::text as line from (
    select 'erased' as type, tenant_id as tenant, request_id as request, user_id as "user", operation, erased_at, map_version
    from erasure_ledger where tenant_id = $1 order by request_id, user_id
  ) line`

const tombstoneLines = `
  select row_to_json(line)::text as line from (
    select 'tombstone' as type, tenant_id as tenant, request_id as request, user_id as "user", kind,
      encode(hash, 'hex') as hash, fold_version, created_at
    from tombstones where tenant_id = $1 order by request_id, user_id, kind, hash
  ) line`

export type LedgerExport = { tenants: number; entries: number; tombstones: number }

/**
 * Writes what was erased in these tenants, with the tombstones, as lines of a file that {@link readLedgerLines} reads;
 * each tenant as it is at one moment. Holds a few thousand lines at a time. `write` is given whole lines.
 *
 * Throws `master_key.wrong`.
 */
export async function exportLedger(
  database: Database,
  tenants: readonly string[],
  write: (lines: string) => Promise<void>,
): Promise<LedgerExport> {
  const digest = new LedgerDigest()
  const put = async (lines: string[]) => {
    if (lines.length === 0) return
    for (const line of lines) digest.add(line)
    await write(`${lines.join('\n')}\n`)
  }
  const exported: LedgerExport = { tenants: tenants.length, entries: 0, tombstones: 0 }
  for (const tenant of tenants) {
    await inTenant(database, tenant, async (tx) => {
      await tx.query('set transaction isolation level repeatable read, read only')
      await put([JSON.stringify(await tenantLine(tx))])
      exported.entries += await putAll(tx, erasedLines, put)
      exported.tombstones += await putAll(tx, tombstoneLines, put)
    })
  }
  await write(`${JSON.stringify(digest.end(database.masterKey))}\n`)
  return exported
}

async function tenantLine(tx: TenantTransaction): Promise<LedgerLine> {
  const { rows } = await tx.query<{ sealed_key: Buffer }>(
    `select sealed_key from tenant_keys where tenant_id = $1 and purpose = 'identifier_hash'`,
    [tx.tenantId],
  )
  const sealed = rows[0]?.sealed_key
  return {
    type: 'tenant',
    tenant: tx.tenantId,
    identifier_hash_key:
      sealed === undefined
        ? null
        : {
            fingerprint: keyFingerprint(openWith(tx.masterKey, sealed, 'tenant key')),
            sealed: sealed.toString('base64'),
          },
  }
}

/** Writes the lines of one query; answers how many. */
async function putAll(tx: TenantTransaction, query: string, put: (lines: string[]) => Promise<void>): Promise<number> {
  // A cursor's query takes no parameters over here; the tenant's id is a checked UUID.
  await tx.query(`declare ledger_lines no scroll cursor for ${query.replace('$1', `'${tx.tenantId}'`)}`)
  let written = 0
  for (;;) {
    const { rows } = await tx.query<{ line: string }>(`fetch ${linesAtATime} from ledger_lines`)
    await put(rows.map(({ line }) => line))
    written += rows.length
    if (rows.length < linesAtATime) break
  }
  await tx.query('close ledger_lines')
  return written
}
