import { globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

// What each test file needs to run, read from what it imports: a file that moves, or that is new, needs no list.

/**
 * `unit`: nothing. `database`: the server of the run. `process`: programs that it starts. `browser`: Chromium. A file is of
 * the last kind that fits; a file of the kinds `process` and `browser` mostly needs the server too.
 */
export type Kind = 'unit' | 'database' | 'process' | 'browser'

const root = fileURLToPath(new URL('..', import.meta.url))

/** A file of tests, as a path below the root of the project. */
export type TestFile = {
  file: string
  kind: Kind
  /** Runs at two sizes: test/effort.ts. */
  sized: boolean
}

/** All files of tests of `npm test`. Those whose name ends in `.long.test.ts` are apart: {@link longFiles}. */
export function testFiles(): TestFile[] {
  return listTests()
    .filter((file) => !file.endsWith('.long.test.ts'))
    .map((file) => {
      const reached = reachedFrom(file)
      return { file, kind: kindOf(reached), sized: reached.has('test/effort.ts') }
    })
}

/** The files of tests of `npm run test:long`: those that run there alone, and those that run there at their full size. */
export function longFiles(): string[] {
  const alone = listTests().filter((file) => file.endsWith('.long.test.ts'))
  return [...alone, ...testFiles().flatMap(({ file, sized }) => (sized ? [file] : []))]
}

function listTests(): string[] {
  return globSync(['server/**/*.test.ts', 'test/**/*.test.ts'], { cwd: root })
    .map((file) => file.split(path.sep).join('/'))
    .sort()
}

function kindOf(reached: ReadonlySet<string>): Kind {
  if (reached.has('test/chromium.ts')) return 'browser'
  if (reached.has('node:child_process') || reached.has('server/platform/database/embedded.ts')) return 'process'
  return reached.has('test/server.ts') ? 'database' : 'unit'
}

/**
 * What a file of tests imports, and what the fixtures below test/ import that it uses. What the product's own files import
 * does not count: a test of theirs does not start a process because they could. Nor does test/server.ts, which starts the
 * server for the whole run.
 */
function reachedFrom(start: string): Set<string> {
  const reached = new Set<string>()
  const visit = (file: string) => {
    for (const name of importsOf(file)) {
      if (reached.has(name)) continue
      reached.add(name)
      if (name.startsWith('test/') && name !== 'test/server.ts') visit(name)
    }
  }
  visit(start)
  return reached
}

/** The packages and the files, as paths below the root, that a file imports other than as types. */
function importsOf(file: string): string[] {
  const text = readFileSync(path.join(root, file), 'utf8')
  const names = text.matchAll(/^(?:import|export) (?!type )(?:[^'";]*? from )?'([^']+)'|\bimport\('([^']+)'\)/gm)
  return [...names].map(([, fixed, dynamic]) => {
    const name = fixed ?? dynamic ?? ''
    return name.startsWith('.') ? path.posix.join(path.posix.dirname(file), name) : name
  })
}
