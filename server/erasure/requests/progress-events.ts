import type { ErasureSummary } from './request-progress.ts'

/** The progress of a request of a tenant. */
export type ProgressEvent = { tenant: string; progress: ErasureSummary }

/**
 * The payload of a notification that includes the progress of a request, so that followers need no query. The payload of
 * others is the request's id alone.
 */
export function formatProgressEvent(event: ProgressEvent): string {
  return `${event.progress.id} ${JSON.stringify(event)}`
}

/** Reads the payload behind the request's id; undefined if it is empty. */
export function parseProgressEvent(text: string): ProgressEvent | undefined {
  if (text === '') return undefined
  const { tenant, progress } = JSON.parse(text) as ProgressEvent
  const { createdAt, dueAt, finishedAt, runAt } = progress
  const dates = {
    createdAt: new Date(createdAt),
    dueAt: new Date(dueAt),
    finishedAt: finishedAt && new Date(finishedAt),
    runAt: runAt && new Date(runAt),
  }
  return { tenant, progress: { ...progress, ...dates } }
}
