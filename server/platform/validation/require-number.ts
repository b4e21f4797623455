import { inputError } from './errors.ts'

/** The whole number, where it lies in the bounds, which count as inside. Throws `input.invalid`, naming the field. */
export function requireWholeNumber(field: string, value: number, bounds: { from: number; to: number }): number {
  if (Number.isInteger(value) && value >= bounds.from && value <= bounds.to) return value
  throw inputError('input.invalid', {
    field,
    expected: `a whole number from ${bounds.from} to ${bounds.to} is expected`,
  })
}

/** The number, where it is finite and not negative. Throws `input.invalid`, naming the field. */
export function requireAmount(field: string, value: number): number {
  if (Number.isFinite(value) && value >= 0) return value
  throw inputError('input.invalid', { field, expected: 'a number that is not negative is expected' })
}
