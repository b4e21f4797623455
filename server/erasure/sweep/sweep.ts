import { record } from '../../audit/record.ts'
import { compiledMap } from '../../datamap/compiled.ts'
import { heldPeople, holdList, holdsInForce } from '../../holds/held-people.ts'
import type { Identifier } from '../../identifiers/identifier-key.ts'
import { findFormerHolders } from '../../people/identifiers/former-identifiers.ts'
import { findOtherHolders } from '../../people/identifiers/holders.ts'
import { findPendingErasures } from '../../people/lifecycle/pending-erasure.ts'
import { findLongerIdentifiers } from '../../personal-data/longer-identifiers.ts'
import type { Database } from '../../platform/database/pool.ts'
import { inTenant, type TenantTransaction } from '../../platform/database/transaction.ts'
import { type Reappeared, requestFollowUp, retryWith } from '../requests/request-follow-up.ts'
import { type RestingState, stateSets } from '../states.ts'
import {
  confirmTraces,
  type SweepPass,
  searchedAs,
  sweepDatabase,
  type Trace,
  type TraceKind,
} from './sweep-database.ts'

/** An identifier of a purged person that stands in the database, by place; never what it is. */
export type Finding = {
  id: string
  tenant: string
  /** The internal id of the purged person. */
  user: string
  kind: TraceKind
  table: string
  column: string
  rows: number
  foundAt: Date
  /** The follow-up that deals with it. */
  request: string | null
  /**
   * `scrub`, if the column mentions people according to the data map. `replay` of the ledger, if the person exists
   * again. Otherwise a person must check it.
   */
  remedy: 'scrub' | 'replay' | 'by hand'
}

export type Sweep = Omit<SweepPass, 'traces'> & {
  /** What is open now, the places of one person together. */
  findings: Finding[]
  /** Findings of earlier sweeps that were not there any more. */
  resolved: number
  /** What was found, by the id of the finding: for {@link followUp}, and for nothing that is kept or shown. */
  found: Map<string, Identifier[]>
}

/**
 * The later sweep: searches the whole database for what these tenants have purged, by tombstones and ledger, and writes
 * findings down. An identifier that a living user of the tenant holds by now is that user's, and no finding. What earlier
 * sweeps found and this one does not is resolved, except in tables that could not be read.
 *
 * Throws `master_key.wrong`.
 */
export async function sweep(database: Database, tenants: readonly string[]): Promise<Sweep> {
  const { traces, ...pass } = await sweepDatabase(database, tenants)
  const swept: Sweep = { ...pass, findings: [], resolved: 0, found: new Map() }
  const byTenant = Map.groupBy(traces, ({ tenant }) => tenant)
  for (const tenant of tenants) {
    const { held, longer } = await inTenant(database, tenant, (tx) => heldBy(tx, byTenant.get(tenant) ?? []))
    const traces = withoutHeld(byTenant.get(tenant) ?? [], held)
    const back = traces.filter(isBack)
    const inTexts = traces.filter((trace) => !isBack(trace))
    const open = [...(await confirmTraces(database, tenant, inTexts, longer)), ...back]
    await inTenant(database, tenant, async (tx) => {
      const resolved = await writeDown(tx, open, pass.unreadable, swept.found)
      swept.resolved += resolved
      const findings = await readOpen(tx)
      swept.findings.push(...findings)
      await record(tx, {
        activity: 'TracesSwept',
        object: tenant,
        details: { open: findings.length, resolved, unreadable: pass.unreadable.length },
      })
    })
  }
  return swept
}

/** Which of the values people of the tenant hold by now, and longer identifiers of theirs that have one inside. */
async function heldBy(tx: TenantTransaction, traces: Trace[]): Promise<{ held: Set<string>; longer: Identifier[] }> {
  const values = traces.filter(({ kind }) => kind !== 'internal_id').map(({ value }) => value)
  const held = await findOtherHolders(tx, [...new Set(values)], [])
  return { held, longer: await findLongerIdentifiers(tx, traces.map(searchedAs), []) }
}

/** Leaves out what belongs to somebody who is there: an identifier of a living user, the id of a user who is back. */
function withoutHeld(traces: Trace[], held: Set<string>): Trace[] {
  const back = new Set(traces.filter(isBack).map(({ user }) => user))
  return traces.filter((trace) =>
    trace.kind === 'internal_id' ? isBack(trace) || !back.has(trace.user) : !held.has(trace.value),
  )
}

function isBack({ kind, table, column }: Pick<Trace, 'kind' | 'table' | 'column'>): boolean {
  return kind === 'internal_id' && table === 'users' && column === 'id'
}

type FindingRow = {
  id: string
  user_id: string
  kind: TraceKind
  table_name: string
  column_name: string
  row_count: number
  found_at: Date
  request_id: string | null
}

const findingColumns = 'id, user_id, kind, table_name, column_name, row_count, found_at, request_id'

