import { createInterface } from 'node:readline/promises'
import { codeOf } from '../platform/database/pool.ts'
import { commandError } from './errors.ts'

/** Where a command puts what it has to say: results on stdout, everything else on stderr. */
export type Output = {
  /** The result: one JSON document with --json, else the text. Called once in a command. */
  result(document: unknown, text: () => string): void
  /** A piece of a result that is no document, such as a CSV file. False once nobody reads it any more. */
  write(text: string): Promise<boolean>
  /** What is going on, in a sentence or in several lines; not with --quiet. */
  note(this: void, text: string): void
  /** What the user must read whatever the options are, such as what Ctrl-C comes to. */
  say(this: void, text: string): void
  /** Shows how far long work is: a bar on a terminal, elsewhere a line every two seconds at most; not with --quiet. */
  progress(label: string): Progress
  /**
   * Asks before an act that cannot be undone, such as "The purge of Ann Aster". True for yes, or with `yes` set. Of an act
   * on many, `number` is how many: that number must be typed, because a yes is typed before it is thought. Another
   * `warning` may stand in place of "cannot be undone".
   * Throws `input.confirmation_needed` where nobody can be asked.
   */
  confirm(act: string, options: { yes: boolean; number?: number; warning?: string }): Promise<boolean>
  /** The same; throws `input.declined` where the answer is no. `named` is the act with names, for the prompt only. */
  requireConfirmed(
    act: string,
    options: { yes: boolean; number?: number; named?: string; warning?: string },
  ): Promise<void>
}

export type Progress = {
  /** So many are done, of so many if that is known. */
  update(done: number, total?: number): void
  end(): void
}

/** `shrinks`: its texts are cut where the table is wider than the terminal. */
export type Column<Row> = { title: string; value: (row: Row) => unknown; right?: boolean; shrinks?: boolean }

const barWidth = 30
const barInterval = 100
const lineInterval = 2000

/**
 * Whoever reads may stop reading, as in `| head`, or close the terminal: the command still does what it was told to, and
 * ends quietly.
 */
export function outliveReaders(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error) => {
      if (!['EPIPE', 'EIO'].includes(codeOf(error) ?? '')) throw error
    })
  }
}

