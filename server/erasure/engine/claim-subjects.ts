import type { Operation } from '../../datamap/compile.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'

/** A person taken from a request. */
export type Claimed = {
  id: string
  /** What an earlier run of the request sealed, whose rows it erased. */
  sealedIdentifiers: Buffer | null
  /** Of an anonymization. */
  saltedLine: string | null
}

/** The erasure request. */
export type ClaimedOrder = {
  operation: Operation
  sealedKey: Buffer | null
  initiatedFrom: string
  requestedBy: string | null
  requestedByCredential: string | null
  mapVersion: string
  createdAt: Date
  /** When the first of its people were taken. */
  startedAt: Date
  /** When this transaction began. */
  now: Date
}

export type Claim = {
  subjects: Claimed[]
  /** Undefined where nobody was taken. */
  order: ClaimedOrder | undefined
  /** Nobody else of the request waits, and nobody is erased and not yet verified. */
  all: boolean
  /** These are all that the request ever had, and nothing of them was erased before. */
  whole: boolean
}

/** Takes people that wait in a request; those that another job has taken are passed over. */
export async function claimSubjects(
  tx: TenantTransaction,
  request: string,
  limit: number,
  person?: string,
): Promise<Claim> {
  const { rows } = await tx.query<Claimed & ClaimedOrder & { waiting: number; unverified: boolean; total: number }>(
    `select s.user_id as id, s.sealed_identifiers as "sealedIdentifiers", s.salted_hashes as "saltedLine",
       r.operation, r.sealed_key as "sealedKey", r.initiated_from as "initiatedFrom", r.requested_by as "requestedBy",
       r.requested_by_credential as "requestedByCredential",
       r.map_version as "mapVersion", r.created_at as "createdAt", coalesce(r.started_at, now()) as "startedAt", now(),
       (
         select count(*)::int from (
           select from erasure_subjects where tenant_id = $1 and request_id = $2 and state = 'queued' limit $4::int + 1
         ) x
       ) as waiting,
       exists (
         select from erasure_subjects where tenant_id = $1 and request_id = $2 and state = 'running'
       ) as unverified,
       (
         select count(*)::int from (
           select from erasure_subjects where tenant_id = $1 and request_id = $2 limit $4::int + 1
         ) x
       ) as total
     from erasure_subjects s join erasure_requests r on r.tenant_id = s.tenant_id and r.id = s.request_id
     where s.tenant_id = $1 and s.request_id = $2 and s.state = 'queued' and ($3::uuid is null or s.user_id = $3)
     order by s.user_id limit $4 for update of s skip locked`,
    [tx.tenantId, request, person ?? null, limit],
    'claim_subjects',
  )
  const [first] = rows
  const all = first?.waiting === rows.length && !first.unverified
  return {
    subjects: rows,
    order: first,
    all,
    whole: all && first.total === rows.length && rows.every(({ sealedIdentifiers }) => sealedIdentifiers === null),
  }
}

/** Waits until somebody of this request is free to be taken, or nobody waits any more. */
export async function awaitWaiting(tx: TenantTransaction, request: string): Promise<void> {
  await tx.query(
    `select from erasure_subjects
     where tenant_id = $1 and request_id = $2 and state = 'queued' order by user_id limit 1 for update`,
    [tx.tenantId, request],
  )
}
