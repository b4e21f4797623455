import { randomUUID } from 'node:crypto'
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose'
import { setIdentityProvider } from '../server/identity/providers.ts'
import { type TokenPurpose, tokenTypes } from '../server/identity/verify-provider-token.ts'
import type { Database } from '../server/platform/database/pool.ts'

/** An identity provider with a key of its own, which an installation knows. */
export type TestProvider = {
  issuer: string
  keys: { keys: JWK[] }
  privateKey: CryptoKey
  /** A token for a purpose, signed now; `claims` may replace any claim. */
  token(purpose: TokenPurpose, claims: Record<string, unknown>, header?: Record<string, unknown>): Promise<string>
}

export const audience = 'https://lethe.example.org'

/** Makes an identity provider, and sets it up in the installation. */
export async function openTestProvider(
  database: Database,
  issuer = `https://idp-${randomUUID()}.example`,
): Promise<TestProvider> {
  const { publicKey, privateKey } = await generateKeyPair('EdDSA', { extractable: true })
  const keys = { keys: [{ ...(await exportJWK(publicKey)), kid: 'one' }] }
  await setIdentityProvider(database, { issuer, audience, keys, algorithms: ['EdDSA'] })
  return {
    issuer,
    keys,
    privateKey,
    token(purpose, claims, header = {}) {
      const now = Math.floor(Date.now() / 1000)
      const usual = { iss: issuer, aud: audience, iat: now, exp: now + 120, jti: randomUUID() }
      return new SignJWT({ ...usual, ...claims })
        .setProtectedHeader({ alg: 'EdDSA', typ: tokenTypes[purpose], kid: 'one', ...header })
        .sign(privateKey)
    },
  }
}
