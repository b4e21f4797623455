import type { User } from '../people/accounts/user.ts'
import { checkUserFields } from '../people/accounts/user-fields.ts'
import type { GivenIdentifiers } from '../people/identifiers/candidate-identifiers.ts'
import type { TenantTransaction } from '../platform/database/transaction.ts'
import { inputError } from '../platform/validation/errors.ts'
import { requireTime } from '../platform/validation/require-time.ts'

/** What another system says of a user, in Thrive's words. */
export const eventTypes = ['user_joined', 'user_updated', 'user_suspended', 'user_deleted'] as const
export type EventType = (typeof eventTypes)[number]

/** An event about a user that another system sent. */
export type ReceivedEvent = {
  /** Chosen by the sender, one for each event. */
  id: string
  /** When it happened, by the sender's clock. */
  at: Date
  type: EventType
  /** Names the user, in the stored spelling. */
  ref: string
  /** The whole event as it came, to tell a repetition from another event with the same id. */
  body: unknown
  account: DescribedAccount
}

/** What an event says of an account, in the words of its sender. */
export type DescribedAccount = {
  /** The columns behind each field that the event gives, without the ref; none behind a field that changes nothing. */
  columns: Readonly<Record<string, readonly string[]>>
  /** What the account is known by. */
  identifiers: GivenIdentifiers
  /** Creates the account. `asLearner`: with this role only, because the person was purged before. */
  create(tx: TenantTransaction, options: { asLearner: boolean }): Promise<User>
  /** Changes these of the fields. */
  change(tx: TenantTransaction, user: User, fields: readonly string[]): Promise<unknown>
  /** Suspends the account, which may be suspended already. */
  suspend(tx: TenantTransaction, user: User): Promise<unknown>
}

/** How far the sender's clock may be ahead of ours, in milliseconds. */
const clockSkew = 5 * 60 * 1000

const longestId = 255

/**
 * Checks what no schema of a request checks, and returns the event with its ref as it is stored. A time that lies ahead would
 * make all later events late. Throws `input.invalid`.
 */
export function checkEvent(event: ReceivedEvent): ReceivedEvent {
  const { id, at } = event
  if (id.trim() === '' || id.length > longestId) {
    throw inputError('input.invalid', { field: 'id', expected: `1 to ${longestId} characters are expected` })
  }
  if (requireTime('timestamp', at).getTime() > Date.now() + clockSkew) {
    throw inputError('input.invalid', {
      field: 'timestamp',
      expected: 'a time in the past is expected; the clock of the sender may be five minutes ahead',
    })
  }
  const { ref } = checkUserFields({ ref: event.ref })
  if (ref === null || ref === undefined) throw inputError('input.invalid', { field: 'ref', expected: 'it is missing' })
  return { ...event, ref }
}
