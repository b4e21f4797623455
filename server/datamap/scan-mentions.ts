import type { TenantTransaction } from '../platform/database/transaction.ts'
import type { MentionColumn } from './compile.ts'
import { IdentifierScanner } from './identifier-scanner.ts'
import type { Identifier } from './identifiers.ts'
import { mentionFields, mentionWhere } from './mention-statements.ts'
import type { Mention, MentionValue } from './mentions.ts'

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
  const scanner = new IdentifierScanner(identifiers, ({ row, identifier }) => {
    const mention = kept.get(row)
    const value = identifiers[identifier]?.value
    if (mention === undefined || value === undefined) return
    if (mention.identifiers.length === 0) mentions.push(mention)
    mention.identifiers.push(value)
  })
  const addresses = new Set(identifiers.map(({ value }) => value))
  for (const column of columns) {
    await tx.query(
      `declare mention_rows no scroll cursor for select ${mentionFields(column)} where ${mentionWhere(column)}`,
      // The parameter for the people stands in the text only where a row has an owner.
      column.ownedBy.length > 0 ? [tx.tenantId, people] : [tx.tenantId],
    )
    for (;;) {
      const { rows } = await tx.query<{ row_key: unknown[]; owners: string[]; value: MentionValue }>(
        `fetch ${rowsAtATime} from mention_rows`,
      )
      if (rows.length === 0) break
      // A finding comes at the latest a few bytes behind its row: what is older than one batch is not needed any more.
      for (const row of kept.keys()) if (row < written - rowsAtATime) kept.delete(row)
      const lines: string[] = []
      for (const { row_key, owners, value } of rows) {
        const mention: Mention = { column, key: row_key, value, owners, identifiers: [] }
        if (typeof value === 'string') {
          kept.set(written++, mention)
          lines.push(copyText(value))
        } else {
          // The addresses of a list are compared as a whole, like the index does.
          mention.identifiers = [...new Set(value)].filter((address) => addresses.has(address))
          if (mention.identifiers.length > 0) mentions.push(mention)
        }
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
