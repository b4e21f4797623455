import { decodeJwt } from 'jose'
import type { TenantTransaction } from '../../platform/database/transaction.ts'

export type Signed = { number: number; jws: string }

/**
 * Of an erasure request, the newest statement and the newest certificate, which an addendum names; undefined without a
 * certificate. The caller has locked the request, in a statement of its own.
 */
export async function readNewestStatements(
  tx: TenantTransaction,
  request: string,
): Promise<{ last: Signed; certificate: Signed } | undefined> {
  const { rows } = await tx.query<Signed>(
    'select number, jws from erasure_certificates where tenant_id = $1 and request_id = $2 order by number',
    [tx.tenantId, request],
  )
  const last = rows.at(-1)
  const certificate = rows.findLast(({ jws }) => decodeJwt(jws).type === 'lethe.erasure_certificate')
  return last === undefined || certificate === undefined ? undefined : { last, certificate }
}
