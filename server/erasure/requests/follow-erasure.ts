import type { Database } from '../../platform/database/pool.ts'
import { inTenant } from '../../platform/database/transaction.ts'
import { parseProgressEvent } from './progress-events.ts'
import { type ErasureSummary, erasureProgress } from './request-progress.ts'

export type FollowOptions = {
  tenant: string
  request: string
  /** Ends the following; the generator returns. */
  signal: AbortSignal
  /** Milliseconds between two queries if no event comes. */
  lookEvery?: number
  /** Milliseconds before the first query if no event comes; 0 unless given. */
  firstLookAfter?: number
}

/** To count a large request takes a while. The wait for the next look is so many times as long. */
const mostlyWaiting = 20

/**
 * Yields the progress of a request: now, or after `firstLookAfter`; after each change, and when the request has ended. If
 * nothing changes for `lookEvery`, it yields the same again. It holds no connection while it waits. Throws
 * `erasure.not_found`.
 */
export async function* followErasure(database: Database, options: FollowOptions): AsyncGenerator<ErasureSummary> {
  const { tenant, request, signal, lookEvery = 2000, firstLookAfter = 0 } = options
  let wake: () => void = () => undefined
  let timer: NodeJS.Timeout | undefined
  const change = (within: number) => {
    clearTimeout(timer)
    return new Promise<void>((resolve) => {
      wake = resolve
      timer = setTimeout(resolve, within)
    })
  }
  let announced: ErasureSummary | undefined
  let took = 0
  const stopListening = database.announcements.listen(request, (text) => {
    const event = parseProgressEvent(text)
    announced = event?.tenant === tenant ? event.progress : undefined
    wake()
  })
  const stop = () => wake()
  signal.addEventListener('abort', stop)
  try {
    if (firstLookAfter > 0 && !signal.aborted) await change(firstLookAfter)
    while (!signal.aborted) {
      // Before the query: an event that comes during it must not be missed.
      const changed = change(Math.max(lookEvery, mostlyWaiting * took))
      const known = announced
      announced = undefined
      const started = performance.now()
      const summary =
        known ?? (await inTenant(database, tenant, (tx) => erasureProgress(tx, request), { readOnly: true }))
      took = performance.now() - started
      yield summary
      if (summary.finishedAt !== null || signal.aborted) return
      await changed
    }
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', stop)
    stopListening()
  }
}
