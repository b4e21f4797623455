import { defineConfig } from 'vitest/config'
import { projectsOf, workers } from './test/projects.ts'

/** All tests of `npm test`, each at its small size, by what they need: `--project unit` starts no server. */
export default defineConfig({ test: { projects: projectsOf(), maxWorkers: workers } })
