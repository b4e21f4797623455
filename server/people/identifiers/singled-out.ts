import type { TenantTransaction } from '../../platform/database/transaction.ts'

/**
 * The number of these users that the surviving custom fields would single out after an anonymization. Fewer users of
 * the tenant than its `singled_out_below`, themselves included, have the same values in all of them. Whoever has none
 * of the fields is not singled out by them.
 */
export async function countSingledOut(tx: TenantTransaction, userIds: readonly string[]): Promise<number> {
  const { rows } = await tx.query<{ singled_out: number }>(
    `with surviving as (
       select u.id, t.singled_out_below, (
         select jsonb_object_agg(field.key, field.value)
         from jsonb_each(u.custom_fields) field where field.key = any (t.surviving_fields)
       ) as kept
       from users u join tenants t on t.id = u.tenant_id
       where u.tenant_id = $1 and t.surviving_fields <> '{}'
     ), alike as (
       select id, singled_out_below, count(*) over (partition by kept) as number from surviving where kept is not null
     )
     select count(*)::int as singled_out from alike where id = any ($2::uuid[]) and number < singled_out_below`,
    [tx.tenantId, userIds],
    'count_singled_out',
  )
  return rows[0]?.singled_out ?? 0
}
