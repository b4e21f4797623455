import type { FastifyRequest } from 'fastify'
import { isPermitted } from '../permissions/permissions.ts'
import { addCandidates } from '../people/accounts/candidates.ts'
import { inTenant } from '../platform/database/transaction.ts'
import { isLetheError, type LetheError } from '../platform/errors.ts'

/**
 * Reads the candidates of an error that says that several people fit a name, where the caller may read users; the formats of
 * errors find them beside it.
 */
export async function readCandidatesOf(error: LetheError, request: FastifyRequest): Promise<void> {
  const { principal, server } = request
  if (!isLetheError(error, 'subject.ambiguous') || principal?.tenantId === undefined) return
  if (!isPermitted(principal, 'users.read')) return
  await inTenant(server.database, principal.tenantId, (tx) => addCandidates(tx, error), { readOnly: true })
}
