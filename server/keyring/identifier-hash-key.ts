import { createHmac } from 'node:crypto'
import type { Identifier, IdentifierKind } from '../identifiers/identifier-key.ts'
import { formsOfEveryVersion } from '../identifiers/normal-form-v1.ts'
import { keyedHash } from '../platform/crypto/keyed-hash.ts'
import { newKey, open, seal } from '../platform/crypto/seal.ts'
import type { TenantTransaction } from '../platform/database/transaction.ts'
import { keyringError } from './errors.ts'

/**
 * The tenant's key for keyed hashes of identifiers; made when first needed, kept wrapped by the master key.
 * Throws `master_key.wrong` where the master key is not the one it was wrapped with.
 */
export async function identifierHashKey(tx: TenantTransaction): Promise<Buffer> {
  const { masterKey } = tx
  const ofMasterKey = opened.get(masterKey) ?? new Map<string, Buffer>()
  opened.set(masterKey, ofMasterKey)
  const known = ofMasterKey.get(tx.tenantId)
  if (known !== undefined) return known
  const select = () =>
    tx.query<{ sealed_key: Buffer }>(
      `select sealed_key from tenant_keys where tenant_id = $1 and purpose = 'identifier_hash'`,
      [tx.tenantId],
      'identifier_hash_key',
    )
  let found = (await select()).rows[0]
  const made = found === undefined
  if (found === undefined) {
    await tx.query(
      `insert into tenant_keys (tenant_id, purpose, sealed_key) values ($1, 'identifier_hash', $2) on conflict do nothing`,
      [tx.tenantId, seal(masterKey, newKey(), 'tenant key')],
    )
    found = (await select()).rows[0]
  }
  if (found === undefined) throw new Error('the key of the tenant was just inserted and is not there')
  const key = openWith(masterKey, found.sealed_key, 'tenant key')
  // Not one that this transaction made: it may be rolled back.
  if (!made) ofMasterKey.set(tx.tenantId, key)
  return key
}

/** A tenant's key never changes, so each process opens it once. */
const opened = new WeakMap<Buffer, Map<string, Buffer>>()

/** The keyed hash (HMAC-SHA-256) that a tombstone and a certificate know an identifier by. Its value is a key. */
export function hashIdentifier(key: Buffer, { kind, value }: Pick<Identifier, 'kind' | 'value'>): Buffer {
  let hash = hashers.get(key)
  if (hash === undefined) {
    hash = keyedHash(key)
    hashers.set(key, hash)
  }
  return Buffer.from(hash(hashedText(kind, value)), 'latin1')
}

/**
 * The keyed hashes that the identifier may have been stored under, by any version of the fold; the newest first. The value
 * may be as it is written.
 */
export function hashesOfIdentifier(key: Buffer, { kind, value, written }: Identifier): Buffer[] {
  return formsOfEveryVersion(kind, value, written).map((form) => hashIdentifier(key, { kind, value: form }))
}

const hashers = new WeakMap<Buffer, (text: string) => string>()

/** What is hashed of an identifier. */
export function hashedText(kind: IdentifierKind, value: string): string {
  return `${kind}\0${value}`
}

/** Tells two keys apart without saying anything about either. */
export function keyFingerprint(key: Buffer): string {
  return createHmac('sha256', key).update('lethe key fingerprint').digest('hex').slice(0, 32)
}

/** Opens a key that is wrapped by the master key. Throws `master_key.wrong`. */
export function openWith(masterKey: Buffer, sealed: Buffer, purpose: string): Buffer {
  try {
    return open(masterKey, sealed, purpose)
  } catch (error) {
    throw keyringError('master_key.wrong', undefined, error)
  }
}
