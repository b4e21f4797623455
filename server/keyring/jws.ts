import { sign as signBytes } from 'node:crypto'
import canonicalize from 'canonicalize'
import type { SigningKey } from './signing-keys.ts'

/**
 * Signs claims, which are JSON, as a compact JWS (RFC 7515) with EdDSA over their canonical form (RFC 8785). Put together
 * here: a certificate is signed while its people are locked, and the way through WebCrypto and its threads takes ten times
 * as long as the signature.
 */
export function sign(key: SigningKey, claims: object): string {
  const payload = canonicalize(claims)
  if (payload === undefined) throw new TypeError('claims are JSON')
  const header = JSON.stringify({ alg: 'EdDSA', kid: key.kid, typ: 'application/json' })
  const signed = [header, payload].map((part) => Buffer.from(part).toString('base64url')).join('.')
  return `${signed}.${signBytes(null, Buffer.from(signed), key.privateKey).toString('base64url')}`
}
