import type { FastifyRequest } from 'fastify'
import { addCandidates } from '../people/accounts/candidates.ts'
import { peopleError } from '../people/errors.ts'
import { isPermitted } from '../permissions/permissions.ts'
import { inTenant } from '../platform/database/transaction.ts'
import type { LetheError } from '../platform/errors.ts'

/**
 * Reads the candidates of an error that says that several people fit a name, where the caller may read users; the formats of
 * errors find them beside it.
 */
export async function readCandidatesOf(error: LetheError, request: FastifyRequest): Promise<void> {
  const { principal, server } = request
  if (!peopleError.is(error, 'subject.ambiguous') || principal?.tenantId === undefined) return
  if (!isPermitted(principal, 'users.read')) return
  await inTenant(server.database, principal.tenantId, (tx) => addCandidates(tx, error), { readOnly: true })
}
