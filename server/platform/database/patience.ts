/**
 * How long a transaction waits, in seconds; then the server ends the statement with an error, or the connection.
 *
 * Sources: lock_timeout, statement_timeout and idle_in_transaction_session_timeout of PostgreSQL.
 */
export type Patience = {
  /** For its turn among the transactions of its tenant; undefined: as long as for a connection. */
  turnSeconds?: number
  /** For a lock that another transaction holds. */
  lockSeconds: number
  /** For the end of one statement. */
  statementSeconds: number
  /** For the next statement: how long a transaction may hold its locks and do nothing. */
  idleSeconds: number
}

/** A caller waits for the answer, and asks again after an error. */
export const requestPatience: Patience = { lockSeconds: 15, statementSeconds: 60, idleSeconds: 60 }

/** Jobs and commands: a large import or search takes its time, and one change may have to wait for another's end. */
export const workPatience: Patience = {
  turnSeconds: 120,
  lockSeconds: 600,
  statementSeconds: 86_400,
  idleSeconds: 3600,
}

/** Connections that requests and jobs of one process share, where no setting says otherwise. */
export const usualConnections = 10

/** The longest wait for one of them, in seconds. */
export const usualWaitSeconds = 10
