import type { Driver, DriverName } from './driver.ts'
import { PlainSession } from './plain-session.ts'
import { PipelinedSession } from './wire/pipelined-session.ts'

/** The usual driver. It stands on private parts of `pg`: wire/README.md lists them. */
export const pipelinedDriver: Driver = {
  name: 'pipelined',
  startSession: (client) => new PipelinedSession(client),
}

/** The driver over documented interfaces only. */
export const plainDriver: Driver = {
  name: 'plain',
  startSession: (client) => new PlainSession(client),
}

/** Both drivers, the usual one first. */
export const drivers: readonly Driver[] = [pipelinedDriver, plainDriver]

/** The driver of this name. */
export function driverNamed(name: DriverName): Driver {
  return name === 'plain' ? plainDriver : pipelinedDriver
}
