import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

// biome.json limits how complex and how long a function is. biome-exceptions.json gives some files a higher limit: that of
// their worst function. A file that gets simpler must lower or leave its limit, so the list can only shrink.

const root = fileURLToPath(new URL('..', import.meta.url))

type Rules = {
  noExcessiveCognitiveComplexity?: { options: { maxAllowedComplexity: number } }
  noExcessiveLinesPerFunction?: { options: { maxLines: number; skipBlankLines: boolean } }
}
type BiomeConfig = { linter: { rules: { complexity: Rules } } }
type Exceptions = { overrides: { includes: string[]; linter: BiomeConfig['linter'] }[] }
type Report = {
  summary: { errors: number }
  diagnostics: { category: string; message: string; location: { path: string } }[]
}

/** Per file and rule, a number. */
type Limits = Record<string, { complexity?: number; lines?: number }>

const rules: Record<string, 'complexity' | 'lines'> = {
  'lint/complexity/noExcessiveCognitiveComplexity': 'complexity',
  'lint/complexity/noExcessiveLinesPerFunction': 'lines',
}

const read = <T>(file: string): T => JSON.parse(readFileSync(path.join(root, file), 'utf8'))

const limits: Limits = Object.fromEntries(
  read<Exceptions>('biome-exceptions.json').overrides.map(({ includes, linter }) => {
    const { noExcessiveCognitiveComplexity, noExcessiveLinesPerFunction } = linter.rules.complexity
    return [
      includes.join(),
      {
        ...(noExcessiveCognitiveComplexity && {
          complexity: noExcessiveCognitiveComplexity.options.maxAllowedComplexity,
        }),
        ...(noExcessiveLinesPerFunction && { lines: noExcessiveLinesPerFunction.options.maxLines }),
      },
    ]
  }),
)

/** What Biome finds in these files by the limits of biome.json alone: the worst of each file. */
function worstOf(files: string[]): Limits {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'lethe-biome-'))
  try {
    const { complexity } = read<BiomeConfig>('biome.json').linter.rules
    const config = path.join(folder, 'biome.json')
    writeFileSync(config, JSON.stringify({ root: true, linter: { rules: { preset: 'none', complexity } } }))
    const options = [`--config-path=${config}`, '--reporter=json', '--max-diagnostics=none']
    const command = path.join(root, 'node_modules/@biomejs/biome/bin/biome')
    const { stdout, stderr } = spawnSync(process.execPath, [command, 'lint', ...options, ...files], {
      cwd: root,
      encoding: 'utf8',
    })
    if (!stdout.startsWith('{')) throw new Error(stderr)
    const { diagnostics } = JSON.parse(stdout) as Report
    const worst: Limits = {}
    for (const { category, message, location } of diagnostics) {
      const rule = rules[category]
      if (rule === undefined) continue
      const [number] = /\d+/.exec(message) ?? []
      const before = worst[location.path] ?? {}
      worst[location.path] = { ...before, [rule]: Math.max(before[rule] ?? 0, Number(number)) }
    }
    return worst
  } finally {
    rmSync(folder, { recursive: true })
  }
}

it('a file has a higher limit of complexity only as far as its worst function needs it', () => {
  expect(limits).toEqual(worstOf(Object.keys(limits)))
})
