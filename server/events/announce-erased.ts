import { v7 as newId } from 'uuid'
import type { TenantTransaction } from '../platform/database/transaction.ts'
import { announcedAt, hasListeners, hasLiveCredential } from './announce-events.ts'
import { sealReference } from './reference.ts'

/** Whether an endpoint of the tenant `$1` may listen to the erasure of people, in SQL. */
export const hasErasureListeners = hasListeners(['user.purged', 'user.anonymized'])

/** A person who is erased. `ref`: the one that the person has now, as it is written. */
export type AnnouncedPerson = { id: string; ref: string | null }

/**
 * Announces that people are erased, in the transaction that does it, and before their rows go. An endpoint gets what it has
 * registered for the person, otherwise the `ref`, sealed until the delivery ends. For a purge it also gets the internal id.
 * For an anonymization it does not: both together would link the training history to the person.
 *
 * One statement, and no round trip.
 */
export function announceErased(
  tx: TenantTransaction,
  {
    operation,
    request,
    people,
  }: { operation: 'purge' | 'anonymize'; request: string; people: readonly AnnouncedPerson[] },
): void {
  if (people.length === 0) return
  const [now, giveUp] = announcedAt()
  tx.send(
    `insert into webhook_deliveries (tenant_id, endpoint_id, event_id, kind, occurred_at, erased_user_id, request_id,
       sealed_reference, due_at, give_up_at)
     select $1, endpoint.id, event.id, $4, $2, case when $4 = 'user.purged' then event.person end, $5,
       coalesce(own.sealed_reference, event.sealed_reference), $2, $3
     from webhook_endpoints endpoint
     cross join unnest($6::uuid[], $7::uuid[], $8::bytea[]) as event (id, person, sealed_reference)
     left join webhook_references own
       on own.tenant_id = $1 and own.endpoint_id = endpoint.id and own.user_id = event.person
     where endpoint.tenant_id = $1 and endpoint.enabled and $4 = any (endpoint.event_kinds)
       and ${hasLiveCredential('$2::timestamptz')}
     on conflict do nothing`,
    [
      tx.tenantId,
      now,
      giveUp,
      operation === 'purge' ? 'user.purged' : 'user.anonymized',
      request,
      people.map(() => newId()),
      people.map(({ id }) => id),
      people.map(({ ref }) => (ref === null ? null : sealReference(tx, ref))),
    ],
    'announce_erased',
  )
}
