import { createRequire } from 'node:module'
import type { CompiledQuery, DatabaseConnection, Driver, Kysely } from 'kysely'

const require = createRequire(import.meta.url)

/** Runs a statement in the transaction. */
type Run = (text: string, values: readonly unknown[]) => Promise<{ rows: unknown[]; rowCount: number }>

/**
 * The query builder over one transaction, which has begun: its statements run by `run` like all others. It is loaded here,
 * because its 255 modules take as long to load as a command takes to run that does without.
 */
export function queryBuilderOver<DB>(run: Run): Kysely<DB> {
  const kysely = require('kysely') as typeof import('kysely')
  return new kysely.Kysely<DB>({
    dialect: {
      createDriver: () => new TransactionDriver(run),
      createAdapter: () => new kysely.PostgresAdapter(),
      createQueryCompiler: () => new kysely.PostgresQueryCompiler(),
      createIntrospector: (db) => new kysely.PostgresIntrospector(db),
    },
  })
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
