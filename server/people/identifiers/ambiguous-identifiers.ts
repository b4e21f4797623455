import type { TenantTransaction } from '../../platform/database/transaction.ts'

/** People of a tenant who share an identifier, so that naming it names none of them alone. */
export type AmbiguousIdentifier = {
  kind: 'login_name' | 'email' | 'ref' | 'external_identity_id'
  /** Their ids, in order. No value: whoever may read users looks there. */
  ids: string[]
  /** Whether they spell it in different ways, capitals aside: then they were told apart before version 2 of the fold. */
  spelledDifferently: boolean
}

const columns = [
  ['login_name', 'login_key', `regexp_replace(login_name, '^.*\\|', '')`],
  ['email', 'email_key', 'email'],
  ['ref', 'ref_key', 'ref'],
  ['external_identity_id', 'external_identity_key', 'external_identity_id'],
] as const

/**
 * The identifiers of one kind that several people of the tenant have, anonymized ones aside. A look-up by such an
 * identifier ends in `subject.ambiguous`, and its erasure leaves it alone as long as one of them stays. One pass over
 * the users.
 */
export async function findAmbiguousIdentifiers(tx: TenantTransaction): Promise<AmbiguousIdentifier[]> {
  const { rows } = await tx.query<AmbiguousIdentifier>(
    columns
      .map(
        ([kind, key, written]) => `(
          select '${kind}' as kind, array_agg(id order by id) as ids,
            count(distinct lower(btrim(${written}) collate "C")) > 1 as "spelledDifferently"
          from users
          where tenant_id = $1 and state <> 'anonymized' and ${key} is not null
          group by ${key} having count(*) > 1
          order by min(id::text)
        )`,
      )
      .join(' union all '),
    [tx.tenantId],
  )
  return rows
}
