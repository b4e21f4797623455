/** What stops a command: Ctrl-C, the service manager, the terminal that is closed. The exit codes are the shell's. */
export const stopSignals = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const
export type StopSignal = keyof typeof stopSignals

/** The user stopped the command. The message says what came of it. */
export class Interrupted extends Error {
  readonly exitCode: number

  constructor(signal: StopSignal, sentence: string) {
    super(sentence)
    this.exitCode = stopSignals[signal]
  }
}
