import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import pg from 'pg'
import { describe, expect, it } from 'vitest'
import { databaseError } from './errors.ts'
import { isLostToConcurrency, isTransient, transientFailure } from './failures.ts'
import { sqlstate } from './sqlstates.ts'

function failed(code: string): Error {
  const error = new pg.DatabaseError('of the server', 0, 'error')
  error.code = code
  return error
}

const character = fc.constantFrom(...'0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ')
const subclass = fc.array(character, { minLength: 3, maxLength: 3 }).map((letters) => letters.join(''))

describe('a transient failure', () => {
  it('is every lost connection and every lack of resources, whatever the server says in detail', () => {
    fc.assert(
      fc.property(fc.constantFrom('08', '53'), subclass, (start, rest) => {
        expect(isTransient(failed(start + rest))).toBe(true)
      }),
    )
  })

  it('is none that the program or the input causes', () => {
    fc.assert(
      fc.property(fc.constantFrom('21', '22', '23', '26', '28', '42', 'XX', 'P0'), subclass, (start, rest) => {
        expect(isTransient(failed(start + rest))).toBe(false)
      }),
    )
  })

  it.each([
    [sqlstate.serializationFailure, 'service.unavailable'],
    [sqlstate.deadlockDetected, 'service.unavailable'],
    [sqlstate.lockNotAvailable, 'database.lock_timeout'],
    [sqlstate.queryCanceled, 'database.statement_timeout'],
    [sqlstate.readOnlyTransaction, 'database.read_only'],
    [sqlstate.diskFull, 'database.disk_full'],
    [sqlstate.tooManyConnections, 'database.no_connection_left'],
    [sqlstate.cannotConnectNow, 'service.unavailable'],
    [sqlstate.idleInTransactionTimeout, 'service.unavailable'],
    [sqlstate.transactionTimeout, 'service.unavailable'],
  ])('of the code %s has an error of its own', (code, known) => {
    expect(transientFailure(failed(code))?.code).toBe(known)
  })

  it('is a connection that Node or pg has lost, and no other error of theirs', () => {
    const ofNode = (code: string) => Object.assign(new Error('of Node'), { code })
    for (const code of ['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT'])
      expect(isTransient(ofNode(code))).toBe(true)
    for (const code of ['ENOENT', 'EACCES', '08']) expect(isTransient(ofNode(code))).toBe(false)
    expect(isTransient(new Error('Connection terminated unexpectedly'))).toBe(true)
    expect(isTransient(new Error('the connection of an argument'))).toBe(false)
    expect(isTransient(databaseError('database.busy', { connections: 1, seconds: 1 }))).toBe(true)
    expect(isTransient(undefined)).toBe(false)
  })

  it('that a transaction lost to another one is among them, and few others are', () => {
    const lost = Object.values(sqlstate).filter((code) => isLostToConcurrency(failed(code)))
    expect(lost).toEqual([sqlstate.serializationFailure, sqlstate.deadlockDetected])
    expect(lost.every((code) => isTransient(failed(code)))).toBe(true)
  })
})

it('calls every SQLSTATE of the program by its name', async () => {
  const server = fileURLToPath(new URL('../..', import.meta.url))
  const literal = /'(?:0[0-9A-Z]|2[0-9A-Z]|3[0-9A-Z]|4[0-9A-Z]|5[3-8])[0-9P]\d[0-9A-Z]'/
  const found: string[] = []
  for (const entry of await readdir(server, { recursive: true })) {
    if (!entry.endsWith('.ts') || /\.test\.ts$/.test(entry) || path.basename(entry) === 'sqlstates.ts') continue
    if (literal.test(await readFile(path.join(server, entry), 'utf8'))) found.push(entry)
  }
  expect(found).toEqual([])
  expect(Object.values(sqlstate).every((code) => literal.test(`'${code}'`))).toBe(true)
})
