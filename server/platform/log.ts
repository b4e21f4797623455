import { type DestinationStream, type Logger, pino } from 'pino'

/** Structured lines on standard error. Nothing personal goes in: ids, codes, counts, times. */
export function openLog(level = 'info', destination: DestinationStream = standardError()): Logger {
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, destination)
}

/** Lines that wait until {@link HeldLines.release}, in their order; from then on they pass at once. */
export type HeldLines = DestinationStream & { release(): void }

/** Holds the lines of a log back while a command has something to say first. None is lost. */
export function holdLines(to: DestinationStream = standardError()): HeldLines {
  let held: string[] | undefined = []
  return {
    write(line) {
      if (held === undefined) to.write(line)
      else held.push(line)
    },
    release() {
      const lines = held ?? []
      held = undefined
      for (const line of lines) to.write(line)
    },
  }
}

function standardError(): DestinationStream {
  return pino.destination({ fd: 2, sync: true })
}
