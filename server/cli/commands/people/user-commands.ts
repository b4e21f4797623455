import path from 'node:path'
import { type Command, Option } from 'commander'
import { setPassword } from '../../../access/set-password.ts'
import { createUserAndNoteReturn } from '../../../directory/create-user-and-note-return.ts'
import { listReturnedUsers, type Reappearance } from '../../../directory/reappearances.ts'
import { exportToArchive } from '../../../exports/export-archive.ts'
import { exportToFolder, makeExportFolder } from '../../../exports/export-folder.ts'
import type { ExportIndex } from '../../../exports/export-index.ts'
import { defaultKeepDays, type KeptExport, keepExport } from '../../../exports/kept-exports.ts'
import { waitForExport } from '../../../exports/wait-for-export.ts'
import { exportUsers } from '../../../imports/users/export-users.ts'
import { findUser, requireUsers } from '../../../people/accounts/find-users.ts'
import {
  type ListUsersOptions,
  listUsers,
  readStates,
  type UserSort,
  userSorts,
} from '../../../people/accounts/list-users.ts'
import { updateUser } from '../../../people/accounts/update-user.ts'
import { products, type User, userKinds } from '../../../people/accounts/user.ts'
import { checkUserFields, type UserFieldName, userFieldNames } from '../../../people/accounts/user-fields.ts'
import { deleteUsers } from '../../../people/lifecycle/delete-users.ts'
import { setEmploymentDates } from '../../../people/lifecycle/employment-dates.ts'
import { lockUsers } from '../../../people/lifecycle/lock-users.ts'
import { reactivateUser } from '../../../people/lifecycle/reactivate-user.ts'
import { restoreUsers } from '../../../people/lifecycle/restore-users.ts'
import { suspendUser } from '../../../people/lifecycle/suspend-user.ts'
import { userRoles } from '../../../permissions/roles.ts'
import { inputError } from '../../../platform/validation/errors.ts'
import { requireTime } from '../../../platform/validation/require-time.ts'
import { type EnrollmentRow, showTranscript, type Transcript } from '../../../views/transcript.ts'
import { transcriptCsv } from '../../../views/transcript-csv.ts'
import { showUser, type UserDetails } from '../../../views/user-details.ts'
import { commandName } from '../../command-name.ts'
import { commandError } from '../../errors.ts'
import { helpText } from '../../help-text.ts'
import { counted, formatCount, formatFields, formatTable } from '../../output.ts'
import { startOwnWorkers } from '../../own-workers.ts'
import { addPasswordOptions, type PasswordOptions, readPassword } from '../../password-options.ts'
import { type TenantSession, withTenant } from '../../session.ts'
import { addSubjectOptions, readSubject, readSubjects, type SubjectOptions } from '../../subject-options.ts'

/** `lethe user list|show|create|update|password|suspend|reactivate|dates|delete|restore|transcript|export` */
export function addUserCommands(program: Command): void {
  const group = program
    .command('user')
    .description('list, create, change, suspend, delete, restore and export users')
    .addHelpText(
      'after',
      helpText({
        notes: 'You can undo a delete. You cannot undo "lethe purge" and "lethe anonymize".',
        examples: [
          'lethe user create --email ann@example.org --first-name Ann --last-name Aster',
          'lethe user list --search aster',
          'lethe user delete --email ann@example.org',
          'lethe user restore --email ann@example.org',
        ],
      }),
    )
  addList(group)
  addReturned(group)
  addShow(group)
  addCreate(group)
  addUpdate(group)
  addPassword(group)
  addSuspend(group)
  addReactivate(group)
  addDates(group)
  addDelete(group)
  addRestore(group)
  addTranscript(group)
  addExport(group)
}

type ListOptions = {
  state?: string
  withoutManager?: boolean
  search?: string
  deletedIn?: string
  deletedFrom?: string
  deletedTo?: string
  descending?: boolean
  sort: UserSort
  limit?: string
  after?: string
  csv?: boolean
}

