import { installationTrail } from '../../audit/installation-trail.ts'
import { notify } from '../../notify/notify.ts'
import type { Database } from '../../platform/database/pool.ts'
import { inTenant, outsideTenants, type TenantTransaction } from '../../platform/database/transaction.ts'
import type { JobPayload } from '../../platform/jobs/enqueue.ts'
import type { TenantKind } from '../../tenancy/tenants.ts'
import { countTrials } from './count-trials.ts'
import type { Reach } from './reach.ts'
import { openPeople } from './reach-people.ts'
import { reachOf } from './reach-table.ts'
import { proposeInEnterprise, type ReachFound, reachTrial } from './reach-tenant.ts'

/**
 * The job that takes erasures to other tenants, as the table in reach-table.ts says. With a payload it takes that one,
 * without one all that are unfinished. Each tenant is reached in its own transaction, in which everything about it is
 * decided; a job that is killed goes on where it was. A tenant that fails does not stop the others, and the job is
 * repeated for it.
 */
export async function runReach(database: Database, payload: JobPayload): Promise<void> {
  const { tenant, reach } = payload
  const open =
    tenant !== undefined && reach !== undefined
      ? [{ tenant, reach }]
      : await outsideTenants<{ tenant: string; reach: string }>(
          database,
          'select tenant_id as tenant, id as reach from unfinished_reaches() order by id',
        )
  const errors: unknown[] = []
  for (const one of open) {
    const found = await inTenant(database, one.tenant, (tx) => readReach(tx, one.reach), { readOnly: true })
    if (found !== undefined) errors.push(...(await reachAll(database, found)))
  }
  if (errors.length > 0) throw errors[0]
}

async function readReach(tx: TenantTransaction, id: string): Promise<Reach | undefined> {
  const { rows } = await tx.query<{
    request_id: string | null
    provider_id: string | null
    sealed_people: Buffer | null
    confirmed_hashes: Buffer[]
    about: 'users' | 'contacts' | null
    kind: TenantKind | null
  }>(
    `select e.request_id, e.provider_id, e.sealed_people, e.confirmed_hashes, r.about, t.kind
     from erasure_reaches e
     left join erasure_requests r on r.tenant_id = e.tenant_id and r.id = e.request_id
     left join tenants t on t.id = e.tenant_id
     where e.tenant_id = $1 and e.id = $2 and e.finished_at is null`,
    [tx.tenantId, id],
  )
  const [row] = rows
  if (row === undefined || row.sealed_people === null) return undefined
  return {
    id,
    tenant: tx.tenantId,
    request: row.request_id,
    provider: row.provider_id,
    subject: row.about === 'contacts' ? 'contact' : 'user',
    startedBy: row.provider_id === null ? 'tenant' : 'identity_provider',
    // An identity provider belongs to no tenant: its rules are those of the tenants in which a person is found.
    kind: row.kind ?? 'trial',
    people: openPeople(tx.masterKey, row.sealed_people),
    confirmed: new Set(row.confirmed_hashes.map((hash) => hash.toString('hex'))),
  }
}

/** Reaches every tenant; returns the errors of those that failed. */
async function reachAll(database: Database, reach: Reach): Promise<unknown[]> {
  const errors: unknown[] = []
  const reached: string[] = []
  const initiator = { from: reach.startedBy === 'identity_provider' ? 'identity_provider' : 'system' } as const
  const trying = async <T>(work: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await work()
    } catch (error) {
      errors.push(error)
      return undefined
    }
  }
  const rule = reachOf({ startedBy: reach.startedBy, tenant: reach.kind, subject: reach.subject })
  const found = rule.samePersonInTrials === 'purged' ? await findUsers(database, reach, 'trial') : new Map()
  const trials = rule.addressInFields === 'nowhere' ? [] : await trialsOf(database)
  for (const trial of trials) {
    if (trial === reach.tenant) continue
    const there: ReachFound = found.get(trial) ?? { confirmed: [], others: [] }
    const wasReached = await trying(() =>
      inTenant(database, trial, (tx) => reachTrial(tx, reach, rule, there), { initiator }),
    )
    if (wasReached === true) reached.push(trial)
  }
  if (reach.startedBy === 'identity_provider') {
    for (const [tenant, { confirmed, others }] of await findUsers(database, reach, 'enterprise')) {
      const users = [...new Set([...confirmed, ...others])]
      await trying(() =>
        inTenant(database, tenant, (tx) => proposeInEnterprise(tx, reach, users, new Set(confirmed)), { initiator }),
      )
    }
  }
  if (errors.length === 0) await inTenant(database, reach.tenant, (tx) => finishReach(tx, reach, reached))
  return errors
}

/** The ids of all trial tenants. */
async function trialsOf(database: Database): Promise<string[]> {
  const rows = await outsideTenants<{ id: string }>(database, 'select trial_tenant_ids() as id')
  return rows.map(({ id }) => id).sort()
}

/** The users of all tenants of a kind who may be these people, by tenant. Only ids are read across tenants. */
async function findUsers(database: Database, reach: Reach, kind: TenantKind): Promise<Map<string, ReachFound>> {
  const addresses = [...new Set(reach.people.flatMap((person) => person.addresses))]
  const identities = [...new Set(reach.people.flatMap((person) => person.identities))]
  type Row = { tenant_id: string; user_id: string }
  const [confirmed, others] = await Promise.all([
    outsideTenants<Row>(database, 'select * from users_of_confirmed($1::bytea[], $2)', [
      [...reach.confirmed].map((hash) => Buffer.from(hash, 'hex')),
      kind,
    ]),
    outsideTenants<Row>(database, 'select * from users_of_identifiers($1::text[], $2::text[], $3)', [
      addresses,
      identities,
      kind,
    ]),
  ])
  const found = new Map<string, ReachFound>()
  const of = (tenant: string): ReachFound => {
    const known = found.get(tenant) ?? { confirmed: [], others: [] }
    found.set(tenant, known)
    return known
  }
  for (const { tenant_id, user_id } of confirmed) of(tenant_id).confirmed.push(user_id)
  for (const { tenant_id, user_id } of others) {
    const there = of(tenant_id)
    if (!there.confirmed.includes(user_id)) there.others.push(user_id)
  }
  found.delete(reach.tenant)
  return found
}

/** Ends a reach: nobody needs its people any more. The requester learns a number, and nothing about the tenants. */
async function finishReach(tx: TenantTransaction, reach: Reach, reached: string[]): Promise<void> {
  const { rowCount } = await tx.query(
    `update erasure_reaches set finished_at = $3, sealed_people = null, confirmed_hashes = '{}', trials = $4
     where tenant_id = $1 and id = $2 and finished_at is null`,
    [tx.tenantId, reach.id, new Date(), reached],
  )
  if (rowCount === 0 || reach.request === null || tx.tenantId === installationTrail) return
  const { trials, requestedBy } = await countTrials(tx, reach.request)
  if (reached.length === 0 || requestedBy === null) return
  const tenants = trials === 1 ? '1 trial tenant' : `${trials} trial tenants`
  await notify(tx, [requestedBy], {
    kind: 'erasure_reached_trials',
    subject: 'A purge reached trial tenants',
    body: `Erasure request ${reach.request} reached ${tenants} besides yours.`,
    data: { request: reach.request, trials },
  })
}
