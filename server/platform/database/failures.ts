import pg from 'pg'
import { isLetheError, LetheError } from '../errors.ts'
import { codeOf } from './pool.ts'

/**
 * What went wrong with the database as an error of the table, where the same act may succeed later without a change of the
 * program or of the input; undefined for everything else. SQLSTATEs: appendix A of PostgreSQL's documentation.
 */
export function passingFailure(error: unknown): LetheError | undefined {
  if (isLetheError(error)) return error.kind === 'unavailable' ? error : undefined
  switch (codeOf(error)) {
    case '53100':
      return new LetheError('database.disk_full', undefined, error)
    case '53300':
      return new LetheError('database.no_connection_left', undefined, error)
    case '55P03':
      return new LetheError('database.lock_timeout', undefined, error)
    case '57014':
      return new LetheError('database.statement_timeout', undefined, error)
    case '25006':
      return new LetheError('database.read_only', undefined, error)
  }
  return isLost(error) ? new LetheError('service.unavailable', undefined, error) : undefined
}

// Connections that are lost or refused, a server that starts, stops or lacks memory, deadlocks that did not resolve,
// transactions that were ended because they did nothing for too long.
const passing =
  /^(08...|57P0.|53...|40001|40P01|25P03|25P04|ECONNREFUSED|ECONNRESET|ECONNABORTED|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH)$/

/** The driver has no codes for these. */
const messages = /^(Connection terminated|Client has encountered a connection error|Client was closed)/

function isLost(error: unknown): boolean {
  if (passing.test(codeOf(error) ?? '')) return true
  return !(error instanceof pg.DatabaseError) && error instanceof Error && messages.test(error.message)
}
