import { createLocalJWKSet, decodeJwt, errors, type JWTPayload, jwtVerify } from 'jose'
import { hashSecret } from '../access/secrets.ts'
import type { Database } from '../platform/database/pool.ts'
import { outsideTenants, type TenantTransaction } from '../platform/database/transaction.ts'
import { identityError } from './errors.ts'
import type { IdentityProvider } from './providers.ts'

/** Seconds that a token may live, from `iat` to `exp`. */
export const longestLife = 300
/** Seconds that clocks may differ. */
const tolerance = 30

/**
 * The types of tokens (`typ`, RFC 8725, section 3.11). A token for one purpose is no token for another, and neither is an
 * ID token, which other services have seen.
 */
export const tokenTypes = { erasure: 'lethe-erasure+jwt', identity: 'lethe-identity+jwt' } as const
export type TokenPurpose = keyof typeof tokenTypes

/** A token whose signature, times and audience are good. It is not taken yet: see {@link takeToken}. */
export type ProviderToken = {
  providerId: string
  issuer: string
  /** The id of the person at the identity provider. */
  subject: string
  /** The address of the person; undefined unless the identity provider says that it verified it. */
  email: string | undefined
  claims: JWTPayload
  jti: string
  expiresAt: Date
}

/**
 * Verifies a token of an identity provider (RFC 7519, RFC 8725). Its issuer must be configured, its algorithm one of those
 * of the provider, its key one of the provider's. It names this server as its audience and lives at most
 * {@link longestLife} seconds.
 *
 * Throws `identity_provider.token_invalid`, alike for every fault.
 */
export async function verifyProviderToken(
  database: Database,
  token: string,
  purpose: TokenPurpose,
): Promise<ProviderToken> {
  try {
    const { iss } = decodeJwt(token)
    if (typeof iss !== 'string' || iss.includes('\0')) throw identityError('identity_provider.token_invalid')
    const [provider] = await outsideTenants<Pick<IdentityProvider, 'id' | 'audience' | 'keys' | 'algorithms'>>(
      database,
      'select id, audience, keys, algorithms from identity_providers where issuer = $1',
      [iss],
    )
    if (provider === undefined) throw identityError('identity_provider.token_invalid')
    const { payload } = await jwtVerify(token, createLocalJWKSet(provider.keys), {
      algorithms: provider.algorithms,
      issuer: iss,
      audience: provider.audience,
      typ: tokenTypes[purpose],
      requiredClaims: ['iss', 'aud', 'sub', 'iat', 'exp', 'jti'],
      maxTokenAge: longestLife,
      clockTolerance: tolerance,
    })
    return readClaims(payload, provider.id, iss)
  } catch (error) {
    // What jose throws at a text that is no token, and at one that is not good.
    if (error instanceof errors.JOSEError || error instanceof TypeError) {
      throw identityError('identity_provider.token_invalid', undefined, error)
    }
    throw error
  }
}

/**
 * Takes a token, in the transaction of what it asks for: each is taken once. Throws `identity_provider.token_invalid` if
 * it was taken before.
 */
export async function takeToken(tx: TenantTransaction, { providerId, jti, expiresAt }: ProviderToken): Promise<void> {
  const { rowCount } = await tx.query(
    `insert into identity_provider_tokens (provider_id, token_hash, expires_at)
     select id, $2, $3 from identity_providers where id = $1
     on conflict do nothing returning token_hash`,
    [providerId, hashSecret(jti), expiresAt],
  )
  if (rowCount === 0) throw identityError('identity_provider.token_invalid')
}

/** Deletes the tokens that have expired: they would be refused anyway. */
export async function cleanProviderTokens(database: Database): Promise<void> {
  await outsideTenants(database, `delete from identity_provider_tokens where expires_at < now()`)
}

const longestText = 320

function readClaims(claims: JWTPayload, providerId: string, issuer: string): ProviderToken {
  const { sub, jti, iat = 0, exp = 0, email, email_verified } = claims
  const isText = (value: unknown): value is string =>
    typeof value === 'string' &&
    value.trim() !== '' &&
    value.length <= longestText &&
    !/\p{Cc}/u.test(value) &&
    value.isWellFormed()
  if (!isText(sub) || !isText(jti) || exp - iat > longestLife || exp <= iat) {
    throw identityError('identity_provider.token_invalid')
  }
  if (email !== undefined && !isText(email)) throw identityError('identity_provider.token_invalid')
  return {
    providerId,
    issuer,
    subject: sub,
    email: email_verified === true && isText(email) ? email : undefined,
    claims,
    jti,
    // A clock that is behind would let the token in so much longer.
    expiresAt: new Date((exp + 2 * tolerance) * 1000),
  }
}
