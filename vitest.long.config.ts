import { defineConfig } from 'vitest/config'
import { longFiles } from './test/kinds.ts'

/** Long stories and large random runs, one file at a time: `npm run test:long`. */
export default defineConfig({
  test: {
    include: longFiles(),
    globalSetup: ['test/global-setup.ts'],
    env: { LETHE_TEST_EFFORT: 'thorough' },
    testTimeout: 3 * 60 * 60 * 1000,
    hookTimeout: 240_000,
    fileParallelism: false,
  },
})
