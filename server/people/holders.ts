import { isUuid, type TenantTransaction } from '../platform/database/transaction.ts'

/**
 * Which of these identifiers, in their normal form, another living user of the tenant holds too, as whatever kind of
 * identifier. Such an identifier is shared: it is neither scrubbed nor remembered nor counted as left behind.
 */
export async function findOtherHolders(
  tx: TenantTransaction,
  values: string[],
  except: string[],
): Promise<Set<string>> {
  if (values.length === 0) return new Set()
  const { rows } = await tx.query<{ value: string }>(
    // Compared with many people one by one, the exceptions would cost more than the look-ups.
    `select value
     from (
       select login_key as value, id, state from users where tenant_id = $1 and login_key = any($2)
       union all
       select email_key, id, state from users where tenant_id = $1 and email_key = any($2)
       union all
       select ref_key, id, state from users where tenant_id = $1 and ref_key = any($2)
       union all
       select external_identity_key, id, state from users where tenant_id = $1 and external_identity_key = any($2)
       union all
       select directory_object_id::text, id, state from users
       where tenant_id = $1 and directory_object_id = any($4::uuid[])
     ) held
     where state <> 'anonymized' and id not in (select unnest($3::uuid[]))`,
    [tx.tenantId, values, except, values.filter(isUuid)],
    'other_holders',
  )
  return new Set(rows.map(({ value }) => value))
}
