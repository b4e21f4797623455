import { type Logger, pino } from 'pino'

/** Structured lines on standard error. Nothing personal goes in: ids, codes, counts, times. */
export function openLog(level = 'info'): Logger {
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, pino.destination({ fd: 2, sync: true }))
}
