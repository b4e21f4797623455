import type { ClaimedDelivery } from '../events/claim-deliveries.ts'
import { type ThriveRole, thriveRoleOf } from '../permissions/thrive-role.ts'

/** A user as Thrive's webhooks show one (Thrive's documentation of webhooks); fields that it does not have are left out. */
export type PayloadUser = {
  id: string
  reference: string | null
  firstName: string | null
  lastName: string | null
  email: string | null
  status: 'active' | 'inactive' | 'deleted'
  role: ThriveRole
}

/** What is stored of a user when an event about the user is sent. */
export type StoredUser = {
  id: string
  ref: string | null
  first_name: string | null
  last_name: string | null
  email: string | null
  state: string
  roles: readonly string[]
}

/**
 * The body of a delivery, for receivers of both kinds. `id`, `type`, `timestamp` and `data` are those of the Standard
 * Webhooks specification ("Payload structure"); `eventType`, `tenantId`, `user`, `createdAt` and `dispatchedAt` those of
 * Thrive. `data` has ids only.
 */
export type Payload = {
  id: string
  type: string
  timestamp: string
  data: PayloadData
  eventType: string
  tenantId: string
  user: PayloadUser | null
  createdAt: string
  dispatchedAt: string
}

export type PayloadData = {
  user_id?: string
  /** What the receiver knows an erased person by. */
  reference?: string
  request_id?: string
  /** Where the receiver acknowledges the erasure, by POST. */
  acknowledge_url?: string
  skill_id?: string
}

/** Builds the body of a delivery from what is stored when it is sent. `reference` is the one that the delivery carries. */
export function buildPayload(
  delivery: ClaimedDelivery,
  {
    tenantId,
    user,
    reference,
    acknowledgeUrl,
    now,
  }: {
    tenantId: string
    user: StoredUser | undefined
    reference: string | undefined
    acknowledgeUrl?: string | undefined
    now: Date
  },
): Payload {
  const { kind, event_id: id } = delivery
  const occurred = delivery.occurred_at.toISOString()
  return {
    id,
    type: kind,
    timestamp: occurred,
    data: { ...dataOf(delivery, reference), ...(acknowledgeUrl !== undefined && { acknowledge_url: acknowledgeUrl }) },
    eventType: kind,
    tenantId,
    user: user === undefined ? null : payloadUserOf(user),
    createdAt: occurred,
    dispatchedAt: now.toISOString(),
  }
}

function dataOf(delivery: ClaimedDelivery, reference: string | undefined): PayloadData {
  const { kind, user_id, erased_user_id, request_id, object_id } = delivery
  const userId = user_id ?? erased_user_id
  return {
    ...(userId !== null && { user_id: userId }),
    ...(reference !== undefined && { reference }),
    ...(request_id !== null && { request_id }),
    ...(object_id !== null && kind.startsWith('skill.') && { skill_id: object_id }),
  }
}

/** Nothing of a deleted user but the ids leaves: the receiver needs no more to take the user away. */
function payloadUserOf({ id, ref, first_name, last_name, email, state, roles }: StoredUser): PayloadUser {
  const isDeleted = state === 'deleted'
  return {
    id,
    reference: ref,
    firstName: isDeleted ? null : first_name,
    lastName: isDeleted ? null : last_name,
    email: isDeleted ? null : email,
    status: isDeleted ? 'deleted' : state === 'active' ? 'active' : 'inactive',
    role: thriveRoleOf({ roles }),
  }
}
