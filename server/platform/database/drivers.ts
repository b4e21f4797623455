import type pg from 'pg'
import type { Driver, DriverName } from './driver.ts'
import { plainDriver } from './plain-driver.ts'
import { pipelinedDriver } from './wire/pipelined-driver.ts'

/** Both drivers, the usual one first. */
export const drivers: readonly Driver[] = [pipelinedDriver, plainDriver]

/** The driver of this name. */
export function driverNamed(name: DriverName): Driver {
  return name === 'plain' ? plainDriver : pipelinedDriver
}

/** The driver by which each connection of a pool was opened. */
const openedBy = new WeakMap<pg.ClientBase, Driver>()

/** Opens every connection of the pool by this driver. */
export function useDriver(pool: pg.Pool, driver: Driver): void {
  pool.on('connect', (client) => openedBy.set(client, driver))
}

/** The driver by which a connection was opened: the plain one, where it does not come from {@link useDriver}'s pools. */
export function driverOf(client: pg.ClientBase): Driver {
  return openedBy.get(client) ?? plainDriver
}
