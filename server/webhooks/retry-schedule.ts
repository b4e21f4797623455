const [second, minute, hour] = [1000, 60_000, 3_600_000]

/**
 * The waits between the attempts of a delivery, in milliseconds: those that the Standard Webhooks specification recommends
 * ("Deliverability and reliability"), over three days in all.
 */
const waits = [
  5 * second,
  5 * minute,
  30 * minute,
  2 * hour,
  5 * hour,
  10 * hour,
  14 * hour,
  20 * hour,
  24 * hour,
] as const

/** The most attempts of a delivery. */
export const mostAttempts = waits.length + 1

/** A receiver may ask for no longer wait than this. */
const longestWait = 24 * hour

/**
 * When a delivery is tried again after so many failed attempts; undefined after the last. Up to a tenth longer, by chance, so
 * that receivers that fail together are not asked together again. `retryAfter`: not before the time that the receiver asks
 * for.
 */
export function nextAttempt(
  attempts: number,
  now: Date,
  { retryAfter, random = Math.random() }: { retryAfter?: Date | undefined; random?: number } = {},
): Date | undefined {
  const wait = waits[attempts - 1]
  if (wait === undefined) return undefined
  const asked = retryAfter === undefined ? 0 : Math.min(retryAfter.getTime() - now.getTime(), longestWait)
  return new Date(now.getTime() + Math.max(asked, wait * (1 + random / 10)))
}

/**
 * How long an endpoint gets no delivery after so many failures in a row, in milliseconds: a dead receiver must cost little,
 * however many deliveries wait for it.
 */
export function pauseAfter(failures: number): number {
  return failures === 0 ? 0 : Math.min(second * 2 ** (failures - 1), minute)
}

/** The time of a header Retry-After (RFC 9110, section 10.2.3): seconds, or a date. Undefined where it is neither. */
export function readRetryAfter(value: string | undefined, now: Date): Date | undefined {
  if (value === undefined) return undefined
  if (/^\d{1,9}$/.test(value)) return new Date(now.getTime() + Number(value) * second)
  // A date begins with a day of the week; Date.parse takes "-5" for one, too.
  const at = /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? /.test(value) ? Date.parse(value) : Number.NaN
  return Number.isNaN(at) ? undefined : new Date(at)
}
