/** Whether tests run at their full size, as `npm run test:long` has it. */
export const isThorough = process.env.LETHE_TEST_EFFORT === 'thorough'

/**
 * The size of a test: small in `npm test`, full in `npm run test:long`. A file that imports this runs in both
 * (test/kinds.ts), so that the small run of a promise and the large one are one test.
 */
export function effort<T>(small: T, full: T): T {
  return isThorough ? full : small
}

/** Every item at the full size, and every so many-th in `npm test`. */
export function sampled<T>(all: readonly T[], step: number): readonly T[] {
  return isThorough ? all : all.filter((_, at) => at % step === 0)
}
