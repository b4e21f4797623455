import type pg from 'pg'

/** Which driver speaks to the server; `LETHE_DRIVER` chooses. */
export type DriverName = 'pipelined' | 'plain'

/** The two drivers, the usual one first. */
export const driverNames: readonly DriverName[] = ['pipelined', 'plain']

/** The driver where no setting says otherwise. */
export const usualDriver: DriverName = 'pipelined'

/** How transactions send their statements. Everything else uses `pg` as its documentation describes it. */
export type Driver = {
  readonly name: DriverName
  /** Takes over a connection of the pool, on which nothing is under way. {@link Session.release} gives it back. */
  startSession(client: pg.PoolClient): Session
}

/** What one transaction sends over its connection. Statements run in the order in which they were given. */
export type Session = {
  /**
   * Runs a statement. With a `name` the connection prepares it once and keeps its plan; one without values and a name may
   * consist of several commands.
   *
   * Rejects without having sent anything where a value has no form for the server, or the name stands for another statement
   * on this connection. Then every later statement is refused with the same error, the commit among them: the server knows
   * of no failure and would commit without it.
   */
  query<Row extends pg.QueryResultRow>(
    text: string,
    values?: readonly unknown[],
    name?: string,
  ): Promise<pg.QueryResult<Row>>
  /** Lends the connection to work that needs it alone, such as a COPY. Nothing may be sent by the session meanwhile. */
  lend<T>(work: (client: pg.ClientBase) => Promise<T>): Promise<T>
  /** Refuses further statements. Those that were given already still run. */
  close(): void
  /** Gives the connection back to the pool, once everything is answered; after a `failure` the pool closes it. */
  release(failure?: Error): void
}

/** A statement that came after {@link Session.close}: the connection may belong to another transaction by now. */
export function afterTheEnd(): Error {
  return new Error('a statement came after the end of its transaction')
}

/** What was thrown, as an error. */
export function errorFrom(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown))
}
