import type { TenantTransaction } from '../platform/database/transaction.ts'

/**
 * The id by which the trail names an account of the operating system, made when the account first acts in this tenant. The
 * name stands in a row of its own, where an erasure can scrub it; entries never change.
 */
export async function systemAccountId(tx: TenantTransaction, name: string): Promise<string> {
  const { rows } = await tx.query<{ id: string }>(
    `with present as (
       select id from system_accounts where tenant_id = $1 and name = $2 order by id limit 1
     ), made as (
       insert into system_accounts (tenant_id, name) select $1, $2 where not exists (select from present) returning id
     )
     select id from present union all select id from made`,
    [tx.tenantId, name],
    'system_account_id',
  )
  const [account] = rows
  if (account === undefined) throw new Error('the account was neither there nor made')
  return account.id
}
