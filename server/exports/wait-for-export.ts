import type { Database } from '../platform/database/pool.ts'
import { inTenant } from '../platform/database/transaction.ts'
import { type KeptExport, showExport } from './kept-exports.ts'

const lookEvery = 100

/**
 * Waits until a kept export is ready, has failed or has expired; workers do the work. `onProgress` is called with every look.
 *
 * Throws `export.not_found` where it was deleted or its person erased meanwhile, and the signal's reason.
 */
export async function waitForExport(
  database: Database,
  tenant: string,
  id: string,
  options: { onProgress?: (kept: KeptExport) => void; signal?: AbortSignal } = {},
): Promise<KeptExport> {
  for (;;) {
    const kept = await inTenant(database, tenant, (tx) => showExport(tx, id))
    options.onProgress?.(kept)
    if (kept.state !== 'waiting' && kept.state !== 'running') return kept
    options.signal?.throwIfAborted()
    await new Promise((resolve) => setTimeout(resolve, lookEvery))
  }
}
