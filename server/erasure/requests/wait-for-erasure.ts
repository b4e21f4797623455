import type { Database } from '../../platform/database/pool.ts'
import { followErasure } from './follow-erasure.ts'
import type { ErasureSummary } from './request-progress.ts'

export type WaitOptions = {
  /** `certified`: as soon as there is a certificate, or the request ended without one. `ended`: after the search too. */
  until: 'certified' | 'ended'
  /** Called with every look at the request, at least once. */
  onProgress?: (summary: ErasureSummary) => void
  signal?: AbortSignal
}

/** Between two looks when nothing is announced: progress of a large request, or a notification that was lost. */
const lookEvery = 500

/** Nearly everybody waits for one person and has just requested it: until then it is announced, and there was nothing to see. */
const firstLookAfter = 50

/**
 * Waits until a request is certified or has ended; woken by a notification of the database, so it loses no time. Throws
 * `erasure.not_found`, and the signal's reason where that ends the waiting.
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
    if (summary.finishedAt !== null || (until === 'certified' && summary.certified)) return summary
  }
  signal.throwIfAborted()
  throw new Error('the request was followed to its end and has not ended')
}
