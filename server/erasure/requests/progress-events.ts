import type { ErasureSummary } from './request-progress.ts'

/** How far a request of a tenant is. */
export type Progress = { tenant: string; progress: ErasureSummary }

/**
 * The payload of a progress event. It has the progress, so followers
 * need no query. Other payloads are only the id of the request.
 */
export function announcementOf(said: Progress): string {
  return `${said.progress.id} ${JSON.stringify(said)}`
}

/** How far a request is, of what is announced behind its id; undefined where that says nothing. */
export function readProgress(text: string): Progress | undefined {
  if (text === '') return undefined
  const { tenant, progress } = JSON.parse(text) as Progress
  const { createdAt, finishedAt } = progress
  const dates = { createdAt: new Date(createdAt), finishedAt: finishedAt && new Date(finishedAt) }
  return { tenant, progress: { ...progress, ...dates } }
}
