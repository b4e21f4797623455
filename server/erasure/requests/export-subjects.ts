import { csvLine } from '../../platform/csv/csv-line.ts'
import { guardFormula } from '../../platform/csv/formula-guard.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { type ErasureSubject, listSubjects } from './list-subjects.ts'

const subjectsAtATime = 1000

/** So that spreadsheets read the file as UTF-8. */
const byteOrderMark = '\ufeff'

const columns = [
  'user_id',
  'state',
  'error_code',
  'error_reason',
  'erased_at',
  'finished_at',
] as const satisfies readonly (keyof ErasureSubject)[]

/**
 * Writes the outcome of each person of an erasure request as CSV (RFC 4180, UTF-8), by internal id: state, error and
 * times, and no personal data. An apostrophe precedes cells that a spreadsheet would run as a formula. Returns the number
 * of people.
 *
 * Each page is read in a transaction of its own, which `read` runs, and written after that: a slow reader holds nothing.
 * Every person comes once, in the state at the time when the page is read.
 *
 * Throws `input.invalid`, `erasure.not_found`; then nothing was written.
 */
export async function exportSubjects(
  read: <T>(work: (tx: TenantTransaction) => Promise<T>) => Promise<T>,
  request: string,
  write: (text: string) => Promise<unknown>,
): Promise<number> {
  let head = byteOrderMark + csvLine(['request_id', ...columns])
  let count = 0
  let after: string | undefined
  do {
    const page = { request, limit: subjectsAtATime, after }
    const { subjects, next } = await read((tx) => listSubjects(tx, page))
    count += subjects.length
    const lines = subjects.map((subject) => csvLine([request, ...columns.map((name) => cell(subject[name]))]))
    await write(head + lines.join(''))
    head = ''
    after = next
  } while (after !== undefined)
  return count
}

function cell(value: Date | string | null): string {
  return value instanceof Date ? value.toISOString() : guardFormula(value ?? '')
}
