import type { Kysely } from 'kysely'
import type pg from 'pg'
import type { Initiator } from '../initiator.ts'
import type { Session } from './driver.ts'
import { untilWon } from './failures.ts'
import type { DB } from './generated/schema.gen.ts'
import { PlainSession } from './plain-session.ts'
import { codeOf, type Database } from './pool.ts'
import { queryBuilderOver } from './query-builder.ts'
import { sqlstate } from './sqlstates.ts'

/**
 * A transaction of one tenant. Everything in it sees that tenant's rows and no others.
 *
 * Statements leave at once, and their results come in order. Statements that do not need each other's results may be
 * awaited together (`Promise.all`) and cost one round trip.
 */
export type TenantTransaction = {
  readonly tenantId: string
  /** Who set in motion what happens here; `system` where nobody is named. */
  readonly initiator: Initiator
  /** Wraps every other key. */
  readonly masterKey: Buffer
  /** The query builder over the generated types. */
  readonly db: Kysely<DB>
  /** A statement in plain SQL; with a `name` the connection prepares it once and keeps its plan. */
  query<Row extends pg.QueryResultRow>(
    text: string,
    values?: readonly unknown[],
    name?: string,
  ): Promise<{ rows: Row[]; rowCount: number }>
  /**
   * Reads through indexes as the search role, with the tenant in the condition of each query. Under row level security,
   * PostgreSQL uses no trigram or array index, because their operators are not leakproof. Only for statements of the
   * data map, each part of which names the tenant.
   */
  queryAsAuditor<Row extends pg.QueryResultRow>(
    text: string,
    values: readonly unknown[],
    name: string,
  ): Promise<{ rows: Row[]; rowCount: number }>
  /**
   * Sends a statement whose answer nobody needs. It costs no round trip of its own; if it fails, the transaction fails
   * with its error.
   */
  send(text: string, values?: readonly unknown[], name?: string): void
  /** Gives the connection to a COPY, which keeps it to itself: nothing else may be under way. */
  copy<T>(work: (client: pg.ClientBase) => Promise<T>): Promise<T>
}

/**
 * The planner, who does not know the values, would rather read the tables, or all rows of the tenant, than look up a
 * few values. It assumes that a comparison of texts is as cheap as one of numbers. So that is made dearer.
 */
const asAuditor = ['lethe_auditor', 'off', '0.05']
const asApplication = ['lethe_app', null, null]

const system: Initiator = { from: 'system' }

/** The same transaction, for a part of the work that somebody else set in motion. */
export function onBehalfOf(tx: TenantTransaction, initiator: Initiator): TenantTransaction {
  // Not a copy: the query builder is made when first asked for.
  return Object.create(tx, { initiator: { value: initiator, enumerable: true } }) as TenantTransaction
}

/**
 * Runs `work` in one transaction of the tenant: committed when it returns, rolled back when it throws.
 * After a deadlock or a serialization failure it is run again, so it must not act outside of the database.
 *
 * `initiator`: who set it in motion; otherwise the database says.
 *
 * `flushedLater`: does not wait until the commit is on disk; the next waiting commit writes it too. After a crash of the
 * machine it may not have happened, so it is for work that nobody was told of and that will be taken up again.
 *
 * `readOnly`: refuses to write, and answers without waiting for the end of the transaction.
 */
export async function inTenant<T>(
  database: Database,
  tenantId: string,
  work: (tx: TenantTransaction) => Promise<T>,
  options: { flushedLater?: boolean; readOnly?: boolean; initiator?: Initiator } = {},
): Promise<T> {
  const known = { initiator: options.initiator ?? database.initiator ?? system, masterKey: database.masterKey }
  const later = options.flushedLater ? '; set local synchronous_commit = off' : ''
  const begin = options.readOnly ? 'begin read only' : 'begin'
  if (!isUuid(tenantId)) throw new TypeError('inTenant needs the id of a tenant, a UUID')
  // The id is a checked UUID, so it may stand in the text. The first statement of the work goes out with it.
  const first = `${begin}; set local lethe.tenant_id = '${tenantId}'${later}${patienceOf(database)}`
  const attemptOnce = async (client: pg.PoolClient) => {
    const session = database.driver.startSession(client)
    const failures: Failures = { answered: [], lost: [], sent: false }
    let broken: Error | undefined
    let released = false
    try {
      const begun = session.query(first)
      const [result] = await Promise.all([work(transactionOn(session, tenantId, known, failures)), begun])
      requireSent(failures)
      if (options.readOnly && !failures.sent) {
        released = true
        endUnwatched(session)
        return { result }
      }
      const { command } = await session.query('commit')
      // After a statement failed that nobody waited for, the server answers a commit by rolling back, without an error.
      if (command === 'ROLLBACK') throw failures.answered.at(-1) ?? new Error('the transaction was rolled back')
      return { result }
    } catch (error) {
      try {
        await session.query('rollback')
      } catch (rollbackError) {
        // A connection that cannot roll back is thrown away; the server rolls back when it closes.
        broken = rollbackError instanceof Error ? rollbackError : new Error(String(rollbackError))
      }
      // Statements that were sent with the one that failed fail too, because of it.
      return { cause: codeOf(error) === sqlstate.inFailedTransaction ? (failures.answered.at(-1) ?? error) : error }
    } finally {
      if (!released) session.release(broken)
    }
  }
  return await untilWon(async () => {
    const outcome = await withConnectionOf(database, tenantId, attemptOnce)
    if ('result' in outcome) return outcome.result
    throw outcome.cause
  })
}

