/**
 * The SQLSTATEs that Lethe tells apart, by the names of appendix A of PostgreSQL's documentation ("PostgreSQL Error Codes"),
 * and why.
 */
export const sqlstate = {
  /** A commit would write, and the database is a standby or set to read-only. */
  readOnlyTransaction: '25006',
  /** A statement fails because of an earlier one in its transaction; that one's error tells what happened. */
  inFailedTransaction: '25P02',
  /** A transaction held its locks and did nothing for too long; the server has ended it. */
  idleInTransactionTimeout: '25P03',
  /** A transaction took too long in total; the server has ended it. */
  transactionTimeout: '25P04',
  /** `pg_hba.conf` does not let this login connect. */
  invalidAuthorization: '28000',
  /** The password is wrong. */
  invalidPassword: '28P01',
  /** The connection string sets something that the server does not take. */
  invalidParameterValue: '22023',
  /** A row names another one that is not there, or no longer: it was purged in between. */
  foreignKeyViolation: '23503',
  /** Another transaction has taken the value in between. */
  uniqueViolation: '23505',
  /** The database of the connection string does not exist. */
  invalidCatalogName: '3D000',
  /** Another transaction changed what this one has read; only one of them can commit first. */
  serializationFailure: '40001',
  /** Transactions waited for each other; the server has failed this one. */
  deadlockDetected: '40P01',
  /** The login or role may not do it. */
  insufficientPrivilege: '42501',
  /** A table is in a schema that the search path does not name, or does not exist. */
  undefinedTable: '42P01',
  /** Another session has created the same role in between. */
  duplicateObject: '42710',
  /** The disk of the server is full. */
  diskFull: '53100',
  /** The server has as many connections as it allows. */
  tooManyConnections: '53300',
  /** Something must be done before; of `refresh_statistics`: by a superuser. */
  objectNotInPrerequisiteState: '55000',
  /** Another transaction held the lock for longer than `lock_timeout`. */
  lockNotAvailable: '55P03',
  /** A statement took longer than `statement_timeout`. */
  queryCanceled: '57014',
  /** The server starts, stops or recovers. */
  cannotConnectNow: '57P03',
} as const

/** The SQLSTATEs of a class, by its first characters. */
export const sqlstateClass = {
  /** The connection was lost, or never came about. */
  connectionException: '08',
  /** The server lacks memory, connections or space. */
  insufficientResources: '53',
  /** An operator, or the end of the server, has ended the connection; without the cancellation of one statement (57014). */
  operatorIntervention: '57P0',
} as const
