import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { requirePast } from './require-time.ts'

describe('a time at which something happened', () => {
  const minutesAhead = (minutes: number) => new Date(Date.now() + minutes * 60_000)

  it('is taken as it is where it has passed', () => {
    fc.assert(
      fc.property(fc.date({ max: new Date(), noInvalidDate: true }), (time) => {
        expect(requirePast('at', time)).toBe(time)
      }),
    )
    expect(requirePast('at', undefined)).toBeUndefined()
  })

  it('counts as now up to five minutes ahead of the server clock', () => {
    fc.assert(
      fc.property(fc.double({ min: 0.001, max: 4.99, noNaN: true }), (minutes) => {
        const before = Date.now()
        const taken = requirePast('at', minutesAhead(minutes))?.getTime() ?? 0
        expect(taken).toBeGreaterThanOrEqual(before)
        expect(taken).toBeLessThanOrEqual(Date.now())
      }),
    )
  })

  it('is refused beyond that, and where it is none', () => {
    for (const time of [minutesAhead(5.1), minutesAhead(60), new Date('2999-01-01'), new Date(Number.NaN)]) {
      expect(() => requirePast('at', time)).toThrow(expect.objectContaining({ code: 'input.invalid' }))
    }
  })
})
