import { createCipheriv, createDecipheriv, createSecretKey, randomBytes } from 'node:crypto'

// Keys are given to Node as objects: given as bytes, it takes twice as long to accept one as to encrypt with it.

/** 32 random bytes: a key for {@link seal}, or for a keyed hash. */
export function newKey(): Buffer {
  return randomBytes(32)
}

/**
 * Encrypts with AES-256-GCM under a key of 32 bytes: nonce (12 bytes), tag (16 bytes), ciphertext.
 * `purpose` is bound to the result: what was sealed for one purpose does not open for another.
 */
export function seal(key: Buffer, plain: Buffer, purpose: string): Buffer {
  const nonce = nextNonce()
  const cipher = createCipheriv('aes-256-gcm', createSecretKey(key), nonce).setAAD(Buffer.from(purpose))
  const ciphertext = Buffer.concat([cipher.update(plain), cipher.final()])
  return Buffer.concat([nonce, cipher.getAuthTag(), ciphertext])
}

let nonces = Buffer.alloc(0)

/** 12 random bytes that nobody was given before. Drawn for many at once: to ask for them takes longer than to make them. */
function nextNonce(): Buffer {
  if (nonces.length === 0) nonces = randomBytes(12 * 256)
  const nonce = nonces.subarray(0, 12)
  nonces = nonces.subarray(12)
  return nonce
}

/** Opens what {@link seal} made. Throws where the key or the purpose is another one, or a byte was changed. */
export function open(key: Buffer, sealed: Buffer, purpose: string): Buffer {
  const decipher = createDecipheriv('aes-256-gcm', createSecretKey(key), sealed.subarray(0, 12))
  decipher.setAAD(Buffer.from(purpose)).setAuthTag(sealed.subarray(12, 28))
  return Buffer.concat([decipher.update(sealed.subarray(28)), decipher.final()])
}
