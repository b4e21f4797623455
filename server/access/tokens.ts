import { randomUUID, timingSafeEqual } from 'node:crypto'
import { type CryptoKey, decodeProtectedHeader, errors, importJWK, type JWK, jwtVerify, SignJWT } from 'jose'
import { activeSigningKey } from '../keyring/signing-keys.ts'
import { scopes as allScopes, type Principal, type Scope } from '../permissions/principal.ts'
import type { Database } from '../platform/database/pool.ts'
import { inTenant, isUuid, outsideTenants } from '../platform/database/transaction.ts'
import { isLetheError } from '../platform/errors.ts'
import { accessError } from './errors.ts'
import { hashSecret } from './secrets.ts'

/** Seconds that an access token lives. */
export const tokenLifetime = 3600

/** What tokens are for; RFC 9068 wants an audience. */
const audience = 'lethe'
const tokenType = 'at+jwt'

/** The answer of RFC 6749, section 5.1. */
export type TokenResponse = { access_token: string; token_type: 'Bearer'; expires_in: number; scope: string }

export type TokenRequest = {
  grantType: string | undefined
  clientId: string | undefined
  clientSecret: string | undefined
  /** Scopes with spaces between them; undefined: all that the client has. */
  scope?: string | undefined
  /** The address of this server, without a path: the issuer of RFC 8414 and of the token. */
  issuer: string
}

/**
 * Gives an OAuth 2.0 client an access token: a JWT (RFC 9068) of 3,600 seconds, signed with Ed25519. Without a tenant,
 * it is that of the client.
 *
 * Throws `oauth.invalid_request`, `oauth.unsupported_grant_type`, `oauth.invalid_client`, `oauth.invalid_scope`;
 * {@link tokenErrorBody} makes the answer of RFC 6749, section 5.2, of them.
 */
export async function issueToken(
  database: Database,
  tenantId: string | undefined,
  request: TokenRequest,
): Promise<TokenResponse> {
  const { grantType, clientId, clientSecret, issuer } = request
  if (grantType === undefined) throw accessError('oauth.invalid_request', { missing: 'grant_type' })
  if (grantType !== 'client_credentials') throw accessError('oauth.unsupported_grant_type')
  if (clientId === undefined || clientSecret === undefined) throw accessError('oauth.invalid_client')
  if (!isUuid(clientId)) throw accessError('oauth.invalid_client')
  const id = clientId.toLowerCase()
  const tenant = (tenantId ?? (await tenantOfClient(database, id)))?.toLowerCase()
  if (tenant === undefined || !isUuid(tenant)) throw accessError('oauth.invalid_client')
  const { granted, key } = await inTenant(database, tenant, async (tx) => {
    const { rows } = await tx.query<{ secret_hash: Buffer; scopes: Scope[] }>(
      'select secret_hash, scopes from oauth_clients where tenant_id = $1 and id = $2 and revoked_at is null',
      [tenant, id],
    )
    const [client] = rows
    const isSecret = timingSafeEqual(hashSecret(clientSecret), client?.secret_hash ?? nobodys)
    if (client === undefined || !isSecret) throw accessError('oauth.invalid_client')
    const granted = grant(client.scopes, request.scope)
    await tx.query('update oauth_clients set last_used_at = now() where tenant_id = $1 and id = $2', [tenant, id])
    return { granted, key: await activeSigningKey(tx, 'token') }
  })
  const scope = granted.join(' ')
  const access_token = await new SignJWT({ client_id: id, tenant, scope })
    .setProtectedHeader({ alg: 'EdDSA', typ: tokenType, kid: key.kid })
    .setIssuer(issuer)
    .setAudience(audience)
    .setSubject(id)
    .setJti(randomUUID())
    .setIssuedAt()
    .setExpirationTime(`${tokenLifetime}s`)
    .sign(key.privateKey)
  return { access_token, token_type: 'Bearer', expires_in: tokenLifetime, scope }
}

/** The body of RFC 6749, section 5.2; undefined for another error. `invalid_client` goes with 401, the others with 400. */
export function tokenErrorBody(error: unknown): { error: string; error_description: string } | undefined {
  if (!isLetheError(error) || !error.code.startsWith('oauth.')) return undefined
  return { error: error.code.slice('oauth.'.length), error_description: error.message }
}

/**
 * Who sends this token; undefined where it is no token of this installation, was signed with a retired key, has expired,
 * or is of a revoked client. The client is asked for every time, nothing of it is kept: a revoked client is out at once.
 */
export async function principalOfToken(database: Database, token: string): Promise<Principal | undefined> {
  const claims = await readToken(database, token)
  if (claims === undefined) return undefined
  const { tenantId, clientId, scopes, kid } = claims
  const [live] = await outsideTenants<{ client: string | null }>(
    database,
    `select live_oauth_client($1, $2) as client from signing_keys
     where kid = $3 and purpose = 'token' and retired_at is null`,
    [tenantId, clientId, kid],
    'live_oauth_client',
  )
  if (live === undefined || live.client === null) return undefined
  return {
    tenantId,
    initiator: { from: 'api', credential: { kind: 'client', id: clientId, scopes } },
    access: { kind: 'program', scopes },
  }
}

