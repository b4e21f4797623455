/**
 * The one table of errors. A code is stable (clients and scripts rely on it); a message names the field or the thing and
 * the way out, and never holds personal data: no value that a person could be recognised by goes into a detail.
 */

/** What went wrong, as a caller must tell it apart. The command line maps it to an exit code, HTTP to a status. */
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
  // Nobody signs in at the command line; these are there so that every kind has a code.
  unauthenticated: 7,
  forbidden: 8,
  rate_limited: 9,
  // What a certificate that verifies does not say yet, or says against the erasure.
  outstanding: 10,
  found: 11,
}

type ErrorEntry = { kind: ErrorKind; message: (details: never) => string }

const errorTable = {
  'input.invalid': {
    kind: 'input',
    message: (d: { field: string; expected: string }) => `${d.field} is not valid: ${d.expected}.`,
  },
  'input.usage': {
    kind: 'input',
    message: (d: { reason: string }) => `${d.reason} "lethe --help" and "lethe COMMAND --help" show what there is.`,
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
    message: (d: { act: string }) =>
      `${d.act} cannot be undone and needs a yes. Answer at the prompt, or repeat the command with --yes.`,
  },
  'input.declined': {
    kind: 'failed',
    message: (d: { act: string }) => `${d.act} was declined: nothing was done.`,
  },
  'subject.no_selector': {
    kind: 'input',
    message: () =>
      'No person was named. Name one by exactly one of: id, directory object id, ref, login name, e-mail address.',
  },
  'subject.two_selectors': {
    kind: 'input',
    message: (d: { selectors: string[] }) =>
      `A person is named by exactly one selector; here are ${d.selectors.length}: ${d.selectors.join(', ')}.`,
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
          ? 'Purged and anonymized people cannot be found any more.'
          : `${d.formerly.length === 1 ? 'One user' : `${d.formerly.length} users`} had it before a change. If you mean that user, use the id (${listed(d.formerly)}).`
      }${
        d.similarIds === undefined
          ? ''
          : ` A similar one belongs to: ${listed(d.similarIds)}. Look at them before you act.`
      }`,
  },
  'user.taken': {
    kind: 'conflict',
    message: (d: { field: string }) => `Another user of this tenant has this ${d.field} already. Choose another one.`,
  },
  'user.taken_by_deleted': {
    kind: 'conflict',
    message: (d: { field: string; id: string }) =>
      `A deleted user of this tenant (id ${d.id}) has this ${d.field}. Restore that user, or purge or anonymize the user to free it.`,
  },
  'user.known_before': {
    kind: 'conflict',
    message: (d: { ids: string[] }) =>
      `An identifier of this user was that of a user who has another one now (id ${listed(d.ids)}). Change that user if it is the same person; say another_person (--another-person) if it is not.`,
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
    message: () =>
      'The person who was to do this has been erased meanwhile, and nothing was done. Repeat it as another person.',
  },
  'user.referred_erased': {
    kind: 'conflict',
    message: (d: { field: string }) =>
      `The person that ${d.field} refers to has been erased meanwhile, and nothing was done. Repeat it with another person, or without.`,
  },
  'odata.query': {
    kind: 'input',
    message: (d: { option: string; reason: string }) => `The query option ${d.option} is not valid: ${d.reason}.`,
  },
  'odata.entity_not_found': {
    kind: 'not_found',
    message: (d: { set: string }) =>
      `There is no such entity in ${d.set}. ${
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
    message: () => 'Another group of this tenant has this directory object id already.',
  },
  'notification.not_found': {
    kind: 'not_found',
    message: (d: { ids: string[] }) =>
      `This user has no notification ${listed(d.ids)}. "lethe notification list" shows them.`,
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
    message: (d: { id: string }) => `There is no award ${d.id} of a skill to this user.`,
  },
  'skill.level_not_found': {
    kind: 'not_found',
    message: (d: { id: string }) => `The scale of this skill has no level ${d.id}. Name one of the scale's own levels.`,
  },
  'skill.other_catalog': {
    kind: 'not_found',
    message: (d: { id: string; catalog: string }) =>
      `The skill ${d.id} belongs to another catalog than ${d.catalog}. Name the skill's own catalog, or a skill of this one.`,
  },
  'skill.in_use': {
    kind: 'conflict',
    message: (d: { awards: number }) =>
      `The skill was awarded ${d.awards === 1 ? 'once' : `${d.awards} times`}, and stays in the transcripts. Only a skill that nobody holds or held can be deleted or measured on another scale.`,
  },
  'scale_set.other_catalog': {
    kind: 'conflict',
    message: (d: { id: string }) =>
      `The scale set ${d.id} belongs to another catalog. Name one of the same catalog, or one that is for all catalogs.`,
  },
  'scale_set.in_use': {
    kind: 'conflict',
    message: (d: { skills: number }) =>
      `${d.skills} skill${d.skills === 1 ? ' is' : 's are'} measured on this scale. Delete ${d.skills === 1 ? 'it' : 'them'} first, or measure ${d.skills === 1 ? 'it' : 'them'} on another scale.`,
  },
  'scale_set.level_in_use': {
    kind: 'conflict',
    message: (d: { value: number }) =>
      `Skills were awarded at the level of the value ${d.value}, so it stays. Give it another title if you must; its value is what it is known by.`,
  },
  'skill.held': {
    kind: 'conflict',
    message: () => 'The user holds this skill at this level already. Revoke it first to award it anew.',
  },
  'skill.not_held': {
    kind: 'not_found',
    message: () => 'The user was never awarded this skill at this level, so there is nothing to revoke.',
  },
  'skill.revoked': {
    kind: 'conflict',
    message: (d: { revokedAt: string }) =>
      `This skill was revoked from the user at ${d.revokedAt} already. Award it again if that was wrong.`,
  },
  'enrollment.not_completed': {
    kind: 'conflict',
    message: (d: { of: 'course' | 'training plan' }) =>
      `The user has not completed this ${d.of}, so there is nothing to certify. Record the completion first.`,
  },
  'enrollment.not_found': {
    kind: 'not_found',
    message: (d: { id: string }) => `There is no enrollment ${d.id} in this tenant.`,
  },
  'enrollment.not_enrolled': {
    kind: 'not_found',
    message: (d: { in: 'course' | 'training plan' }) =>
      `The user is not enrolled in this ${d.in}. Enroll the user first, or look at the transcript.`,
  },
  'enrollment.completed': {
    kind: 'conflict',
    message: (d: { of: 'course' | 'training plan' }) =>
      `The user has completed this ${d.of} already. Unenroll and enroll the user again to complete it anew.`,
  },
  'enrollment.active': {
    kind: 'conflict',
    message: (d: { id: string }) =>
      `The enrollment ${d.id} is active, and only others can be purged. Unenroll the user first.`,
  },
  'enrollment.exists': {
    kind: 'conflict',
    message: (d: { in: 'course' | 'training plan' }) => `The user is enrolled in this ${d.in} already.`,
  },
  'issued_certificate.not_found': {
    kind: 'not_found',
    message: (d: { id: string }) => `There is no certificate ${d.id} of a learner in this tenant.`,
  },
  'tenant.not_found': {
    kind: 'not_found',
    message: (d: { tenant: string }) => `There is no tenant ${d.tenant}. "lethe tenant list" shows them.`,
  },
  'tenant.needed': {
    kind: 'input',
    message: (d: { count: number }) =>
      d.count === 0
        ? 'There is no tenant yet. Create one with "lethe tenant create NAME", or run "lethe demo".'
        : `There are ${d.count} tenants. Name one with --tenant or LETHE_TENANT; "lethe tenant list" shows them.`,
  },
  'tenant.name_taken': {
    kind: 'conflict',
    message: () => 'A tenant of this name exists already. Choose another name.',
  },
  'erasure.not_found': {
    kind: 'not_found',
    message: (d: { request: string }) =>
      `There is no erasure request ${d.request} in this tenant. "lethe erasure list" shows them.`,
  },
  'erasure.none': {
    kind: 'not_found',
    message: () => 'Nothing was erased in this tenant yet. "lethe purge" does it.',
  },
  'erasure.wrong_state': {
    kind: 'conflict',
    message: (d: { act: string; state: string; needed: string }) =>
      `A request that is ${d.state} cannot be ${d.act}; it must be ${d.needed}.`,
  },
  'erasure.no_subjects': {
    kind: 'input',
    message: () => 'The request names nobody. Give at least one person.',
  },
  'erasure.other_people': {
    kind: 'conflict',
    message: (d: { expected: number; found: number }) =>
      `The request would be about ${d.found} ${d.found === 1 ? 'person' : 'people'}, not about ${d.expected}. Nothing was requested; look at the preview again.`,
  },
  'erasure.incomplete': {
    kind: 'failed',
    message: (d: { request: string; state: string; reasons: string[] }) =>
      `Request ${d.request} ended ${d.state}: ${d.reasons.join('; ')}. "lethe erasure show ${d.request}" has the steps, "lethe erasure retry ${d.request}" goes on from there.`,
  },
  'certificate.not_found': {
    kind: 'not_found',
    message: (d: { request: string }) =>
      `Request ${d.request} has no certificate yet. "lethe erasure show ${d.request}" says how far it is.`,
  },
  'certificate.invalid': {
    kind: 'failed',
    message: (d: { reason: string }) => `The certificate does not verify: ${d.reason}.`,
  },
  'certificate.search_outstanding': {
    kind: 'outstanding',
    message: (d: { request: string }) =>
      `The people of request ${d.request} are erased, and the search for what may be left is outstanding. Get the file again when "lethe erasure show ${d.request}" says completed.`,
  },
  'certificate.found': {
    kind: 'found',
    message: (d: { request: string; findings: number; failed: number }) =>
      `Something was found: ${d.findings} ${d.findings === 1 ? 'place' : 'places'} after the erasure, and ${d.failed} ${d.failed === 1 ? 'person' : 'people'} not erased. "lethe erasure show ${d.request}" tells why, and "lethe erasure retry ${d.request}" tries again.`,
  },
  'certificate.salt_needed': {
    kind: 'input',
    message: () =>
      'This certificate is of an anonymization: it names people under a salt that was shown once, when it was ordered. Give it with --salt.',
  },
  'certificate.no_salt': {
    kind: 'input',
    message: (d: { request: string }) =>
      `This certificate is of a purge: it names people under a key of the tenant, not under a salt. Ask the installation that has the key: "lethe certificate check ${d.request}".`,
  },
  'export.folder_unusable': {
    kind: 'input',
    message: (d: { folder: string; reason: string }) =>
      `The folder ${d.folder} cannot take the export: ${d.reason}. Name an empty folder, or one that does not exist yet.`,
  },
  'export.file_unusable': {
    kind: 'input',
    message: (d: { file: string; reason: string }) =>
      `The file ${d.file} cannot take the export: ${d.reason}. Name a file that does not exist yet.`,
  },
  'export.not_found': {
    kind: 'not_found',
    message: (d: { id: string }) =>
      `No export ${d.id} is kept in this tenant. "lethe export list" shows them; those of purged and anonymized people are destroyed.`,
  },
  'export.expired': {
    kind: 'not_found',
    message: (d: { id: string }) => `The export ${d.id} has expired, and its content is destroyed. Order a new one.`,
  },
  'export.withdrawn': {
    kind: 'not_found',
    message: (d: { id: string }) =>
      `The content of export ${d.id} is destroyed, because a person who may be named in it was erased. Order a new one.`,
  },
  'export.outdated': {
    kind: 'conflict',
    message: (d: { id: string }) =>
      `A person who may be named in export ${d.id} was erased while it was written. It is written again.`,
  },
  'export.not_ready': {
    kind: 'conflict',
    message: (d: { id: string; state: string }) =>
      `The export ${d.id} cannot be fetched yet: it is ${d.state}. Workers ("lethe serve") write it; "lethe export list" tells how far it is.`,
  },
  'export.failed': {
    kind: 'failed',
    message: (d: { id: string; reason: string }) =>
      `The export ${d.id} failed (${d.reason}). Workers ("lethe serve") try again by themselves; "lethe export list" tells how far it is.`,
  },
  'export.damaged': {
    kind: 'failed',
    message: (d: { id: string }) =>
      `The kept content of the export ${d.id} is damaged. Delete it with "lethe export delete ${d.id}" and order a new one.`,
  },
  'ledger.damaged': {
    kind: 'input',
    message: (d: { file: string; reason: string }) =>
      `The ledger ${d.file} cannot be trusted: ${d.reason}. Take another copy, or export it again with "lethe ledger export".`,
  },
  'ledger.other_master_key': {
    kind: 'environment',
    message: (d: { file: string }) =>
      `The ledger ${d.file} was not written under this master key. Set LETHE_MASTER_KEY to the key of the installation that exported it.`,
  },
  'ledger.incomplete': {
    kind: 'failed',
    message: (d: { left: number; requests: string[] }) =>
      `${d.left} ${d.left === 1 ? 'person is' : 'people are'} still there after the replay${
        d.requests.length === 0 ? '' : ` (${d.requests.length === 1 ? 'request' : 'requests'} ${listed(d.requests)})`
      }. "lethe erasure show REQUEST" has the reasons; mend them, "lethe erasure retry REQUEST", then replay again.`,
  },
  'audit.altered': {
    kind: 'failed',
    message: (d: { problems: number }) =>
      `The audit trail is not as it was sealed: ${d.problems} ${d.problems === 1 ? 'problem was' : 'problems were'} found. Compare with an export or a backup from before to see what was changed.`,
  },
  'sweep.open_findings': {
    kind: 'failed',
    message: (d: { findings: number; unreadable: string[] }) =>
      [
        ...(d.findings === 0
          ? []
          : [
              `${d.findings} ${d.findings === 1 ? 'finding is' : 'findings are'} open. "lethe sweep --fix" deals with what the data map reaches.`,
            ]),
        ...(d.unreadable.length === 0
          ? []
          : [
              `The sweep may not read ${listed(d.unreadable)}; grant select to lethe_auditor, with a policy where rows are separated.`,
            ]),
      ].join(' '),
  },
  'import.changed_file': {
    kind: 'conflict',
    message: (d: { file: string }) =>
      `The part of ${d.file} that an earlier run imported has changed since. Import it under its own --source name, or restore the file.`,
  },
  'import.overtaken': {
    kind: 'conflict',
    message: (d: { file: string }) =>
      `Another import of ${d.file} into this tenant runs at the same time. Let it finish, then repeat the command.`,
  },
  'import.rejected_rows': {
    kind: 'failed',
    message: (d: { rejected: number; read: number; dryRun: boolean }) =>
      `${d.rejected} of ${d.read} row${d.read === 1 ? '' : 's'} ${d.rejected === 1 ? 'was' : 'were'} rejected; the others ${d.dryRun ? 'would go' : 'went'} in. Mend ${d.rejected === 1 ? 'it' : 'them'} and import the file again: what went in stays as it is.`,
  },
  'import.disturbed': {
    kind: 'conflict',
    message: () =>
      'Others keep changing the same users while they are imported. Nothing was imported; repeat the command when they are done.',
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
      `Requests of this tenant had all ${d.connections} connections to the database that one tenant may have for ${d.seconds} seconds. Try again in a few seconds; if it happens often, send fewer at a time, or raise LETHE_DATABASE_CONNECTIONS.`,
  },
  'database.no_answer': {
    kind: 'unavailable',
    message: (d: { seconds: number }) =>
      `The database did not answer within ${d.seconds} seconds. Try again in a few seconds; if it stays so, check the database server and the network.`,
  },
  'database.no_connection_left': {
    kind: 'unavailable',
    message: () =>
      'The database server takes no more connections. Try again in a few seconds; if it happens often, raise max_connections there, or lower LETHE_DATABASE_CONNECTIONS here.',
  },
  'database.lock_timeout': {
    kind: 'unavailable',
    message: () =>
      'Another change holds what this one needs, and did not end in time. Nothing of this was kept. Try again when the other change, such as an import or an erasure, has ended.',
  },
  'database.statement_timeout': {
    kind: 'unavailable',
    message: () =>
      'The database took longer for this than it may, or an administrator cancelled it. Nothing of this was kept. Ask for less at a time, or try again later; LETHE_STATEMENT_TIMEOUT sets the limit.',
  },
  'database.disk_full': {
    kind: 'unavailable',
    message: () =>
      'The disk of the database is full. Nothing of this was kept. Free space on that disk, or make it larger; then try again.',
  },
  'database.read_only': {
    kind: 'unavailable',
    message: () =>
      'The database accepts no changes at the moment: it is a standby, or set to read-only. Connect to the primary server, or end the read-only mode; then try again.',
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
      `The database is encoded in ${d.encoding}; Lethe needs UTF8, or names in other scripts cannot be stored. Create a database with: create database … encoding 'UTF8' template template0; and move the data there with pg_dump and pg_restore.`,
  },
  'database.locale': {
    kind: 'environment',
    message: (d: { locale: string }) =>
      `The database has the locale ${d.locale}, which knows no letters but those of ASCII: searches in texts would read whole tables and overlook capital letters. Create a database with: create database … locale 'C.UTF-8' template template0; and move the data there with pg_dump and pg_restore.`,
  },
  'database.extension_missing': {
    kind: 'environment',
    message: (d: { extension: string; role: string }) =>
      `The role ${d.role} may not create the extension ${d.extension}. Let a superuser run: create extension ${d.extension}; in this database, then repeat the command.`,
  },
  'database.role_missing': {
    kind: 'environment',
    message: (d: { role: string; login: string }) =>
      `The role ${d.role} does not exist and ${d.login} may not create roles. Let a superuser run: create role ${d.role} nologin; then repeat the command.`,
  },
  'database.not_migrated': {
    kind: 'environment',
    message: (d: { pending: number }) =>
      `${d.pending} migration${d.pending === 1 ? ' is' : 's are'} pending. Run "lethe db migrate" with the owner's connection string.`,
  },
  'database.newer_schema': {
    kind: 'environment',
    message: (d: { migration: string }) =>
      `The database has the migration ${d.migration}, which this version of Lethe does not know. Start the version that made it, or a newer one.`,
  },
  'database.changed_migration': {
    kind: 'environment',
    message: (d: { migration: string }) =>
      `The migration ${d.migration} was applied with another content. Restore the file; a change needs a migration of its own.`,
  },
  'database.owner_missing': {
    kind: 'environment',
    message: () =>
      'DATABASE_OWNER_URL is not set. Migrations run as the owner of the tables: set it to the connection string of a role that may create tables, roles and extensions.',
  },
  'database.rewrite_owner_missing': {
    kind: 'environment',
    message: () =>
      'DATABASE_OWNER_URL is not set. Tables are rewritten by their owner, who should own the database too: set it to that connection string.',
  },
  'database.not_owner': {
    kind: 'environment',
    message: (d: { table: string; login: string }) =>
      `The role ${d.login} may not rewrite ${d.table}. Set DATABASE_OWNER_URL to the owner of the tables, who owns the database too ("alter database NAME owner to ROLE").`,
  },
  'database.table_busy': {
    kind: 'unavailable',
    message: (d: { table: string }) =>
      `Table ${d.table} is in use all the time, so it was not rewritten. Repeat the command when less is going on; what is rewritten stays so.`,
  },
  'database.rewrite_running': {
    kind: 'conflict',
    message: () =>
      'The tables of this database are being rewritten already. "lethe db status" shows how far that is; repeat the command when it has ended.',
  },
  'database.dead_rows_held': {
    kind: 'unavailable',
    message: (d: { tables: string[] }) =>
      `Rows that are deleted cannot be removed yet from ${listed(d.tables)}: a transaction that began before, a prepared transaction, a replication slot or a replica may still ask for them. End it (pg_stat_activity, pg_prepared_xacts, pg_replication_slots), then repeat the command.`,
  },
  'database.no_room': {
    kind: 'environment',
    message: (d: { table: string; needed: number; free: number }) =>
      `Rewriting ${d.table} needs ${Math.ceil(d.needed / 2 ** 20)} MiB of disk, and ${Math.floor(d.free / 2 ** 20)} MiB are free. Make room, then repeat the command.`,
  },
  'database.privileged_login': {
    kind: 'environment',
    message: (d: { login: string; why: string }) =>
      `The login ${d.login} ${d.why}, so it could read past the separation of tenants. Put that connection string into DATABASE_OWNER_URL, an ordinary login into DATABASE_URL, and run "lethe db migrate", which creates and equips it.`,
  },
  'mail.sender_missing': {
    kind: 'environment',
    message: () =>
      'LETHE_SMTP_URL is set and LETHE_MAIL_FROM is not. Set it to the address that e-mails are sent from.',
  },
  'mail.sender_invalid': {
    kind: 'environment',
    message: (d: { expected: string }) =>
      `LETHE_MAIL_FROM is not valid: ${d.expected}. It looks like lethe@example.org, or Lethe <lethe@example.org>.`,
  },
  'mail.url_invalid': {
    kind: 'environment',
    message: () =>
      'LETHE_SMTP_URL is not valid. It looks like smtp://user:password@host:587, or smtps:// for a server that speaks TLS from the start.',
  },
  'data_folder.in_use': {
    kind: 'environment',
    message: (d: { folder: string; pid: number }) =>
      `The data folder ${d.folder} is in use by process ${d.pid}. Stop that one first, or name another folder with --data or LETHE_DATA.`,
  },
  'data_folder.unusable': {
    kind: 'environment',
    message: (d: { folder: string; reason: string }) =>
      `The data folder ${d.folder} cannot be used: ${d.reason}. Name another one with --data or LETHE_DATA.`,
  },
  'embedded.failed': {
    kind: 'environment',
    message: (d: { log: string; reason: string }) =>
      `The embedded PostgreSQL server did not start: ${d.reason}. Its log is ${d.log}. Or set DATABASE_URL to a server of your own.`,
  },
  'embedded.not_stopped': {
    kind: 'environment',
    message: (d: { log: string; reason: string }) =>
      `The embedded PostgreSQL server did not stop: ${d.reason}. Its log is ${d.log}. The next command that uses this data folder joins it and tries again.`,
  },
  'embedded.unsupported_platform': {
    kind: 'environment',
    message: (d: { platform: string; reason: string }) =>
      `There is no embedded PostgreSQL server here for ${d.platform}: ${d.reason}. Set DATABASE_URL to a server of your own.`,
  },
  'embedded.programs_unusable': {
    kind: 'environment',
    message: (d: { folder: string; user: string; reason: string }) =>
      `The programs of the embedded PostgreSQL server in ${d.folder} cannot be run by the operating system's user ${d.user}: ${d.reason}. Move Lethe to a folder that every user may enter, run it as an ordinary user, or set DATABASE_URL to a server of your own.`,
  },
  'embedded.no_system_user': {
    kind: 'environment',
    message: (d: { user: string; reason: string }) =>
      `PostgreSQL does not run as root, and the operating system's user ${d.user} cannot be created: ${d.reason}. Create that user, run Lethe as an ordinary user, or set DATABASE_URL to a server of your own.`,
  },
  'embedded.other_version': {
    kind: 'environment',
    message: (d: { folder: string; found: string; brought: string }) =>
      `The data folder ${d.folder} was made by PostgreSQL ${d.found}, and this version of Lethe brings PostgreSQL ${d.brought}. Start the version of Lethe that made it, dump the database there and restore the dump into another data folder (--data or LETHE_DATA).`,
  },
  'master_key.invalid': {
    kind: 'environment',
    message: () => 'LETHE_MASTER_KEY is not 32 bytes in base64. Make one with: openssl rand -base64 32.',
  },
  'master_key.missing': {
    kind: 'environment',
    message: () =>
      'LETHE_MASTER_KEY is not set. With a server of your own, Lethe does not keep its master key: make one with "openssl rand -base64 32" and store it apart from the database.',
  },
  'master_key.wrong': {
    kind: 'environment',
    message: () =>
      'The master key does not open what this database holds under it. Set LETHE_MASTER_KEY to the key that the database was first used with.',
  },
  'access.unauthenticated': {
    kind: 'unauthenticated',
    // One answer for a credential that is missing, unknown, wrong, expired or revoked: it must not tell which.
    message: (_: { challenge: 'Basic' | 'Bearer' | 'session' }) =>
      'No valid credential was sent. Send an API key, a token that is not expired, or sign in.',
  },
  'access.sign_in_failed': {
    kind: 'unauthenticated',
    message: () => 'The name or the password is not right, or the account may not sign in.',
  },
  'access.too_many_attempts': {
    kind: 'rate_limited',
    message: (d: { retryAfter: number }) =>
      `Too many attempts to sign in failed. Wait ${d.retryAfter} ${d.retryAfter === 1 ? 'second' : 'seconds'}, then try again.`,
  },
  'access.csrf': {
    kind: 'forbidden',
    message: () =>
      'The CSRF token is missing or is not the one of this session. Send the token that the sign-in answered.',
  },
  'access.forbidden': {
    kind: 'forbidden',
    message: (d: { permission: string; roles: string[]; scopes: string[] }) =>
      `This credential does not have the permission ${d.permission}. ${[
        ...(d.roles.length === 0 ? [] : [`the role ${d.roles.join(' or ')}`]),
        ...(d.scopes.length === 0 ? [] : [`the scope ${d.scopes.join(' or ')}`]),
      ]
        .join(', or ')
        .replace(/^./, (first) => first.toUpperCase())} gives it.`,
  },
  'access.beyond_own': {
    kind: 'forbidden',
    message: (d: { permissions: string[] }) =>
      `This would give rights that you do not have yourself: ${listed(d.permissions)}. Ask a person who has them, such as an administrator.`,
  },
  'request.malformed': {
    kind: 'malformed',
    message: (d: { reason: string }) => `The request cannot be read: ${d.reason}.`,
  },
  'request.too_large': {
    kind: 'too_large',
    message: (d: { limit: number }) =>
      `The body is larger than the ${d.limit.toLocaleString('en-US')} bytes allowed here. Send less at a time.`,
  },
  'request.unsupported_media_type': {
    kind: 'unsupported_media_type',
    message: () => 'This content type is not read here. Send JSON, with the header "Content-Type: application/json".',
  },
  'request.unsupported_charset': {
    kind: 'unsupported_media_type',
    message: () => 'This charset is not read here. Send UTF-8, which is what JSON and forms are in.',
  },
  'request.unknown_route': {
    kind: 'not_found',
    message: () => 'There is nothing at this address. /docs shows what there is.',
  },
  'request.method_not_allowed': {
    kind: 'method_not_allowed',
    message: (d: { allowed: string[] }) => `This address takes ${d.allowed.join(', ')} only.`,
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
      'What the first request of this Idempotency-Key created is about a person who was erased since. Use a new key.',
  },
  'server.address_unusable': {
    kind: 'environment',
    message: (d: { host: string; port: number; reason: string }) =>
      `The server cannot listen on ${d.host}, port ${d.port}: ${d.reason}. Name another address with --host and --port.`,
  },
  'server.public_url_invalid': {
    kind: 'environment',
    message: () =>
      'The public address is not valid. Give it with --public-url or LETHE_PUBLIC_URL as https://lethe.example.org, with a path where a proxy puts one in front, and nothing behind it.',
  },
  'service.unavailable': {
    kind: 'unavailable',
    message: () => 'The server cannot answer at the moment. Try again in a few seconds.',
  },
  'key.not_found': {
    kind: 'not_found',
    message: (d: { id: string }) => `There is no API key ${d.id} in this tenant. "lethe key list" shows them.`,
  },
  'client.not_found': {
    kind: 'not_found',
    message: (d: { id: string }) => `There is no OAuth client ${d.id} in this tenant. "lethe client list" shows them.`,
  },
  'operator.not_found': {
    kind: 'not_found',
    message: () => 'There is no operator of this name. "lethe operator list" shows them.',
  },
  'operator.name_taken': {
    kind: 'conflict',
    message: () => 'An operator of this name exists already. Choose another name.',
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
    message: (d: { scopes: string[] }) =>
      `The client cannot have every scope that was asked for. It has ${listed(d.scopes)}.`,
  },
  'internal.unexpected': {
    kind: 'failed',
    message: (d: { reason: string }) => `Something failed that should not: ${d.reason}. Nothing of this step was kept.`,
  },
} satisfies Record<string, ErrorEntry>

export type ErrorCode = keyof typeof errorTable
export type ErrorDetails<C extends ErrorCode> =
  Parameters<(typeof errorTable)[C]['message']> extends [infer D] ? D : undefined

/** An error that a caller can act upon: a code of the table, and a sentence made from the details. */
export class LetheError<C extends ErrorCode = ErrorCode> extends Error {
  readonly code: C
  readonly kind: ErrorKind
  readonly details: ErrorDetails<C>

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
  }
}

/** Tells whether `error` is the error of the table with this code. */
export function isLetheError<C extends ErrorCode>(error: unknown, code?: C): error is LetheError<C> {
  return error instanceof LetheError && (code === undefined || error.code === code)
}

/** A list that stays readable: the first ten, and how many more. */
function listed(ids: string[]): string {
  return ids.length <= 10 ? ids.join(', ') : `${ids.slice(0, 10).join(', ')} and ${ids.length - 10} more`
}
