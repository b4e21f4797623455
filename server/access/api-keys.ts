import { randomBytes } from 'node:crypto'
import { record } from '../audit/record.ts'
import { actingUser } from '../people/accounts/require-people.ts'
import { requireMayGrant } from '../permissions/grants.ts'
import type { Principal, Scope } from '../permissions/principal.ts'
import type { Database } from '../platform/database/pool.ts'
import { inTenant, outsideTenants, type TenantTransaction } from '../platform/database/transaction.ts'
import { inputError } from '../platform/validation/errors.ts'
import { requireLine } from '../platform/validation/require-text.ts'
import { requireTime } from '../platform/validation/require-time.ts'
import { requireUuid } from '../platform/validation/require-uuid.ts'
import { accessError } from './errors.ts'
import { hashSecret, newSecret } from './secrets.ts'

export const apiKeyAccesses = ['read_only', 'full_control'] as const
export type ApiKeyAccess = (typeof apiKeyAccesses)[number]

const scopesOf: Record<ApiKeyAccess, Scope[]> = { read_only: ['api/read'], full_control: ['api/all'] }

/** `api_key`: with any user name. `thrive`: the API secret, with the tenant's id as the user name. */
export const apiKeyKinds = ['api_key', 'thrive'] as const
export type ApiKeyKind = (typeof apiKeyKinds)[number]

/** A key as it is listed: never its secret. */
export type ApiKey = {
  id: string
  kind: ApiKeyKind
  name: string
  /** How the key begins, to tell keys apart. */
  prefix: string
  access: ApiKeyAccess
  /** The user who answers for it; null where it was made at the command line. */
  owner_id: string | null
  created_at: Date
  expires_at: Date | null
  revoked_at: Date | null
  /** To the minute. */
  last_used_at: Date | null
}

const maxNameLength = 100
const columns = 'id, kind, name, prefix, access, owner_id, created_at, expires_at, revoked_at, last_used_at'

/**
 * Makes a key, `lethe_<prefix>_<secret>`. It is answered this once: only its hash is stored. It belongs to whoever set the
 * transaction in motion, if that is a user.
 *
 * Throws `input.invalid`, `access.beyond_own` where the key could do what its maker may not, and `user.acting_erased`.
 */
export async function createApiKey(
  tx: TenantTransaction,
  options: { name: string; access: ApiKeyAccess; kind?: ApiKeyKind; expiresAt?: Date },
): Promise<{ key: ApiKey; secret: string }> {
  const name = requireLine('name', options.name, maxNameLength)
  const kind = requireOneOf('kind', options.kind ?? 'api_key', apiKeyKinds)
  const access = requireOneOf('access', options.access, apiKeyAccesses)
  const expiresAt = options.expiresAt === undefined ? undefined : requireTime('expires_at', options.expiresAt)
  if (expiresAt !== undefined && expiresAt.getTime() <= Date.now()) {
    throw inputError('input.invalid', { field: 'expires_at', expected: 'a time in the future is expected' })
  }
  const prefix = `lethe_${randomBytes(4).toString('hex')}`
  const secret = `${prefix}_${newSecret()}`
  await requireMayGrant(tx, { scopes: scopesOf[access] })
  const ownerId = await actingUser(tx)
  const { rows } = await tx.query<ApiKey>(
    `insert into api_keys (tenant_id, kind, name, prefix, secret_hash, access, owner_id, expires_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8) returning ${columns}`,
    [tx.tenantId, kind, name, prefix, hashSecret(secret), access, ownerId, expiresAt ?? null],
  )
  const [key] = rows
  if (key === undefined) throw new Error('No key was inserted')
  await record(tx, { activity: 'ApiKeyCreated', object: key.id, details: { kind, access } })
  return { key, secret }
}

/** All keys of the tenant, the revoked and expired ones too, the newest first. */
export async function listApiKeys(tx: TenantTransaction): Promise<ApiKey[]> {
  const { rows } = await tx.query<ApiKey>(`select ${columns} from api_keys where tenant_id = $1 order by id desc`, [
    tx.tenantId,
  ])
  return rows
}

