import type pg from 'pg'
import type { TenantTransaction } from '../platform/database/transaction.ts'

let cursors = 0

/** Passes the rows of a query on in pages, so that its result never is in the process as a whole. */
export async function fetchPages<Row extends pg.QueryResultRow>(
  tx: TenantTransaction,
  query: { text: string; values: readonly unknown[] },
  rowsPerPage: number,
  onPage: (rows: Row[]) => Promise<void>,
): Promise<void> {
  cursors += 1
  const cursor = `pages_${cursors}`
  await tx.query(`declare ${cursor} no scroll cursor for ${query.text}`, query.values)
  for (;;) {
    const { rows } = await tx.query<Row>(`fetch ${Math.floor(rowsPerPage)} from ${cursor}`)
    if (rows.length > 0) await onPage(rows)
    if (rows.length < rowsPerPage) break
  }
  await tx.query(`close ${cursor}`)
}
