/**
 * The one table of errors. A code is stable, because clients and scripts rely on it. A message names the field or the
 * object, and says how to go on. It never holds personal data: a detail must not hold a value that identifies a person.
 */

/** The kind of failure that a caller can act on. The command line maps it to an exit code, HTTP to a status. */
export type ErrorKind =
  | 'input'
  | 'not_found'
  | 'ambiguous'
  | 'conflict'
  | 'malformed'
  | 'too_large'
  | 'unsupported_media_type'
  | 'method_not_allowed'
  | 'unavailable'
  | 'environment'
  | 'failed'
  | 'unauthenticated'
  | 'forbidden'
  | 'rate_limited'
  | 'outstanding'
  | 'found'

/** Exit codes of the command line, documented in `lethe --help`. */
export const exitCodes: Record<ErrorKind, number> = {
  failed: 1,
  input: 2,
  not_found: 3,
  ambiguous: 4,
  conflict: 5,
  environment: 6,
  malformed: 2,
  too_large: 2,
  unsupported_media_type: 2,
  method_not_allowed: 2,
  unavailable: 6,
  // The command line has no sign-in; these entries exist so that every kind has a code.
  unauthenticated: 7,
  forbidden: 8,
  rate_limited: 9,
  // The certificate verifies, but the search is outstanding or has found residual data.
  outstanding: 10,
  found: 11,
}

type ErrorEntry = {
  kind: ErrorKind
  /** What is wrong, and the way out for every caller. */
  message: (details: never) => string
  /** The way out at the command line: its commands and options. Only the command line prints it, after the message. */
  hint?: (details: never) => string | undefined
}

