import type { TenantTransaction } from '../../platform/database/transaction.ts'
import type { ImportRun, Outcome } from '../import-chunks.ts'
import { findPurged } from './purged-learners.ts'

/** What all files of one import of the data set share. */
export type OuladRun = ImportRun & {
  /** Name of the source: everything imported carries it in its keys. */
  source: string
}

/** Why a staged row was not written. */
export type Fault = 'presentation' | 'learner' | 'site' | 'assessment' | 'deleted'

/** A staged row that was not written, with its learner where it has one. */
export type Unsettled = { line: number; learner: number | null; fault: Fault }

/** What a writing statement returns: the number of rows written, and those that could not be. */
export type Settlement = { written: number; unsettled: Unsettled[] }

const reasons: Record<Exclude<Fault, 'deleted'>, string> = {
  presentation: 'code_module and code_presentation name no presentation of courses.csv',
  learner: 'id_student is no learner of studentInfo.csv',
  site: 'id_site is no site of this presentation in vle.csv',
  assessment: 'id_assessment is no assessment of assessments.csv',
}

/** Sorts the rows that were not written into rejected ones and those of people who are deleted or purged. */
export async function settle(run: OuladRun, tx: TenantTransaction, settlement: Settlement): Promise<Outcome> {
  const { written, unsettled } = settlement
  const unknown = new Set(unsettled.flatMap((row) => (row.fault === 'learner' && row.learner ? [row.learner] : [])))
  const purged = await findPurged(tx, run.source, [...unknown])
  const outcome: Outcome = { written, rejected: [], deleted: 0, purged: 0 }
  for (const { line, learner, fault } of unsettled) {
    if (fault === 'deleted') outcome.deleted++
    else if (fault === 'learner' && learner !== null && purged.has(learner)) outcome.purged++
    else outcome.rejected.push({ line, reason: reasons[fault] })
  }
  return outcome
}
