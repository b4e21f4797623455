import { defineConfig } from 'vitest/config'

/** Tests that take many minutes, one file at a time: `npm run test:long`. */
export default defineConfig({
  test: {
    include: ['server/**/*.long.test.ts', 'test/**/*.long.test.ts'],
    globalSetup: ['test/global-setup.ts'],
    testTimeout: 3 * 60 * 60 * 1000,
    hookTimeout: 240_000,
    fileParallelism: false,
  },
})
