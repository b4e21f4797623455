import type { TenantTransaction } from '../platform/database/transaction.ts'
import type { MentionColumn } from './compile.ts'
import { IdentifierScanner } from './identifier-scanner.ts'
import type { Identifier } from './identifiers.ts'
import { mentionWhere, rowKey } from './mention-statements.ts'
import type { Mention } from './mentions.ts'

const rowsAtATime = 5000

/**
 * Finds the mentions of many people in one pass over the columns, in memory that depends on the number of identifiers
 * and not on the number of rows. Finds what the lookups of {@link findMentions} find.
 */
export async function scanMentions(
  tx: TenantTransaction,
  columns: MentionColumn[],
  identifiers: Identifier[],
  people: string[],
): Promise<Mention[]> {
  const mentions: Mention[] = []
  const kept = new Map<number, Mention>()
  let written = 0
  const found = new Set<number>()
  const scanner = new IdentifierScanner(identifiers, ({ row }) => {
    const mention = kept.get(row)
    if (mention === undefined || found.has(row)) return
    found.add(row)
    mentions.push(mention)
  })
  const addresses = new Set(identifiers.map(({ value }) => value))
  for (const column of columns) {
    await tx.query(
      `declare mention_rows no scroll cursor for
       select ${rowKey(column)} as row_key, to_jsonb(${column.column}) as value from ${column.table} where ${mentionWhere(column)}`,
      // The parameter for the people stands in the text only where a row has an owner.
      column.ownedBy.length > 0 ? [tx.tenantId, people] : [tx.tenantId],
    )
    for (;;) {
      const { rows } = await tx.query<{ row_key: unknown[]; value: unknown }>(`fetch ${rowsAtATime} from mention_rows`)
      if (rows.length === 0) break
      // A finding comes at the latest a few bytes behind its row: what is older than one batch is not needed any more.
      for (const row of kept.keys()) if (row < written - rowsAtATime) kept.delete(row)
      const lines: string[] = []
      for (const { row_key, value } of rows) {
        if (column.as === 'addresses') {
          // The addresses of a list are compared as a whole, like the index does.
          if (Array.isArray(value) && value.some((address) => addresses.has(String(address)))) {
            mentions.push({ column, key: row_key, value })
          }
          continue
        }
        kept.set(written++, { column, key: row_key, value })
        lines.push(copyText(column.as === 'json' ? JSON.stringify(value) : String(value)))
      }
      scanner.write(Buffer.from(lines.join('')))
    }
    await tx.query('close mention_rows')
  }
  scanner.end()
  return mentions
}

/** One value as a row of COPY's text format. */
function copyText(value: string): string {
  return `${value.replace(/[\\\n\r\t]/g, (character) => escapes[character] ?? character)}\n`
}

const escapes: Record<string, string> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' }
