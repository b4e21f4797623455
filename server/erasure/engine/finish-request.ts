import { setImmediate } from 'node:timers/promises'
import { resealMentions } from '../../audit/reseal.ts'
import type { Operation } from '../../datamap/compile.ts'
import { withdrawExports } from '../../exports/withdraw-exports.ts'
import type { Identifier } from '../../identifiers/identifier-key.ts'
import { openWith } from '../../keyring/identifier-hash-key.ts'
import { findOtherHolders } from '../../people/identifiers/holders.ts'
import { scrub } from '../../personal-data/actions.ts'
import type { Effect } from '../../personal-data/affected-rows.ts'
import type { Database } from '../../platform/database/pool.ts'
import { inTenant, type TenantTransaction } from '../../platform/database/transaction.ts'
import { certify, endWithoutCertificate, lockRequest, readForCertificate } from '../proof/certify.ts'
import { openIdentifiers } from '../sealed-identifiers.ts'
import { findSubjects } from './find-subjects.ts'
import { recordResidue, residueOf } from './residual-data.ts'

/** More than one batch: the search for mentions reads whole tables, whatever the number of people. */
const verifiedAtATime = 10_000

const openedAtATime = 500

/**
 * Ends what the batches began, once none is left to erase: scrubs mentions and verifies that none is left, signs the
 * certificate and tells people. Safe to call at any time and by several jobs at once: the request's row is locked, and
 * whoever comes second finds the work done. Answers `waiting` while people wait to be erased.
 */
export async function concludeErasure(
  database: Database,
  tenant: string,
  request: string,
): Promise<'concluded' | 'waiting'> {
  for (;;) {
    const outcome = await inTenant(database, tenant, async (tx) => {
      const [state, erased] = await Promise.all([lockAndRead(tx, request), readErased(tx, request)])
      if (state === undefined || state.concluded) return 'concluded'
      if (state.queued > 0) return 'waiting'
      // Of most of them nothing is found; the server writes that down while their identifiers are opened.
      recordVerified(
        tx,
        request,
        erased.map(({ user_id }) => user_id),
      )
      const { effects, residue } = await scrubErased(tx, request, state, erased)
      recordScrubbed(tx, request, effects)
      recordResidue(tx, request, residue)
      if (state.running > erased.length) return 'more'
      // Where nobody's identifiers were opened, perhaps because the master key is wrong, nobody is done.
      if (erased.length === 0 && !(await isAnybodyDone(tx, request))) await endWithoutCertificate(tx, request)
      else await certify(tx, request, await readForCertificate(tx, request))
      return 'concluded'
    })
    if (outcome !== 'more') return outcome
  }
}

async function lockAndRead(tx: TenantTransaction, request: string) {
  // A statement of its own: one that waits for the lock sees what was there before it waited.
  lockRequest(tx, request)
  const { rows } = await tx.query<{
    operation: Operation
    sealed_key: Buffer | null
    concluded: boolean
    queued: number
    running: number
  }>(
    `select r.operation, r.sealed_key,
       r.finished_at is not null
         or exists (select from erasure_steps t where t.tenant_id = $1 and t.request_id = $2 and t.step = 'certify' and t.state = 'done')
         as concluded,
       count(*) filter (where s.state = 'queued')::int as queued,
       count(*) filter (where s.state = 'running')::int as running
     from erasure_requests r
     left join erasure_subjects s on s.tenant_id = $1 and s.request_id = $2 and s.state in ('queued', 'running')
     where r.tenant_id = $1 and r.id = $2
     group by r.operation, r.sealed_key, r.finished_at`,
    [tx.tenantId, request],
    'read_progress',
  )
  const row = rows[0]
  if (row === undefined) return undefined
  return {
    operation: row.operation,
    sealedKey: row.sealed_key,
    concluded: row.concluded,
    queued: row.queued,
    running: row.running,
  }
}

async function isAnybodyDone(tx: TenantTransaction, request: string): Promise<boolean> {
  const { rowCount } = await tx.query(
    `select from erasure_subjects where tenant_id = $1 and request_id = $2 and state = 'done' limit 1`,
    [tx.tenantId, request],
  )
  return rowCount > 0
}

