import { vi } from 'vitest'
import { run } from '../server/cli/run.ts'

export type CommandResult = { code: number; stdout: string; stderr: string }

/** Runs a command of the command line in this process, which is faster than a process of its own. */
export async function runCommand(environment: Record<string, string>, args: string[]): Promise<CommandResult> {
  for (const name of Object.keys(process.env)) if (isSetting(name)) vi.stubEnv(name, undefined)
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value)
  const stdout = vi.spyOn(process.stdout, 'write').mockImplementation(accept)
  const stderr = vi.spyOn(process.stderr, 'write').mockImplementation(accept)
  const text = (spy: { mock: { calls: unknown[][] } }) => spy.mock.calls.map(([written]) => String(written)).join('')
  try {
    const code = await run(['node', 'lethe', ...args])
    return { code, stdout: text(stdout), stderr: text(stderr) }
  } finally {
    stdout.mockRestore()
    stderr.mockRestore()
    vi.unstubAllEnvs()
  }
}

/** The settings that a command would take from the environment of the test run, such as the address of its server. */
function isSetting(name: string): boolean {
  return /^(DATABASE|LETHE)_/.test(name) && !/^LETHE_(TEST_|NO_SKIP$|DRIVER$)/.test(name)
}

/** Takes what is written, and tells whoever waits for that. */
function accept(...given: unknown[]): boolean {
  const done = given.at(-1)
  if (typeof done === 'function') done()
  return true
}
