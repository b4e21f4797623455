import { createInterface } from 'node:readline/promises'
import { Writable } from 'node:stream'
import type { Command } from 'commander'
import { openSource, readUtf8 } from '../imports/utf8-text.ts'
import { inputError } from '../platform/validation/errors.ts'
import { commandError } from './errors.ts'

export type PasswordOptions = { passwordFile?: string }

/** Lets a command take a password; never as an argument, which other users of the machine could read. */
export function addPasswordOptions(command: Command): Command {
  return command.option(
    '--password-file <file>',
    'a file with the password in its first line ("-": standard input); without it, the command asks',
  )
}

/** The password of the options, or what is typed at the prompt without being shown. Throws `input.*`. */
export async function readPassword(options: PasswordOptions, signal: AbortSignal): Promise<string> {
  const { passwordFile } = options
  if (passwordFile !== undefined) return firstLine(await readUtf8(openSource(passwordFile), passwordFile))
  if (!process.stdin.isTTY) {
    throw commandError('input.usage', {
      reason: 'Lethe cannot ask for the password without a terminal; give --password-file.',
    })
  }
  const password = await ask('Password: ', signal)
  if (password.includes('\ufffd')) {
    throw inputError('input.invalid', { field: 'password', expected: 'the input was not UTF-8' })
  }
  if ((await ask('Repeat the password: ', signal)) === password) return password
  throw inputError('input.invalid', { field: 'password', expected: 'the same password is expected twice' })
}

function firstLine(content: string): string {
  return content.split(/\r?\n/, 1)[0] ?? ''
}

async function ask(question: string, signal: AbortSignal): Promise<string> {
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() })
  const prompt = createInterface({ input: process.stdin, output: nowhere, terminal: true })
  prompt.on('SIGINT', () => process.kill(process.pid, 'SIGINT'))
  // Only now, when the terminal no longer shows what is typed.
  process.stderr.write(question)
  try {
    return await prompt.question('', { signal })
  } finally {
    prompt.close()
    process.stderr.write('\n')
  }
}
