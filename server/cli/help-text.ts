/** What the help of a command says below its options. */
export type Help = {
  /** What else there is to know: paragraphs between empty lines. A line that begins with a space stays as it is. */
  notes?: string
  /** What exit codes mean here, where the table of `lethe --help` does not tell. */
  exitCodes?: Readonly<Record<number, string>>
  /** One to four lines for a shell, ready to paste. Capital words stand for what the command before printed. */
  examples: readonly string[]
}

/** Columns of the help in a pipe, and of the narrowest terminal that we write for. Commander wraps options there too. */
const width = 80

/**
 * The text for commander's `addHelpText('after', …)`, in lines of at most 80 columns. Only examples may be longer, since a
 * line that is broken cannot be pasted. The examples come last, where they are seen.
 */
export function helpText({ notes, exitCodes = {}, examples }: Help): string {
  const codes = Object.entries(exitCodes).map(([code, meaning]) => wrap(meaning, `  ${code.padEnd(2)} `))
  return [
    ...(notes === undefined
      ? []
      : notes
          .trim()
          .split(/\n{2,}/)
          .map(paragraph)),
    ...(codes.length === 0 ? [] : [['Exit codes:', ...codes].join('\n')]),
    ['Examples:', ...examples.map((line) => `  ${line}`)].join('\n'),
  ]
    .map((part) => `\n${part}`)
    .join('\n')
}

/** A paragraph that holds a table stays as it is written. */
function paragraph(text: string): string {
  return /^ /m.test(text) ? text : wrap(text.replaceAll('\n', ' '), '')
}

/** Breaks a text between words. The first line begins with `first`, the others with as many spaces. */
function wrap(text: string, first: string): string {
  const lines = [first]
  for (const word of text.split(' ')) {
    const line = lines[lines.length - 1] ?? ''
    const empty = line.trim() === first.trim()
    const longer = empty ? line + word : `${line} ${word}`
    if (longer.length > width && !empty) lines.push(' '.repeat(first.length) + word)
    else lines[lines.length - 1] = longer
  }
  return lines.join('\n')
}
