import { readLinkToken } from '../../access/link-token.ts'
import { hashSecret } from '../../access/secrets.ts'
import { record } from '../../audit/record.ts'
import type { Operation } from '../../datamap/plan.ts'
import type { Database } from '../../platform/database/pool.ts'
import { inTenant, type TenantTransaction } from '../../platform/database/transaction.ts'
import { enqueue } from '../../platform/jobs/enqueue.ts'
import { acknowledgementError } from './errors.ts'
import type { ReceiverKind } from './links.ts'

/** What a link is about, as its receiver sees it: no data of the erased people. */
export type AcknowledgedErasure = {
  tenant: string
  request: string
  operation: Operation
  /** How many people are erased by now. */
  people: number
  /** Null until the receiver acknowledges it. */
  acknowledged_at: Date | null
}

/**
 * What a link would acknowledge, without acknowledging it: programs open links before people do.
 *
 * Throws `acknowledgement.link_invalid`.
 */
export async function showAcknowledgement(database: Database, token: string): Promise<AcknowledgedErasure> {
  const { tenant, hash } = readToken(token)
  const { link } = await inTenant(database, tenant, (tx) => findLink(tx, hash), { readOnly: true })
  return link
}

/**
 * Acknowledges an erasure by a link: its receiver says that the people are erased there. A link acknowledges once. The
 * answer to a second time, or to another link of the receiver, is the first one. A worker signs the addendum.
 *
 * Throws `acknowledgement.link_invalid`.
 */
export async function acknowledgeErasure(database: Database, token: string): Promise<AcknowledgedErasure> {
  const { tenant, hash } = readToken(token)
  return await inTenant(database, tenant, async (tx) => {
    const { id, receiver, link } = await findLink(tx, hash)
    if (link.acknowledged_at !== null) return link
    const now = new Date()
    const { rowCount } = await tx.query(
      `update acknowledgement_links set acknowledged_at = $3
       where tenant_id = $1 and id = $2 and acknowledged_at is null`,
      [tx.tenantId, id, now],
    )
    // Another request with the same link was first: the answer is that one's.
    if (rowCount === 0) return (await findLink(tx, hash)).link
    await record(tx, {
      activity: 'ErasureAcknowledged',
      object: link.request,
      details: { receiver: receiver.kind, id: receiver.id },
    })
    enqueue(tx, 'sign_acknowledgements', { tenant, request: link.request }, { key: `acknowledged ${link.request}` })
    return { ...link, acknowledged_at: now }
  })
}

function readToken(text: string): { tenant: string; hash: Buffer } {
  const token = readLinkToken(text)
  if (token === undefined) throw acknowledgementError('acknowledgement.link_invalid')
  return { tenant: token.tenant, hash: hashSecret(token.secret) }
}

type FoundLink = { id: string; receiver: { kind: ReceiverKind; id: string }; link: AcknowledgedErasure }

/**
 * An acknowledgement from before the last people were erased says nothing about them, so another link of the receiver
 * acknowledges anew.
 */
async function findLink(tx: TenantTransaction, hash: Buffer): Promise<FoundLink> {
  const { rows } = await tx.query<AcknowledgedErasure & { id: string; kind: ReceiverKind; receiver: string }>(
    `select l.id, l.receiver_kind as kind, l.receiver_id as receiver, t.name as tenant, l.request_id as request,
       r.operation, s.people,
       coalesce(l.acknowledged_at, (
         select min(other.acknowledged_at) from acknowledgement_links other
         where other.tenant_id = $1 and other.request_id = l.request_id and other.receiver_id = l.receiver_id
           and other.acknowledged_at >= s.last
       )) as acknowledged_at
     from acknowledgement_links l
     join tenants t on t.id = l.tenant_id
     join erasure_requests r on r.tenant_id = l.tenant_id and r.id = l.request_id
     cross join lateral (
       select count(*)::int as people, max(x.erased_at) as last from erasure_subjects x
       where x.tenant_id = $1 and x.request_id = l.request_id and x.erased_at is not null
     ) s
     where l.tenant_id = $1 and l.token_hash = $2 and l.expires_at > now()`,
    [tx.tenantId, hash],
  )
  const [found] = rows
  if (found === undefined) throw acknowledgementError('acknowledgement.link_invalid')
  const { id, kind, receiver, ...link } = found
  return { id, receiver: { kind, id: receiver }, link }
}
