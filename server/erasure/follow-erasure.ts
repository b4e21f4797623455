import type { Database } from '../platform/database/pool.ts'
import { inTenant } from '../platform/database/transaction.ts'
import type { ErasureAnnouncements } from './announcements.ts'
import { type ErasureSummary, erasureProgress } from './show-erasures.ts'

export type FollowOptions = {
  tenant: string
  request: string
  announcements: ErasureAnnouncements
  /** Ends the following; the generator returns. */
  signal: AbortSignal
  /** Between two looks where nothing is announced, in milliseconds. */
  lookEvery?: number
}

/**
 * How far a request is: now, whenever that changes, and when it has ended. Where nothing changed for `lookEvery`, the same
 * again. Holds no connection while it waits. Throws `erasure.not_found`.
 */
export async function* followErasure(database: Database, options: FollowOptions): AsyncGenerator<ErasureSummary> {
  const { tenant, request, announcements, signal, lookEvery = 2000 } = options
  let wake: () => void = () => undefined
  const stopListening = announcements.listen(request, () => wake())
  const stop = () => wake()
  signal.addEventListener('abort', stop)
  try {
    while (!signal.aborted) {
      // Before the look: what is announced during it must not be missed.
      let timer: NodeJS.Timeout | undefined
      const changed = new Promise<void>((resolve) => {
        wake = resolve
        timer = setTimeout(resolve, lookEvery)
      })
      try {
        const summary = await inTenant(database, tenant, (tx) => erasureProgress(tx, request), { readOnly: true })
        yield summary
        if (summary.finishedAt !== null || signal.aborted) return
        await changed
      } finally {
        clearTimeout(timer)
      }
    }
  } finally {
    signal.removeEventListener('abort', stop)
    stopListening()
  }
}