function addList(group: Command): void {
  group
    .command('list')
    .description('list users')
    .option('--state <states>', 'active, suspended, deleted, anonymized (separate several with commas), or all')
    .option('--search <text>', 'part of a name, an e-mail address, a login name or a ref')
    .option('--deleted-in <YYYY-MM>', 'only users deleted in this month (UTC)')
    .option('--deleted-from <YYYY-MM-DD>', 'only users deleted on this day (UTC) or later')
    .option('--deleted-to <YYYY-MM-DD>', 'only users deleted on this day (UTC) or before')
    .option('--without-manager', 'only users who have no manager')
    .addOption(
      new Option('--sort <order>', 'id is the order of creation, ref the unique id of the tenant')
        .choices(userSorts)
        .default('id'),
    )
    .option('--descending', 'the last ones first')
    .option('--limit <number>', 'the most to list, up to 1000 (default: 50)')
    .option('--after <cursor>', 'continue after the previous page')
    .option('--csv', 'print all users as CSV, which "lethe import users" reads')
    .addHelpText(
      'after',
      helpText({
        notes:
          'Without --state, the command lists active and suspended users. With a time of the delete, it lists deleted users. The table shows the e-mail address, else the login name, else the ref, and is cut to the width of a terminal. "lethe user show", --json and --csv show everything.',
        examples: [
          'lethe user list --search aster --sort name',
          'lethe user list --deleted-in 2026-03 --sort deleted --json',
          'lethe user list --state deleted,anonymized --limit 1000',
          'lethe user list --csv > users.csv',
        ],
      }),
    )
    .action(async (options: ListOptions, command: Command) => {
      const query: ListUsersOptions = {
        ...(options.state !== undefined && { states: readStates(options.state) }),
        ...(options.search !== undefined && { search: options.search }),
        ...(options.deletedIn !== undefined && { deletedIn: options.deletedIn }),
        ...(options.deletedFrom !== undefined && { deletedFrom: options.deletedFrom }),
        ...(options.deletedTo !== undefined && { deletedTo: options.deletedTo }),
        withoutManager: options.withoutManager === true,
        descending: options.descending === true,
        sort: options.sort,
        ...(options.limit !== undefined && { limit: Number(options.limit) }),
        ...(options.after !== undefined && { after: options.after }),
      }
      if (options.csv === true) {
        await writeCsv(query, command)
        return
      }
      await withTenant(command, async ({ run, output }) => {
        const { users, next } = await run((tx) => listUsers(tx, query))
        output.result({ users, next: next ?? null }, () => {
          const table = formatTable(users, [
            { title: 'id', value: ({ id }) => id },
            ...(users.some(({ state }) => state !== 'active')
              ? [{ title: 'state', value: ({ state }: User) => state }]
              : []),
            { title: 'name', value: ({ display_name }) => display_name, shrinks: true },
            // One that tells the person from namesakes; "lethe user show" and --json have all.
            { title: 'known by', value: ({ email, login_name, ref }) => email ?? login_name ?? ref, shrinks: true },
            ...(users.some(({ deleted_at }) => deleted_at !== null)
              ? [{ title: 'deleted', value: ({ deleted_at }: User) => deleted_at?.toISOString().slice(0, 10) }]
              : []),
          ])
          return next === undefined ? table : `${table}\n\nThere are more. Repeat the command with --after ${next}`
        })
      })
    })
}

/** Nobody reads the output any more. */
class ReaderGone extends Error {}

async function writeCsv(query: ListUsersOptions, command: Command): Promise<void> {
  const { json } = command.optsWithGlobals<{ json?: boolean }>()
  if (query.limit !== undefined || query.after !== undefined || json === true) {
    throw commandError('input.usage', {
      reason: '--csv writes all users; leave out --limit, --after and --json.',
    })
  }
  await withTenant(command, async ({ run, output, signal }) => {
    const write = async (text: string) => {
      signal.throwIfAborted()
      if (!(await output.write(text))) throw new ReaderGone()
    }
    try {
      await run((tx) => exportUsers(tx, query, write))
    } catch (error) {
      if (!(error instanceof ReaderGone)) throw error
    }
  })
}

