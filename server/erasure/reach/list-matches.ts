import type { Database } from '../../platform/database/pool.ts'
import { inTenant, outsideTenants, type TenantTransaction } from '../../platform/database/transaction.ts'
import { cutPage, readPaging } from '../../platform/validation/page.ts'
import { findTenant, type TenantKind } from '../../tenancy/tenants.ts'
import { matchDays } from './decide-match.ts'
import type { MatchTarget } from './reach-tenant.ts'

/** What waits for the operator: ids only, because an operator does not read the data inside of a tenant. */
export type WaitingMatch = {
  id: string
  tenant_id: string
  tenant_name: string
  tenant_kind: TenantKind
  /** `user`: a user who may be the same person. `contact`: an address in fields. `all_users`: the user created the trial. */
  what: MatchTarget
  user_id: string | null
  /** How many users a yes would purge; 0 for a contact. */
  users: number
  /** The tenant and the request that it began with; null for an identity provider. */
  source_tenant_id: string | null
  source_request_id: string | null
  provider_id: string | null
  created_at: Date
  expires_at: Date
}

/** Everything that waits for the operator, the oldest first. */
export async function listWaitingMatches(database: Database): Promise<WaitingMatch[]> {
  const waiting = await outsideTenants<{ tenant_id: string; id: string }>(
    database,
    'select tenant_id, id from waiting_reach_matches() order by id',
  )
  const matches: WaitingMatch[] = []
  for (const [tenantId, ofTenant] of Map.groupBy(waiting, ({ tenant_id }) => tenant_id)) {
    const tenant = await findTenant(database, tenantId)
    const { rows } = await inTenant(
      database,
      tenantId,
      (tx) =>
        tx.query<Omit<WaitingMatch, 'tenant_name' | 'tenant_kind' | 'expires_at'>>(
          `select id, tenant_id, what, user_id, source_tenant_id, source_request_id, provider_id, created_at,
             case what when 'contact' then 0 when 'user' then 1 else (
               select count(*)::int from users where tenant_id = $1 and state <> 'anonymized'
             ) end as users
           from reach_matches where tenant_id = $1 and id = any ($2::uuid[]) and state = 'waiting'`,
          [tenantId, ofTenant.map(({ id }) => id)],
        ),
      { readOnly: true },
    )
    for (const row of rows) {
      const expires_at = new Date(row.created_at.getTime() + matchDays * 86_400_000)
      matches.push({ ...row, tenant_name: tenant.name, tenant_kind: tenant.kind, expires_at })
    }
  }
  return matches.sort((a, b) => a.created_at.getTime() - b.created_at.getTime() || (a.id < b.id ? -1 : 1))
}

/** What an identity provider asked of this tenant, and the decision. */
export type Proposal = {
  id: string
  user_id: string
  /** Whether the user confirmed the identity that the provider named; otherwise only the address or the id matches. */
  confirmed: boolean
  state: 'waiting' | 'accepted' | 'refused'
  request_id: string | null
  reason: string | null
  created_at: Date
  decided_at: Date | null
  decided_by: string | null
}

/**
 * What identity providers ask of this tenant, in the order of the ids: a page of at most `limit` (50, up to 1000) behind the id
 * `after`. `all`: also what was decided before. Users who are erased by now are left out of what waits.
 *
 * Throws `input.invalid`.
 */
export async function listProposals(
  tx: TenantTransaction,
  options: { all?: boolean | undefined; limit?: number | undefined; after?: string | undefined } = {},
): Promise<{ proposals: Proposal[]; next: string | undefined }> {
  const { limit, after } = readPaging(options)
  const { rows } = await tx.query<Proposal>(
    `select m.id, m.user_id, m.confirmed, m.state, m.request_id, m.reason, m.created_at, m.decided_at, m.decided_by
     from reach_matches m
     where m.tenant_id = $1 and m.decider = 'tenant' and ($2 or m.state = 'waiting') and ($3::uuid is null or m.id > $3)
       and (m.state <> 'waiting' or exists (
         select from users u where u.tenant_id = $1 and u.id = m.user_id and u.state <> 'anonymized'
       ))
     order by m.id limit $4`,
    [tx.tenantId, options.all === true, after, limit + 1],
  )
  const { page, next } = cutPage(rows, limit)
  return { proposals: page, next }
}
