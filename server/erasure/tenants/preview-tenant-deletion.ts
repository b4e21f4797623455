import { compiledMap } from '../../datamap/compiled.ts'
import { countHeldPeople } from '../../holds/held-people.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { stateSets } from '../states.ts'

export type TenantRows = { table: string; rows: number }

export type TenantDeletionPreview = {
  tenant: string
  /** Users in any state. */
  people: number
  /** Of these, the ones that a legal hold covers. The tenant cannot be deleted before the holds are released. */
  held: number
  /** People of erasure requests that have not ended. They go with the tenant, and their requests get no certificate. */
  pending: number
  /** What would go, table by table; tables without rows are left out. */
  tables: TenantRows[]
}

/** Counts, without changing anything, what the deletion of the transaction's tenant would remove. */
export async function previewTenantDeletion(tx: TenantTransaction): Promise<TenantDeletionPreview> {
  const tables = await countTenantRows(tx)
  const { rows } = await tx.query<{ pending: number }>(
    `select count(*)::int as pending from erasure_subjects where tenant_id = $1 and state in ${stateSets.pending}`,
    [tx.tenantId],
  )
  return {
    tenant: tx.tenantId,
    people: tables.find(({ table }) => table === 'users')?.rows ?? 0,
    held: await countHeldPeople(tx),
    pending: rows[0]?.pending ?? 0,
    tables,
  }
}

/** The rows of the transaction's tenant in every table that has some. */
export async function countTenantRows(tx: TenantTransaction): Promise<TenantRows[]> {
  const { text, name } = compiledMap.deleteTenant.counts
  const { rows } = await tx.query<{ table_name: string; row_count: string }>(text, [tx.tenantId], name)
  return rows.flatMap(({ table_name: table, row_count }) =>
    Number(row_count) === 0 ? [] : [{ table, rows: Number(row_count) }],
  )
}
