import type { TestProjectInlineConfiguration } from 'vitest/config'
import { type Kind, type TestFile, testFiles } from './kinds.ts'

/** The patience of each kind, in milliseconds: a test that takes longer hangs. A test that must take longer says so itself. */
const timeouts: Record<Kind, number> = { unit: 30_000, database: 30_000, process: 60_000, browser: 240_000 }

/** Files that run at the same time. On the two cores of CI, tests wait for a third of their time: for processes and locks. */
export const workers = 3

/**
 * A project of Vitest for each kind of test of which there are files. A worker runs many files of the kinds `unit` and
 * `database`, and loads what they share once, so their tests leave nothing behind in the process.
 */
export function projectsOf(wanted: (file: TestFile) => boolean = () => true): TestProjectInlineConfiguration[] {
  const files = testFiles().filter(wanted)
  return (Object.keys(timeouts) as Kind[]).flatMap((kind) => {
    const include = files.flatMap((one) => (one.kind === kind ? [one.file] : []))
    if (include.length === 0) return []
    return {
      test: {
        name: kind,
        include,
        globalSetup: kind === 'unit' ? [] : ['test/global-setup.ts'],
        isolate: kind === 'process' || kind === 'browser',
        testTimeout: timeouts[kind],
        hookTimeout: 2 * timeouts[kind],
        restoreMocks: true,
        unstubEnvs: true,
        unstubGlobals: true,
      },
    }
  })
}
