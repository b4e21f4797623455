import { record } from '../audit/record.ts'
import { actingUser } from '../people/accounts/require-people.ts'
import { requireMayGrant } from '../permissions/grants.ts'
import { scopes as allScopes, type Scope } from '../permissions/principal.ts'
import type { TenantTransaction } from '../platform/database/transaction.ts'
import { inputError } from '../platform/validation/errors.ts'
import { requireLine } from '../platform/validation/require-text.ts'
import { requireUuid } from '../platform/validation/require-uuid.ts'
import { accessError } from './errors.ts'
import { hashSecret, newSecret } from './secrets.ts'

/** An OAuth 2.0 client as it is listed: never its secret. `id` is its client_id. */
export type OAuthClient = {
  id: string
  name: string
  scopes: Scope[]
  owner_id: string | null
  created_at: Date
  revoked_at: Date | null
  /** When it last got a token. */
  last_used_at: Date | null
}

const maxNameLength = 100
const columns = 'id, name, scopes, owner_id, created_at, revoked_at, last_used_at'

/**
 * Makes a client of the client credentials grant. The secret is answered this once: only its hash is stored. The scopes
 * are the most that its tokens can have.
 *
 * Throws `input.invalid`, `access.beyond_own` where the client could do what its maker may not, and `user.acting_erased`.
 */
export async function createOAuthClient(
  tx: TenantTransaction,
  options: { name: string; scopes: readonly Scope[] },
): Promise<{ client: OAuthClient; secret: string }> {
  const name = requireLine('name', options.name, maxNameLength)
  const scopes = allScopes.filter((scope) => options.scopes.includes(scope))
  if (scopes.length === 0 || options.scopes.some((scope) => !allScopes.includes(scope))) {
    throw inputError('input.invalid', {
      field: 'scopes',
      expected: `one or more of ${allScopes.join(', ')} are expected`,
    })
  }
  const secret = `lethe_client_${newSecret()}`
  await requireMayGrant(tx, { scopes })
  const ownerId = await actingUser(tx)
  const { rows } = await tx.query<OAuthClient>(
    `insert into oauth_clients (tenant_id, name, secret_hash, scopes, owner_id) values ($1, $2, $3, $4, $5)
     returning ${columns}`,
    [tx.tenantId, name, hashSecret(secret), scopes, ownerId],
  )
  const [client] = rows
  if (client === undefined) throw new Error('No client was inserted')
  await record(tx, {
    activity: 'ClientCreated',
    object: client.id,
    details: { scopes: scopes.map((scope) => scope.replace('/', '.')) },
  })
  return { client, secret }
}

/** All clients of the tenant, the revoked ones too, the newest first. */
export async function listOAuthClients(tx: TenantTransaction): Promise<OAuthClient[]> {
  const { rows } = await tx.query<OAuthClient>(
    `select ${columns} from oauth_clients where tenant_id = $1 order by id desc`,
    [tx.tenantId],
  )
  return rows
}

/**
 * Revokes a client: from the commit on it gets no token, and the tokens that it has are refused.
 *
 * Throws `input.invalid`, `client.not_found`.
 */
export async function revokeOAuthClient(tx: TenantTransaction, clientId: string): Promise<OAuthClient> {
  const id = requireUuid('client id', clientId)
  const { rows } = await tx.query<OAuthClient>(
    `update oauth_clients set revoked_at = coalesce(revoked_at, now()) where tenant_id = $1 and id = $2
     returning ${columns}`,
    [tx.tenantId, id],
  )
  const [client] = rows
  if (client === undefined) throw accessError('client.not_found', { id })
  await record(tx, { activity: 'ClientRevoked', object: client.id })
  return client
}
