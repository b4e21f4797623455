import type { TenantTransaction } from '../../platform/database/transaction.ts'
import type { ReceiverKind } from './links.ts'

/** A receiver of data, and whether it has acknowledged an erasure request. */
export type Receiver = {
  kind: ReceiverKind
  /** Of the external system, or of the endpoint. */
  id: string
  /** Null for a system that is not in the register any more, or an endpoint that was deleted. */
  name: string | null
  acknowledged_at: Date | null
  /** Whether it acknowledged after the last person was erased; false too where it has not acknowledged. */
  covers_all: boolean
  /** The newest open link; null without one. */
  open_link: { id: string; expires_at: Date } | null
}

/** The most receivers that a request shows. */
const mostReceivers = 1000

/**
 * Who can acknowledge an erasure request: the external systems that were in the register when it ended, and all receivers
 * that have a link. Those who have not acknowledged come first.
 */
export async function listReceivers(tx: TenantTransaction, request: string): Promise<Receiver[]> {
  const { rows } = await tx.query<Receiver>(
    `with links as (
       select l.receiver_kind as kind, l.receiver_id as id, max(l.acknowledged_at) as acknowledged_at,
         max(l.id::text) filter (where l.acknowledged_at is null and l.expires_at > now()) as open_id
       from acknowledgement_links l where l.tenant_id = $1 and l.request_id = $2
       group by l.receiver_kind, l.receiver_id
     ), receivers as (
       select 'external_system' as kind, e.id from external_systems e
       join erasure_requests r on r.tenant_id = $1 and r.id = $2
       where e.tenant_id = $1 and (r.finished_at is null or e.created_at <= r.finished_at)
       union
       select kind, id from links
     )
     select receivers.kind, receivers.id, coalesce(e.name, w.name) as name, links.acknowledged_at,
       coalesce(links.acknowledged_at >= (
         select max(s.erased_at) from erasure_subjects s where s.tenant_id = $1 and s.request_id = $2
       ), false) as covers_all,
       case when open.id is not null then jsonb_build_object('id', open.id, 'expires_at', open.expires_at) end as open_link
     from receivers
     left join links on links.kind = receivers.kind and links.id = receivers.id
     left join external_systems e on e.tenant_id = $1 and receivers.kind = 'external_system' and e.id = receivers.id
     left join webhook_endpoints w on w.tenant_id = $1 and receivers.kind = 'webhook' and w.id = receivers.id
     left join acknowledgement_links open on open.tenant_id = $1 and open.id = links.open_id::uuid
     order by links.acknowledged_at is not null, receivers.id
     limit ${mostReceivers}`,
    [tx.tenantId, request],
    'receivers_of_erasure',
  )
  return rows.map(({ open_link: open, ...receiver }) => ({
    ...receiver,
    open_link: open && { ...open, expires_at: new Date(open.expires_at) },
  }))
}
