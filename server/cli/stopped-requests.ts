import { setTimeout } from 'node:timers/promises'
import { type ErasureSummary, erasureProgress } from '../erasure/requests/request-progress.ts'
import { inTenant } from '../platform/database/transaction.ts'
import { areWorkersAlive } from '../platform/jobs/living-processes.ts'
import type { Workers } from '../platform/jobs/work.ts'
import { commandName } from './command-name.ts'
import { counted, formatCount } from './output.ts'
import type { ApplicationSession } from './session.ts'

export type WatchedRequest = { tenant: string; request: string }

export type Watch = {
  /** How far a request is, as a look at it just said. */
  seen(summary: ErasureSummary): void
  /** What Ctrl-C says, from the last look. */
  sentence(): string
  /**
   * Stops the workers. After Ctrl-C the counts are read again meanwhile, so that a second one says what is committed, and
   * once more at the end, with whether other workers go on.
   */
  stop(workers: Workers | undefined): Promise<void>
}

/**
 * Lets Ctrl-C say how far these requests are, that they go on without this command, how to follow and how to cancel them.
 * What is gone is counted from what is committed.
 */
export async function watchRequests(
  { application, signal, onStop }: ApplicationSession,
  requests: readonly WatchedRequest[],
): Promise<Watch> {
  const latest = new Map<string, ErasureSummary>()
  let elsewhere: boolean | undefined
  const look = async () => {
    for (const { tenant, request } of requests) {
      const read = inTenant(application.database, tenant, (tx) => erasureProgress(tx, request), { readOnly: true })
      latest.set(request, await read)
    }
  }
  await look()
  const sentence = () => stopSentence([...latest.values()], elsewhere)
  if (requests.length > 0) onStop({ sentence })
  return {
    sentence,
    seen(summary) {
      latest.set(summary.id, summary)
    },
    async stop(workers) {
      const stopped = workers?.stop() ?? Promise.resolve()
      while (signal.aborted && (await Promise.race([stopped.then(() => false), setTimeout(100, true)]))) await look()
      await stopped
      if (!signal.aborted) return
      await look()
      elsewhere = await areWorkersAlive(application.database.pool)
    },
  }
}

/** The words of {@link watchRequests}. `elsewhere`: whether other workers are alive, where that was looked at. */
function stopSentence(requests: readonly ErasureSummary[], elsewhere: boolean | undefined): string {
  const sum = (part: (subjects: ErasureSummary['subjects']) => number) =>
    requests.reduce((total, { subjects }) => total + part(subjects), 0)
  const [total, gone, waiting] = [sum((one) => one.total), sum((one) => one.gone), sum((one) => one.waiting)]
  const [only, ...others] = requests
  const done = requests.every(({ operation }) => operation === 'anonymize') ? 'anonymized' : 'gone'
  const count = `${formatCount(gone)} of ${counted(total, 'person', 'people')} ${total === 1 ? 'is' : 'are'} ${done}`
  const ids = requests.slice(0, 5).map(({ id }) => id)
  const names = `${requests.length === 1 ? 'Erasure request' : 'Erasure requests'} ${ids.join(', ')}${requests.length > 5 ? ` and ${requests.length - 5} more` : ''}`
  if (requests.every(({ finishedAt }) => finishedAt !== null)) return `${names}: ${count}. The work has ended.`
  const rest =
    waiting > 0 ? `The other ${formatCount(waiting)} will follow` : 'The search for residual data will follow'
  const servers = 'a running server ("lethe serve", "lethe demo")'
  const how = {
    unknown: `${rest}: this command, ${servers} or "lethe erasure follow" continues.`,
    true: `${rest}: ${servers} continues.`,
    false: `${rest} as soon as workers run again: "lethe serve", "lethe demo" or "lethe erasure follow".`,
  }[String(elsewhere ?? 'unknown') as 'unknown' | 'true' | 'false']
  const id = only !== undefined && others.length === 0 ? only.id : 'REQUEST'
  return [
    `${names}: ${count}.`,
    how,
    `Follow:          ${commandName} erasure ${others.length === 0 ? `show ${id}` : 'list'}`,
    `Continue:        ${commandName} erasure follow ${id}`,
    ...(waiting > 0 ? [`Cancel the rest: ${commandName} erasure cancel ${id}`] : []),
  ].join('\n')
}