/** Ids are made by chance: should two tenants ever have clients of one id, these must name their tenant. */
async function tenantOfClient(database: Database, clientId: string): Promise<string | undefined> {
  const tenants = await outsideTenants<{ tenant: string }>(
    database,
    'select tenants_of_oauth_client($1) as tenant',
    [clientId],
    'tenants_of_oauth_client',
  )
  return tenants.length === 1 ? tenants[0]?.tenant : undefined
}

const nobodys = Buffer.alloc(32)

/** What of the asked scopes the client may have; `api/all` has all of them. */
function grant(own: readonly Scope[], asked: string | undefined): Scope[] {
  const names = asked?.split(' ').filter((name) => name !== '') ?? []
  if (names.length === 0) return [...own]
  const granted = allScopes.filter((scope) => names.includes(scope))
  const has = (name: string) =>
    allScopes.some((scope) => scope === name && (own.includes('api/all') || own.includes(scope)))
  if (!names.every(has)) throw accessError('oauth.invalid_scope', { scopes: [...own] })
  return granted
}

type TokenClaims = { tenantId: string; clientId: string; scopes: Scope[]; kid: string; expiresAt: number }

/**
 * Checks signature, times and form. What was signed with another installation's key is refused by the database. A signature
 * that was good stays good until the token expires, so each process checks it once.
 */
async function readToken(database: Database, token: string): Promise<TokenClaims | undefined> {
  const tokens = checkedTokens.get(database) ?? new Map<string, TokenClaims>()
  checkedTokens.set(database, tokens)
  const name = hashSecret(token).toString('latin1')
  const known = tokens.get(name)
  if (known !== undefined) return known.expiresAt > Date.now() ? known : undefined
  const claims = await checkToken(database, token)
  if (claims === undefined) return undefined
  if (tokens.size >= checkedAtMost) tokens.clear()
  tokens.set(name, claims)
  return claims
}

const checkedAtMost = 10_000
const checkedTokens = new WeakMap<Database, Map<string, TokenClaims>>()

async function checkToken(database: Database, token: string): Promise<TokenClaims | undefined> {
  const kid = keyIdOf(token)
  const key = kid === undefined ? undefined : await publicKeyOf(database, kid)
  if (kid === undefined || key === undefined) return undefined
  try {
    const { payload } = await jwtVerify<{ iss: string; client_id: string; tenant: string; scope: string; exp: number }>(
      token,
      key,
      {
        algorithms: ['EdDSA'],
        typ: tokenType,
        audience,
        requiredClaims: ['exp', 'iss', 'sub', 'client_id', 'tenant', 'scope'],
      },
    )
    // That it is ours, the key says. A server is reached under several addresses, so the issuer need not be this one.
    if (!isOrigin(payload.iss)) return undefined
    const names = payload.scope.split(' ')
    return {
      tenantId: payload.tenant,
      clientId: payload.client_id,
      scopes: allScopes.filter((scope) => names.includes(scope)),
      kid,
      expiresAt: payload.exp * 1000,
    }
  } catch (error) {
    if (error instanceof errors.JOSEError) return undefined
    throw error
  }
}

function isOrigin(issuer: unknown): boolean {
  return typeof issuer === 'string' && URL.canParse(issuer) && new URL(issuer).origin === issuer
}

const keyId = /^[A-Za-z0-9_-]{43}$/

function keyIdOf(token: string): string | undefined {
  try {
    const { kid } = decodeProtectedHeader(token)
    return typeof kid === 'string' && keyId.test(kid) ? kid : undefined
  } catch (error) {
    // What jose throws at a text that is no token.
    if (error instanceof TypeError) return undefined
    throw error
  }
}

/** A key never changes under its id; whether it is retired is asked for every time. */
const publicKeys = new WeakMap<Database, Map<string, CryptoKey>>()

async function publicKeyOf(database: Database, kid: string): Promise<CryptoKey | undefined> {
  const keys = publicKeys.get(database) ?? new Map<string, CryptoKey>()
  publicKeys.set(database, keys)
  const known = keys.get(kid)
  if (known !== undefined) return known
  const [row] = await outsideTenants<{ public_jwk: JWK }>(
    database,
    `select public_jwk from signing_keys where kid = $1 and purpose = 'token' and retired_at is null`,
    [kid],
  )
  if (row === undefined) return undefined
  const key = await importJWK(row.public_jwk, 'EdDSA')
  if (key instanceof Uint8Array) throw new Error('a signing key is an asymmetric key')
  keys.set(kid, key)
  return key
}
