import { globSync } from 'node:fs'
import { defineConfig } from 'vitest/config'
import { onPostgresql15 } from './test/on-postgresql-15.ts'
import { projectsOf, workers } from './test/projects.ts'

const wanted = new Set(Object.keys(onPostgresql15).flatMap((pattern) => globSync(pattern)))

/** The tests of what depends on the server, on PostgreSQL 15: `npm run test:postgresql-15`. */
export default defineConfig({
  test: {
    projects: projectsOf(({ file, kind }) => kind !== 'unit' && wanted.has(file)),
    maxWorkers: workers,
  },
})
