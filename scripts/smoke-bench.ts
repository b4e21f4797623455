import { spawn } from 'node:child_process'
import { rm } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { makeMemoryFolder } from '../test/memory-folder.ts'
import { hasOulad, ouladFolder, sliceOfOulad, writeDataSet } from '../test/oulad-data-set.ts'

// Runs every part of the benchmark on a slice of the data set, at sizes that take seconds: a part that does not start, or
// does not end, fails here. What it measures says nothing, so it asks for no ratio.

const parts = [
  'import',
  'http',
  'skills',
  'audit',
  'one',
  'many',
  'cleanup',
  'anonymize',
  'delete-by-ref',
  'sweep',
  'deliveries',
  'tenfold',
  'filters',
  'plans',
]

if (!hasOulad) throw new Error(`The OULAD data set is not in ${ouladFolder}; set LETHE_OULAD to its folder`)
const folder = await writeDataSet(sliceOfOulad({ clicks: 60_000 }), ['studentVle'])
const memory = await makeMemoryFolder('lethe-smoke-')
const env = { ...process.env, LETHE_OULAD: folder, LETHE_BENCH_SMOKE: '1', TMPDIR: memory }
const asked = process.argv.slice(2)
try {
  process.exitCode = await run(
    fileURLToPath(new URL('../bench/main.ts', import.meta.url)),
    asked.length > 0 ? asked : parts,
  )
} finally {
  for (const made of [folder, memory]) await rm(made, { recursive: true, force: true })
}

function run(script: string, args: string[]): Promise<number> {
  const child = spawn(process.execPath, [script, ...args], { stdio: 'inherit', env })
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('exit', (code) => resolve(code ?? 1))
  })
}
