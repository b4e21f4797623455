import { codeOf, type Database } from '../../platform/database/pool.ts'
import { sqlstate } from '../../platform/database/sqlstates.ts'
import { outsideTenants } from '../../platform/database/transaction.ts'
import { tellingColumns } from './touched-tables.ts'

/** Others work on the table, or only a superuser may, or it took too long. */
const staying: ReadonlySet<string> = new Set([
  sqlstate.lockNotAvailable,
  sqlstate.objectNotInPrerequisiteState,
  sqlstate.queryCanceled,
])

/**
 * Takes new statistics of the tables, so that those that hold values of erased people are replaced, each table in a
 * transaction of its own. Answers the tables whose statistics stay: others work on them (vacuum), or they have no row and
 * only a superuser may remove theirs.
 */
export async function refreshStatistics(database: Database, tables: Iterable<string>): Promise<string[]> {
  const stale: string[] = []
  for (const table of [...new Set(tables)].sort()) {
    const columns = tellingColumns(table)
    if (columns.length === 0) continue
    try {
      await outsideTenants(database, 'select refresh_statistics($1, $2)', [table, columns])
    } catch (error) {
      if (!staying.has(codeOf(error) ?? '')) throw error
      stale.push(table)
    }
  }
  return stale
}