function addReturned(group: Command): void {
  group
    .command('returned')
    .description('list the purged people who came back: how and when, the newest return first')
    .option('--limit <number>', 'the most to list', '50')
    .option('--after <uuid>', 'continue after this user')
    .addHelpText('after', helpText({ examples: ['lethe user returned', 'lethe user returned --limit 1000 --json'] }))
    .action(async ({ limit, after }: { limit: string; after?: string }, command: Command) => {
      await withTenant(command, async ({ run, output }) => {
        const returned = await run((tx) => listReturnedUsers(tx, { limit: Number(limit), after }))
        output.result(returned, () =>
          formatTable(returned.returned_users, [
            { title: 'user', value: ({ user_id }) => user_id },
            { title: 'name', value: ({ display_name }) => display_name ?? '' },
            { title: 'how', value: formatReturn },
            { title: 'when', value: ({ reappeared_at }) => reappeared_at },
            { title: 'purged by request', value: ({ request_id }) => request_id },
          ]),
        )
      })
    })
}

function addShow(group: Command): void {
  addSubjectOptions(group.command('show').description('show the account of a user'), { many: false })
    .addHelpText(
      'after',
      helpText({
        exitCodes: { 4: 'several users have this login name or address; the message lists their ids' },
        examples: ['lethe user show --email ann@example.org', 'lethe user show --login ann --json'],
      }),
    )
    .action(async (options: SubjectOptions, command: Command) => {
      const selector = readSubject(options)
      await withTenant(command, async ({ run, output }) => {
        const details = await run((tx) => showUser(tx, selector))
        output.result(details, () => formatDetails(details))
      })
    })
}

function addCreate(group: Command): void {
  addFieldOptions(group.command('create').description('create an active user'), 'create')
    .option('--another-person', 'create the user even if another person had one of these identifiers before')
    .addHelpText(
      'after',
      helpText({
        notes: 'Without --role, the user is a learner. Without --product, the account is in Learn.',
        exitCodes: {
          5: 'another user has this ref or directory object id, or had one of the identifiers before; you can restore a deleted user',
        },
        examples: [
          'lethe user create --email ann@example.org --first-name Ann --last-name Aster --custom shift=night',
          'lethe user create --login-name ann --ref A-17 --role author --role learner --email-verified yes',
        ],
      }),
    )
    .action(async ({ anotherPerson }: { anotherPerson?: boolean }, command: Command) => {
      const given = readFieldOptions(command)
      if (Object.keys(given).length === 0) throw commandError('input.usage', { reason: 'No field was given.' })
      const fields = checkUserFields(given)
      await withTenant(command, async ({ run, output }) => {
        const user = await run((tx) => createUserAndNoteReturn(tx, fields, { anotherPerson }))
        output.result({ user }, () => formatFields(user))
      })
    })
}

function addUpdate(group: Command): void {
  const command = addSubjectOptions(group.command('update').description('change fields of a user'), { many: false })
  addFieldOptions(command, 'update')
    .addOption(listOption('--clear <field>', 'empty this field', clearable))
    .addHelpText(
      'after',
      helpText({
        notes: `
--email, --ref and --directory-object-id name the user; their new values are --new-email, --new-ref and
--new-directory-object-id. --custom adds or replaces single custom fields. --role and --product replace the whole list.`,
        examples: [
          'lethe user update --ref A-17 --new-email ann@example.org --role author --role learner --clear office',
          'lethe user update --email ann@example.org --custom shift=day --time-zone Europe/Zurich',
        ],
      }),
    )
    .action(async (options: SubjectOptions & { clear?: string[] }, command: Command) => {
      const selector = readSubject(options)
      const given = { ...readFieldOptions(command), ...readCleared(command, options.clear ?? []) }
      if (Object.keys(given).length === 0) throw commandError('input.usage', { reason: 'No field was given.' })
      const changes = checkUserFields(given)
      await withTenant(command, async ({ run, output }) => {
        const user = await run(async (tx) => {
          const { id } = await findUser(tx, selector)
          const { custom_fields } = changes
          if (custom_fields === undefined || options.clear?.some((name) => fieldOf(name) === 'custom_fields')) {
            return await updateUser(tx, id, changes)
          }
          // Locked before they are read, so that nobody else's new custom field is lost.
          await lockUsers(tx, [id])
          const before = await findUser(tx, { by: 'id', value: id })
          return await updateUser(tx, id, { ...changes, custom_fields: { ...before.custom_fields, ...custom_fields } })
        })
        output.result({ user }, () => formatFields(user))
      })
    })
}

