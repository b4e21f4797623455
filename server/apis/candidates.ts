import type { FastifyRequest } from 'fastify'
import type { Application } from '../application.ts'
import { problemOf } from '../http/errors/problem-details.ts'
import { addCandidates } from '../people/accounts/candidates.ts'
import { isPermitted } from '../permissions/permissions.ts'
import { inTenant } from '../platform/database/transaction.ts'
import { isLetheError, type LetheError } from '../platform/errors.ts'

/**
 * The problem, with the candidates beside it where it says that several people fit a name and the caller may read users.
 * Where they cannot be read, the problem is that one.
 */
export async function withCandidates(
  app: Application,
  request: FastifyRequest,
  problem: LetheError,
): Promise<LetheError> {
  const { principal } = request
  if (!isLetheError(problem, 'subject.ambiguous') || principal?.tenantId === undefined) return problem
  if (!isPermitted(principal, 'users.read')) return problem
  try {
    await inTenant(app.database, principal.tenantId, (tx) => addCandidates(tx, problem), { readOnly: true })
    return problem
  } catch (error) {
    return problemOf(error, request)
  }
}
