import { record } from '../../audit/record.ts'
import { sealAudit } from '../../audit/seal-audit.ts'
import { announceEvents } from '../../events/announce-events.ts'
import type { Identifier } from '../../identifiers/identifier-key.ts'
import { isSearchable } from '../../identifiers/texts/search-forms.ts'
import { openWith } from '../../keyring/identifier-hash-key.ts'
import { sign } from '../../keyring/jws.ts'
import { activeSigningKey } from '../../keyring/signing-keys.ts'
import { findOtherHolders } from '../../people/identifiers/holders.ts'
import { findLongerIdentifiers } from '../../personal-data/longer-identifiers.ts'
import type { Database } from '../../platform/database/pool.ts'
import { inTenant, outsideTenants, type TenantTransaction } from '../../platform/database/transaction.ts'
import { enqueue } from '../../platform/jobs/enqueue.ts'
import { signWaiting } from '../acknowledgements/sign-acknowledgements.ts'
import { readReceiptTables } from '../disk/add-statement.ts'
import { refreshStatistics } from '../disk/refresh-statistics.ts'
import { type AddendumClaims, hashOf, placeAfter } from '../proof/certificate.ts'
import { notifyEnded } from '../requests/notify-requester.ts'
import { openIdentifiers } from '../sealed-identifiers.ts'
import { openSteps, stateSets } from '../states.ts'
import { placesOf, type SearchResult, searchDatabase } from './search-database.ts'
import { commandsFor } from './ways-out.ts'

/** A request whose people are erased, and what is still to be looked for. */
type Searched = {
  tenant: string
  request: string
  /** When the people were certified of whom the search knows. */
  certifiedAt: string
  wanted: { person: string; identifier: Identifier }[]
  /** Longer identifiers of people who are there. */
  longer: Identifier[]
  tooShort: number
  /** The tables that its receipt names. */
  tables: string[]
}

/**
 * The job that searches the whole database for what certified requests may have left, while their identifiers are still
 * known: all requests of a tenant that wait, in one pass. Then each request gets the result as a signed addendum, its
 * key is destroyed, and it ends. A request with a finding keeps its key, fails with the place, and can be tried again.
 */
export async function runSearch(database: Database): Promise<void> {
  const unfinished = await outsideTenants<{ tenant_id: string; request_id: string }>(
    database,
    'select tenant_id, request_id from unfinished_erasure_requests()',
  )
  const waiting: Searched[] = []
  for (const { tenant_id, request_id } of unfinished) {
    const searched = await inTenant(database, tenant_id, (tx) => beginSearch(tx, request_id))
    if (searched !== undefined) waiting.push(searched)
  }
  if (waiting.length === 0) return
  // What the search does not read: PostgreSQL's samples of the columns, which hold values of rows that are gone.
  const stale = await refreshStatistics(
    database,
    waiting.flatMap(({ tables }) => tables),
  )
  for (const [tenant, ofTenant] of Map.groupBy(waiting, ({ tenant }) => tenant)) {
    const result = await searchDatabase(
      database,
      tenant,
      ofTenant.flatMap(({ wanted }) => wanted.map(({ identifier }) => identifier)),
      ofTenant.flatMap(({ longer }) => longer),
    )
    let first = 0
    for (const searched of ofTenant) {
      const from = first
      first += searched.wanted.length
      await inTenant(database, tenant, (tx) => endSearch(tx, searched, { ...result, stale }, from))
    }
    await signWaiting(database, tenant)
  }
}

/** What to do about a place that no erasure can rewrite and no command changes. */
export const wayOut = 'take it out there, then run "lethe erasure retry"'

/** What to do about places that no erasure can rewrite, with the commands that change them. */
function wayOutOfAll(places: readonly { table: string; column: string }[]): string {
  const commands = commandsFor(places)
  return commands === '' ? wayOut : `change it with ${commands}, then run "lethe erasure retry"`
}