/**
 * Revokes a key: from the commit on nobody gets in with it. One that is revoked already stays as it is.
 *
 * Throws `input.invalid`, `key.not_found`.
 */
export async function revokeApiKey(tx: TenantTransaction, keyId: string): Promise<ApiKey> {
  const id = requireUuid('key id', keyId)
  const { rows } = await tx.query<ApiKey>(
    `update api_keys set revoked_at = coalesce(revoked_at, now()) where tenant_id = $1 and id = $2 returning ${columns}`,
    [tx.tenantId, id],
  )
  const [key] = rows
  if (key === undefined) throw accessError('key.not_found', { id })
  await record(tx, { activity: 'ApiKeyRevoked', object: key.id })
  return key
}

const form = /^lethe_[0-9a-f]{8}_[A-Za-z0-9_-]{43}$/

/**
 * Who sends this key; undefined where it is unknown, expired or revoked, or a Thrive secret without its tenant's id. Asks
 * the database every time, by one look-up in an index, so that a revoked key is refused at once by every process.
 */
export async function principalOfApiKey(
  database: Database,
  options: { userName: string; secret: string },
): Promise<Principal | undefined> {
  if (!form.test(options.secret)) return undefined
  const [live] = await outsideTenants<{ tenant_id: string; key_id: string }>(
    database,
    'select tenant_id, key_id from live_api_key($1)',
    [hashSecret(options.secret)],
    'live_api_key',
  )
  if (live === undefined) return undefined
  const { tenant_id: tenantId, key_id: id } = live
  const known = await factsOf(database, tenantId, id)
  if (known === undefined) return undefined
  if (known.kind === 'thrive' && options.userName.toLowerCase() !== tenantId) return undefined
  if (Date.now() - known.usedAt > useInterval) {
    known.usedAt = Date.now()
    await recordUse(database, tenantId, id)
  }
  const scopes = scopesOf[known.access]
  return {
    tenantId,
    initiator: { from: 'api', credential: { kind: 'api_key', id, scopes } },
    access: { kind: 'program', scopes },
  }
}

/** How often a use is written down, in milliseconds: a write for every read would cost more than the read. */
const useInterval = 60_000
const knownAtMost = 10_000

/** What never changes of a key, and when this process last wrote down that it was used. */
type KeyFacts = { kind: ApiKeyKind; access: ApiKeyAccess; usedAt: number }

const knownKeys = new WeakMap<Database, Map<string, KeyFacts>>()

async function factsOf(database: Database, tenantId: string, id: string): Promise<KeyFacts | undefined> {
  const keys = knownKeys.get(database) ?? new Map<string, KeyFacts>()
  knownKeys.set(database, keys)
  const known = keys.get(id)
  if (known !== undefined) return known
  const { rows } = await inTenant(database, tenantId, (tx) =>
    tx.query<Omit<KeyFacts, 'usedAt'>>('select kind, access from api_keys where tenant_id = $1 and id = $2', [
      tenantId,
      id,
    ]),
  )
  const [row] = rows
  if (row === undefined) return undefined
  if (keys.size >= knownAtMost) keys.clear()
  const facts = { ...row, usedAt: 0 }
  keys.set(id, facts)
  return facts
}

async function recordUse(database: Database, tenantId: string, id: string): Promise<void> {
  await inTenant(
    database,
    tenantId,
    (tx) =>
      tx.query(
        `update api_keys set last_used_at = now()
         where tenant_id = $1 and id = $2 and (last_used_at is null or last_used_at < now() - interval '1 minute')`,
        [tenantId, id],
      ),
    { flushedLater: true },
  )
}

function requireOneOf<T extends string>(field: string, value: T, allowed: readonly T[]): T {
  if (allowed.includes(value)) return value
  throw inputError('input.invalid', { field, expected: `one of ${allowed.join(', ')} is expected` })
}
