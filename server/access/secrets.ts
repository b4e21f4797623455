import { createHash, randomBytes } from 'node:crypto'

/** A secret of 256 random bits, 43 characters. */
export function newSecret(): string {
  return randomBytes(32).toString('base64url')
}

/**
 * What is stored of a secret: its SHA-256. A slow hash defends what people choose; nobody finds 256 random bits by trying,
 * and this one is computed at every request. For the same reason it may be looked up by an index: how long that takes says
 * something about the hash, and nothing about the secret.
 */
export function hashSecret(secret: string): Buffer {
  return createHash('sha256').update(secret).digest()
}
