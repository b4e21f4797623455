import type { Identifier } from '../../identifiers/identifier-key.ts'
import { identifierHashKey } from '../../keyring/identifier-hash-key.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { includesSubject, type Verdict, verifyCertificate } from './certificate.ts'
import { certificateError } from './errors.ts'
import { readCertificate } from './read-certificate.ts'

/**
 * Whether a person is among the people of a certified request, and the verdict of its statements. A purge is checked by
 * the tenant's key, an anonymization by the salt that the request returned. The identifier's value may be as it is
 * written. An identifier that another living user held at the time of the purge was not remembered, so it gives no.
 *
 * Throws `erasure.not_found`, `certificate.not_found`, `certificate.salt_needed`, `certificate.no_salt`,
 * `certificate.invalid`.
 */
export async function checkMembership(
  tx: TenantTransaction,
  { request, identifier, salt }: { request: string; identifier: Identifier; salt?: Buffer | undefined },
): Promise<{ among: boolean; verdict: Verdict }> {
  const file = await readCertificate(tx, request)
  const { certificate, verdict } = await verifyCertificate(file)
  const { operation } = certificate
  if (operation === 'anonymize') {
    if (salt === undefined) throw certificateError('certificate.salt_needed')
    return { among: includesSubject(file.subjects, salt, identifier), verdict }
  }
  if (salt !== undefined) throw certificateError('certificate.no_salt', { request })
  return { among: includesSubject(file.subjects, await identifierHashKey(tx), identifier), verdict }
}