function addPassword(group: Command): void {
  const command = addSubjectOptions(group.command('password'), { many: false })
  addPasswordOptions(command)
    .description('set the password of an active user and sign the user out everywhere')
    .addHelpText(
      'after',
      helpText({
        exitCodes: { 5: 'the user is not active' },
        examples: [
          'lethe user password --email ann@example.org',
          'lethe user password --ref A-17 --password-file password.txt',
        ],
      }),
    )
    .action(async (options: SubjectOptions & PasswordOptions, command: Command) => {
      const selector = readSubject(options)
      await withTenant(command, async ({ run, output, signal }) => {
        const password = await readPassword(options, signal)
        const { id, signedOut } = await run(async (tx) => {
          const { id } = await findUser(tx, selector)
          return { id, ...(await setPassword(tx, { userId: id, password })) }
        })
        output.result(
          { user_id: id, signed_out: signedOut },
          () => `User ${id} has a new password. ${counted(signedOut, 'session')} ended.`,
        )
      })
    })
}

function addSuspend(group: Command): void {
  const command = group.command('suspend').description('suspend an active user: sign the user out and keep all data')
  addSubjectOptions(command, { many: false })
    .addHelpText(
      'after',
      helpText({
        exitCodes: { 5: 'the user is not active, or is the last active administrator' },
        examples: ['lethe user suspend --email ann@example.org', 'lethe user suspend --ref A-17 --json'],
      }),
    )
    .action(async (options: SubjectOptions, command: Command) => {
      const selector = readSubject(options)
      await withTenant(command, async ({ run, output }) => {
        const user = await run(async (tx) => suspendUser(tx, (await findUser(tx, selector)).id))
        output.result({ user }, () => `User ${user.id} is suspended.`)
      })
    })
}

function addReactivate(group: Command): void {
  const command = group.command('reactivate').description('end the suspension of a user')
  addSubjectOptions(command, { many: false })
    .addHelpText(
      'after',
      helpText({
        exitCodes: { 5: 'the user is not suspended' },
        examples: ['lethe user reactivate --email ann@example.org', 'lethe user reactivate --ref A-17 --json'],
      }),
    )
    .action(async (options: SubjectOptions, command: Command) => {
      const selector = readSubject(options)
      await withTenant(command, async ({ run, output }) => {
        const user = await run(async (tx) => reactivateUser(tx, (await findUser(tx, selector)).id))
        output.result({ user }, () => `User ${user.id} is active again.`)
      })
    })
}

function addDates(group: Command): void {
  const command = group
    .command('dates')
    .description('set when a user starts and leaves; the account is suspended outside')
  addSubjectOptions(command, { many: false })
    .option('--starts <time>', 'suspended until then, such as 2027-01-01 or 2027-01-01T09:00:00Z; "none" clears it')
    .option('--ends <time>', 'suspended from then on; "none" clears it')
    .addHelpText(
      'after',
      helpText({
        notes: `
A worker suspends and reactivates users within a minute of these times. If you suspend a user by hand, the start no
longer reactivates the user.`,
        exitCodes: { 5: 'the user is deleted, or would be the last active administrator' },
        examples: [
          'lethe user dates --email ann@example.org --ends 2027-01-31T17:00:00Z',
          'lethe user dates --ref A-17 --starts 2027-01-01 --ends none --json',
        ],
      }),
    )
    .action(async (options: SubjectOptions & { starts?: string; ends?: string }, command: Command) => {
      const selector = readSubject(options)
      const dates = { startsAt: readDate('--starts', options.starts), endsAt: readDate('--ends', options.ends) }
      if (options.starts === undefined && options.ends === undefined) {
        throw commandError('input.usage', { reason: 'No time was given.' })
      }
      await withTenant(command, async ({ run, output }) => {
        const user = await run(async (tx) => setEmploymentDates(tx, (await findUser(tx, selector)).id, dates))
        output.result({ user }, () => formatFields(user))
      })
    })
}