async function withConnectionOf<T>(
  { pool, patience }: Database,
  tenantId: string,
  attempt: (client: pg.PoolClient) => Promise<T>,
): Promise<T> {
  const leave = await pool.enter(tenantId, patience?.turnSeconds)
  try {
    const client = await pool.connect()
    return await pool.whileHolding(() => attempt(client))
  } finally {
    leave()
  }
}

/** The commands by which a transaction waits longer, or not as long, as its connection was opened for. */
function patienceOf({ patience }: Database): string {
  if (patience === undefined) return ''
  const { lockSeconds, statementSeconds, idleSeconds } = patience
  return `; set local lock_timeout = '${lockSeconds}s'; set local statement_timeout = '${statementSeconds}s'; set local idle_in_transaction_session_timeout = '${idleSeconds}s'`
}

/** Ends a transaction that wrote nothing: whether that succeeds matters to the connection only. */
function endUnwatched(session: Session): void {
  const ended = session.query('commit')
  session.close()
  ended.then(
    () => session.release(),
    (error: Error) => session.release(error),
  )
}

/** Runs a part of a transaction that was begun on a connection in one tenant; afterwards it is in no tenant. */
export async function withinTenant<T>(
  database: Database,
  client: pg.PoolClient,
  tenantId: string,
  work: (tx: TenantTransaction) => Promise<T>,
): Promise<T> {
  const known = { initiator: database.initiator ?? system, masterKey: database.masterKey }
  const failures: Failures = { answered: [], lost: [], sent: false }
  await client.query(`select set_config('lethe.tenant_id', $1, true)`, [tenantId])
  const tx = transactionOn(new PlainSession(client), tenantId, known, failures)
  const result = await work(tx)
  requireSent(failures)
  try {
    await tx.query(`select set_config('lethe.tenant_id', '', true)`)
  } catch (error) {
    throw failures.answered.at(-1) ?? error
  }
  return result
}

/** What went wrong so far: with any statement, and with those among them whose answers nobody waits for. */
type Failures = {
  answered: unknown[]
  lost: unknown[]
  /** Whether there is a statement that nobody waits for. */
  sent: boolean
}

/** Throws where a statement that nobody waits for has failed already: a savepoint may have taken its failure back. */
function requireSent({ lost }: Failures): void {
  if (lost.length > 0) throw lost[0]
}

/**
 * Runs a statement outside of any tenant: on a fresh transaction no tenant's rows are visible. With a `name` the connection
 * prepares it once and keeps its plan.
 */
export async function outsideTenants<Row extends pg.QueryResultRow>(
  database: Database,
  text: string,
  values: readonly unknown[] = [],
  name?: string,
): Promise<Row[]> {
  const { rows } = await database.pool.query<Row>({ text, values: [...values], ...(name !== undefined && { name }) })
  return rows
}

/** The ids of all tenants, in the order in which they were created. */
export async function tenantIds(database: Database): Promise<string[]> {
  const rows = await outsideTenants<{ id: string }>(database, 'select tenant_ids() as id')
  return rows.map(({ id }) => id)
}

function transactionOn(
  session: Session,
  tenantId: string,
  known: Pick<TenantTransaction, 'initiator' | 'masterKey'>,
  failures: Failures,
): TenantTransaction {
  let db: Kysely<DB> | undefined
  let auditing = false
  // Whoever waits for it gets its error. A statement that nobody waits for yet must not end the process when the connection
  // is lost; it is not hidden, because the transaction fails with it.
  const ask = <Row extends pg.QueryResultRow>(text: string, values: readonly unknown[] = [], name?: string) => {
    // Said only once it failed: as long as one awaits it alone, the error's stack goes on to whoever that is.
    const answer: Promise<{ rows: Row[]; rowCount: number }> = answerOf<Row>(text, values, name, () => {
      answer.catch(() => undefined)
    })
    return answer
  }
  const answerOf = async <Row extends pg.QueryResultRow>(
    text: string,
    values: readonly unknown[],
    name: string | undefined,
    failed: () => void,
  ) => {
    try {
      const { rows, rowCount } = await session.query<Row>(text, values, name)
      return { rows, rowCount: rowCount ?? 0 }
    } catch (error) {
      failed()
      if (codeOf(error) !== sqlstate.inFailedTransaction) failures.answered.push(error)
      throw error
    }
  }
  const send = (text: string, values: readonly unknown[] = [], name?: string) => {
    failures.sent = true
    session.query(text, values, name).catch((error: unknown) => {
      if (codeOf(error) === sqlstate.inFailedTransaction) return
      failures.answered.push(error)
      failures.lost.push(error)
    })
  }
  // Sent before the first statement for which it matters, so that neighbours share it.
  const become = (auditor: boolean) => {
    if (auditing === auditor) return
    auditing = auditor
    // Null means the default.
    send(
      `select set_config('role', $1, true), set_config('enable_seqscan', $2, true), set_config('cpu_operator_cost', $3, true)`,
      auditor ? asAuditor : asApplication,
      'become',
    )
  }
  return {
    tenantId,
    ...known,
    async copy(work) {
      // Waits until it is the application again.
      if (auditing) await this.query('select')
      return await session.lend(work)
    },
    get db() {
      db ??= queryBuilderOver<DB>((text, values) => {
        become(false)
        return ask(text, values)
      })
      return db
    },
    send(text, values, name) {
      become(false)
      send(text, values, name)
    },
    query<Row extends pg.QueryResultRow>(text: string, values?: readonly unknown[], name?: string) {
      become(false)
      return ask<Row>(text, values, name)
    },
    queryAsAuditor<Row extends pg.QueryResultRow>(text: string, values: readonly unknown[], name: string) {
      become(true)
      return ask<Row>(text, values, name)
    },
  }
}

const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/** Tells whether the text is a UUID in its usual form. */
export function isUuid(text: string): boolean {
  return uuidPattern.test(text)
}
