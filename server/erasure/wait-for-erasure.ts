import type { Database } from '../platform/database/pool.ts'
import { inTenant } from '../platform/database/transaction.ts'
import { type ErasureSummary, erasureProgress } from './show-erasures.ts'

export type WaitOptions = {
  /** `certified`: as soon as there is a certificate, or the request ended without one. `ended`: after the search too. */
  until: 'certified' | 'ended'
  /** Called with every look at the request, at least once. */
  onProgress?: (summary: ErasureSummary) => void
  signal?: AbortSignal
}

/** Between two looks when nothing is announced: progress of a large request, or an announcement that was lost. */
const lookEvery = 500

/** Waits until a request is certified or has ended; woken by the database's announcement, so it loses no time. */
export async function waitForErasure(
  database: Database,
  tenant: string,
  request: string,
  options: WaitOptions,
): Promise<ErasureSummary> {
  const listener = await database.pool.connect()
  let wake: () => void = () => undefined
  listener.on('notification', ({ payload }) => {
    if (payload === request) wake()
  })
  let broken: Error | undefined
  try {
    await listener.query('listen lethe_erasure')
    for (;;) {
      const announced = new Promise<void>((resolve) => {
        wake = resolve
      })
      const summary = await inTenant(database, tenant, (tx) => erasureProgress(tx, request))
      options.onProgress?.(summary)
      if (summary.finishedAt !== null || (options.until === 'certified' && summary.certified)) return summary
      options.signal?.throwIfAborted()
      await Promise.race([announced, new Promise((resolve) => setTimeout(resolve, lookEvery))])
    }
  } finally {
    try {
      await listener.query('unlisten lethe_erasure')
      listener.removeAllListeners('notification')
    } catch (error) {
      broken = error instanceof Error ? error : new Error(String(error))
    }
    listener.release(broken)
  }
}
