import { exportJWK, importJWK, type JWK } from 'jose'
import { inInstallation } from '../audit/installation-trail.ts'
import { record } from '../audit/record.ts'
import type { Database } from '../platform/database/pool.ts'
import { outsideTenants } from '../platform/database/transaction.ts'
import type { Initiator } from '../platform/initiator.ts'
import { inputError } from '../platform/validation/errors.ts'
import { requireLine } from '../platform/validation/require-text.ts'
import { identityError } from './errors.ts'

/** The algorithms that an identity provider may sign with: asymmetric ones only (RFC 7518, section 3.1; RFC 8037). */
export const providerAlgorithms = [
  'EdDSA',
  'Ed25519',
  'ES256',
  'ES384',
  'ES512',
  'PS256',
  'PS384',
  'PS512',
  'RS256',
  'RS384',
  'RS512',
] as const
export type ProviderAlgorithm = (typeof providerAlgorithms)[number]

export type IdentityProvider = {
  id: string
  issuer: string
  audience: string
  keys: { keys: JWK[] }
  algorithms: ProviderAlgorithm[]
  created_at: Date
  changed_at: Date
}

const columns = 'id, issuer, audience, keys, algorithms, created_at, changed_at'
const mostKeys = 20

/**
 * Sets an identity provider by its issuer: adds it, or replaces what it had. `keys`: a JWK set (RFC 7517) of its public
 * keys. `algorithms`: those that a token may name. `audience`: what its tokens name as `aud`, such as the address of
 * this server.
 *
 * Throws `input.invalid` for a key that is private, symmetric or not readable, and for an algorithm that is not in the
 * list or fits no key.
 */
export async function setIdentityProvider(
  database: Database,
  given: { issuer: string; audience: string; keys: unknown; algorithms: readonly string[] },
  options: { initiator?: Initiator } = {},
): Promise<IdentityProvider> {
  const issuer = requireLine('issuer', given.issuer)
  const audience = requireLine('audience', given.audience)
  const algorithms = requireAlgorithms(given.algorithms)
  const keys = await requireKeys(given.keys, algorithms)
  return await inInstallation(
    database,
    async (tx) => {
      const { rows } = await tx.query<IdentityProvider>(
        `insert into identity_providers (issuer, audience, keys, algorithms) values ($1, $2, $3, $4)
         on conflict (issuer) do update set audience = excluded.audience, keys = excluded.keys,
           algorithms = excluded.algorithms, changed_at = excluded.changed_at
         returning ${columns}`,
        [issuer, audience, JSON.stringify({ keys }), algorithms],
      )
      const [provider] = rows
      if (provider === undefined) throw new Error('the identity provider was just written and is not there')
      await record(tx, {
        activity: 'IdentityProviderSet',
        object: provider.id,
        details: { keys: keys.length, algorithms },
      })
      return provider
    },
    options,
  )
}

/** All identity providers, by issuer. */
export async function listIdentityProviders(database: Database): Promise<IdentityProvider[]> {
  return await outsideTenants<IdentityProvider>(database, `select ${columns} from identity_providers order by issuer`)
}

/** Removes an identity provider: its tokens are refused from now on. Throws `identity_provider.not_found`. */
export async function removeIdentityProvider(
  database: Database,
  issuer: string,
  options: { initiator?: Initiator } = {},
): Promise<IdentityProvider> {
  return await inInstallation(
    database,
    async (tx) => {
      const { rows } = await tx.query<IdentityProvider>(
        `delete from identity_providers where issuer = $1 returning ${columns}`,
        [requireLine('issuer', issuer)],
      )
      const [provider] = rows
      if (provider === undefined) throw identityError('identity_provider.not_found')
      await record(tx, { activity: 'IdentityProviderRemoved', object: provider.id })
      return provider
    },
    options,
  )
}

function requireAlgorithms(given: readonly string[]): ProviderAlgorithm[] {
  const known = providerAlgorithms.filter((name) => given.includes(name))
  if (known.length === 0 || known.length < new Set(given).size) {
    throw inputError('input.invalid', {
      field: 'algorithms',
      expected: `one or more of ${providerAlgorithms.join(', ')} are expected`,
    })
  }
  return known
}

/** The public part of each key, and nothing else of it. */
async function requireKeys(given: unknown, algorithms: readonly ProviderAlgorithm[]): Promise<JWK[]> {
  const invalid = (expected: string) => inputError('input.invalid', { field: 'keys', expected })
  const list = typeof given === 'object' && given !== null && 'keys' in given ? given.keys : undefined
  if (!Array.isArray(list) || list.length === 0 || list.length > mostKeys) {
    throw invalid(`a JWK set with 1 to ${mostKeys} keys is expected`)
  }
  return await Promise.all(
    list.map((key: unknown, index) => publicKey(key, algorithms, (why) => invalid(`key ${index + 1} ${why}`))),
  )
}

async function publicKey(
  given: unknown,
  algorithms: readonly ProviderAlgorithm[],
  invalid: (why: string) => Error,
): Promise<JWK> {
  if (typeof given !== 'object' || given === null) throw invalid('is no JWK')
  const key = given as JWK
  if (key.kty === 'oct' || 'k' in key) throw invalid('is symmetric; only public keys are taken')
  if ('d' in key || 'p' in key || 'q' in key) throw invalid('is private; give its public part only')
  const algorithm = algorithms.find((name) => fits(key, name))
  if (algorithm === undefined) throw invalid('fits none of the algorithms')
  try {
    const imported = await importJWK({ ...key, alg: algorithm }, algorithm, { extractable: true })
    const { kid, alg } = key
    return {
      ...(await exportJWK(imported)),
      ...(typeof kid === 'string' && kid.length <= 256 && { kid }),
      ...(typeof alg === 'string' && { alg }),
      use: 'sig',
    }
  } catch (error) {
    if (error instanceof Error) throw invalid('cannot be read')
    throw error
  }
}

const curves: Record<string, readonly string[]> = {
  ES256: ['P-256'],
  ES384: ['P-384'],
  ES512: ['P-521'],
  EdDSA: ['Ed25519'],
  Ed25519: ['Ed25519'],
}
/** RFC 7518, sections 3.3 and 3.5: a key of 2048 bits or larger, of which the modulus has so many characters. */
const shortestModulus = 342

function fits({ kty, crv, n }: JWK, algorithm: ProviderAlgorithm): boolean {
  const allowed = curves[algorithm]
  if (allowed === undefined) return kty === 'RSA' && typeof n === 'string' && n.length >= shortestModulus
  return (kty === 'EC' || kty === 'OKP') && typeof crv === 'string' && allowed.includes(crv)
}
