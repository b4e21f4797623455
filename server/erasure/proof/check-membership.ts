import type { Identifier } from '../../identifiers/identifier-key.ts'
import { identifierHashKey } from '../../keyring/identifier-hash-key.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { LetheError } from '../../platform/errors.ts'
import { readCertificate } from '../requests/show-erasures.ts'
import { isAmong, type Verdict, verifyCertificate } from './certificate.ts'

/**
 * Whether a certified request covers a person, and the verdict of its statements. For a purge it uses the tenant's key,
 * for an anonymization the returned salt. The identifier's value may be as it is written. An identifier that somebody
 * else held too when the person was purged was not remembered, and answers no.
 *
 * Throws `erasure.not_found`, `certificate.not_found`, `certificate.salt_needed`, `certificate.no_salt`,
 * `certificate.invalid`.
 */
export async function checkAmong(
  tx: TenantTransaction,
  { request, identifier, salt }: { request: string; identifier: Identifier; salt?: Buffer | undefined },
): Promise<{ among: boolean; verdict: Verdict }> {
  const file = await readCertificate(tx, request)
  const { certificate, verdict } = await verifyCertificate(file)
  const { operation } = certificate
  if (operation === 'anonymize') {
    if (salt === undefined) throw new LetheError('certificate.salt_needed')
    return { among: isAmong(file.subjects, salt, identifier), verdict }
  }
  if (salt !== undefined) throw new LetheError('certificate.no_salt', { request })
  return { among: isAmong(file.subjects, await identifierHashKey(tx), identifier), verdict }
}
