import { defineConfig } from 'vitest/config'
import { filesOnPostgresql15 } from './test/on-postgresql-15.ts'
import { projectsOf, workers } from './test/projects.ts'

const wanted = filesOnPostgresql15(import.meta.dirname)

/** The tests of what depends on the server, on PostgreSQL 15: `npm run test:postgresql-15`. */
export default defineConfig({
  test: {
    projects: projectsOf(({ file, kind }) => kind !== 'unit' && wanted.has(file)),
    maxWorkers: workers,
  },
})