/** Writes the findings down, resolves the others, and answers how many that were. */
async function writeDown(
  tx: TenantTransaction,
  traces: Trace[],
  unreadable: string[],
  found: Map<string, Identifier[]>,
): Promise<number> {
  // Several identifiers of one kind may stand in one column.
  const places = Map.groupBy(traces, ({ user, table, column, kind }) => JSON.stringify([user, table, column, kind]))
  const all = [...places.values()].flatMap(([first, ...others]) =>
    first === undefined ? [] : [{ ...first, rows: others.reduce((sum, { rows }) => sum + rows, first.rows) }],
  )
  const { rows } = await tx.query<FindingRow>(
    `insert into erasure_findings (tenant_id, user_id, table_name, column_name, kind, row_count)
     select $1, given.* from unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::bigint[]) as given
     on conflict (tenant_id, user_id, table_name, column_name, kind) where resolved_at is null
     do update set row_count = excluded.row_count
     returning ${findingColumns}`,
    [
      tx.tenantId,
      all.map(({ user }) => user),
      all.map(({ table }) => table),
      all.map(({ column }) => column),
      all.map(({ kind }) => kind),
      all.map(({ rows }) => rows),
    ],
  )
  for (const { id, user_id, table_name, column_name, kind } of rows) {
    const there = places.get(JSON.stringify([user_id, table_name, column_name, kind])) ?? []
    found.set(id, there.map(searchedAs))
  }
  const { rowCount } = await tx.query(
    `update erasure_findings set resolved_at = now()
     where tenant_id = $1 and resolved_at is null and id <> all($2) and table_name <> all($3)`,
    [tx.tenantId, rows.map(({ id }) => id), unreadable],
  )
  return rowCount
}

async function readOpen(tx: TenantTransaction): Promise<Finding[]> {
  const { rows } = await tx.query<FindingRow>(
    `select ${findingColumns} from erasure_findings
     where tenant_id = $1 and resolved_at is null order by user_id, table_name, column_name, kind`,
    [tx.tenantId],
  )
  const scrubbed = new Set(compiledMap.plans.purge.mentions.map(({ table, column }) => `${table} ${column}`))
  return rows.map((row) => {
    const { kind, table_name: table, column_name: column } = row
    const remedy = scrubbed.has(`${table} ${column}`) ? 'scrub' : 'by hand'
    return {
      id: row.id,
      tenant: tx.tenantId,
      user: row.user_id,
      kind,
      table,
      column,
      rows: row.row_count,
      foundAt: row.found_at,
      request: row.request_id,
      remedy: isBack({ kind, table, column }) ? 'replay' : remedy,
    }
  })
}

export type FollowUp = { tenant: string; request: string }

/**
 * Requests a follow-up for all people with findings. It scrubs the findings in all columns that mention people
 * according to the data map. Then it searches the whole database for them and signs a certificate. Where a request
 * names the person already, that one goes on, or is tried again. Answers the requests, whose workers must be running.
 */
export async function followUp(database: Database, swept: Sweep): Promise<FollowUp[]> {
  const followUps: FollowUp[] = []
  for (const [tenant, findings] of Map.groupBy(swept.findings, (finding) => finding.tenant)) {
    const all = reappeared(findings, swept.found)
    if (all.length === 0) continue
    const requests = await inTenant(database, tenant, async (tx) => {
      const subjects = await withoutCovered(tx, all)
      if (subjects.length === 0) return []
      const requestOf = await orderFor(tx, subjects)
      await tx.query(
        `update erasure_findings f set request_id = given.request_id
         from unnest($2::uuid[], $3::uuid[]) as given (user_id, request_id)
         where f.tenant_id = $1 and f.user_id = given.user_id and f.resolved_at is null and f.id = any($4)`,
        [tx.tenantId, [...requestOf.keys()], [...requestOf.values()], findings.map(({ id }) => id)],
      )
      return new Set(requestOf.values())
    })
    for (const request of requests) followUps.push({ tenant, request })
  }
  return followUps
}

/** The people of the findings with everything that was found of each; not who is there again. */
function reappeared(findings: Finding[], found: Map<string, Identifier[]>): Reappeared[] {
  const subjects: Reappeared[] = []
  for (const [userId, theirs] of Map.groupBy(findings, ({ user }) => user)) {
    if (theirs.some(({ remedy }) => remedy === 'replay')) continue
    const identifiers = theirs.flatMap(({ id }) => found.get(id) ?? [])
    const each = new Map(identifiers.map((identifier) => [identifier.value, identifier]))
    if (each.size > 0) subjects.push({ userId, identifiers: [...each.values()] })
  }
  return subjects
}

/** Leaves out what a legal hold covers: identifiers that another user had before, whom a hold covers now. */
async function withoutCovered(tx: TenantTransaction, subjects: Reappeared[]): Promise<Reappeared[]> {
  const identifiers = subjects.flatMap((subject) => subject.identifiers)
  const holders = await formerHolders(tx, identifiers)
  const held = await heldPeople(tx, [...new Set([...holders.values()].flat())])
  const covered = new Set(
    [...holders].flatMap(([value, users]) => (users.some((user) => held.has(user)) ? [value] : [])),
  )
  return subjects
    .map(({ userId, identifiers: theirs }) => ({
      userId,
      identifiers: theirs.filter(({ value }) => !covered.has(value)),
    }))
    .filter(({ identifiers: theirs }) => theirs.length > 0)
}

