import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'

// Everything but the tests, all at once: `npm run check`. What a step says is printed when it ends.

const steps = ['lint', 'typecheck', 'check:imports', 'check:generated']
const failed = (await Promise.all(steps.map(run))).flat()
if (failed.length > 0) {
  process.stderr.write(`\nFailed: ${failed.map((step) => `npm run ${step}`).join(', ')}\n`)
  process.exitCode = 1
}

/** Runs a script of package.json. Resolves with its name where it fails. */
async function run(step: string): Promise<string[]> {
  const child = spawn('npm', ['run', '--silent', step], {
    stdio: ['ignore', 'pipe', 'pipe'],
    shell: process.platform === 'win32',
  })
  const ended = new Promise<number>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => resolve(code ?? 1))
  })
  const [code, said, complained] = await Promise.all([ended, text(child.stdout), text(child.stderr)])
  process.stdout.write(said)
  process.stderr.write(complained)
  return code === 0 ? [] : [step]
}
