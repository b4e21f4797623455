/** What the help of a command says below its options. */
export type Help = {
  /** What else there is to know, in lines that fit a terminal. */
  notes?: string
  /** What exit codes mean here, where the table of `lethe --help` does not tell. */
  exitCodes?: Readonly<Record<number, string>>
  /** One to four lines for a shell, as somebody would type them. Capital words stand for what the command before printed. */
  examples: readonly string[]
}

/** The text for commander's `addHelpText('after', …)`. The examples come last, where they are seen. */
export function helpText({ notes, exitCodes = {}, examples }: Help): string {
  const codes = Object.entries(exitCodes).map(([code, meaning]) => `  ${code}  ${meaning}`)
  return [
    ...(notes === undefined ? [] : [notes.trim()]),
    ...(codes.length === 0 ? [] : [['Exit codes:', ...codes].join('\n')]),
    ['Examples:', ...examples.map((line) => `  ${line}`)].join('\n'),
  ]
    .map((part) => `\n${part}`)
    .join('\n')
}
