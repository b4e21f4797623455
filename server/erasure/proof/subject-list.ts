import { hashIdentifier, identifierHashKey } from '../../keyring/identifier-hash-key.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { stateSets } from '../states.ts'
import { subjectLine } from './certificate.ts'
import { commitmentWord } from './commitments.ts'

const linesAtATime = 1000

/** The people of the list, by state: those of the certificate that was signed last, or of the next one. */
const listed = { last: stateSets.certifiable, next: stateSets.done }

/**
 * The lines of the subject list of a request, in the order of the internal ids: the people who were done when the last
 * certificate was signed. The lines hold keyed hashes only: of purged people under the tenant's key, of anonymized people
 * under the salt of the request, as the request stored them.
 *
 * A person in whom the search found something afterwards
 * stays in the list until a later certificate is signed. `certified`: `next` for the list of the certificate that is about
 * to be signed, of the people who are done now. Throws `master_key.wrong` where the list has purged people.
 */
export async function* readSubjectList(
  tx: TenantTransaction,
  request: string,
  options: { certified: keyof typeof listed } = { certified: 'last' },
): AsyncGenerator<string> {
  for await (const { line } of readListedSubjects(tx, request, options)) yield line
}

/** A person of the subject list. `commitments`: see commitments.ts; null for a person without. */
export type ListedSubject = { person: string; line: string; commitments: string | null }

/** The people of the subject list of a request, with their lines, in the order of {@link readSubjectList}. */
export async function* readListedSubjects(
  tx: TenantTransaction,
  request: string,
  { certified }: { certified: keyof typeof listed } = { certified: 'last' },
): AsyncGenerator<ListedSubject> {
  let after = '00000000-0000-0000-0000-000000000000'
  for (;;) {
    const { rows } = await tx.query<{
      user_id: string
      salted_hashes: string | null
      commitments: string | null
      hashes: { kind: string; hash: string }[]
    }>(
      `select s.user_id, s.salted_hashes, s.commitments, t.hashes
       from (
         select user_id, salted_hashes, commitments from erasure_subjects
         where tenant_id = $1 and request_id = $2 and finished_at is not null
           and state in ${listed[certified]} and user_id > $3
         order by user_id limit $4
       ) s
       cross join lateral (
         select coalesce(jsonb_agg(jsonb_build_object('kind', kind, 'hash', encode(hash, 'hex'))), '[]') as hashes
         from tombstones where tenant_id = $1 and request_id = $2 and user_id = s.user_id
       ) t
       order by s.user_id`,
      [tx.tenantId, request, after, linesAtATime],
      `subject_list_${certified}`,
    )
    for (const { user_id: person, salted_hashes, commitments, hashes } of rows) {
      after = person
      const named =
        salted_hashes ??
        lineOfPurged(
          await identifierHashKey(tx),
          person,
          hashes.map(({ kind, hash }) => ({ kind, hash: Buffer.from(hash, 'hex') })),
        )
      const line = commitments === null ? named : `${named} ${commitmentWord(commitments)}`.trim()
      yield { person, line, commitments }
    }
    if (rows.length < linesAtATime) return
  }
}

/** The line of a purged person, with the hashes of the person's tombstones. */
export function lineOfPurged(hashKey: Buffer, id: string, hashes: { kind: string; hash: Buffer }[]): string {
  // The internal id is hashed like an identifier, under a kind of its own.
  return subjectLine(hashIdentifier(hashKey, { kind: 'ref', value: `id:${id}` }), hashes)
}