function readDate(option: string, text: string | undefined): Date | null | undefined {
  if (text === undefined) return undefined
  return text === 'none' ? null : requireTime(option, new Date(/^\d{4}-/.test(text) ? text : Number.NaN))
}

function addDelete(group: Command): void {
  const command = group.command('delete').description('delete users; "lethe user restore" undoes it')
  addSubjectOptions(command, { many: true })
    .addHelpText(
      'after',
      helpText({
        notes: 'The command deletes all of the users, or none.',
        exitCodes: { 5: 'a person is already deleted, or no active administrator would be left' },
        examples: ['lethe user delete --email ann@example.org', 'lethe user delete --file leavers.csv --json'],
      }),
    )
    .action(async (options: SubjectOptions, command: Command) => {
      const selectors = await readSubjects(options)
      await withTenant(command, async ({ run, output }) => {
        const deletion = await run(async (tx) => {
          const users = await requireUsers(tx, selectors)
          return await deleteUsers(tx, { userIds: users.map(({ id }) => id) })
        })
        const { deletionId, userIds, inactive } = deletion
        output.result(
          { deletion_id: deletionId, user_ids: userIds, inactive },
          () =>
            `${counted(userIds.length, 'user')} deleted. Inactive until a restore: ${counted(inactive.product_accounts, 'product account')}, ${formatCounts(inactive)}.`,
        )
      })
    })
}

function addRestore(group: Command): void {
  const command = group.command('restore').description('restore deleted users')
  addSubjectOptions(command, { many: true })
    .option('--with-roles', 'restore privileged roles, too')
    .addHelpText(
      'after',
      helpText({
        notes: 'The command restores all of the users, or none.',
        exitCodes: { 5: 'a person is not deleted, or has a pending erasure' },
        examples: ['lethe user restore --ref A-17 --with-roles', 'lethe user restore --file returners.csv'],
      }),
    )
    .action(async (options: SubjectOptions & { withRoles?: boolean }, command: Command) => {
      const selectors = await readSubjects(options)
      await withTenant(command, async ({ run, output }) => {
        const { userIds, suspended, active } = await run(async (tx) => {
          const users = await requireUsers(tx, selectors)
          return await restoreUsers(tx, {
            userIds: users.map(({ id }) => id),
            withRoles: options.withRoles === true,
          })
        })
        output.result(
          { user_ids: userIds, suspended, active },
          () =>
            `${counted(userIds.length, 'user')} restored${stateAfterRestore(userIds.length, suspended.length)}. With ${userIds.length === 1 ? 'the account' : 'them'} came back: ${counted(active.product_accounts, 'product account')}, ${formatCounts(active)}.`,
        )
      })
    })
}

/** Whether the people who were restored may sign in again. */
function stateAfterRestore(users: number, suspended: number): string {
  if (suspended === 0) return ', active again'
  if (suspended === users) return `, suspended as before; "lethe user reactivate" ends the suspension`
  return `: ${users - suspended} active again, ${suspended} suspended as before`
}