/** The users of the tenant who had these identifiers before a change, by the value of the identifier. */
async function formerHolders(
  tx: TenantTransaction,
  identifiers: readonly Identifier[],
): Promise<Map<string, string[]>> {
  const found = await findFormerHolders(tx, identifiers, (identifier) => [identifier])
  return new Map([...found].map(([{ value }, users]) => [value, users.map(({ id }) => id)]))
}

/** Which request deals with whom. */
async function orderFor(tx: TenantTransaction, subjects: Reappeared[]): Promise<Map<string, string>> {
  const pending = await findPendingErasures(
    tx,
    subjects.map(({ userId }) => userId),
  )
  const requestOf = new Map(pending.map(({ user_id, request_id }) => [user_id, request_id]))
  const ended = pending.filter((one) => one.ended)
  for (const request of new Set(ended.map((one) => one.request_id))) {
    await retryWith(
      tx,
      request,
      subjects.filter(({ userId }) => requestOf.get(userId) === request),
    )
  }
  const others = subjects.filter(({ userId }) => !requestOf.has(userId))
  if (others.length === 0) return requestOf
  const request = await requestFollowUp(tx, {
    subjects: others,
    reason: 'A sweep found identifiers of people who were purged before.',
  })
  for (const { userId } of others) requestOf.set(userId, request)
  return requestOf
}

/**
 * Resolves the findings of everybody with whom a follow-up has come to its end, once its requests have ended. Answers what
 * is open in these tenants, and why where a follow-up failed or waits. `found`: of the sweep, if it is still known.
 */
export async function settleFindings(
  database: Database,
  tenants: readonly string[],
  found?: Sweep['found'],
): Promise<{ findings: Finding[]; reasons: string[] }> {
  const open: Finding[] = []
  const reasons = new Set<string>()
  for (const tenant of tenants) {
    await inTenant(database, tenant, async (tx) => {
      await tx.query(
        `update erasure_findings f set resolved_at = clock_timestamp()
         from erasure_subjects s join erasure_requests r on r.tenant_id = s.tenant_id and r.id = s.request_id
         where f.tenant_id = $1 and f.resolved_at is null
           and s.tenant_id = f.tenant_id and s.request_id = f.request_id and s.user_id = f.user_id
           and s.state in ${stateSets.done} and r.finished_at is not null`,
        [tx.tenantId],
      )
      for (const reason of await whyOpen(tx, found)) reasons.add(reason)
      open.push(...(await readOpen(tx)))
    })
  }
  return { findings: open, reasons: [...reasons] }
}

/** Why findings of these tenants are open: legal holds, requests that wait, and failures of follow-ups. */
export async function readReasons(
  database: Database,
  tenants: readonly string[],
  found?: Sweep['found'],
): Promise<string[]> {
  const reasons = new Set<string>()
  for (const tenant of tenants) {
    for (const reason of await inTenant(database, tenant, (tx) => whyOpen(tx, found))) reasons.add(reason)
  }
  return [...reasons]
}

const waitsFor: Record<Exclude<RestingState, 'held'>, string> = {
  awaiting_approval: 'waits for an approval',
  scheduled: 'waits for the end of its cooling-off period',
}

/**
 * Why findings are open: the legal holds that cover the people, who may be there again, or users who had the identifiers
 * later; requests that wait; and failures of follow-ups.
 */
async function whyOpen(tx: TenantTransaction, found: Sweep['found'] = new Map()): Promise<string[]> {
  const open = await readOpen(tx)
  const ids = [...new Set(open.map(({ user }) => user))]
  const later = await formerHolders(
    tx,
    open.flatMap(({ id }) => found.get(id) ?? []),
  )
  const held = await heldPeople(tx, [...new Set([...ids, ...[...later.values()].flat()])])
  const holds = held.size === 0 ? [] : await holdsInForce(tx, [...held])
  const { rows } = await tx.query<{ request_id: string; state: RestingState | null; reason: string | null }>(
    `select distinct s.request_id, case when s.state in ${stateSets.resting} then s.state end as state,
       case when s.state in ${stateSets.failed} then s.error_reason end as reason
     from erasure_subjects s
     where s.tenant_id = $1 and s.user_id = any ($2::uuid[])
       and (s.state in ${stateSets.resting} or s.state in ${stateSets.failed} and s.error_reason is not null)
     order by 1, 2, 3`,
    [tx.tenantId, ids],
  )
  const waiting = rows.flatMap(({ request_id, state }) =>
    state === null || state === 'held' ? [] : [`erasure request ${request_id} ${waitsFor[state]}`],
  )
  return [
    ...(holds.length === 0
      ? []
      : [
          `${holds.length === 1 ? 'the legal hold' : 'the legal holds'} ${holdList(holds)} ${holds.length === 1 ? 'covers' : 'cover'} people of the findings`,
        ]),
    ...waiting,
    ...new Set(rows.flatMap(({ reason }) => (reason === null ? [] : [reason]))),
  ]
}
