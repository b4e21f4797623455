import { CommanderError } from 'commander'
import { inputError } from '../platform/validation/errors.ts'
import { reportFailure } from './failure.ts'
import { Interrupted } from './interrupted.ts'
import { loadProgram, wholeProgram } from './load-program.ts'
import { withSuggestion } from './suggest.ts'

/** Runs the command line. Returns the exit code; what went wrong has been said on stderr. */
export async function run(argv: string[]): Promise<number> {
  const words = argv.slice(2)
  try {
    requireReadable(argv)
    const program = await loadProgram(words)
    await program.parseAsync(argv)
    return 0
  } catch (caught) {
    const error = isUnknownWord(caught) ? withSuggestion(caught, await wholeProgram(), words) : caught
    // Usage errors arise before the options are known.
    const json = argv.includes('--json')
    const code = reportFailure(error, { json, debug: Boolean(process.env.LETHE_DEBUG || process.env.DEBUG) })
    // What was interrupted may still wait for something, such as an answer at the terminal.
    if (error instanceof Interrupted) process.exit(code)
    return code
  }
}

/** Whether what was meant may be a command that was not loaded. */
function isUnknownWord(error: unknown): boolean {
  return error instanceof CommanderError && /^commander\.unknown(Command|Option)$/.test(error.code)
}

/** Node puts U+FFFD where an argument is not UTF-8, and that would be stored. Throws `input.invalid`. */
function requireReadable(argv: readonly string[]): void {
  const position = argv.findIndex((argument) => argument.includes('\ufffd'))
  if (position < 0) return
  throw inputError('input.invalid', {
    field: `Argument ${position - 1}`,
    expected: 'it is not UTF-8; use UTF-8 in terminal and files',
  })
}
