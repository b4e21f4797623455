import { publicKeys } from '../../keyring/signing-keys.ts'
import { isUuid, type TenantTransaction } from '../../platform/database/transaction.ts'
import { inputError } from '../../platform/validation/errors.ts'
import { erasureError } from '../errors.ts'
import type { CertificateFile } from './certificate.ts'
import { certificateError } from './errors.ts'
import { readSubjectList } from './subject-list.ts'

/**
 * The certificate of a request with its addenda, the subject list and the public keys. Throws `input.invalid`,
 * `erasure.not_found`, `certificate.not_found`, and for a purge `master_key.wrong`.
 */
export async function readCertificate(tx: TenantTransaction, request: string): Promise<CertificateFile> {
  const { certificates, keys } = await readStatements(tx, request)
  const subjects: string[] = []
  for await (const line of readSubjectList(tx, request)) subjects.push(line)
  return { certificates, subjects, keys }
}

/** The certificate of a request with its addenda and the public keys. Throws like {@link readCertificate}. */
export async function readStatements(
  tx: TenantTransaction,
  request: string,
): Promise<Omit<CertificateFile, 'subjects'>> {
  if (!isUuid(request)) throw inputError('input.invalid', { field: 'request', expected: 'a UUID' })
  const { rows } = await tx.query<{ jws: string | null; kid: string | null }>(
    `select c.jws, c.kid
     from erasure_requests r left join erasure_certificates c on c.tenant_id = r.tenant_id and c.request_id = r.id
     where r.tenant_id = $1 and r.id = $2 order by c.number`,
    [tx.tenantId, request],
    'certificates_of_request',
  )
  if (rows.length === 0) throw erasureError('erasure.not_found', { request })
  const signed = rows.flatMap(({ jws, kid }) => (jws === null || kid === null ? [] : [{ jws, kid }]))
  if (signed.length === 0) throw certificateError('certificate.not_found', { request })
  const kids = new Set(signed.map(({ kid }) => kid))
  const { keys } = await publicKeys(tx)
  return {
    certificates: signed.map(({ jws }) => jws),
    keys: { keys: keys.filter(({ kid }) => kid !== undefined && kids.has(kid)) },
  }
}
