import { hashIdentifier } from '../../keyring/identifier-hash-key.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { subjectLine } from './certificate.ts'

const linesAtATime = 1000

/**
 * The lines of the subject list of a request, in the order of the internal ids: the people that were done at the last
 * certificate, by keyed hashes only. Hashes of purged people use the tenant's key, those of anonymized people the salt
 * of the request. A person in whom the search found something afterwards stays in that list until a later certificate
 * says otherwise.
 */
export async function* readSubjectLines(
  tx: TenantTransaction,
  request: string,
  hashKey: Buffer,
): AsyncGenerator<string> {
  let after = '00000000-0000-0000-0000-000000000000'
  for (;;) {
    const { rows } = await tx.query<{
      user_id: string
      salted_hashes: string | null
      hashes: { kind: string; hash: string }[]
    }>(
      `select s.user_id, s.salted_hashes, t.hashes
       from (
         select user_id, salted_hashes from erasure_subjects
         where tenant_id = $1 and request_id = $2 and finished_at is not null
           and state in ('done', 'failed', 'queued', 'running') and user_id > $3
         order by user_id limit $4
       ) s
       cross join lateral (
         select coalesce(jsonb_agg(jsonb_build_object('kind', kind, 'hash', encode(hash, 'hex'))), '[]') as hashes
         from tombstones where tenant_id = $1 and request_id = $2 and user_id = s.user_id
       ) t
       order by s.user_id`,
      [tx.tenantId, request, after, linesAtATime],
      'subject_lines',
    )
    for (const { user_id, salted_hashes, hashes } of rows) {
      after = user_id
      if (salted_hashes !== null) {
        yield salted_hashes
        continue
      }
      yield lineOfPurged(
        hashKey,
        user_id,
        hashes.map(({ kind, hash }) => ({ kind, hash: Buffer.from(hash, 'hex') })),
      )
    }
    if (rows.length < linesAtATime) return
  }
}

/** The line of a purged person, with the hashes of the person's tombstones. */
export function lineOfPurged(hashKey: Buffer, id: string, hashes: { kind: string; hash: Buffer }[]): string {
  // The internal id is hashed like an identifier, under a kind of its own.
  return subjectLine(hashIdentifier(hashKey, { kind: 'ref', value: `id:${id}` }), hashes)
}
