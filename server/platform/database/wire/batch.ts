import pg from 'pg'
import utils from 'pg/lib/utils.js'
import { nameTaken } from '../driver.ts'
import { sqlstate } from '../sqlstates.ts'

/** A connection of the driver, with the texts that it knows by name: prepared, or on their way to be. */
type Connection = pg.Connection & {
  parsedStatements: Record<string, string>
  submittedNamedStatements: Record<string, string>
}

/** What the driver's query consists of, as far as its type declarations leave that out. */
type DriversQuery = pg.Query & {
  name?: string | undefined
  text: string
  _result: { _types: unknown }
  prepare(connection: Connection): void
  handleRowDescription(message: unknown): void
  handleDataRow(message: unknown): void
  handleCommandComplete(message: unknown, connection: Connection): void
  handleReadyForQuery(connection: Connection): void
  handleError(error: unknown, connection: Connection): void
}
const DriversQuery = pg.Query as unknown as new (
  text: string,
  values: readonly unknown[],
  answer: Answer,
) => DriversQuery

type Client = Pick<pg.ClientBase, 'getTypeParser'> & { connection: pg.Connection }

/** Called once, with the error or the result. */
export type Answer = (error: Error | null, result?: pg.QueryResult) => void

/** A statement of the driver after which the server is not asked to answer: the batch does that. */
class BatchedStatement extends DriversQuery {
  _getRows(connection: Connection): void {
    ;(connection.execute as (portal: object) => void)({ portal: '' })
  }
}

/**
 * Prepared statements that the server is asked to answer together. One by one, each result would cost both processes a
 * system call and a wake-up. That takes about as long as a small statement.
 *
 * After a failure the server passes over those that follow, as it would in any transaction: they fail with `25P02`.
 */
export class Batch extends DriversQuery {
  readonly #statements: BatchedStatement[] = []
  readonly #names = new Map<string, string>()
  readonly #client: Client
  #answered = 0

  /** `client`: sends the batch, and reads the values of the answers. */
  constructor(client: Client) {
    super('', [], () => undefined)
    this.#client = client
  }

  /**
   * Throws where a value cannot be sent, or the name stands for another statement: the driver would find out in the midst
   * of sending, and not at all.
   */
  add(text: string, values: readonly unknown[], name: string | undefined, answer: Answer): void {
    if (name !== undefined) this.#requireSame(name, text)
    const statement = new BatchedStatement(
      text,
      values.map((value) => utils.prepareValue(value)),
      answer,
    )
    if (name !== undefined) statement.name = name
    statement._result._types = this.#client
    this.#statements.push(statement)
  }

  #requireSame(name: string, text: string): void {
    const { parsedStatements, submittedNamedStatements } = this.#client.connection as Connection
    const known = this.#names.get(name) ?? parsedStatements[name] ?? submittedNamedStatements[name] ?? text
    if (known !== text) throw nameTaken(name)
    this.#names.set(name, text)
  }

  override submit = (connection: pg.Connection): void => {
    // Under TLS each write would be a record of its own.
    connection.stream.cork()
    for (const statement of this.#statements) statement.prepare(connection as Connection)
    connection.sync()
    connection.stream.uncork()
    this.#expectNext()
  }

  override handleRowDescription(message: unknown): void {
    this.#statements[this.#answered]?.handleRowDescription(message)
  }

  override handleDataRow(message: unknown): void {
    this.#statements[this.#answered]?.handleDataRow(message)
  }

  override handleCommandComplete(message: unknown, connection: Connection): void {
    const statement = this.#statements[this.#answered++]
    this.#expectNext()
    statement?.handleCommandComplete(message, connection)
    statement?.handleReadyForQuery(connection)
  }

  override handleReadyForQuery(): void {
    // Each has its answer already.
  }

  /** By these the driver remembers, when the server has understood a statement, which one is prepared under which name. */
  #expectNext(): void {
    const next = this.#statements[this.#answered]
    this.name = next?.name
    this.text = next?.text ?? ''
  }

  override handleError(error: unknown, connection: Connection): void {
    const [failed, ...passedOver] = this.#statements.slice(this.#answered)
    this.#answered = this.#statements.length
    failed?.handleError(error, connection)
    for (const statement of passedOver) {
      if (statement.name !== undefined) delete connection.submittedNamedStatements[statement.name]
      const because = new pg.DatabaseError('a statement before it, sent together with it, failed', 0, 'error')
      because.code = sqlstate.inFailedTransaction
      statement.handleError(because, connection)
    }
  }
}
