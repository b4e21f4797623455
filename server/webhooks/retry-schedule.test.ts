import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { longestDelivery } from '../events/announce-events.ts'
import { mostAttempts, nextAttempt, pauseAfter, readRetryAfter } from './retry-schedule.ts'

const now = new Date('2026-03-01T00:00:00Z')
const hour = 3_600_000
const waitAfter = (attempts: number, options: Parameters<typeof nextAttempt>[2] = {}) => {
  const next = nextAttempt(attempts, now, options)
  return next === undefined ? undefined : next.getTime() - now.getTime()
}

describe('the schedule of attempts', () => {
  it('waits longer each time, for three days in all, and ends before a delivery is too old', () => {
    const waits = (random: number) =>
      Array.from({ length: mostAttempts - 1 }, (_, index) => waitAfter(index + 1, { random }) ?? 0)
    expect(waits(0)).toEqual([...waits(0)].sort((a, b) => a - b))
    const total = (random: number) => waits(random).reduce((sum, one) => sum + one, 0)
    expect(total(0)).toBeGreaterThan(3 * 24 * hour)
    expect(total(1)).toBeLessThan(longestDelivery)
    expect(waitAfter(mostAttempts)).toBe(undefined)
  })

  it('waits no less than the receiver asks for, up to a day, and never less than the schedule', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: mostAttempts - 1 }),
        fc.integer({ min: -48 * hour, max: 48 * hour }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (attempts, asked, random) => {
          const usual = waitAfter(attempts, { random }) ?? 0
          const retryAfter = new Date(now.getTime() + asked)
          expect(waitAfter(attempts, { random, retryAfter })).toBe(Math.max(usual, Math.min(asked, 24 * hour)))
        },
      ),
    )
  })

  it('pauses an endpoint for a minute at most', () => {
    expect([0, 1, 2, 3, 100].map(pauseAfter)).toEqual([0, 1000, 2000, 4000, 60_000])
  })
})

describe('a header Retry-After', () => {
  it('is seconds or a date, and nothing else', () => {
    const read = (value: string | undefined) => readRetryAfter(value, now)?.toISOString()
    expect(read('120')).toBe('2026-03-01T00:02:00.000Z')
    expect(read('Sun, 01 Mar 2026 01:00:00 GMT')).toBe('2026-03-01T01:00:00.000Z')
    for (const value of [undefined, '', 'soon', '-5', '1e3', '99999999999']) expect(read(value)).toBe(undefined)
  })
})
