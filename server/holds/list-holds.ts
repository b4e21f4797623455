import type { UserState } from '../people/accounts/user.ts'
import { dpvTerm, type HoldReason, holdReasons } from '../people/lifecycle/justifications.ts'
import type { TenantTransaction } from '../platform/database/transaction.ts'
import { cutPage, readPaging } from '../platform/validation/page.ts'
import { requireUuid } from '../platform/validation/require-uuid.ts'
import { holdError } from './errors.ts'

/** A legal hold as it is listed. */
export type ListedHold = {
  id: string
  reason: HoldReason
  /** The term of the W3C Data Privacy Vocabulary for the reason. */
  dpv_reason: string
  note: string | null
  owner_id: string | null
  created_at: Date
  created_by: string | null
  created_by_credential: string | null
  /** Null while it is in force. */
  released_at: Date | null
  released_by: string | null
  released_by_credential: string | null
  /** Users that it names. */
  users: number
  groups: number
  /** People that it covers now, by name or as members of its groups; each counts once. */
  people: number
}

export type Hold = ListedHold & { group_ids: string[] }

const columns = `hold.id, hold.reason_code as reason, hold.note, hold.owner_id, hold.created_at, hold.created_by,
  hold.created_by_credential, hold.released_at, hold.released_by, hold.released_by_credential,
  (select count(*)::int from legal_hold_users named where named.tenant_id = $1 and named.hold_id = hold.id) as users,
  (select count(*)::int from legal_hold_groups covered where covered.tenant_id = $1 and covered.hold_id = hold.id) as groups,
  (select count(*)::int from (${peopleOf('hold.id')}) person) as people`

/** SQL: the ids of the people that a hold covers, each once. $1 is the tenant. */
function peopleOf(hold: string): string {
  return `select named.user_id from legal_hold_users named where named.tenant_id = $1 and named.hold_id = ${hold}
    union
    select member.user_id from legal_hold_groups covered
    join group_members member on member.tenant_id = covered.tenant_id and member.group_id = covered.group_id
    where covered.tenant_id = $1 and covered.hold_id = ${hold}`
}

type Row = Omit<ListedHold, 'dpv_reason'>

const listed = (row: Row): ListedHold => ({ ...row, dpv_reason: dpvTerm(holdReasons[row.reason]) })

/**
 * The legal holds of the tenant, the newest first: a page of at most `limit` (50, up to 1000) behind the id `after`.
 * Without `released`, only those in force. `userId`: only those that cover this person.
 *
 * Throws `input.invalid`.
 */
export async function listHolds(
  tx: TenantTransaction,
  options: { released?: boolean; userId?: string; limit?: number; after?: string } = {},
): Promise<{ holds: ListedHold[]; next: string | undefined }> {
  const { limit, after } = readPaging(options)
  const userId = options.userId === undefined ? null : requireUuid('user', options.userId)
  const { rows } = await tx.query<Row>(
    `select ${columns} from legal_holds hold
     where hold.tenant_id = $1 and ($2::boolean or hold.released_at is null) and ($3::uuid is null or hold.id < $3)
       and ($4::uuid is null or $4 in (${peopleOf('hold.id')}))
     order by hold.id desc limit $5`,
    [tx.tenantId, options.released === true, after, userId, limit + 1],
  )
  const { page, next } = cutPage(rows.map(listed), limit)
  return { holds: page, next }
}

/** One legal hold with its groups. Throws `input.invalid`, `hold.not_found`. */
export async function showHold(tx: TenantTransaction, holdId: string): Promise<Hold> {
  const id = requireUuid('hold', holdId)
  const { rows } = await tx.query<Row & { group_ids: string[] }>(
    `select ${columns},
       array(
         select covered.group_id from legal_hold_groups covered
         where covered.tenant_id = $1 and covered.hold_id = hold.id order by covered.group_id
       ) as group_ids
     from legal_holds hold where hold.tenant_id = $1 and hold.id = $2`,
    [tx.tenantId, id],
  )
  const [hold] = rows
  if (hold === undefined) throw holdError('hold.not_found', { hold: id })
  return { ...listed(hold), group_ids: hold.group_ids }
}

/** A person that a hold covers. `named`: the hold names the person; else a group of the hold has the person as a member. */
export type CoveredPerson = { id: string; state: UserState; named: boolean }

/** The people that a hold covers now, by id: a page of at most `limit` (50, up to 1000). Throws like {@link showHold}. */
export async function listCovered(
  tx: TenantTransaction,
  options: { holdId: string; limit?: number; after?: string },
): Promise<{ people: CoveredPerson[]; next: string | undefined }> {
  const { limit, after } = readPaging(options)
  const { id } = await showHold(tx, options.holdId)
  const { rows } = await tx.query<CoveredPerson>(
    `select person.id, person.state,
       exists (
         select from legal_hold_users named
         where named.tenant_id = $1 and named.hold_id = $2 and named.user_id = person.id
       ) as named
     from users person
     where person.tenant_id = $1 and person.id in (${peopleOf('$2')}) and ($3::uuid is null or person.id > $3)
     order by person.id limit $4`,
    [tx.tenantId, id, after, limit + 1],
  )
  const { page, next } = cutPage(rows, limit)
  return { people: page, next }
}
