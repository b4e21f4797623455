import type { TenantTransaction } from '../platform/database/transaction.ts'

/** Reads the rows of one statement of the export, a portion at a time, so that memory does not depend on their number. */
export async function* readExported<Row extends Record<string, unknown>>(
  tx: TenantTransaction,
  text: string,
  person: string,
  options: { portion?: number } = {},
): AsyncGenerator<Row[]> {
  const portion = options.portion ?? 500
  await tx.query(`declare exported no scroll cursor for ${text}`, [tx.tenantId, person])
  try {
    for (;;) {
      const { rows } = await tx.query<Row>(`fetch ${portion} from exported`)
      if (rows.length > 0) yield rows
      if (rows.length < portion) break
    }
  } finally {
    await tx.query('close exported')
  }
}
