import { createHmac, hkdfSync } from 'node:crypto'
import canonicalize from 'canonicalize'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import type { Database } from '../platform/database/pool.ts'
import { inTenant, type TenantTransaction, tenantIds } from '../platform/database/transaction.ts'
import { platformError } from '../platform/errors.ts'
import { httpError } from './errors.ts'
import { tenantOf } from './in-tenant-of.ts'
import { principalOf } from './require-access.ts'

/** What came of a request that creates something. */
export type Created<Body> = {
  status: 201 | 202
  /** The address of what was created. */
  location: string
  body: Body
  /** The user that the answer is about: a purge of that user destroys the stored answer. */
  subjectUserId?: string
  /** Fields of the body that are answered once: they are not stored, and null in the answer to a repetition. */
  omitOnReplay?: readonly (keyof Body & string)[]
}

/** The header of every route that creates something. */
export const IdempotencyHeaders = Type.Object({
  'idempotency-key': Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 255,
      pattern: '^[\\x21-\\x7e]+$',
      description:
        'Makes it safe to repeat the request for 24 hours. The server performs it once and returns the first response again, with `Idempotency-Replayed: true`. Choose a new key, such as a UUID, for every new request.',
    }),
  ),
})

const lifetime = '24 hours'

type Stored = { fingerprint: string; status: Created<unknown>['status'] | null; body: string | null }

/**
 * Creates an object in one transaction of the caller's tenant. If the request has an Idempotency-Key, it does so only
 * once: the same transaction stores the key with the response. A repetition that comes while the first still runs waits
 * for it. What failed has left nothing, so its repetition is a new attempt.
 *
 * Throws `idempotency.other_request`, `idempotency.erased`, and what `create` throws.
 */
export async function withIdempotency<Body extends object>(
  request: FastifyRequest,
  reply: FastifyReply,
  create: (tx: TenantTransaction) => Promise<Created<Body>>,
  options: { tenant?: string } = {},
): Promise<Body> {
  const { initiator } = principalOf(request)
  const key = request.headers['idempotency-key']
  const hashes = typeof key === 'string' ? hashesOf(request, key) : undefined
  const answer = await inTenant(
    request.server.database,
    options.tenant ?? tenantOf(request),
    async (tx) => {
      const earlier = hashes === undefined ? undefined : await reserveKey(tx, hashes)
      if (hashes !== undefined && earlier !== undefined) return replay<Body>(earlier, hashes)
      const created = await create(tx)
      if (hashes !== undefined) await storeAnswer(tx, hashes, created)
      return { ...created, replayed: false }
    },
    { initiator },
  )
  if (answer.replayed) reply.header('idempotency-replayed', 'true')
  reply.code(answer.status).header('location', answer.location)
  return answer.body
}

type Hashes = { key: string; fingerprint: string }

/**
 * An id for what the request creates that its repetition arrives at too, in the form of a UUID (version 8); undefined
 * without an Idempotency-Key. For what is created outside of any tenant.
 */
export function idOfRequest(request: FastifyRequest): string | undefined {
  const key = request.headers['idempotency-key']
  if (typeof key !== 'string') return undefined
  const bytes = Buffer.from(hashesOf(request, key).key, 'base64url').subarray(0, 16)
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x80, 6)
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8)
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

/** Whose key it is belongs to the key: two callers may choose the same one. */
function hashesOf(request: FastifyRequest, key: string): Hashes {
  const secret = Buffer.from(hkdfSync('sha256', request.server.database.masterKey, '', 'idempotency', 32))
  const hash = (...parts: unknown[]) => createHmac('sha256', secret).update(JSON.stringify(parts)).digest('base64url')
  const { initiator } = principalOf(request)
  const whose = initiator.credential?.id ?? initiator.userId
  return {
    key: hash('key', initiator.credential?.kind, whose, key),
    fingerprint: hash(
      'request',
      request.method,
      request.routeOptions.url,
      canonicalize({ params: request.params, body: request.body }),
    ),
  }
}

/** Takes the key for this transaction, or answers what is stored under it. Waits for a transaction that took it before. */
async function reserveKey(tx: TenantTransaction, { key, fingerprint }: Hashes): Promise<Stored | undefined> {
  await tx.query(
    `delete from idempotent_requests where tenant_id = $1 and key_hash in (
       select key_hash from idempotent_requests where tenant_id = $1 and expires_at < now()
       limit 100 for update skip locked
     )`,
    [tx.tenantId],
    'forget_idempotent_requests',
  )
  const { rowCount } = await tx.query(
    `insert into idempotent_requests (tenant_id, key_hash, fingerprint, expires_at)
     values ($1, $2, $3, now() + interval '${lifetime}') on conflict do nothing`,
    [tx.tenantId, key, fingerprint],
    'claim_idempotency_key',
  )
  if (rowCount === 1) return undefined
  const { rows } = await tx.query<Stored>(
    'select fingerprint, status, body from idempotent_requests where tenant_id = $1 and key_hash = $2',
    [tx.tenantId, key],
    'read_idempotent_request',
  )
  const [stored] = rows
  // It expired and was forgotten by somebody else between the two statements.
  if (stored === undefined) throw platformError('service.unavailable')
  return stored
}

function replay<Body>(stored: Stored, { fingerprint }: Hashes): Created<Body> & { replayed: true } {
  if (stored.fingerprint !== fingerprint) throw httpError('idempotency.other_request')
  if (stored.body === null || stored.status === null) throw httpError('idempotency.erased')
  const { location, body } = JSON.parse(stored.body) as { location: string; body: Body }
  return { status: stored.status, location, body, replayed: true }
}

async function storeAnswer<Body extends object>(
  tx: TenantTransaction,
  { key }: Hashes,
  created: Created<Body>,
): Promise<void> {
  const { status, location, body, subjectUserId = null, omitOnReplay = [] } = created
  const left = {
    ...body,
    ...Object.fromEntries(omitOnReplay.filter((name) => name in body).map((name) => [name, null])),
  }
  await tx.query(
    'update idempotent_requests set status = $3, user_id = $4, body = $5 where tenant_id = $1 and key_hash = $2',
    [tx.tenantId, key, status, subjectUserId, JSON.stringify({ location, body: left })],
    'keep_idempotent_answer',
  )
}

/** Deletes what has expired, in all tenants: of a tenant that nobody writes to any more, nothing else would. */
export async function cleanIdempotentRequests({ database }: { database: Database }): Promise<void> {
  for (const id of await tenantIds(database)) {
    await inTenant(database, id, (tx) =>
      tx.query('delete from idempotent_requests where tenant_id = $1 and expires_at < now()', [id]),
    )
  }
}