export function createOutput(options: { json: boolean; quiet: boolean; signal: AbortSignal }): Output {
  const { json, quiet, signal } = options
  let barShown = false
  const clearBar = () => {
    if (barShown) process.stderr.write('\r\u001b[K')
    barShown = false
  }
  const say = (text: string) => {
    clearBar()
    process.stderr.write(`${text.split('\n').map(plain).join('\n')}\n`)
  }
  const note = (text: string) => {
    if (!quiet) say(text)
  }
  const confirm: Output['confirm'] = async (act, { yes, number = 1, warning = 'cannot be undone' }) => {
    if (yes) return true
    if (!process.stdin.isTTY) throw commandError('input.confirmation_needed', { act })
    clearBar()
    const prompt = createInterface({ input: process.stdin, output: process.stderr })
    prompt.on('SIGINT', () => process.kill(process.pid, 'SIGINT'))
    const question = number > 1 ? `Type the number, ${formatCount(number)}, to continue: ` : 'Continue? [y/N] '
    try {
      const answer = await prompt.question(`${plain(act)} ${warning}. ${question}`, { signal })
      if (number > 1) return answer.replaceAll(/[\s,.'’_]/gu, '') === String(number)
      return /^y(es)?$/i.test(answer.trim())
    } catch (error) {
      // Ctrl-D: no answer is no.
      if (codeOf(error) === 'ABORT_ERR' && !signal.aborted) return false
      throw error
    } finally {
      prompt.close()
    }
  }
  return {
    result(document, text) {
      clearBar()
      process.stdout.write(json ? `${JSON.stringify(document)}\n` : `${text().trimEnd()}\n`)
    },
    write(text) {
      return new Promise((resolve, reject) => {
        process.stdout.write(text, (error) => {
          if (error && codeOf(error) !== 'EPIPE' && codeOf(error) !== 'ERR_STREAM_DESTROYED') reject(error)
          else resolve(!error)
        })
      })
    },
    note,
    say,
    progress(label) {
      const bar = process.stderr.isTTY && !json
      const interval = bar ? barInterval : lineInterval
      let shownAt = bar ? 0 : Date.now()
      return {
        update(done, total) {
          if (quiet || Date.now() - shownAt < interval) return
          shownAt = Date.now()
          if (!bar) {
            note(`${label}: ${formatCount(done)}${total === undefined ? '' : ` of ${formatCount(total)}`}`)
            return
          }
          barShown = true
          process.stderr.write(`\r${label} ${drawBar(done, total)}\u001b[K`)
        },
        end: clearBar,
      }
    },
    confirm,
    async requireConfirmed(act, { named = act, ...options }) {
      // An error may end up in a log, so it says the act without the names.
      if (!options.yes && !process.stdin.isTTY) throw commandError('input.confirmation_needed', { act })
      if (!(await confirm(named, options))) throw commandError('input.declined', { act })
    },
  }
}

/** A cut column has at least so many characters. */
const narrowest = 10

/**
 * A table with a head; "none" where there are no rows. `fit`: the width in characters to which columns that shrink are cut;
 * by default that of the terminal. Where no terminal is, nothing is cut.
 */
export function formatTable<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  { fit = process.stdout.isTTY ? process.stdout.columns : undefined }: { fit?: number | undefined } = {},
): string {
  if (rows.length === 0) return 'none'
  const cells = [columns.map(({ title }) => title), ...rows.map((row) => columns.map(({ value }) => cell(value(row))))]
  const widths = columns.map((_, index) => Math.max(...cells.map((line) => width(line[index] ?? ''))))
  if (fit !== undefined) shrink(widths, columns, fit)
  return cells
    .map((line) =>
      line
        .map((whole, index) => {
          const text = cutTo(whole, widths[index] ?? 0)
          const padding = ' '.repeat((widths[index] ?? 0) - width(text))
          return columns[index]?.right ? padding + text : text + padding
        })
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

/** Takes from the widest columns that shrink until the table fits, or all of them are narrow. */
function shrink(widths: number[], columns: readonly { shrinks?: boolean }[], fit: number): void {
  let excess = widths.reduce((sum, one) => sum + one + 2, -2) - fit
  for (; excess > 0; excess--) {
    const widest = Math.max(0, ...widths.filter((_, index) => columns[index]?.shrinks === true))
    if (widest <= narrowest) return
    const index = widths.findIndex((one, at) => one === widest && columns[at]?.shrinks === true)
    widths[index] = widest - 1
  }
}

function cutTo(text: string, most: number): string {
  return width(text) <= most ? text : `${[...text].slice(0, most - 1).join('')}…`
}

/** Names and values, one a line; leaves out what is empty. */
export function formatFields(fields: Readonly<Record<string, unknown>>): string {
  const given = Object.entries(fields).flatMap(([name, value]) => {
    const text = cell(value)
    return text === '' ? [] : [{ name, text }]
  })
  const widest = Math.max(0, ...given.map(({ name }) => name.length))
  return given.map(({ name, text }) => `${name.padEnd(widest)}  ${text}`).join('\n')
}

/** A number with its thing, such as "1 user" or "28,785 users". */
export function counted(number: number, singular: string, plural = `${singular}s`): string {
  return `${formatCount(number)} ${number === 1 ? singular : plural}`
}

function cell(value: unknown): string {
  if (value === null || value === undefined) return ''
  if (value instanceof Date) return value.toISOString()
  if (Array.isArray(value)) return value.map(cell).join(', ')
  if (typeof value === 'number') return formatCount(value)
  return plain(typeof value === 'object' ? JSON.stringify(value) : String(value))
}

/** Text from the database must not command the terminal: control and direction characters are shown as replaced. */
function plain(text: string): string {
  return text.replace(/[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu, '\ufffd')
}

function width(text: string): number {
  return [...text].length
}

/** A number as people read it, such as 28,785. */
export function formatCount(number: number): string {
  return number.toLocaleString('en-US')
}

function drawBar(done: number, total: number | undefined): string {
  if (total === undefined || total === 0) return formatCount(done)
  const share = Math.min(1, done / total)
  const filled = Math.round(share * barWidth)
  return `[${'#'.repeat(filled)}${'.'.repeat(barWidth - filled)}] ${Math.floor(share * 100)}% (${formatCount(done)} of ${formatCount(total)})`
}
