import type { Database } from '../../platform/database/pool.ts'
import { isResting } from '../states.ts'
import { followErasure } from './follow-erasure.ts'
import type { ErasureSummary } from './request-progress.ts'

export type WaitOptions = {
  /** `certified`: as soon as there is a certificate, or the request ended without one. `ended`: after the search too. */
  until: 'certified' | 'ended'
  /** Called with each progress of the request, at least once. */
  onProgress?: (summary: ErasureSummary) => void
  signal?: AbortSignal
}

/** Milliseconds between two queries if no event comes: a large request, or an event that was lost. */
const lookEvery = 500

/** Most callers wait for the erasure of one person that they have just requested. Its event comes before this time. */
const firstLookAfter = 50

/**
 * Waits until a request is certified or has ended, or rests: until a person approves it, the cooling-off period ends, or
 * a legal hold is released, nothing happens. A progress event of the database wakes it, so it loses no time. Throws
 * `erasure.not_found`, and the signal's reason if the signal ends the waiting.
 */
export async function waitForErasure(
  database: Database,
  tenant: string,
  request: string,
  { until, onProgress, signal = new AbortController().signal }: WaitOptions,
): Promise<ErasureSummary> {
  for await (const summary of followErasure(database, {
    tenant,
    request,
    signal,
    lookEvery,
    firstLookAfter,
  })) {
    onProgress?.(summary)
    if (summary.finishedAt !== null || isResting(summary.state)) return summary
    if (until === 'certified' && summary.certified) return summary
  }
  signal.throwIfAborted()
  throw new Error('the request was followed to its end and has not ended')
}
