import { dpvTerm, type RefusalReason, refusalReasons } from '../../people/lifecycle/justifications.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { requireUuid } from '../../platform/validation/require-uuid.ts'
import { wishError } from './errors.ts'

export const wishStates = ['open', 'accepted', 'refused', 'withdrawn'] as const
export type WishState = (typeof wishStates)[number]

/** The wish of a user to be erased. */
export type Wish = {
  id: string
  user_id: string
  state: WishState
  created_at: Date
  decided_at: Date | null
  /** The user who decided it, or the credential. Both null: the command line. */
  decided_by: string | null
  decided_by_credential: string | null
  refusal_reason: RefusalReason | null
  /** The term of the W3C Data Privacy Vocabulary for the reason, as an IRI. */
  refusal_term: string | null
  note: string | null
  /** The erasure request that the acceptance made. */
  request_id: string | null
}

/** The columns of a wish in plain SQL, for {@link wishOf}. */
export const wishColumns =
  'id, user_id, state, created_at, decided_at, decided_by, decided_by_credential, refusal_reason, note, request_id'

/** A row of {@link wishColumns} as a wish. */
export function wishOf(row: Omit<Wish, 'refusal_term'>): Wish {
  const { refusal_reason: reason } = row
  return { ...row, refusal_term: reason === null ? null : dpvTerm(refusalReasons[reason]) }
}

/** The wish with this id. `lock`: no other transaction decides it meanwhile. Throws `input.invalid`, `wish.not_found`. */
export async function findWish(
  tx: TenantTransaction,
  given: string,
  { lock = false }: { lock?: boolean } = {},
): Promise<Wish> {
  const id = requireUuid('wish', given)
  const { rows } = await tx.query<Wish>(
    `select ${wishColumns} from erasure_wishes where tenant_id = $1 and id = $2${lock ? ' for update' : ''}`,
    [tx.tenantId, id],
  )
  const [row] = rows
  if (row === undefined) throw wishError('wish.not_found', { id })
  return wishOf(row)
}
