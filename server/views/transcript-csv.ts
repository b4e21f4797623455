import { csvLine } from '../platform/csv/csv-line.ts'
import { guardFormula } from '../platform/csv/formula-guard.ts'
import type { Transcript } from './transcript.ts'

const head = [
  'kind',
  'id',
  'title',
  'catalog',
  'level',
  'state',
  'result',
  'progress',
  'credits',
  'number',
  'started_on',
  'completed_at',
  'ended_at',
  'expires_at',
  'by',
  'reason',
] as const

type Row = { kind: string; id: string; title: string } & { [Name in (typeof head)[number]]?: unknown }

/**
 * The transcript as CSV (RFC 4180, UTF-8), one line for each course, training plan, skill and certificate. `ended_at` is
 * when an enrollment or a skill ended, `by` who issued the certificate or, of a skill, acted last. Cells that a
 * spreadsheet would run as a formula begin with an apostrophe.
 */
export function transcriptCsv(transcript: Transcript): string {
  const rows: Row[] = [
    ...transcript.courses.map((row) => ({ kind: 'course', ...ofEnrollment(row), progress: row.progress })),
    ...transcript.training_plans.map((row) => ({ kind: 'training_plan', ...ofEnrollment(row) })),
    ...transcript.skills.map((row) => ({
      kind: 'skill',
      id: row.id,
      title: row.skill,
      level: row.level,
      state: row.state,
      started_on: row.awarded_at,
      ended_at: row.revoked_at,
      by: row.state === 'revoked' ? row.revoked_by_name : row.awarded_by_name,
      reason: row.revoke_reason,
    })),
    ...transcript.certificates.map((row) => ({
      kind: 'certificate',
      id: row.id,
      title: row.title,
      number: row.number,
      started_on: row.issued_at,
      expires_at: row.expires_at,
      by: row.issued_by_name,
    })),
  ]
  return [csvLine(head), ...rows.map((row) => csvLine(head.map((name) => cell(row[name]))))].join('')
}

function ofEnrollment(row: Transcript['courses'][number] | Transcript['training_plans'][number]) {
  const { id, title, catalog, state, result, credits, registered_on, completed_at, unenrolled_at, withdrawn_on } = row
  return {
    id,
    title,
    catalog,
    state,
    result,
    credits,
    started_on: registered_on,
    completed_at,
    ended_at: unenrolled_at ?? withdrawn_on,
  }
}

function cell(value: unknown): string {
  if (value === null || value === undefined) return ''
  if (value instanceof Date) return value.toISOString()
  // Only text can be a formula.
  return typeof value === 'string' ? guardFormula(value) : String(value)
}
