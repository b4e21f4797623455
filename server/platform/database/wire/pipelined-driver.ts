import type { Driver } from '../driver.ts'
import { copyTo } from './copy-to.ts'
import { PipelinedSession } from './pipelined-session.ts'

/** The usual driver. It stands on private parts of `pg`; README.md beside it lists them. */
export const pipelinedDriver: Driver = {
  name: 'pipelined',
  startSession: (client) => new PipelinedSession(client),
  copyTo,
}
