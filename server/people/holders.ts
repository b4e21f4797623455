import type { TenantTransaction } from '../platform/database/transaction.ts'

/**
 * Which of these identifiers another user of the tenant holds as well, in whatever column: nobody may take them away
 * from that user. `values` are in their normal form (normal_identifier, normal_login_name); anonymized users and
 * `exceptIds` do not count. Each column is searched through its index, a handful of lookups for each value.
 */
export async function findOtherHolders(
  tx: TenantTransaction,
  values: readonly string[],
  exceptIds: readonly string[],
): Promise<Set<string>> {
  // Equality of texts and of UUIDs leaks nothing, so row level security lets it use the indexes; lower() would not be
  // let near them, hence the key columns. The conversion to UUIDs is done before the join for the same reason.
  const { rows } = await tx.query<{ value: string }>(
    `with wanted as materialized (
       select value, case when value ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then value::uuid end as as_uuid
       from (select distinct value from unnest($1::text[]) as value) given
     ),
     excepted as materialized (select distinct id from unnest($2::uuid[]) as id),
     held as (
       select w.value, u.id, u.state from wanted w join users u on u.login_key = w.value
       union all
       select w.value, u.id, u.state from wanted w join users u on u.email_key = w.value
       union all
       select w.value, u.id, u.state from wanted w join users u on u.ref_key = w.value
       union all
       select w.value, u.id, u.state from wanted w join users u on u.external_identity_key = w.value
       union all
       select w.value, u.id, u.state from wanted w join users u on u.directory_object_id = w.as_uuid
     )
     select distinct held.value from held
     where held.state <> 'anonymized' and not exists (select from excepted where excepted.id = held.id)`,
    [values, exceptIds],
  )
  return new Set(rows.map(({ value }) => value))
}
