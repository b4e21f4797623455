import type { FastifyRequest } from 'fastify'
import { accessError } from '../access/errors.ts'
import type { Database } from '../platform/database/pool.ts'
import { inTenant, type TenantTransaction } from '../platform/database/transaction.ts'
import { principalOf } from './require-access.ts'

/** The tenant of whoever asks. Throws `access.unauthenticated` for operators, who belong to none. */
export function tenantOf(request: FastifyRequest): string {
  const { tenantId } = principalOf(request)
  if (tenantId === undefined) throw accessError('access.unauthenticated', { challenge: 'Basic' })
  return tenantId
}

/**
 * Runs in one transaction of the tenant of whoever asks, and in the name of whoever asks. What only reads is not waited for
 * beyond its answer; a GET that is put on record says so with `records`. `database` is for what needs other connections than
 * those of the server.
 */
export function inTenantOf<T>(
  request: FastifyRequest,
  work: (tx: TenantTransaction) => Promise<T>,
  { records = false, database = request.server.database }: { records?: boolean; database?: Database } = {},
): Promise<T> {
  const { initiator } = principalOf(request)
  return inTenant(database, tenantOf(request), work, { initiator, readOnly: request.method === 'GET' && !records })
}
