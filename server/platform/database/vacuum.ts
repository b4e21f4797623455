import pg from 'pg'
import { connectOwner } from './pool.ts'

/**
 * Vacuums and analyzes the tables as their owner, so that the next statements find fresh statistics and index-only
 * scans need not look at the rows. Autovacuum does the same some minutes later; the application's role may not.
 *
 * Throws like openDatabase where the owner cannot connect.
 */
export async function vacuumTables(ownerUrl: string, tables: readonly string[]): Promise<void> {
  const owner = await connectOwner(ownerUrl)
  try {
    for (const table of tables) await owner.query(`vacuum (analyze) ${pg.escapeIdentifier(table)}`)
  } finally {
    await owner.end()
  }
}