function addTranscript(group: Command): void {
  addSubjectOptions(group.command('transcript'), { many: false })
    .description('show what a user learned: courses, training plans, skills, certificates')
    .option('--csv', 'print one CSV file')
    .addHelpText(
      'after',
      helpText({
        notes:
          'The transcript includes ended enrollments, revoked skills and expired certificates. Name an anonymized user by --id.',
        examples: [
          'lethe user transcript --email ann@example.org',
          'lethe user transcript --ref 4711 --csv > transcript.csv',
        ],
      }),
    )
    .action(async (options: SubjectOptions & { csv?: boolean }, command: Command) => {
      const selector = readSubject(options)
      const { json } = command.optsWithGlobals<{ json?: boolean }>()
      if (options.csv === true && json === true) {
        throw commandError('input.usage', { reason: 'Give only one of --csv and --json.' })
      }
      await withTenant(command, async ({ run, output }) => {
        const transcript = await run(async (tx) => {
          const { id } = await findUser(tx, selector, { withAnonymized: true })
          return await showTranscript(tx, id)
        })
        if (options.csv === true) await output.write(transcriptCsv(transcript))
        else output.result({ transcript }, () => formatTranscript(transcript))
      })
    })
}

function formatTranscript({ courses, training_plans, skills, certificates }: Transcript): string {
  const enrollments = (rows: readonly EnrollmentRow[]) =>
    formatTable(rows, [
      { title: 'title', value: ({ title }) => title },
      { title: 'catalog', value: ({ catalog }) => catalog },
      { title: 'state', value: ({ state, enrolled }) => (enrolled ? state : `${state}, ended`) },
      { title: 'result', value: ({ result }) => result },
      { title: 'registered', value: ({ registered_on }) => registered_on },
      { title: 'completed', value: ({ completed_at }) => completed_at },
    ])
  return [
    'Courses',
    enrollments(courses),
    '\nTraining plans',
    enrollments(training_plans),
    '\nSkills',
    formatTable(skills, [
      { title: 'skill', value: ({ skill }) => skill },
      { title: 'level', value: ({ level }) => level },
      { title: 'state', value: ({ state }) => state },
      { title: 'awarded', value: ({ awarded_at }) => awarded_at },
      { title: 'revoked', value: ({ revoked_at }) => revoked_at },
      { title: 'by', value: ({ revoked_by_name, awarded_by_name }) => revoked_by_name ?? awarded_by_name },
      { title: 'reason', value: ({ revoke_reason }) => revoke_reason },
    ]),
    '\nCertificates',
    formatTable(certificates, [
      { title: 'of', value: ({ title }) => title },
      { title: 'number', value: ({ number }) => number },
      { title: 'issued', value: ({ issued_at }) => issued_at },
      { title: 'expires', value: ({ expires_at }) => expires_at },
    ]),
  ].join('\n')
}

type ExportOptions = SubjectOptions & { out?: string; keep?: string | true }

function addExport(group: Command): void {
  const command = group.command('export').description('export all data about a user')
  addSubjectOptions(command, { many: false })
    .option('--out <file>', 'a ZIP archive to write (FILE.zip), or a folder that is empty or does not exist yet')
    .addOption(
      new Option('--keep [days]', 'keep the export in Lethe for this number of days, 1 to 30 (default: 7)').conflicts(
        'out',
      ),
    )
    .addHelpText(
      'after',
      helpText({
        notes: `
The export has JSON and CSV for each table, files as they are, and index.html to begin with. It is personal data: hand
it over and delete it. With --out, nothing of it is kept in the database. With --keep, it is kept there, encrypted,
until it expires or the person is purged or anonymized; "lethe export" lists, fetches and deletes those.`,
        examples: [
          'lethe user export --email ann@example.org --out export-1.zip',
          'lethe user export --ref A-17 --out ~/exports/A-17 --json',
          'lethe user export --ref A-17 --keep',
          'lethe user export --ref A-17 --keep 30 --json',
        ],
      }),
    )
    .hook('preAction', (_, command) => {
      const { out, keep } = command.opts<ExportOptions>()
      if (out === undefined && keep === undefined) {
        throw commandError('input.usage', { reason: 'An export needs one of --out and --keep.' })
      }
    })
    .action(async (options: ExportOptions, command: Command) => {
      const selector = readSubject(options)
      await withTenant(command, async (session) => {
        const { id } = await session.run((tx) => findUser(tx, selector))
        if (options.out !== undefined) await exportOut(session, id, options.out)
        else await exportAndKeep(session, id, options.keep === true ? defaultKeepDays : Number(options.keep))
      })
    })
}

