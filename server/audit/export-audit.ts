import { csvLine } from '../platform/csv/csv-line.ts'
import { guardFormula } from '../platform/csv/formula-guard.ts'
import type { TenantTransaction } from '../platform/database/transaction.ts'
import { type AuditEntry, type AuditFilter, listAudit } from './list-audit.ts'

export const auditFormats = ['csv', 'jsonl'] as const
export type AuditFormat = (typeof auditFormats)[number]

const entriesAtATime = 1000

/** So that spreadsheets read the file as UTF-8. */
const byteOrderMark = '\ufeff'

const columns: { name: string; value: (entry: AuditEntry) => unknown }[] = [
  { name: 'at', value: ({ at }) => at },
  { name: 'activity', value: ({ activity }) => activity },
  { name: 'title', value: ({ title }) => title },
  { name: 'actor_kind', value: ({ actor }) => actor.kind },
  { name: 'actor_id', value: ({ actor }) => actor.id },
  { name: 'from', value: ({ actor }) => actor.from },
  { name: 'system_account', value: ({ actor }) => actor.system_account },
  { name: 'object_kind', value: ({ object }) => object.kind },
  { name: 'object_id', value: ({ object }) => object.id },
  { name: 'subject', value: ({ subject }) => subject },
  { name: 'details', value: ({ details }) => (Object.keys(details).length === 0 ? null : JSON.stringify(details)) },
  { name: 'reason', value: ({ reason }) => reason },
  { name: 'values', value: ({ values, erased }) => (erased ? 'erased' : values && JSON.stringify(values)) },
  { name: 'sequence', value: ({ sequence }) => sequence },
  { name: 'hash', value: ({ hash }) => hash },
  { name: 'id', value: ({ id }) => id },
]

/**
 * Writes the entries that match the filter, newest first, with one JSON document per line, or as CSV with a header. In
 * CSV, an apostrophe precedes cells that a spreadsheet would run as a formula. Answers how many there were.
 *
 * Each page is read in a transaction of its own, which `read` runs, and written after that: a slow reader holds nothing. So
 * this is no snapshot. Entries are never removed and keep their place, so every entry that was there at the beginning comes
 * once; of those that are recorded meanwhile, some may come. Values of a person who is erased meanwhile are missing from
 * then on, and places in the chain are as they are when the page is read.
 *
 * Throws like {@link listAudit}.
 */
export async function exportAudit(
  read: <T>(work: (tx: TenantTransaction) => Promise<T>) => Promise<T>,
  filter: AuditFilter,
  format: AuditFormat,
  write: (text: string) => Promise<unknown>,
): Promise<number> {
  // Not before the first entries are read: a filter that is none must not have written anything.
  let head = format === 'csv' ? byteOrderMark + csvLine(columns.map(({ name }) => name)) : ''
  let count = 0
  let after: string | undefined
  do {
    const page = { limit: entriesAtATime, after }
    const { entries, next } = await read((tx) => listAudit(tx, filter, page))
    count += entries.length
    const text = head + entries.map(format === 'csv' ? csvOf : jsonOf).join('')
    if (text !== '') await write(text)
    head = ''
    after = next ?? undefined
  } while (after !== undefined)
  return count
}

function csvOf(entry: AuditEntry): string {
  return csvLine(columns.map(({ value }) => guardFormula(String(value(entry) ?? ''))))
}

function jsonOf(entry: AuditEntry): string {
  return `${JSON.stringify(entry)}\n`
}
