import pg from 'pg'
import { isLetheError, type LetheError, platformError } from '../errors.ts'
import { databaseError } from './errors.ts'
import { codeOf } from './pool.ts'
import { sqlstate, sqlstateClass } from './sqlstates.ts'

/**
 * Tells whether the same act may succeed later without a change of the program or of the input. This is the one definition
 * of what is transient.
 */
export function isTransient(error: unknown): boolean {
  return transientFailure(error) !== undefined
}

/** A transient failure as an error of the table, see {@link isTransient}; undefined for everything else. */
export function transientFailure(error: unknown): LetheError | undefined {
  if (isLetheError(error)) return error.kind === 'unavailable' ? error : undefined
  switch (codeOf(error)) {
    case sqlstate.diskFull:
      return databaseError('database.disk_full', undefined, error)
    case sqlstate.tooManyConnections:
      return databaseError('database.no_connection_left', undefined, error)
    case sqlstate.lockNotAvailable:
      return databaseError('database.lock_timeout', undefined, error)
    case sqlstate.queryCanceled:
      return databaseError('database.statement_timeout', undefined, error)
    case sqlstate.readOnlyTransaction:
      return databaseError('database.read_only', undefined, error)
  }
  return isLost(error) ? platformError('service.unavailable', undefined, error) : undefined
}

/**
 * Tells whether the transaction lost against another one that ran at the same time: run again at once, the same
 * transaction may well commit. Such a failure is transient too.
 */
export function isLostToConcurrency(error: unknown): boolean {
  return lostToConcurrency.has(codeOf(error) ?? '')
}

const attempts = 5

/**
 * Runs a transaction again, up to five times, after short pauses, while it loses against others
 * ({@link isLostToConcurrency}). So it must not act outside of the database.
 */
export async function untilWon<T>(transaction: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await transaction()
    } catch (error) {
      if (attempt >= attempts || !isLostToConcurrency(error)) throw error
      await new Promise((resolve) => setTimeout(resolve, 10 * 2 ** attempt * Math.random()))
    }
  }
}

const lostToConcurrency: ReadonlySet<string> = new Set([sqlstate.serializationFailure, sqlstate.deadlockDetected])

const ended: ReadonlySet<string> = new Set([sqlstate.idleInTransactionTimeout, sqlstate.transactionTimeout])

/** Codes of Node for a connection that is refused or lost (its documentation, "Common system errors"). */
const lostConnection: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
])

/** `pg` gives no codes to these. */
const messages = /^(Connection terminated|Client has encountered a connection error|Client was closed)/

/** Five characters; a system error's code may begin like a class. */
const isSqlstate = /^[0-9A-Z]{5}$/

function isLost(error: unknown): boolean {
  const code = codeOf(error) ?? ''
  if (lostToConcurrency.has(code) || ended.has(code) || lostConnection.has(code)) return true
  if (isSqlstate.test(code) && Object.values(sqlstateClass).some((start) => code.startsWith(start))) return true
  return !(error instanceof pg.DatabaseError) && error instanceof Error && messages.test(error.message)
}
