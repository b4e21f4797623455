import { createHash, createHmac, hkdfSync } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { foldVersion } from '../../identifiers/fold.ts'
import type { IdentifierKind } from '../../identifiers/identifier-key.ts'
import { codeOf } from '../../platform/database/pool.ts'
import { isUuid } from '../../platform/database/transaction.ts'
import { inputError } from '../../platform/validation/errors.ts'
import { ledgerError } from './errors.ts'

/**
 * The file that `lethe ledger export` writes: JSON lines, each tenant's together, and none of them holds personal data.
 * Within a tenant: its key for keyed hashes, what was erased in the order of the requests, then the tombstones.
 */
export type LedgerLine =
  | {
      type: 'tenant'
      tenant: string
      /** Null while the tenant has none. `sealed` is wrapped by the master key, in base64. */
      identifier_hash_key: { fingerprint: string; sealed: string } | null
    }
  | {
      type: 'erased'
      tenant: string
      request: string
      user: string
      operation: 'purge' | 'anonymize'
      erased_at: string
      map_version: string
    }
  | {
      type: 'tombstone'
      tenant: string
      request: string
      user: string
      kind: IdentifierKind
      /** HMAC-SHA-256 under the tenant's key, in hexadecimal digits. */
      hash: string
      /** The version of the fold that was hashed; absent in files of the first. */
      fold_version?: number
      created_at: string
    }

export type ErasedLine = Extract<LedgerLine, { type: 'erased' }>
export type TombstoneLine = Extract<LedgerLine, { type: 'tombstone' }>

/**
 * The last line. The digest shows that no byte was lost. The seal, made with the master key, shows that this
 * installation wrote the file, because a forged ledger could purge any person.
 */
type EndLine = { type: 'end'; lines: number; sha256: string; seal: string }

/** A running digest over lines, which the last line closes. */
export class LedgerDigest {
  readonly #hash = createHash('sha256')
  #lines = 0

  add(line: string): void {
    this.#hash.update(`${line}\n`)
    this.#lines++
  }

  /** The last line. */
  end(masterKey: Buffer): EndLine {
    const lines = this.#lines
    const sha256 = this.#hash.digest('hex')
    const key = Buffer.from(hkdfSync('sha256', masterKey, '', 'lethe ledger', 32))
    return { type: 'end', lines, sha256, seal: createHmac('sha256', key).update(`${lines} ${sha256}`).digest('hex') }
  }
}

/**
 * The lines of a ledger file but the last one, which it is checked against; only who has read to the end knows that the
 * file is whole. Throws `input.file_unreadable`, `ledger.damaged`, `ledger.other_master_key`.
 */
export async function* readLedgerLines(file: string, masterKey: Buffer): AsyncGenerator<LedgerLine> {
  const digest = new LedgerDigest()
  const damaged = (reason: string) => ledgerError('ledger.damaged', { file, reason })
  let ended = false
  let number = 0
  for await (const text of textLines(file)) {
    number++
    if (ended) throw damaged('something follows its last line')
    const line = parse(text)
    if (line === undefined) throw damaged(`line ${number} is none of a ledger`)
    if (line.type === 'end') {
      const expected = digest.end(masterKey)
      if (line.lines !== expected.lines || line.sha256 !== expected.sha256) throw damaged('it was changed or cut')
      if (line.seal !== expected.seal) throw ledgerError('ledger.other_master_key', { file })
      ended = true
    } else {
      digest.add(text)
      yield line
    }
  }
  if (!ended) throw damaged('its last line is missing')
}

async function* textLines(file: string): AsyncGenerator<string> {
  try {
    yield* createInterface({ input: createReadStream(file), crlfDelay: Number.POSITIVE_INFINITY })
  } catch (error) {
    const reason = codeOf(error) ?? 'it cannot be read to its end'
    throw inputError('input.file_unreadable', { file, reason }, error)
  }
}

const kinds = new Set(['email', 'login_name', 'directory_object_id', 'ref', 'external_identity_id'])

function parse(text: string): LedgerLine | EndLine | undefined {
  let line: Record<string, unknown>
  try {
    line = Object(JSON.parse(text))
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
  return isLine(line) ? (line as LedgerLine | EndLine) : undefined
}

function isLine(line: Record<string, unknown>): boolean {
  const id = (field: string) => typeof line[field] === 'string' && isUuid(line[field])
  const matches = (field: string, pattern: RegExp) => typeof line[field] === 'string' && pattern.test(line[field])
  const time = (field: string) => matches(field, /^\d{4,}-\d\d-\d\dT/) && !Number.isNaN(Date.parse(String(line[field])))
  if (line.type === 'end') return Number.isInteger(line.lines) && matches('sha256', sha256) && matches('seal', sha256)
  if (!id('tenant')) return false
  if (line.type === 'tenant') return line.identifier_hash_key === null || isKey(line.identifier_hash_key)
  if (!id('request') || !id('user')) return false
  if (line.type === 'tombstone') {
    const version = line.fold_version === undefined || line.fold_version === 1 || line.fold_version === foldVersion
    return version && kinds.has(String(line.kind)) && matches('hash', sha256) && time('created_at')
  }
  return (
    line.type === 'erased' &&
    matches('operation', /^(purge|anonymize)$/) &&
    matches('map_version', /^[0-9a-f]{16}$/) &&
    time('erased_at')
  )
}

const sha256 = /^[0-9a-f]{64}$/

function isKey(key: unknown): boolean {
  const { fingerprint, sealed } = Object(key) as Record<string, unknown>
  return typeof fingerprint === 'string' && typeof sealed === 'string' && /^[A-Za-z0-9+/]+=*$/.test(sealed)
}
