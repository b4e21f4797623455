import { createPrivateKey, type KeyObject } from 'node:crypto'
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK } from 'jose'
import type pg from 'pg'
import { seal } from '../platform/crypto/seal.ts'
import type { TenantTransaction } from '../platform/database/transaction.ts'
import { openWith } from './identifier-hash-key.ts'

/** A key that is signed with: Ed25519 (RFC 8037), named by the thumbprint of its public part (RFC 7638). */
export type SigningKey = { kid: string; privateKey: KeyObject }

/** What a key signs: certificates, or access tokens. One that signs both could be made to sign one as the other. */
export type SigningPurpose = 'certificate' | 'token'

type Queryable = {
  query<Row extends pg.QueryResultRow>(text: string, values?: unknown[]): Promise<{ rows: Row[] }>
}

const opened = new Map<string, SigningKey>()

/** The active key; the first one is made here. Throws `master_key.wrong`. */
export async function activeSigningKey(
  tx: TenantTransaction,
  purpose: SigningPurpose = 'certificate',
): Promise<SigningKey> {
  const { rows } = await tx.query<{ kid: string; sealed_private_key: Buffer }>(
    'select kid, sealed_private_key from signing_keys where purpose = $1 and retired_at is null',
    [purpose],
    'active_signing_key',
  )
  const active = rows[0]
  if (active === undefined) {
    await insertKey(tx, tx.masterKey, purpose)
    return activeSigningKey(tx, purpose)
  }
  const known = opened.get(active.kid)
  if (known !== undefined) return known
  const jwk = JSON.parse(openWith(tx.masterKey, active.sealed_private_key, 'signing key').toString('utf8')) as JWK
  const key = { kid: active.kid, privateKey: createPrivateKey({ key: jwk, format: 'jwk' }) }
  opened.set(active.kid, key)
  return key
}

/**
 * The public parts of the keys of a purpose, as a JSON Web Key Set (RFC 7517). Of certificates all that ever signed one,
 * because those stay valid; of access tokens the active one alone, because the tokens of a retired key have ended. The two
 * sets share no key.
 */
export async function publicKeys(client: Queryable, purpose: SigningPurpose = 'certificate'): Promise<{ keys: JWK[] }> {
  const { rows } = await client.query<{ public_jwk: JWK }>(
    `select public_jwk from signing_keys
     where purpose = $1 and (purpose = 'certificate' or retired_at is null) order by created_at`,
    [purpose],
  )
  return { keys: rows.map(({ public_jwk }) => public_jwk) }
}

/** Where another transaction was first, that one's key counts. */
export async function insertKey(client: Queryable, masterKey: Buffer, purpose: SigningPurpose): Promise<void> {
  const { publicKey, privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true })
  const publicJwk = await exportJWK(publicKey)
  const kid = await calculateJwkThumbprint(publicJwk)
  const sealed = seal(masterKey, Buffer.from(JSON.stringify(await exportJWK(privateKey))), 'signing key')
  await client.query(
    `insert into signing_keys (kid, purpose, public_jwk, sealed_private_key) values ($1, $2, $3, $4) on conflict do nothing`,
    [kid, purpose, JSON.stringify({ ...publicJwk, kid, alg: 'EdDSA', use: 'sig' }), sealed],
  )
}
