import { createPrivateKey, createPublicKey } from 'node:crypto'
import { calculateJwkThumbprint, compactVerify, createLocalJWKSet, type JWK } from 'jose'
import { openWith } from '../keyring/identifier-hash-key.ts'
import type { TenantTransaction } from '../platform/database/transaction.ts'

/** What a checkpoint states about a tenant's chain, signed as canonical JSON. No personal data. */
export type CheckpointClaims = {
  type: 'lethe.audit_checkpoint'
  version: 1
  tenant: string
  /** Place of the last entry that it covers; places begin with 1 and have no gaps. */
  sequence: number
  /** Hash of that entry, in base64url. */
  hash: string
  /** Entries since the checkpoint before. */
  count: number
  at: string
}

/** Opens checkpoints that were signed with a key of this installation. */
export type CheckpointReader = (jws: string) => Promise<CheckpointClaims | undefined>

/**
 * Reads the installation's keys for the checking of signatures. A key counts only if its private part opens with the
 * master key: whoever can write into the table of keys cannot add one of their own.
 */
export async function openCheckpoints(tx: TenantTransaction): Promise<CheckpointReader> {
  const { rows } = await tx.query<{ kid: string; sealed_private_key: Buffer }>(
    `select kid, sealed_private_key from signing_keys where purpose = 'certificate'`,
  )
  const keys: JWK[] = []
  for (const { kid, sealed_private_key } of rows) {
    const publicJwk = publicPartOf(tx.masterKey, sealed_private_key)
    if (publicJwk === undefined || (await calculateJwkThumbprint(publicJwk)) !== kid) continue
    keys.push({ ...publicJwk, kid, alg: 'EdDSA' })
  }
  const keySet = createLocalJWKSet({ keys })
  return async (jws) => {
    try {
      const { payload } = await compactVerify(jws, keySet, { algorithms: ['EdDSA'] })
      const claims = JSON.parse(Buffer.from(payload).toString('utf8')) as CheckpointClaims
      return claims.type === 'lethe.audit_checkpoint' && isExactly(jws) ? claims : undefined
    } catch {
      // Whatever it is made of, it does not verify; the caller reports it.
      return undefined
    }
  }
}

/** The hash that a checkpoint states, signed or not; undefined where it is none. */
export function statedHash(jws: string): string | undefined {
  try {
    const { hash } = JSON.parse(Buffer.from(jws.split('.')[1] ?? '', 'base64url').toString('utf8')) as CheckpointClaims
    return typeof hash === 'string' ? hash : undefined
  } catch {
    // Somebody wrote something else there, which the verification reports; the sealer goes on all the same.
    return undefined
  }
}

/** A lax decoder ignores the last bits of a text: two texts would be one statement. */
function isExactly(jws: string): boolean {
  return jws.split('.').every((part) => Buffer.from(part, 'base64url').toString('base64url') === part)
}

function publicPartOf(masterKey: Buffer, sealed: Buffer): JWK | undefined {
  try {
    const jwk = JSON.parse(openWith(masterKey, sealed, 'signing key').toString('utf8')) as JWK
    const key = createPublicKey(createPrivateKey({ key: jwk, format: 'jwk' }))
    return key.export({ format: 'jwk' }) as JWK
  } catch {
    // Not one of this installation's keys; what it signed is reported as not signed by one.
    return undefined
  }
}
