import {
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
} from 'kysely'

/** Runs a statement in the transaction. */
type Run = (text: string, values: readonly unknown[]) => Promise<{ rows: unknown[]; rowCount: number }>

/** The query builder's dialect over one transaction, which has begun: its statements run by `run` like all others. */
export function dialectOver(run: Run): Dialect {
  return {
    createDriver: () => new TransactionDriver(run),
    createAdapter: () => new PostgresAdapter(),
    createQueryCompiler: () => new PostgresQueryCompiler(),
    createIntrospector: (db) => new PostgresIntrospector(db),
  }
}

class TransactionDriver implements Driver {
  readonly #connection: DatabaseConnection

  constructor(run: Run) {
    this.#connection = {
      async executeQuery<Row>({ sql, parameters }: CompiledQuery) {
        const { rows, rowCount } = await run(sql, parameters)
        return { rows: rows as Row[], numAffectedRows: BigInt(rowCount) }
      },
      streamQuery: () => {
        throw new Error('a transaction does not stream the rows of the query builder')
      },
    }
  }

  acquireConnection(): Promise<DatabaseConnection> {
    return Promise.resolve(this.#connection)
  }

  init(): Promise<void> {
    return Promise.resolve()
  }

  releaseConnection(): Promise<void> {
    return Promise.resolve()
  }

  destroy(): Promise<void> {
    return Promise.resolve()
  }

  beginTransaction(): Promise<void> {
    return Promise.reject(nested())
  }

  commitTransaction(): Promise<void> {
    return Promise.reject(nested())
  }

  rollbackTransaction(): Promise<void> {
    return Promise.reject(nested())
  }
}

function nested(): Error {
  return new Error('the query builder runs in a transaction already, which its caller begins and ends')
}