/** Takes a request for the search, if it waits for one; one that a killed process had taken is taken again. */
async function beginSearch(tx: TenantTransaction, request: string): Promise<Searched | undefined> {
  const { rows: steps } = await tx.query<{ certified_at: string }>(
    `update erasure_steps s set state = 'running', started_at = clock_timestamp()
     from erasure_steps c
     where s.tenant_id = $1 and s.request_id = $2 and s.step = 'search' and s.state in ${openSteps}
       and c.tenant_id = $1 and c.request_id = $2 and c.step = 'certify' and c.state = 'done'
     returning c.finished_at::text as certified_at`,
    [tx.tenantId, request],
  )
  const certifiedAt = steps[0]?.certified_at
  if (certifiedAt === undefined) return undefined
  const { rows } = await tx.query<{ user_id: string; sealed_identifiers: Buffer; sealed_key: Buffer }>(
    `select s.user_id, s.sealed_identifiers, r.sealed_key
     from erasure_subjects s join erasure_requests r on r.tenant_id = s.tenant_id and r.id = s.request_id
     where s.tenant_id = $1 and s.request_id = $2 and s.state in ${stateSets.done} and s.sealed_identifiers is not null`,
    [tx.tenantId, request],
  )
  const all = rows.flatMap((row) =>
    openIdentifiers(openWith(tx.masterKey, row.sealed_key, 'request key'), row.sealed_identifiers).map(
      (identifier) => ({ person: row.user_id, identifier }),
    ),
  )
  const held = await holdersOf(tx, all)
  const own = all.filter(({ identifier }) => !held.has(identifier.value))
  const searchable = own.filter(({ identifier }) => isSearchable(identifier))
  // A login name is often the e-mail address again: found twice it would count twice.
  const wanted = [...new Map(searchable.map((one) => [`${one.person} ${one.identifier.value}`, one] as const)).values()]
  const tables = await readReceiptTables(tx, [request])
  const longer = await findLongerIdentifiers(
    tx,
    wanted.map(({ identifier }) => identifier),
    [],
  )
  return { tenant: tx.tenantId, request, certifiedAt, wanted, longer, tooShort: own.length - searchable.length, tables }
}

