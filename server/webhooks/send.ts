import { sendChecked } from '../platform/network/checked-request.ts'
import { webhookError } from './errors.ts'
import { readRetryAfter } from './retry-schedule.ts'
import type { WebhookSettings } from './settings.ts'

/** What came of an attempt: the status of the answer, or the code of what failed. */
export type Outcome = { status: number; retryAfter?: Date | undefined } | { error: string }

/** How much of an answer is read before its connection is closed, in bytes. It is never kept. */
const mostRead = 64 * 1024
/** How long the rest of an answer may take, in milliseconds. */
const longestRest = 1000

/**
 * Sends a body to a receiver and returns the status of the answer, or why there is none. The answer's body is thrown away.
 * Throws only the reason of `signal`.
 */
export async function send(
  url: URL,
  { body, headers }: { body: string; headers: Record<string, string> },
  options: { settings: WebhookSettings; ca: readonly string[] | undefined; signal: AbortSignal; timeout: number },
): Promise<Outcome> {
  const { settings, ca, signal, timeout } = options
  const tooSlow = AbortSignal.timeout(timeout)
  try {
    const { answer, close } = await sendChecked(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: '*/*', 'user-agent': 'Lethe', ...headers },
      body,
      networks: settings.webhookNetworks,
      plainHttp: settings.webhookPlainHttp,
      ca,
      signal: AbortSignal.any([signal, tooSlow]),
      notAllowed: () => webhookError('webhook.address_not_allowed'),
    })
    // A receiver that is cut off in the middle of a short answer may take the delivery for failed.
    let read = 0
    const end = setTimeout(close, longestRest)
    answer.on('data', (piece: Buffer) => {
      read += piece.length
      if (read > mostRead) close()
    })
    answer.once('close', () => {
      clearTimeout(end)
      close()
    })
    answer.on('error', close)
    return {
      status: answer.statusCode ?? 0,
      retryAfter: readRetryAfter(answer.headers['retry-after'], new Date()),
    }
  } catch (error) {
    signal.throwIfAborted()
    if (tooSlow.aborted) return { error: 'timeout' }
    return { error: errorCodeOf(error) }
  }
}

/** A word of the code or of the operating system: never a message, which may name the address. */
function errorCodeOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  return /^[A-Za-z0-9_.]{1,64}$/.test(code) ? code : 'connection_failed'
}
