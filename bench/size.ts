/** Whether the benchmarks run at a small size, to see that each of them starts and ends: its figures say nothing. */
export const isSmoke = process.env.LETHE_BENCH_SMOKE === '1'

/** The size of a benchmark, and that of its small run. */
export function sized<T>(full: T, small: T): T {
  return isSmoke ? small : full
}