const errorTable = {
  'input.invalid': {
    kind: 'input',
    message: (d: { field: string; expected: string }) => `${d.field} is not valid: ${d.expected}.`,
  },
  'input.usage': {
    kind: 'input',
    message: (d: { reason: string }) => d.reason,
    hint: () => '"lethe --help" and "lethe COMMAND --help" list what you can use.',
  },
  'input.unknown_field': {
    kind: 'input',
    message: (d: { field: string }) => `${d.field} is not a field that can be set here.`,
  },
  'input.file_unreadable': {
    kind: 'input',
    message: (d: { file: string; reason: string }) => `The file ${d.file} cannot be read: ${d.reason}.`,
  },
  'input.confirmation_needed': {
    kind: 'input',
    message: (d: { act: string }) => `${d.act} cannot be undone and needs your confirmation.`,
    hint: () => 'Answer at the prompt, or repeat the command with --yes.',
  },
  'input.declined': {
    kind: 'failed',
    message: (d: { act: string }) => `${d.act} was declined. Nothing was changed.`,
  },
  'subject.no_selector': {
    kind: 'input',
    message: () =>
      'No person was named. Name the person by exactly one of: id, directory object id, ref, login name, e-mail address.',
  },
  'subject.two_selectors': {
    kind: 'input',
    message: (d: { selectors: string[] }) =>
      `Name a person by exactly one selector. This names ${d.selectors.length}: ${d.selectors.join(', ')}.`,
  },
  'subject.ambiguous': {
    kind: 'ambiguous',
    message: (d: { selector: string; directoryObjectIds: string[]; ids: string[]; row?: number }) =>
      `${d.ids.length} users match this ${d.selector}${d.row === undefined ? '' : ` (row ${d.row})`}. Name the one you mean by directory object id (${
        d.directoryObjectIds.length > 0 ? listed(d.directoryObjectIds) : 'none of them has one'
      }) or by id (${listed(d.ids)}).`,
  },
  'user.not_found': {
    kind: 'not_found',
    message: (d: { selector: string; rows?: number[]; formerly?: string[]; similarIds?: string[] }) =>
      `No user of this tenant has this ${d.selector}${
        d.rows === undefined ? '' : ` (row ${listed(d.rows.map(String))})`
      }. ${
        d.formerly === undefined
          ? 'Purged and anonymized people can no longer be found.'
          : `${d.formerly.length === 1 ? 'One user' : `${d.formerly.length} users`} had it before a change. To name that user, use the id (${listed(d.formerly)}).`
      }${
        d.similarIds === undefined
          ? ''
          : ` Users with a similar one: ${listed(d.similarIds)}. Check them before you continue.`
      }`,
  },
  'user.taken': {
    kind: 'conflict',
    message: (d: { field: string }) => `Another user of this tenant already has this ${d.field}. Choose another one.`,
  },
  'user.taken_by_deleted': {
    kind: 'conflict',
    message: (d: { field: string; id: string }) =>
      `A deleted user of this tenant (id ${d.id}) has this ${d.field}. Restore that user, or purge or anonymize that user to free the ${d.field}.`,
  },
  'user.known_before': {
    kind: 'conflict',
    message: (d: { ids: string[] }) =>
      `Another user (id ${listed(d.ids)}) had one of these identifiers before a change. If it is the same person, change that user. If it is not, set another_person.`,
    hint: () => 'The option for that is --another-person.',
  },
  'user.wrong_state': {
    kind: 'conflict',
    message: (d: { act: string; state: string; needed: string; ids?: string[] }) =>
      `A user who is ${d.state} cannot be ${d.act}; the user must be ${d.needed}${
        d.ids === undefined ? '' : ` (id ${listed(d.ids)})`
      }.`,
  },
  'user.not_deleted': {
    kind: 'conflict',
    message: (d: { ids: string[] }) =>
      `Delete ${d.ids.length === 1 ? 'this user' : 'these users'} first; only deleted users can be purged or anonymized: ${listed(d.ids)}.`,
  },
  'user.last_administrator': {
    kind: 'conflict',
    message: () => 'This is the last active administrator of the tenant. Give another user the role first.',
  },
  'user.erasure_pending': {
    kind: 'conflict',
    message: (d: { request: string }) =>
      `An erasure of this user is pending (request ${d.request}). Cancel that request first, or let it finish.`,
  },
  'user.acting_erased': {
    kind: 'conflict',
    message: () => 'The acting person was erased in the meantime. Nothing was changed. Repeat it as another person.',
  },
  'user.referred_erased': {
    kind: 'conflict',
    message: (d: { field: string }) =>
      `The person that ${d.field} refers to was erased in the meantime. Nothing was changed. Repeat it with another person, or without this field.`,
  },
  'odata.query': {
    kind: 'input',
    message: (d: { option: string; reason: string }) => `The query option ${d.option} is not valid: ${d.reason}.`,
  },
  'odata.entity_not_found': {
    kind: 'not_found',
    message: (d: { set: string }) =>
      `${d.set} has no such entity. ${
        d.set === 'Users'
          ? 'A key is the DirectoryObjectId or the LoginName in quotes, or the Id without quotes'
          : 'A key is a GUID, without quotes'
      }.`,
  },
  'course.not_found': {
    kind: 'not_found',
    message: (d: { id: string }) => `There is no course ${d.id} in this tenant.`,
  },
  'training_plan.not_found': {
    kind: 'not_found',
    message: (d: { id: string }) => `There is no training plan ${d.id} in this tenant.`,
  },
  'session.not_found': {
    kind: 'not_found',
    message: (d: { id: string }) =>
      `There is no session ${d.id} of this course. Name one of the course's own sessions.`,
  },
  'catalog.not_found': {
    kind: 'not_found',
    message: (d: { id: string }) => `There is no catalog ${d.id} in this tenant.`,
  },
  'catalog.not_member': {
    kind: 'not_found',
    message: (d: { ids: string[] }) =>
      `${d.ids.length === 1 ? 'This user is' : 'These users are'} not in the catalog, neither added to it nor through a group: ${listed(d.ids)}.`,
  },
  'module.not_found': {
    kind: 'not_found',
    message: (d: { id: string }) => `There is no module ${d.id} in this tenant.`,
  },
  'assessment.not_found': {
    kind: 'not_found',
    message: (d: { id: string }) => `There is no assessment ${d.id} in this tenant.`,
  },
  'post.not_found': {
    kind: 'not_found',
    message: (d: { id: string }) =>
      `There is no post ${d.id} in the discussion of this course. Reply to a post of the same course.`,
  },
  'group.not_found': {
    kind: 'not_found',
    message: (d: { id: string }) => `There is no group ${d.id} in this tenant.`,
  },
  'group.taken': {
    kind: 'conflict',
    message: () =>
      'Another group of this tenant already has this directory object id. Change that group, or use its id.',
  },
  'notification.not_found': {
    kind: 'not_found',
    message: (d: { ids: string[] }) => `This user has no notification ${listed(d.ids)}.`,
    hint: () => '"lethe notification list" lists the notifications.',
  },
  'scale_set.not_found': {
    kind: 'not_found',
    message: (d: { id: string }) => `There is no scale set ${d.id} in this tenant.`,
  },
  'skill.not_found': {
    kind: 'not_found',
    message: (d: { id: string }) => `There is no skill ${d.id} in this tenant.`,
  },
  'skill.award_not_found': {
    kind: 'not_found',
    message: (d: { id: string }) => `This user has no skill award ${d.id}.`,
  },
  'skill.level_not_found': {
    kind: 'not_found',
    message: (d: { id: string }) => `The scale of this skill has no level ${d.id}. Name one of the scale's own levels.`,
  },
  'skill.other_catalog': {
    kind: 'not_found',
    message: (d: { id: string; catalog: string }) =>
      `The skill ${d.id} does not belong to the catalog ${d.catalog}. Name the skill's own catalog, or a skill of this catalog.`,
  },
  'skill.in_use': {
    kind: 'conflict',
    message: (d: { awards: number }) =>
      `The skill was awarded ${d.awards === 1 ? 'once' : `${d.awards} times`} and stays in the transcripts. You can only delete a skill, or change its scale, if it was never awarded.`,
  },
  'scale_set.other_catalog': {
    kind: 'conflict',
    message: (d: { id: string }) =>
      `The scale set ${d.id} belongs to another catalog. Name a scale set of the same catalog, or one for all catalogs.`,
  },
  'scale_set.in_use': {
    kind: 'conflict',
    message: (d: { skills: number }) =>
      `${d.skills} skill${d.skills === 1 ? ' uses' : 's use'} this scale. Delete ${d.skills === 1 ? 'it' : 'them'} first, or move ${d.skills === 1 ? 'it' : 'them'} to another scale.`,
  },
  'scale_set.level_in_use': {
    kind: 'conflict',
    message: (d: { value: number }) =>
      `Skills were awarded at the level with the value ${d.value}, so this level must stay. You can change its title, but not its value.`,
  },
  'skill.held': {
    kind: 'conflict',
    message: () => 'The user already holds this skill at this level. To award it again, revoke it first.',
  },
  'skill.not_held': {
    kind: 'not_found',
    message: () => 'There is nothing to revoke: the user was never awarded this skill at this level.',
  },
  'skill.revoked': {
    kind: 'conflict',
    message: (d: { revokedAt: string }) =>
      `This skill was already revoked from the user at ${d.revokedAt}. If that was wrong, award it again.`,
  },
  'enrollment.not_completed': {
    kind: 'conflict',
    message: (d: { of: 'course' | 'training plan' }) =>
      `There is nothing to certify: the user has not completed this ${d.of}. Record the completion first.`,
  },
  'enrollment.not_found': {
    kind: 'not_found',
    message: (d: { id: string }) => `There is no enrollment ${d.id} in this tenant.`,
  },
  'enrollment.not_enrolled': {
    kind: 'not_found',
    message: (d: { in: 'course' | 'training plan' }) =>
      `The user is not enrolled in this ${d.in}. Enroll the user first, or check the transcript.`,
  },
  'enrollment.completed': {
    kind: 'conflict',
    message: (d: { of: 'course' | 'training plan' }) =>
      `The user has already completed this ${d.of}. To complete it again, unenroll and enroll the user first.`,
  },
  'enrollment.active': {
    kind: 'conflict',
    message: (d: { id: string }) =>
      `The enrollment ${d.id} is active, and an active enrollment cannot be purged. Unenroll the user first.`,
  },
  'enrollment.exists': {
    kind: 'conflict',
    message: (d: { in: 'course' | 'training plan' }) => `The user is already enrolled in this ${d.in}.`,
  },
  'issued_certificate.not_found': {
    kind: 'not_found',
    message: (d: { id: string }) => `This tenant has issued no certificate ${d.id} to a learner.`,
  },
  'tenant.not_found': {
    kind: 'not_found',
    message: (d: { tenant: string }) => `There is no tenant ${d.tenant}.`,
    hint: () => '"lethe tenant list" lists the tenants.',
  },
  'tenant.needed': {
    kind: 'input',
    message: (d: { count: number }) => (d.count === 0 ? 'There is no tenant yet.' : `There are ${d.count} tenants.`),
    hint: (d: { count: number }) =>
      d.count === 0
        ? 'Create one with "lethe tenant create NAME", or run "lethe demo".'
        : 'Name one with --tenant or LETHE_TENANT; "lethe tenant list" lists the tenants.',
  },
  'tenant.name_taken': {
    kind: 'conflict',
    message: () => 'A tenant with this name already exists. Choose another name.',
  },
  'erasure.not_found': {
    kind: 'not_found',
    message: (d: { request: string }) => `There is no erasure request ${d.request} in this tenant.`,
    hint: () => '"lethe erasure list" lists the requests.',
  },
  'erasure.none': {
    kind: 'not_found',
    message: () => 'This tenant has no erasure request yet.',
    hint: () => '"lethe purge" makes one.',
  },
  'erasure.wrong_state': {
    kind: 'conflict',
    message: (d: { act: string; state: string; needed: string }) =>
      `An erasure request that is ${d.state} cannot be ${d.act}; it must be ${d.needed}.`,
  },
  'erasure.no_subjects': {
    kind: 'input',
    message: () => 'The erasure request names no person. Name at least one.',
  },
  'erasure.other_people': {
    kind: 'conflict',
    message: (d: { expected: number; found: number }) =>
      `The erasure request would cover ${d.found} ${d.found === 1 ? 'person' : 'people'}, not ${d.expected}. Nothing was requested. Preview it again.`,
  },
  'erasure.incomplete': {
    kind: 'failed',
    message: (d: { request: string; state: string; reasons: string[] }) =>
      `Erasure request ${d.request} ended ${d.state}: ${d.reasons.join('; ')}.`,
    hint: (d: { request: string }) =>
      `"lethe erasure show ${d.request}" shows the steps, "lethe erasure retry ${d.request}" continues from there.`,
  },
  'certificate.not_found': {
    kind: 'not_found',
    message: (d: { request: string }) => `Erasure request ${d.request} has no certificate yet.`,
    hint: (d: { request: string }) => `"lethe erasure show ${d.request}" shows the progress.`,
  },
  'certificate.invalid': {
    kind: 'failed',
    message: (d: { reason: string }) => `The certificate does not verify: ${d.reason}.`,
  },
  'certificate.search_outstanding': {
    kind: 'outstanding',
    message: (d: { request: string }) =>
      `The people of erasure request ${d.request} are erased; the search for residual data is outstanding.`,
    hint: (d: { request: string }) => `Get the file again when "lethe erasure show ${d.request}" shows completed.`,
  },
  'certificate.found': {
    kind: 'found',
    message: (d: { request: string; findings: number; failed: number }) =>
      `Residual data was found in ${d.findings} ${d.findings === 1 ? 'place' : 'places'}, and ${d.failed} ${d.failed === 1 ? 'person was' : 'people were'} not erased.`,
    hint: (d: { request: string }) =>
      `"lethe erasure show ${d.request}" shows why, and "lethe erasure retry ${d.request}" tries again.`,
  },
  'certificate.salt_needed': {
    kind: 'input',
    message: () =>
      'This certificate is about an anonymization. It names people under a salt, which was shown once, with the erasure request.',
    hint: () => 'Give the salt with --salt.',
  },
  'certificate.no_salt': {
    kind: 'input',
    message: (_: { request: string }) =>
      'This certificate is about a purge. It names people under a key of the tenant, not under a salt.',
    hint: (d: { request: string }) => `Ask the installation that has the key: "lethe certificate check ${d.request}".`,
  },
  'export.folder_unusable': {
    kind: 'input',
    message: (d: { folder: string; reason: string }) =>
      `The export cannot be written to the folder ${d.folder}: ${d.reason}. Name an empty folder, or one that does not exist yet.`,
  },
  'export.file_unusable': {
    kind: 'input',
    message: (d: { file: string; reason: string }) =>
      `The export cannot be written to the file ${d.file}: ${d.reason}. Name a file that does not exist yet.`,
  },
  'export.not_found': {
    kind: 'not_found',
    message: (d: { id: string }) =>
      `This tenant keeps no export ${d.id}. An erasure destroys the exports of the person.`,
    hint: () => '"lethe export list" lists the kept exports.',
  },
  'export.expired': {
    kind: 'not_found',
    message: (d: { id: string }) => `The export ${d.id} has expired, and its content is destroyed. Request a new one.`,
  },
  'export.withdrawn': {
    kind: 'not_found',
    message: (d: { id: string }) =>
      `The content of export ${d.id} is destroyed, because a person who may be named in it was erased. Request a new one.`,
  },
  'export.outdated': {
    kind: 'conflict',
    message: (d: { id: string }) =>
      `A person who may be named in export ${d.id} was erased while the export was written. Workers write it again.`,
  },
  'export.not_ready': {
    kind: 'conflict',
    message: (d: { id: string; state: string }) => `The export ${d.id} cannot be downloaded yet: it is ${d.state}.`,
    hint: () => 'Workers ("lethe serve") write it; "lethe export list" shows the progress.',
  },
  'export.failed': {
    kind: 'failed',
    message: (d: { id: string; reason: string }) => `The export ${d.id} failed (${d.reason}).`,
    hint: () => 'Workers ("lethe serve") try again by themselves; "lethe export list" shows the progress.',
  },
  'export.damaged': {
    kind: 'failed',
    message: (d: { id: string }) => `The kept content of the export ${d.id} is damaged.`,
    hint: (d: { id: string }) => `Delete it with "lethe export delete ${d.id}" and request a new one.`,
  },
  'ledger.damaged': {
    kind: 'input',
    message: (d: { file: string; reason: string }) => `The ledger ${d.file} cannot be trusted: ${d.reason}.`,
    hint: () => 'Take another copy, or export it again with "lethe ledger export".',
  },
  'ledger.other_master_key': {
    kind: 'environment',
    message: (d: { file: string }) =>
      `The ledger ${d.file} was sealed with another master key. Set LETHE_MASTER_KEY to the key of the installation that exported it.`,
  },
  'ledger.incomplete': {
    kind: 'failed',
    message: (d: { left: number; requests: string[] }) =>
      `${d.left} ${d.left === 1 ? 'person was' : 'people were'} not erased by the replay${
        d.requests.length === 0 ? '' : ` (${d.requests.length === 1 ? 'request' : 'requests'} ${listed(d.requests)})`
      }.`,
    hint: () =>
      '"lethe erasure show REQUEST" shows the reasons. Fix the causes, run "lethe erasure retry REQUEST", then replay the ledger again.',
  },
  'audit.altered': {
    kind: 'failed',
    message: (d: { problems: number }) =>
      `The audit trail was changed after it was sealed: ${d.problems} ${d.problems === 1 ? 'problem was' : 'problems were'} found. Compare it with an earlier export or backup to see what changed.`,
  },
  'sweep.open_findings': {
    kind: 'failed',
    message: (d: { findings: number; unreadable: string[] }) =>
      [
        ...(d.findings === 0 ? [] : [`${d.findings} ${d.findings === 1 ? 'finding is' : 'findings are'} open.`]),
        ...(d.unreadable.length === 0
          ? []
          : [
              `The sweep may not read ${listed(d.unreadable)}. Grant select to lethe_auditor, with a policy where row level security is on.`,
            ]),
      ].join(' '),
    hint: (d: { findings: number }) =>
      d.findings === 0 ? undefined : '"lethe sweep --fix" erases what the data map covers.',
  },
  'import.changed_file': {
    kind: 'conflict',
    message: (d: { file: string }) => `The part of ${d.file} that an earlier run imported has changed since then.`,
    hint: () => 'Import the file under another --source name, or restore it.',
  },
  'import.overtaken': {
    kind: 'conflict',
    message: (d: { file: string }) =>
      `Another import of ${d.file} into this tenant is running. Wait until it has finished, then repeat the command.`,
  },
  'import.rejected_rows': {
    kind: 'failed',
    message: (d: { rejected: number; read: number; dryRun: boolean }) =>
      `${d.rejected} of ${d.read} row${d.read === 1 ? '' : 's'} ${d.rejected === 1 ? 'was' : 'were'} rejected; the others ${d.dryRun ? 'would be' : 'were'} imported. Fix ${d.rejected === 1 ? 'it' : 'them'} and import the file again; imported rows are not changed.`,
  },
  'import.disturbed': {
    kind: 'conflict',
    message: () =>
      'Other changes to the same users keep interrupting the import. Nothing was imported. Repeat the command when those changes are done.',
  },
  'output.file_unwritable': {
    kind: 'input',
    message: (d: { file: string; reason: string }) => `The file ${d.file} cannot be written: ${d.reason}.`,
  },
  'database.unreachable': {
    kind: 'environment',
    message: (d: { address: string; reason: string }) =>
      `No PostgreSQL server answers at ${d.address} (${d.reason}). Check that it runs and that DATABASE_URL is right.`,
  },
  'database.refused': {
    kind: 'environment',
    message: (d: { address: string; reason: string }) =>
      `The PostgreSQL server at ${d.address} refuses the connection: ${d.reason}. Check the user, the password and the database in the connection string.`,
  },
  'database.busy': {
    kind: 'unavailable',
    message: (d: { connections: number; seconds: number }) =>
      `All ${d.connections} connections to the database were in use for ${d.seconds} seconds. Try again in a few seconds; if it happens often, raise LETHE_DATABASE_CONNECTIONS.`,
  },
  'database.tenant_busy': {
    kind: 'unavailable',
    message: (d: { connections: number; seconds: number }) =>
      `Requests of this tenant used all ${d.connections} database connections that one tenant may have, for ${d.seconds} seconds. Try again in a few seconds; if it happens often, send fewer requests at a time, or raise LETHE_DATABASE_CONNECTIONS.`,
  },
  'database.no_answer': {
    kind: 'unavailable',
    message: (d: { seconds: number }) =>
      `The database did not answer within ${d.seconds} seconds. Try again in a few seconds; if it fails again, check the database server and the network.`,
  },
  'database.no_connection_left': {
    kind: 'unavailable',
    message: () =>
      'The database server accepts no more connections. Try again in a few seconds; if it happens often, raise max_connections of PostgreSQL, or lower LETHE_DATABASE_CONNECTIONS of Lethe.',
  },
  'database.lock_timeout': {
    kind: 'unavailable',
    message: () =>
      'Another change locks rows that this one needs, and did not end in time. This step was rolled back. Try again when the other change, such as an import or an erasure, has ended.',
  },
  'database.statement_timeout': {
    kind: 'unavailable',
    message: () =>
      'The database reached the time limit for this step, or an administrator stopped it. This step was rolled back. Ask for less at a time, or try again later; LETHE_STATEMENT_TIMEOUT sets the limit.',
  },
  'database.disk_full': {
    kind: 'unavailable',
    message: () =>
      'The disk of the database is full. This step was rolled back. Free space on that disk, or make it larger; then try again.',
  },
  'database.read_only': {
    kind: 'unavailable',
    message: () =>
      'The database accepts no changes at the moment: it is a standby, or it is set to read-only. Connect to the primary server, or end the read-only mode; then try again.',
  },
  'service.not_ready': {
    kind: 'unavailable',
    message: (d: { reasons: string[] }) => d.reasons.join(' '),
  },
  'database.too_old': {
    kind: 'environment',
    message: (d: { version: string }) =>
      `The PostgreSQL server is version ${d.version}; Lethe needs 15 or newer. Upgrade it, or unset DATABASE_URL to use the embedded server.`,
  },
  'database.encoding': {
    kind: 'environment',
    message: (d: { encoding: string }) =>
      `The database has the encoding ${d.encoding}; Lethe needs UTF8, to store names in any script. Create a database with: create database … encoding 'UTF8' template template0; and move the data there with pg_dump and pg_restore.`,
  },
  'database.locale': {
    kind: 'environment',
    message: (d: { locale: string }) =>
      `The database has the locale ${d.locale}, which knows ASCII letters only. Searches in texts would be slow and would miss capital letters. Create a database with: create database … locale 'C.UTF-8' template template0; and move the data there with pg_dump and pg_restore.`,
  },
  'database.extension_missing': {
    kind: 'environment',
    message: (d: { extension: string; role: string }) =>
      `The role ${d.role} may not create the extension ${d.extension}. Run in this database as a superuser: create extension ${d.extension}; then repeat the command.`,
  },
  'database.role_missing': {
    kind: 'environment',
    message: (d: { role: string; login: string }) =>
      `The role ${d.role} does not exist, and ${d.login} may not create roles. Run as a superuser: create role ${d.role} nologin; then repeat the command.`,
  },
  'database.not_migrated': {
    kind: 'environment',
    message: (d: { pending: number }) => `${d.pending} migration${d.pending === 1 ? ' is' : 's are'} pending.`,
    hint: () => `Run "lethe db migrate" with the owner's connection string.`,
  },
  'database.newer_schema': {
    kind: 'environment',
    message: (d: { migration: string }) =>
      `The database has the migration ${d.migration}, which this version of Lethe does not know. Start the version that applied it, or a newer one.`,
  },
  'database.changed_migration': {
    kind: 'environment',
    message: (d: { migration: string }) =>
      `The file of the migration ${d.migration} has changed since the migration was applied. Restore the file, and put the change into a new migration.`,
  },
  'database.owner_missing': {
    kind: 'environment',
    message: () =>
      'DATABASE_OWNER_URL is not set. Migrations run as the owner of the tables: set it to the connection string of a role that may create tables, roles and extensions.',
  },
  'database.rewrite_owner_missing': {
    kind: 'environment',
    message: () =>
      'DATABASE_OWNER_URL is not set. Only the owner of the tables can rewrite them, and that role should own the database too: set it to that connection string.',
  },
  'database.not_owner': {
    kind: 'environment',
    message: (d: { table: string; login: string }) =>
      `The role ${d.login} may not rewrite ${d.table}. Set DATABASE_OWNER_URL to the owner of the tables, and make that role the owner of the database too ("alter database NAME owner to ROLE").`,
  },
  'database.table_busy': {
    kind: 'unavailable',
    message: (d: { table: string }) =>
      `Table ${d.table} was in use all the time, so it was not rewritten. Repeat the command when the load is lower; rewritten tables are not rewritten again.`,
  },
  'database.rewrite_running': {
    kind: 'conflict',
    message: () => 'Another command is already rewriting the tables of this database.',
    hint: () => '"lethe db status" shows the progress. Repeat the command when that one has ended.',
  },
  'database.dead_rows_held': {
    kind: 'unavailable',
    message: (d: { tables: string[] }) =>
      `Deleted rows cannot be removed yet from ${listed(d.tables)}: an older transaction, a prepared transaction, a replication slot or a replica may still read them. End it (pg_stat_activity, pg_prepared_xacts, pg_replication_slots), then repeat the command.`,
  },
  'database.no_room': {
    kind: 'environment',
    message: (d: { table: string; needed: number; free: number }) =>
      `Rewriting ${d.table} needs ${Math.ceil(d.needed / 2 ** 20)} MiB on the disk; ${Math.floor(d.free / 2 ** 20)} MiB are free. Free some space, then repeat the command.`,
  },
  'database.privileged_login': {
    kind: 'environment',
    message: (d: { login: string; why: string }) =>
      `The login ${d.login} ${d.why}, so it could read the data of all tenants. Put this connection string into DATABASE_OWNER_URL and an ordinary login into DATABASE_URL.`,
    hint: () => 'Then run "lethe db migrate", which creates that login and grants its rights.',
  },
  'mail.sender_missing': {
    kind: 'environment',
    message: () =>
      'LETHE_SMTP_URL is set, but LETHE_MAIL_FROM is not. Set LETHE_MAIL_FROM to the address that sends the e-mails.',
  },
  'mail.sender_invalid': {
    kind: 'environment',
    message: (d: { expected: string }) =>
      `LETHE_MAIL_FROM is not valid: ${d.expected}. Examples: lethe@example.org, or Lethe <lethe@example.org>.`,
  },
  'mail.url_invalid': {
    kind: 'environment',
    message: () =>
      'LETHE_SMTP_URL is not valid. An example is smtp://user:password@host:587; use smtps:// for a server that uses TLS from the start.',
  },
  'data_folder.in_use': {
    kind: 'environment',
    message: (d: { folder: string; pid: number }) => `The data folder ${d.folder} is in use by process ${d.pid}.`,
    hint: () => 'Stop that process first, or name another folder with --data or LETHE_DATA.',
  },
  'data_folder.unusable': {
    kind: 'environment',
    message: (d: { folder: string; reason: string }) => `The data folder ${d.folder} cannot be used: ${d.reason}.`,
    hint: () => 'Name another one with --data or LETHE_DATA.',
  },
  'embedded.failed': {
    kind: 'environment',
    message: (d: { log: string; reason: string }) =>
      `The embedded PostgreSQL server did not start: ${d.reason}. Its log is ${d.log}. Or set DATABASE_URL to a server of your own.`,
  },
  'embedded.not_stopped': {
    kind: 'environment',
    message: (d: { log: string; reason: string }) =>
      `The embedded PostgreSQL server did not stop: ${d.reason}. Its log is ${d.log}. The next command on this data folder connects to it and tries again.`,
  },
  'embedded.unsupported_platform': {
    kind: 'environment',
    message: (d: { platform: string; reason: string }) =>
      `Lethe has no embedded PostgreSQL server for ${d.platform}: ${d.reason}. Set DATABASE_URL to a server of your own.`,
  },
  'embedded.programs_unusable': {
    kind: 'environment',
    message: (d: { folder: string; user: string; reason: string }) =>
      `The system user ${d.user} cannot run the programs of the embedded PostgreSQL server in ${d.folder}: ${d.reason}. Move Lethe to a folder that every user may enter, run it as an ordinary user, or set DATABASE_URL to a server of your own.`,
  },
  'embedded.no_system_user': {
    kind: 'environment',
    message: (d: { user: string; reason: string }) =>
      `PostgreSQL does not run as root, and Lethe cannot create the system user ${d.user}: ${d.reason}. Create that user, run Lethe as an ordinary user, or set DATABASE_URL to a server of your own.`,
  },
  'embedded.other_version': {
    kind: 'environment',
    message: (d: { folder: string; found: string; brought: string }) =>
      `The data folder ${d.folder} belongs to PostgreSQL ${d.found}, but this version of Lethe contains PostgreSQL ${d.brought}.`,
    hint: () =>
      'Start the version of Lethe that made the folder, dump the database there, and restore the dump into another data folder (--data or LETHE_DATA).',
  },
  'master_key.invalid': {
    kind: 'environment',
    message: () => 'LETHE_MASTER_KEY is not 32 bytes in base64. Make a key with: openssl rand -base64 32.',
  },
  'master_key.missing': {
    kind: 'environment',
    message: () =>
      'LETHE_MASTER_KEY is not set. With a server of your own, Lethe does not store the master key. Make a key with "openssl rand -base64 32" and store it apart from the database.',
  },
  'master_key.wrong': {
    kind: 'environment',
    message: () =>
      'This database was encrypted with another master key. Set LETHE_MASTER_KEY to the key that this database was first used with.',
  },
  'access.unauthenticated': {
    kind: 'unauthenticated',
    // One answer for a credential that is missing, unknown, wrong, expired or revoked: it must not tell which.
    message: (_: { challenge: 'Basic' | 'Bearer' | 'session' }) =>
      'No valid credential was sent. Send an API key, a token that is not expired, or sign in.',
  },
  'access.sign_in_failed': {
    kind: 'unauthenticated',
    message: () => 'The name or the password is wrong, or the account may not sign in.',
  },
  'access.too_many_attempts': {
    kind: 'rate_limited',
    message: (d: { retryAfter: number }) =>
      `Too many sign-in attempts failed. Wait ${d.retryAfter} ${d.retryAfter === 1 ? 'second' : 'seconds'}, then try again.`,
  },
  'access.csrf': {
    kind: 'forbidden',
    message: () =>
      'The CSRF token is missing, or does not belong to this session. Send the token that the sign-in returned.',
  },
  'access.forbidden': {
    kind: 'forbidden',
    message: (d: { permission: string; roles: string[]; scopes: string[] }) =>
      `This credential does not have the permission ${d.permission}. ${[
        ...(d.roles.length === 0 ? [] : [`the role ${d.roles.join(' or ')}`]),
        ...(d.scopes.length === 0 ? [] : [`the scope ${d.scopes.join(' or ')}`]),
      ]
        .join(', or ')
        .replace(/^./, (first) => first.toUpperCase())} grants it.`,
  },
  'access.beyond_own': {
    kind: 'forbidden',
    message: (d: { permissions: string[] }) =>
      `This would grant permissions that you do not have yourself: ${listed(d.permissions)}. Ask a person who has them, such as an administrator.`,
  },
  'request.malformed': {
    kind: 'malformed',
    message: (d: { reason: string }) => `The request cannot be read: ${d.reason}.`,
  },
  'request.too_large': {
    kind: 'too_large',
    message: (d: { limit: number }) =>
      `The body is larger than the limit of ${d.limit.toLocaleString('en-US')} bytes. Send less at a time.`,
  },
  'request.unsupported_media_type': {
    kind: 'unsupported_media_type',
    message: () => 'This content type is not supported. Send JSON, with the header "Content-Type: application/json".',
  },
  'request.unsupported_charset': {
    kind: 'unsupported_media_type',
    message: () => 'This charset is not supported. Send UTF-8.',
  },
  'request.unknown_route': {
    kind: 'not_found',
    message: () => 'There is no route at this address. /docs lists the routes.',
  },
  'request.method_not_allowed': {
    kind: 'method_not_allowed',
    message: (d: { allowed: string[] }) => `This address supports ${d.allowed.join(', ')} only.`,
  },
  'request.rate_limited': {
    kind: 'rate_limited',
    message: (d: { retryAfter: number }) =>
      `Too many requests. Try again in ${d.retryAfter} ${d.retryAfter === 1 ? 'second' : 'seconds'}.`,
  },
  'idempotency.other_request': {
    kind: 'input',
    message: () =>
      'This Idempotency-Key was used for another request within the last day. Use a new key for a new request.',
  },
  'idempotency.erased': {
    kind: 'conflict',
    message: () =>
      'The person whom the first request with this Idempotency-Key was about has been erased. Use a new key.',
  },
  'server.address_unusable': {
    kind: 'environment',
    message: (d: { host: string; port: number; reason: string }) =>
      `The server cannot listen on ${d.host}, port ${d.port}: ${d.reason}.`,
    hint: () => 'Name another address with --host and --port.',
  },
  'server.public_url_invalid': {
    kind: 'environment',
    message: () => 'The public address is not valid.',
    hint: () =>
      'Give --public-url or LETHE_PUBLIC_URL a value such as https://lethe.example.org. Add a path only if a proxy adds one; leave out query and fragment.',
  },
  'service.unavailable': {
    kind: 'unavailable',
    message: () => 'The server cannot process this request at the moment. Try again in a few seconds.',
  },
  'key.not_found': {
    kind: 'not_found',
    message: (d: { id: string }) => `There is no API key ${d.id} in this tenant.`,
    hint: () => '"lethe key list" lists the keys.',
  },
  'client.not_found': {
    kind: 'not_found',
    message: (d: { id: string }) => `There is no OAuth client ${d.id} in this tenant.`,
    hint: () => '"lethe client list" lists the clients.',
  },
  'operator.not_found': {
    kind: 'not_found',
    message: () => 'There is no operator with this name.',
    hint: () => '"lethe operator list" lists the operators.',
  },
  'operator.name_taken': {
    kind: 'conflict',
    message: () => 'An operator with this name already exists. Choose another name.',
  },
  // The codes of RFC 6749, section 5.2, behind the point.
  'oauth.invalid_request': {
    kind: 'input',
    message: (d: { missing: string }) => `The parameter ${d.missing} is missing.`,
  },
  'oauth.unsupported_grant_type': {
    kind: 'input',
    message: () => 'Only the grant type client_credentials is supported.',
  },
  'oauth.invalid_client': {
    kind: 'unauthenticated',
    message: () => 'This tenant has no client with this id and this secret.',
  },
  'oauth.invalid_scope': {
    kind: 'input',
    message: (d: { scopes: string[] }) => `The client does not have every requested scope. It has ${listed(d.scopes)}.`,
  },
  'internal.unexpected': {
    kind: 'failed',
    message: (d: { reason: string }) => `Internal error: ${d.reason}. This step was rolled back.`,
  },
} satisfies Record<string, ErrorEntry>

