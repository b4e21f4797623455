import type { TenantTransaction } from '../../platform/database/transaction.ts'

/**
 * The full names that these people go by, each once: the display name, and first and last name together. Names of one
 * word are left out, because they cannot be told apart from ordinary words.
 */
export async function readFullNames(tx: TenantTransaction, ids: string[]): Promise<string[]> {
  const { rows } = await tx.query<{ name: string }>(
    `select distinct btrim(name) as name
     from users, unnest(array[display_name, first_name || ' ' || last_name]) as name
     where tenant_id = $1 and id = any($2) and btrim(name) like '% %'`,
    [tx.tenantId, ids],
  )
  return rows.map(({ name }) => name)
}
