import { CommanderError } from 'commander'
import pg from 'pg'
import { candidatesOf } from '../people/accounts/candidates.ts'
import { transientFailure } from '../platform/database/failures.ts'
import { exitCodes, LetheError, platformError } from '../platform/errors.ts'
import { commandError } from './errors.ts'
import { Interrupted } from './interrupted.ts'
import { formatCandidates } from './named-people.ts'

/**
 * Says on stderr what went wrong, as a sentence or, with `json`, as the last line
 * `{"error":{"code","message","details"}}`, and returns the exit code. An error that nobody foresaw becomes one
 * sentence without the values that the database puts into its messages; `debug` adds the stack.
 */
export function reportFailure(error: unknown, options: { json: boolean; debug: boolean }): number {
  if (error instanceof Interrupted) {
    say({ code: 'interrupted', message: error.message }, options)
    return error.exitCode
  }
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return 0
    // The help has been printed instead of a missing command.
    if (error.code === 'commander.help') return exitCodes.input
    return reportFailure(commandError('input.usage', { reason: usageSentence(error.message) }), options)
  }
  const known =
    error instanceof LetheError
      ? error
      : (transientFailure(error) ?? platformError('internal.unexpected', { reason: reasonOf(error) }, error))
  const { code, details } = known
  const message = known.hint === undefined ? known.message : `${known.message} ${known.hint}`
  const candidates = candidatesOf(known)
  say({ code, message, ...(details !== undefined && { details }), ...(candidates && { candidates }) }, options)
  if (candidates !== undefined && !options.json) process.stderr.write(`\n${formatCandidates(candidates)}\n`)
  if (options.debug) {
    const origin = known.cause ?? known
    process.stderr.write(`${origin instanceof Error ? origin.stack : String(origin)}\n`)
  }
  return exitCodes[known.kind]
}

function say(
  error: { code: string; message: string; details?: unknown; candidates?: unknown },
  options: { json: boolean },
): void {
  process.stderr.write(options.json ? `${JSON.stringify({ error })}\n` : `lethe: ${error.message}\n`)
}

function usageSentence(message: string): string {
  const text = message
    .replace(/^error: /, '')
    .replaceAll('\n', ' ')
    .trim()
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.)]$/.test(text) ? '' : '.'}`
}

function reasonOf(error: unknown): string {
  if (error instanceof pg.DatabaseError) {
    return `PostgreSQL error ${error.code}${error.constraint ? ` on ${error.constraint}` : ''}`
  }
  return (
    (error instanceof Error ? error.message : String(error)).split('\n')[0]?.replace(/\.$/, '') ?? 'no reason given'
  )
}