export type ErrorCode = keyof typeof errorTable
export type ErrorDetails<C extends ErrorCode> =
  Parameters<(typeof errorTable)[C]['message']> extends [infer D] ? D : undefined

/** An error that a caller can act on: a code of the table, and a sentence made from the details. */
export class LetheError<C extends ErrorCode = ErrorCode> extends Error {
  readonly code: C
  readonly kind: ErrorKind
  readonly details: ErrorDetails<C>
  /** Sentences for the reader of a terminal, who has the commands that they name; callers of an API do not have them. */
  readonly hint: string | undefined

  constructor(
    code: C,
    ...rest: ErrorDetails<C> extends undefined ? [undefined?, unknown?] : [ErrorDetails<C>, unknown?]
  ) {
    const [details, cause] = rest
    const entry: ErrorEntry = errorTable[code]
    super(entry.message(details as never), cause === undefined ? undefined : { cause })
    this.name = 'LetheError'
    this.code = code
    this.kind = entry.kind
    this.details = details as ErrorDetails<C>
    this.hint = entry.hint?.(details as never)
  }
}

/** Whether `error` has this code of the table; without a code, whether it has any. */
export function isLetheError<C extends ErrorCode>(error: unknown, code?: C): error is LetheError<C> {
  return error instanceof LetheError && (code === undefined || error.code === code)
}

/** A list that stays readable: the first ten items, and the number of the others. */
function listed(ids: string[]): string {
  return ids.length <= 10 ? ids.join(', ') : `${ids.slice(0, 10).join(', ')} and ${ids.length - 10} more`
}
