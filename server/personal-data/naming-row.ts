/**
 * What of a row may name a person beside its mentions: texts, and what is sealed under the master key. Rows of several tables
 * are read in one statement; `room` tells which.
 */
export type NamingRow = {
  room: 'connectors' | 'webhooks'
  id: string
  name: string
  texts: string[]
  sealed: Buffer | null
  run_as: string | null
  disabled_because: string | null
}
