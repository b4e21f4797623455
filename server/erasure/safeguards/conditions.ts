import { isHeld } from '../../holds/held-people.ts'

/** SQL: the request `r` needs an approval and has none. */
export const isUnapproved = (r: string): string => `(
    ${r}.approval_required and not exists (
      select from erasure_decisions d
      where d.tenant_id = ${r}.tenant_id and d.request_id = ${r}.id and d.decision = 'approved'
    )
  )`

/** SQL: the cooling-off period of the request `r` has not ended, or has not begun. */
export const isEarly = (r: string): string =>
  `(${r}.cooling_off_hours > 0 and (${r}.run_at is null or ${r}.run_at > clock_timestamp()))`

/** SQL: when the cooling-off period of so many hours ends that begins now; null without one. */
export const runAt = (hours: string): string =>
  `case when ${hours} > 0 then now() + make_interval(hours => ${hours}) end`

/**
 * SQL: the state of a person of a request that needs no approval, or has it. `hours`: of the cooling-off period that
 * begins now; 0 if it has ended. $1 is the tenant.
 */
export const stateAfterApproval = ({ hours, person }: { hours: string; person: string }): string =>
  `case when ${hours} > 0 then 'scheduled' when ${isHeld(person)} then 'held' else 'queued' end`