async function endSearch(
  tx: TenantTransaction,
  { request, certifiedAt, wanted, tooShort, tables }: Searched,
  result: SearchResult & { stale: string[] },
  first: number,
): Promise<void> {
  const { rows: certificates } = await tx.query<{ number: number; jws: string }>(
    `select c.number, c.jws from erasure_requests r
     join erasure_certificates c on c.tenant_id = r.tenant_id and c.request_id = r.id
     where r.tenant_id = $1 and r.id = $2 and r.finished_at is null
     order by c.number desc limit 1 for update of r`,
    [tx.tenantId, request],
  )
  const [certificate] = certificates
  // Another job searched for this request meanwhile and ended it. It may have been opened again, for people who failed or
  // were on hold: of them, this search knows nothing.
  if (certificate === undefined || !(await isCertifiedAt(tx, request, certifiedAt))) return
  const candidates = result.findings.flatMap(({ identifier, ...place }) => {
    const found = wanted[identifier - first]
    return found === undefined ? [] : [{ ...place, ...found }]
  })
  // Somebody who came after the erasure may hold the identifier by now; then it is that person's.
  const held = await holdersOf(tx, candidates)
  const findings = candidates.filter(({ identifier }) => !held.has(identifier.value))
  const failures = new Map<string, { code: string; reason: string }>()
  if (result.unreadable.length > 0) {
    const reason = `the search may not read ${result.unreadable.join(', ')}; grant select to lethe_auditor, with a policy where row level security is on`
    for (const { person } of wanted) failures.set(person, { code: 'erasure.search_incomplete', reason })
  }
  for (const [person, theirs] of Map.groupBy(findings, (finding) => finding.person)) {
    const incomplete = failures.get(person)?.reason
    const reason = `left in ${placesOf(theirs)}; ${wayOutOfAll(theirs)}`
    failures.set(person, {
      code: 'erasure.residue',
      reason: incomplete === undefined ? reason : `${reason}; ${incomplete}`,
    })
  }

  await record(tx, {
    activity: 'ErasureSearched',
    object: request,
    details: { findings: findings.length, failed: failures.size },
  })
  const audit = await sealAll(tx)
  const key = await activeSigningKey(tx)
  // The people who failed or are on hold are erased later, with the same key.
  const keysDestroyed = !(await hasPending(tx, request)) && failures.size === 0
  const now = new Date().toISOString()
  const claims: AddendumClaims = {
    type: 'lethe.erasure_addendum',
    version: 2,
    ...placeAfter(certificate),
    // Where the search found something or could not read everything, it comes again after a retry.
    outstanding: failures.size > 0 ? ['search', 'disk', 'backups'] : ['disk', 'backups'],
    disk: { level: keysDestroyed ? 2 : 1, reached_at: now },
    tenant: tx.tenantId,
    request,
    certificate: hashOf(certificate.jws),
    added_at: now,
    audit,
    search: {
      tables: result.tables,
      columns: result.columns,
      bytes: result.bytes,
      identifiers: wanted.length,
      too_short: tooShort,
      unreadable: result.unreadable,
      findings: findings.map(({ table, column, rows }) => ({ table, column, rows })),
    },
    statistics_left: result.stale.filter((table) => tables.includes(table)),
  }
  await tx.query(
    `with addendum as (
       insert into erasure_certificates (tenant_id, request_id, number, kid, jws)
       values ($1, $2, $10, $3, $4)
     ), failed as (
       update erasure_subjects s set state = 'failed', error_code = given.code, error_reason = given.reason
       from unnest($5::uuid[], $6::text[], $7::text[]) as given (user_id, code, reason)
       where s.tenant_id = $1 and s.request_id = $2 and s.user_id = given.user_id
     ), done as (
       update erasure_subjects set sealed_identifiers = null
       where tenant_id = $1 and request_id = $2 and state in ${stateSets.done} and user_id <> all ($5)
     ), request as (
       update erasure_requests r set finished_at = clock_timestamp(), sealed_key = case when $11 then null else r.sealed_key end
       where r.tenant_id = $1 and r.id = $2
     )
     update erasure_steps set state = case when $8 then 'failed' else 'done' end, failed = $9, finished_at = clock_timestamp()
     where tenant_id = $1 and request_id = $2 and step = 'search'
     returning pg_notify('lethe', request_id::text)`,
    [
      tx.tenantId,
      request,
      key.kid,
      sign(key, claims),
      [...failures.keys()],
      [...failures.values()].map(({ code }) => code),
      [...failures.values()].map(({ reason }) => reason),
      failures.size > 0,
      failures.size,
      claims.number,
      keysDestroyed,
    ],
  )
  goOn(tx, request, keysDestroyed)
  await notifyEnded(tx, request)
}

/** What follows the end of a request. Where people are left to erase, it goes on with them and ends another time. */
function goOn(tx: TenantTransaction, request: string, isComplete: boolean): void {
  if (isComplete) announceEvents(tx, [{ kind: 'erasure.completed', requestId: request }])
  else enqueue(tx, 'resume_held', { tenant: tx.tenantId })
}

/** Whether the newest certificate of people is that of this time. The caller has locked the request. */
async function isCertifiedAt(tx: TenantTransaction, request: string, certifiedAt: string): Promise<boolean> {
  const { rowCount } = await tx.query(
    `select from erasure_steps
     where tenant_id = $1 and request_id = $2 and step = 'certify' and state = 'done' and finished_at = $3::timestamptz`,
    [tx.tenantId, request, certifiedAt],
  )
  return rowCount > 0
}

/** Whether the request has people to erase later. A hold that was released during the search leaves its people to the end. */
async function hasPending(tx: TenantTransaction, request: string): Promise<boolean> {
  const { rowCount } = await tx.query(
    `select from erasure_subjects
     where tenant_id = $1 and request_id = $2 and state in ${stateSets.pending} limit 1`,
    [tx.tenantId, request],
  )
  return rowCount > 0
}

/** Seals the audit trail, so that the addendum can say how far it reaches: with everything that led to this. */
async function sealAll(tx: TenantTransaction): Promise<{ sequence: number; hash: string | null }> {
  for (;;) {
    const { sequence, hash, more } = await sealAudit(tx)
    if (!more) return { sequence, hash }
  }
}

function holdersOf(tx: TenantTransaction, wanted: { identifier: Identifier }[]): Promise<Set<string>> {
  return findOtherHolders(
    tx,
    wanted.map(({ identifier }) => identifier.value),
    [],
  )
}