async function exportOut({ run, output }: TenantSession, userId: string, out: string): Promise<void> {
  const archive = /\.zip$/i.test(out)
  if (!archive) await makeExportFolder(out)
  const progress = output.progress('Exporting rows')
  const options = { userId, onRows: progress.update }
  let index: ExportIndex
  try {
    index = await run((tx) =>
      archive ? exportToArchive(tx, { ...options, file: out }) : exportToFolder(tx, { ...options, folder: out }),
    )
  } finally {
    progress.end()
  }
  const rows = index.tables.reduce((sum, table) => sum + table.rows, 0)
  output.result(
    { export: index },
    () =>
      `${counted(rows, 'row')}, ${counted(index.files.length, 'file')} and ${counted(index.mentions.rows, 'mention')} exported. Begin with ${archive ? `index.html in ${out}` : path.join(out, 'index.html')}`,
  )
}

/** Throws `export.failed`. */
async function exportAndKeep(session: TenantSession, userId: string, keepDays: number): Promise<void> {
  const { application, tenant, run, output, signal } = session
  const { id } = await run((tx) => keepExport(tx, { userId, keepDays }))
  let rowsWritten = 0
  session.onStop({
    sentence: () =>
      [
        `Export ${id} is requested and has ${counted(rowsWritten, 'row')} so far. Running workers ("lethe serve") write the rest.`,
        `Show it:   ${commandName} export list`,
        `Cancel it: ${commandName} export delete ${id}`,
      ].join('\n'),
  })
  const workers = await startOwnWorkers(application)
  const progress = output.progress('Exporting rows')
  let kept: KeptExport
  try {
    kept = await waitForExport(application.database, tenant.id, id, {
      signal,
      onProgress({ rows_written: rows }) {
        rowsWritten = rows
        progress.update(rows)
      },
    })
  } finally {
    progress.end()
    await workers.stop()
  }
  if (kept.state !== 'ready') throw commandError('export.failed', { id, reason: kept.error_code ?? kept.state })
  output.result(
    { export: kept },
    () =>
      `Export ${id} is kept until ${kept.expires_at.toISOString()}. Download it with: ${commandName} export fetch ${id} --out FILE.zip`,
  )
}

function formatCounts(counts: { group_members: number; catalog_members: number; enrollments: number }): string {
  return [
    counted(counts.group_members, 'group membership'),
    counted(counts.catalog_members, 'catalog membership'),
    counted(counts.enrollments, 'enrollment'),
  ].join(', ')
}

function formatDetails(details: UserDetails): string {
  const { user, product_accounts, groups, counts, reappeared, pending_erasure } = details
  const marked = (name: string, active: boolean) => (active ? name : `${name} (inactive)`)
  return formatFields({
    ...user,
    'product accounts': product_accounts.map(({ product, active }) => marked(product, active)),
    groups: groups.map(({ display_name, active }) => marked(display_name, active)),
    'catalogs seen': counts.catalogs,
    'catalog memberships': counts.catalog_members,
    enrollments: `${formatCount(counts.enrollments)} (${formatCount(counts.active_enrollments)} active)`,
    reappeared:
      reappeared &&
      `${formatReturn(reappeared)}, after the purge of request ${reappeared.request_id}, at ${reappeared.reappeared_at.toISOString()}`,
    'pending erasure': pending_erasure && `request ${pending_erasure.request_id} (${pending_erasure.state})`,
  })
}

/** The way on which a purged person came back, in words. */
function formatReturn({ how, group_name, import_run_id }: Reappearance): string {
  if (how === 'directory_group') return `with group ${group_name}`
  return how === 'import' ? `with import ${import_run_id}` : 'created again'
}

