import { spawn } from 'node:child_process'
import { longFiles } from '../test/kinds.ts'

// Runs the long tests one file after the other: as many as are asked for, or all. LETHE_TEST_MINUTES is a budget: once it is
// used up no further file starts, and the files that had no turn are named. The first file changes from hour to hour, so that
// each has its turn in some run. What is begun runs to its end. LETHE_TEST_KILLS bounds the random kills.

const { LETHE_TEST_MINUTES: given } = process.env
const minutes = given === undefined || given === '' ? Number.POSITIVE_INFINITY : Number(given)
if (!(minutes >= 0)) throw new Error('LETHE_TEST_MINUTES must be a number of minutes, such as 2 or 0.5')

const asked = process.argv.slice(2)
const all = longFiles().filter((file) => asked.length === 0 || asked.some((part) => file.includes(part)))
if (all.length === 0) throw new Error(`No long test has a path with ${asked.join(' or ')}`)
const first = minutes === Number.POSITIVE_INFINITY ? 0 : Math.floor(Date.now() / 3_600_000) % all.length
const turns = [...all.slice(first), ...all.slice(0, first)]

const began = Date.now()
const passed: string[] = []
const failed: string[] = []
for (const file of turns) {
  if (Date.now() - began >= minutes * 60_000) break
  const code = await run('vitest', ['run', '--config', 'vitest.long.config.ts', file])
  ;(code === 0 ? passed : failed).push(file)
}
const reached = passed.length + failed.length
process.stdout.write(`\nLong tests: ${passed.length} of ${all.length} files passed, ${failed.length} failed.\n`)
for (const file of failed) process.stdout.write(`FAILED: ${file}\n`)
if (reached < all.length) {
  process.stdout.write(`Not reached in ${minutes} minutes: ${turns.slice(reached).join(', ')}\n`)
}
process.exitCode = failed.length > 0 ? 1 : 0

function run(command: string, args: string[]): Promise<number> {
  const child = spawn(command, args, { stdio: 'inherit' })
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('exit', (code) => resolve(code ?? 1))
  })
}