type ErasedSubject = { user_id: string; sealed_identifiers: Buffer | null }

/** The next people whose rows are erased and who are not verified yet. */
async function readErased(tx: TenantTransaction, request: string): Promise<ErasedSubject[]> {
  const { rows } = await tx.query<ErasedSubject>(
    `select user_id, sealed_identifiers from erasure_subjects
     where tenant_id = $1 and request_id = $2 and state = 'running' order by user_id limit $3`,
    [tx.tenantId, request, verifiedAtATime],
    'subjects_to_verify',
  )
  return rows
}

/** Scrubs the mentions of these people, and tells what is left of those; nobody should stand in that answer. */
async function scrubErased(
  tx: TenantTransaction,
  request: string,
  { operation, sealedKey }: { operation: Operation; sealedKey: Buffer | null },
  erased: ErasedSubject[],
): Promise<{ effects: Effect[]; residue: Map<string, Effect[]> }> {
  if (erased.length === 0) return { effects: [], residue: new Map() }
  if (sealedKey === null) throw new Error('the request has erased people but no key')
  const requestKey = openWith(tx.masterKey, sealedKey, 'request key')
  const identifiers = new Map<string, Identifier[]>()
  for (const [index, { user_id, sealed_identifiers }] of erased.entries()) {
    // Others of the process have their turn meanwhile, and what was sent goes out.
    if (index % openedAtATime === 0) await setImmediate()
    if (sealed_identifiers === null) throw new Error('an erased person has no sealed identifiers')
    identifiers.set(user_id, openIdentifiers(requestKey, sealed_identifiers))
  }
  const people = [...identifiers.keys()]
  const all = [...identifiers.values()].flat()
  const values = all.map(({ value }) => value)
  const shared = await findOtherHolders(tx, values, people)
  const own = all.filter(({ value }) => !shared.has(value))
  const withdrawn = [...(await resealMentions(tx, own, people)), ...(await withdrawExports(tx, own, people))]
  const { effects, left } = await scrub(tx, {
    operation,
    people,
    identifiers: own,
    shared: Promise.resolve(new Set()),
    findAlsoErased: (owners) => findSubjects(tx, request, owners),
  })
  return { effects: [...effects, ...withdrawn], residue: residueOf({ mentions: left }, identifiers) }
}

/** Adds to the receipt what was scrubbed after the people were erased. */
export function recordScrubbed(tx: TenantTransaction, request: string, effects: Effect[]): void {
  if (effects.length === 0) return
  tx.send(
    `with receipt as (
       insert into erasure_receipts (tenant_id, request_id, table_name, effect, row_count)
       select $1, $2, given.* from unnest($3::text[], $4::text[], $5::bigint[]) as given
       on conflict (tenant_id, request_id, table_name, effect)
       do update set row_count = erasure_receipts.row_count + excluded.row_count
     )
     update erasure_steps set removed = removed + $6 where tenant_id = $1 and request_id = $2 and step = 'erase'`,
    [
      tx.tenantId,
      request,
      effects.map(({ table }) => table),
      effects.map(({ effect }) => effect),
      effects.map(({ rows }) => rows),
      effects.reduce((sum, { rows }) => sum + rows, 0),
    ],
    'record_scrubbed',
  )
}

/** Nothing is left of these people, or {@link recordResidue} says afterwards what is. */
function recordVerified(tx: TenantTransaction, request: string, people: string[]): void {
  if (people.length === 0) return
  tx.send(
    `with done as (
       update erasure_subjects s set state = 'done', finished_at = clock_timestamp()
       from unnest($3::uuid[]) as given (user_id)
       where s.tenant_id = $1 and s.request_id = $2 and s.user_id = given.user_id
     ), erase as (
       update erasure_steps set state = 'done', finished_at = clock_timestamp()
       where tenant_id = $1 and request_id = $2 and step = 'erase' and state <> 'done'
     )
     update erasure_steps set state = 'running', started_at = now()
     where tenant_id = $1 and request_id = $2 and step = 'verify' and state <> 'running'`,
    [tx.tenantId, request, people],
    'record_verified',
  )
}