/** The fields that have one plain option each, and what it says. Lists and parts of a field have others. */
const plainFields: Record<Exclude<UserFieldName, 'roles' | 'products' | 'custom_fields'>, string> = {
  kind: 'the kind of the user',
  login_name:
    'login name, also as a claims string such as i:0#.f|membership|ann@example.org; several users may have the same',
  directory_object_id: 'UUID from the directory; unique in the tenant',
  ref: 'id of the user in another system; unique in the tenant',
  email: 'e-mail address; several users may have the same',
  email_verified: "whether the address is verified as the person's own; a new address is not",
  external_identity_id: 'id of the user at the identity provider',
  first_name: 'first name',
  last_name: 'last name',
  display_name: 'name to show; default: first and last name',
  title: 'title before the name',
  job_title: 'job title',
  department: 'department',
  office: 'office',
  city: 'city',
  country: 'country',
  locale: 'language tag, such as de-CH',
  time_zone: 'IANA name, such as Europe/Zurich',
  manager_id: 'id of another user of the tenant',
}

const plainFieldNames = userFieldNames.filter((name): name is keyof typeof plainFields => name in plainFields)

const clearable = userFieldNames
  .filter((name) => !['kind', 'email_verified', 'roles'].includes(name))
  .map((name) => name.replaceAll('_', '-'))

/** In an update these options name the user. */
const selectorFields: readonly UserFieldName[] = ['email', 'ref', 'directory_object_id']

function optionOf(field: UserFieldName, use: 'create' | 'update'): string {
  return `--${use === 'update' && selectorFields.includes(field) ? 'new-' : ''}${field.replaceAll('_', '-')}`
}

function addFieldOptions(command: Command, use: 'create' | 'update'): Command {
  for (const field of plainFieldNames) {
    const flag = optionOf(field, use)
    const about = plainFields[field]
    if (field === 'email_verified') {
      command.addOption(new Option(`${flag} <yes or no>`, about).choices(['yes', 'no']))
    } else if (field === 'kind') {
      command.addOption(new Option(`${flag} <kind>`, about).choices(userKinds))
    } else {
      command.option(`${flag} <value>`, about)
    }
  }
  return command
    .addOption(listOption('--role <role>', 'a role', userRoles))
    .addOption(listOption('--product <product>', 'a product that the user has an account in', products))
    .option('--custom <key=value>', 'a custom field (repeatable)', collect)
}

/** Takes one word of a list at a time; the operation checks what was given. */
function listOption(flags: string, about: string, words: readonly string[]): Option {
  return new Option(flags, `${about} (repeatable)`).choices(words).argParser(collect)
}

function collect(value: string, before: string[] | undefined): string[] {
  return [...(before ?? []), value]
}

/** What the command's options say about the fields, unchecked. */
function readFieldOptions(command: Command): Record<string, unknown> {
  const use = command.name() === 'update' ? 'update' : 'create'
  const values = command.opts<Record<string, string | string[] | undefined>>()
  const given: Record<string, unknown> = {}
  for (const field of plainFieldNames) {
    const option = command.options.find(({ long }) => long === optionOf(field, use))
    const value = option === undefined ? undefined : values[option.attributeName()]
    if (value !== undefined) given[field] = field === 'email_verified' ? value === 'yes' : value
  }
  if (values.role !== undefined) given.roles = values.role
  if (values.product !== undefined) given.products = values.product
  if (Array.isArray(values.custom)) given.custom_fields = Object.fromEntries(values.custom.map(readCustomField))
  return given
}

function readCustomField(text: string): [string, string] {
  const at = text.indexOf('=')
  if (at < 1) throw inputError('input.invalid', { field: 'custom', expected: 'key=value is expected' })
  return [text.slice(0, at), text.slice(at + 1)]
}

function fieldOf(name: string): string {
  return name.replaceAll('-', '_')
}

function readCleared(command: Command, names: readonly string[]): Record<string, unknown> {
  const given = readFieldOptions(command)
  const cleared = names.map(fieldOf).map((field): [string, unknown] => {
    if (field === 'custom_fields') return [field, given[field] ?? {}]
    if (Object.hasOwn(given, field)) {
      throw inputError('input.invalid', { field, expected: 'it is both set and cleared' })
    }
    return [field, field === 'products' ? [] : null]
  })
  return Object.fromEntries(cleared)
}
