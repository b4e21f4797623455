import type { RowOutcome, UserCounts } from '../../import-runs/list-runs.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { fetchPages } from '../fetch-pages.ts'
import type { RowFault } from './find-rows.ts'
import { managerColumns, type UserColumns } from './user-columns.ts'

/**
 * What became of a row. `line` is the line of the file that it begins in; `id` the user's, where the row names one;
 * `changed` the names of the fields that an update changed.
 */
export type OutcomeOfRow = {
  line: number
  outcome: RowOutcome
  id: string | null
  reason: string | null
  changed: string[]
}

type Fate = { fault: RowFault | null; outcome: RowOutcome; roles_not_applied: boolean; returned: boolean }

function fatesOf(columns: UserColumns): string {
  const withRoles = columns.fields.has('roles')
  return `from staged_users s
    left join user_rows r using (line)
    left join changed_users c using (line)
    ${withRoles ? 'left join role_rows rr using (line)' : ''}
    cross join lateral (
      select case
          when s.rejection is not null then 'rejected'
          when r.fault in ('deleted', 'purged', 'anonymized') then 'skipped'
          when r.fault = 'erasure_pending' then 'conflict'
          when r.fault is not null then 'rejected'
          when r.is_new then 'created'
          when c.line is not null then 'updated'
          else 'unchanged'
        end as outcome,
        r.fault,
        ${withRoles ? 'r.fault is null and rr.line is not null and not (rr.roles @> rr.given and rr.roles <@ rr.given)' : 'false'}
          as roles_not_applied
    ) fate`
}

/** Counts what became of the staged rows. */
export async function countOutcomes(tx: TenantTransaction, columns: UserColumns): Promise<UserCounts> {
  const { rows } = await tx.query<Omit<Fate, 'returned'> & { count: number }>(
    `select fate.outcome, fate.fault, fate.roles_not_applied, count(*) as count ${fatesOf(columns)} group by 1, 2, 3`,
  )
  const sum = (wanted: (row: (typeof rows)[number]) => boolean) =>
    rows.reduce((total, row) => (wanted(row) ? total + row.count : total), 0)
  const of = (outcome: RowOutcome) => sum((row) => row.outcome === outcome)
  return {
    read: sum(() => true),
    created: of('created'),
    updated: of('updated'),
    unchanged: of('unchanged'),
    skipped: of('skipped'),
    conflict: of('conflict'),
    rejected: of('rejected'),
    skippedFor: {
      deleted: sum(({ fault }) => fault === 'deleted'),
      purged: sum(({ fault }) => fault === 'purged'),
      anonymized: sum(({ fault }) => fault === 'anonymized'),
    },
    rolesNotApplied: sum((row) => row.roles_not_applied),
  }
}

const rowsPerPage = 5000

/** Passes on what became of each staged row, in the order of the file. */
export async function reportOutcomes(
  tx: TenantTransaction,
  columns: UserColumns,
  options: { withRoles: boolean; onPage: (outcomes: OutcomeOfRow[]) => Promise<void> },
): Promise<void> {
  const query = {
    text: `select s.line, s.rejection, r.user_id, r.other_line, coalesce(r.returned, false) as returned, fate.*,
             case when fate.outcome = 'updated' then c.fields else '{}' end as changed
           ${fatesOf(columns)} order by s.line`,
    values: [],
  }
  type Row = Fate & {
    line: number
    rejection: string | null
    user_id: string | null
    other_line: number | null
    changed: string[]
  }
  await fetchPages<Row>(tx, query, rowsPerPage, async (rows) => {
    const outcomes = rows.map((row): OutcomeOfRow => {
      const { line, outcome, fault, changed } = row
      const id = fault === null || fault === 'deleted' || fault === 'erasure_pending' ? row.user_id : null
      const reason = row.rejection ?? (fault === null ? noteOf(row, options) : reasonOf(fault, columns, row.other_line))
      return { line, outcome, id, reason, changed }
    })
    await options.onPage(outcomes)
  })
}

/**
 * Locks the users that the rows name against an erasure until the import ends, so that the log refers to nobody who is
 * erased meanwhile. A later erasure finds the log.
 */
export async function lockNamed(tx: TenantTransaction): Promise<void> {
  await tx.query(
    `select from users where tenant_id = $1 and id in (select user_id from user_rows where not is_new)
     order by id for key share`,
    [tx.tenantId],
  )
}

function noteOf(row: Fate, { withRoles }: { withRoles: boolean }): string | null {
  const notes = [
    ...(row.returned && row.outcome === 'created' ? ['the person was purged before and returns without records'] : []),
    ...(row.roles_not_applied
      ? [
          withRoles
            ? 'a user who returns after a delete or a purge gets no roles from a file; grant them one by one'
            : 'roles are only applied by an import with roles',
        ]
      : []),
  ]
  return notes.length === 0 ? null : notes.join('; ')
}

const reasons: Record<Exclude<RowFault, `repeated_${string}`>, string> = {
  ambiguous: 'several users have this login name or e-mail address; name the user by id, directory_object_id or ref',
  unknown_id: 'id is the id of no user of this tenant',
  email_of_another:
    'no user has this login_name, but another user has this email; name the user by id, directory_object_id or ref',
  known_before:
    'another user had one of these identifiers before a change; name that user by id, or create the other person by hand',
  directory_object_id_taken: 'directory_object_id belongs to another user of this tenant',
  directory_object_id_of_deleted:
    'directory_object_id belongs to a deleted user of this tenant; restore or purge that one',
  ref_taken: 'ref belongs to another user of this tenant',
  ref_of_deleted: 'ref belongs to a deleted user of this tenant; restore or purge that one',
  unknown_manager: 'names no user of this tenant and of this file',
  ambiguous_manager: 'names several users; name the manager by manager_id or manager_ref',
  own_manager: 'names the user; a user cannot be their own manager',
  last_administrator: 'roles would leave the tenant without an active administrator',
  custom_fields_too_large: 'custom fields together are larger than 32 KiB',
  erasure_pending: 'an erasure of this user is pending; cancel it first, or let it finish',
  deleted: 'the user is deleted; restore the user first',
  purged: 'the person was purged; an import that creates purged people makes a new account without records',
  anonymized: 'the user was anonymized',
}

function reasonOf(fault: RowFault, columns: UserColumns, otherLine: number | null): string {
  switch (fault) {
    case 'repeated_user':
      return `line ${otherLine} names the same user`
    case 'repeated_id':
    case 'repeated_directory_object_id':
    case 'repeated_ref':
    case 'repeated_login_name':
    case 'repeated_email':
      return `line ${otherLine} has the same ${fault.slice('repeated_'.length)}`
    case 'unknown_manager':
    case 'ambiguous_manager':
    case 'own_manager':
      return `${columns.manager ?? managerColumns[0]} ${reasons[fault]}`
    default:
      return reasons[fault]
  }
}
