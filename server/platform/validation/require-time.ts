import { inputError } from './errors.ts'

/** The day, given as YYYY-MM-DD, where the calendar has it. Throws `input.invalid`, naming the field. */
export function requireDay(field: string, value: string): string {
  const time = /^(?!0000)\d{4}-\d\d-\d\d$/.test(value) ? new Date(`${value}T00:00:00Z`) : undefined
  // A day that a month does not have moves into the next month.
  if (time !== undefined && !Number.isNaN(time.getTime()) && time.toISOString().startsWith(value)) return value
  throw inputError('input.invalid', { field, expected: 'a day as YYYY-MM-DD is expected' })
}

/** The point in time. Throws `input.invalid`, naming the field. */
export function requireTime(field: string, value: Date): Date {
  if (Number.isNaN(value.getTime())) throw inputError('input.invalid', { field, expected: 'a time is expected' })
  return value
}

/** How far the clock of whoever tells a time may be ahead of ours, in milliseconds. */
const clockSkew = 5 * 60 * 1000

/**
 * The point in time at which something happened that is recorded afterwards; undefined stays undefined and means now.
 * Clocks differ: up to five minutes ahead of ours is now. Throws `input.invalid`, naming the field, beyond that.
 */
export function requirePast(field: string, value: Date | undefined): Date | undefined {
  if (value === undefined) return undefined
  const now = Date.now()
  const time = requireTime(field, value).getTime()
  if (time <= now) return value
  if (time <= now + clockSkew) return new Date(now)
  throw inputError('input.invalid', {
    field,
    expected: 'a time in the past is expected; up to five minutes ahead of the server clock count as now',
  })
}
