import { v7 as newId } from 'uuid'
import type { TenantTransaction } from '../platform/database/transaction.ts'
import type { EventKind } from './event-kinds.ts'

/**
 * An event as references: what is sent is built from what is stored when it is sent. An event about a person who stays
 * names the user; one about a purged person the id that is left, and one about an anonymized person neither.
 */
export type AnnouncedEvent = {
  kind: EventKind
  /** The user of the event. The delivery goes when this user is erased. */
  userId?: string | undefined
  /** The internal id of the user that the event purges. */
  erasedUserId?: string | undefined
  /** The erasure request. */
  requestId?: string | undefined
  /** What else the event is about, such as a skill. */
  objectId?: string | undefined
  /** What receivers know the erased person by, from `sealReference`. It is destroyed when the delivery ends. */
  sealedReference?: Buffer | undefined
  /** Default: now. */
  occurredAt?: Date | undefined
}

const usual: TimeParameters = { now: '$2', giveUp: '$3' }

/** How long a delivery is tried, in milliseconds from when it is queued. */
export const longestDelivery = 4 * 24 * 60 * 60 * 1000

/**
 * Announces events to the endpoints of the tenant that listen, in the transaction that does what they tell of: each gets a
 * delivery, exactly when that transaction commits. One statement for any number of events, and no round trip; an error
 * fails the transaction. Users must be locked, and not erased in this transaction.
 */
export function announceEvents(tx: TenantTransaction, events: readonly AnnouncedEvent[]): void {
  if (events.length === 0) return
  const [now, giveUp] = announcedAt()
  tx.send(
    insertDeliveries(
      'unnest($4::uuid[], $5::text[], $6::timestamptz[], $7::uuid[], $8::uuid[], $9::uuid[], $10::uuid[], $11::bytea[])',
    ),
    [
      tx.tenantId,
      now,
      giveUp,
      events.map(() => newId()),
      events.map(({ kind }) => kind),
      events.map(({ occurredAt }) => occurredAt ?? now),
      events.map(({ userId }) => userId ?? null),
      events.map(({ erasedUserId }) => erasedUserId ?? null),
      events.map(({ requestId }) => requestId ?? null),
      events.map(({ objectId }) => objectId ?? null),
      events.map(({ sealedReference }) => sealedReference ?? null),
    ],
    'announce_events',
  )
}

/**
 * Whether the key or the client that made an `endpoint` may still be used at a time, in SQL. What none made, lives. A look-up
 * of the key costs less than to end the endpoints when a key expires.
 */
export function hasLiveCredential(at: string): string {
  return `(endpoint.credential_id is null
       or exists (select from api_keys k where k.tenant_id = endpoint.tenant_id and k.id = endpoint.credential_id
         and k.revoked_at is null and (k.expires_at is null or k.expires_at > ${at}))
       or exists (select from oauth_clients c where c.tenant_id = endpoint.tenant_id and c.id = endpoint.credential_id
         and c.revoked_at is null))`
}

/** The parameters of a statement that hold the time of its events, and when to give up ({@link announcedAt}). */
type TimeParameters = { now: string; giveUp: string }

/** The values of {@link TimeParameters}. */
export function announcedAt(): [now: Date, giveUp: Date] {
  const now = new Date()
  return [now, new Date(now.getTime() + longestDelivery)]
}

/**
 * Two expressions for the `with` of a statement, by which it announces an event of one kind for each user of a query over
 * many. `users`: the query, with the id as its one column. Where no endpoint of the tenant listens, the query is not read.
 * `$1`: the tenant.
 */
export function announcing(kind: EventKind, users: string, { now, giveUp }: TimeParameters): string {
  const name = kind.replace('.', '_')
  // Each event has one id, which all endpoints get: so it is made once, before the join with them.
  return `${name} as materialized (
       select uuid_v7() as event_id, '${kind}' as kind, ${now}::timestamptz as occurred_at, given.id as user_id,
         null::uuid as erased_user_id, null::uuid as request_id, null::uuid as object_id, null::bytea as sealed_reference
       from (${users}) as given (id)
       where ${hasListeners([kind])}
     ), announced_${name} as (${insertDeliveries(name, { now, giveUp })})`
}

/** Whether an endpoint of the tenant `$1` may listen to one of these kinds, in SQL. */
export function hasListeners(kinds: readonly EventKind[]): string {
  return `exists (
         select from webhook_endpoints where tenant_id = $1 and enabled and event_kinds && '{${kinds.join(',')}}'
       )`
}

/**
 * The statement that inserts the deliveries of events, for statements that announce on their own. `events`: where they come
 * from, with the columns (event_id, kind, occurred_at, user_id, erased_user_id, request_id, object_id, sealed_reference).
 * `$1`: the tenant.
 */
export function insertDeliveries(events: string, { now, giveUp }: TimeParameters = usual): string {
  return `insert into webhook_deliveries (tenant_id, endpoint_id, event_id, kind, occurred_at, user_id, erased_user_id,
       request_id, object_id, sealed_reference, due_at, give_up_at)
     select $1, endpoint.id, event.event_id, event.kind, event.occurred_at, event.user_id, event.erased_user_id,
       event.request_id, event.object_id, event.sealed_reference, ${now}::timestamptz, ${giveUp}::timestamptz
     from webhook_endpoints endpoint
     join ${events} as event (event_id, kind, occurred_at, user_id, erased_user_id, request_id, object_id, sealed_reference)
       on event.kind = any (endpoint.event_kinds)
     where endpoint.tenant_id = $1 and endpoint.enabled and ${hasLiveCredential(`${now}::timestamptz`)}
     on conflict do nothing`
}
