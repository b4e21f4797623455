import type { Database } from '../../platform/database/pool.ts'
import { inTenant } from '../../platform/database/transaction.ts'
import { readProgress } from './progress-events.ts'
import { type ErasureSummary, erasureProgress } from './request-progress.ts'

export type FollowOptions = {
  tenant: string
  request: string
  /** Ends the following; the generator returns. */
  signal: AbortSignal
  /** Between two looks where nothing is announced, in milliseconds. */
  lookEvery?: number
  /** Before the first look where nothing is announced, in milliseconds; at once where it is not given. */
  firstLookAfter?: number
}

/**
 * How far a request is: now, or after `firstLookAfter`; whenever that changes, and when it has ended. Where nothing changed
 * for `lookEvery`, the same again. Holds no connection while it waits. Throws `erasure.not_found`.
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
  const stopListening = database.announcements.listen(request, (text) => {
    const said = readProgress(text)
    announced = said?.tenant === tenant ? said.progress : undefined
    wake()
  })
  const stop = () => wake()
  signal.addEventListener('abort', stop)
  try {
    if (firstLookAfter > 0 && !signal.aborted) await change(firstLookAfter)
    while (!signal.aborted) {
      // Before the look: what is announced during it must not be missed.
      const changed = change(lookEvery)
      const said = announced
      announced = undefined
      const summary =
        said ?? (await inTenant(database, tenant, (tx) => erasureProgress(tx, request), { readOnly: true }))
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
