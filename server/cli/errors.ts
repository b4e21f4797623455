import { type HoldInForce, holdList } from '../holds/held-people.ts'
import { defineErrors, listed } from '../platform/errors.ts'

/** What is wrong with a command, and what makes its outcome a failure. */
export const commandError = defineErrors({
  'input.usage': {
    kind: 'input',
    message: (d: { reason: string }) => d.reason,
    hint: () => '"lethe --help" and "lethe COMMAND --help" list what you can use.',
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
  'erasure.incomplete': {
    kind: 'failed',
    message: (d: { request: string; state: string; reasons: string[]; changed: number; about: 'users' | 'contacts' }) =>
      `Erasure request ${d.request} ended ${d.state}: ${d.reasons.join('; ')}.`,
    hint: (d: { request: string; reasons: string[]; changed: number; about: 'users' | 'contacts' }) =>
      [
        `"lethe erasure show ${d.request}" shows the steps.`,
        ...(d.reasons.length > (d.changed > 0 ? 1 : 0)
          ? [`"lethe erasure retry ${d.request}" continues from there.`]
          : []),
        ...(d.changed === 0
          ? []
          : d.about === 'contacts'
            ? ['"lethe purge --contact ADDRESS" previews and purges the contact anew.']
            : [`"lethe erasure confirm ${d.request}" previews and erases those who changed.`]),
      ].join(' '),
  },
  'erasure.waiting': {
    kind: 'outstanding',
    message: (d: { request: string; state: string; gone: number; held: number; runAt: string | null }) => {
      const waits = {
        awaiting_approval: 'It waits for an approval: a person other than the requester must approve it.',
        scheduled: `It waits for the end of the cooling-off period${d.runAt === null ? '' : `, ${d.runAt}`}.`,
      }[d.state]
      const held = `A legal hold covers ${d.held} ${d.held === 1 ? 'person' : 'people'} of it.`
      return `Erasure request ${d.request} goes on later. ${waits ?? held} ${d.gone} ${d.gone === 1 ? 'person is' : 'people are'} erased so far.`
    },
    hint: (d: { request: string; state: string }) =>
      ({
        awaiting_approval: `"lethe erasure approve ${d.request} --as PERSON" approves it, "lethe erasure cancel ${d.request}" withdraws it.`,
        scheduled: `Workers ("lethe serve") start it then; "lethe erasure cancel ${d.request}" withdraws it.`,
      })[d.state] ??
      '"lethe hold list" shows the legal holds. After the release, workers ("lethe serve") go on by themselves.',
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
  'export.failed': {
    kind: 'failed',
    message: (d: { id: string; reason: string }) => `The export ${d.id} failed (${d.reason}).`,
    hint: () => 'Workers ("lethe serve") try again by themselves; "lethe export list" shows the progress.',
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
  'ledger.held': {
    kind: 'outstanding',
    message: (d: { held: number; holds: HoldInForce[] }) =>
      `The replay goes on later for ${d.held} ${d.held === 1 ? 'person' : 'people'}: the legal ${d.holds.length === 1 ? 'hold covers' : 'holds cover'} them: ${holdList(d.holds)}.`,
    hint: () => 'After "lethe hold release HOLD", workers ("lethe serve") go on by themselves.',
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
  'import.rejected_rows': {
    kind: 'failed',
    message: (d: { rejected: number; read: number; dryRun: boolean }) =>
      `${d.rejected} of ${d.read} row${d.read === 1 ? '' : 's'} ${d.rejected === 1 ? 'was' : 'were'} rejected; the others ${d.dryRun ? 'would be' : 'were'} imported. Fix ${d.rejected === 1 ? 'it' : 'them'} and import the file again; imported rows are not changed.`,
  },
  'output.file_unwritable': {
    kind: 'input',
    message: (d: { file: string; reason: string }) => `The file ${d.file} cannot be written: ${d.reason}.`,
  },
  'database.owner_missing': {
    kind: 'environment',
    message: () =>
      'DATABASE_OWNER_URL is not set. Migrations run as the owner of the tables: set it to the connection string of a role that may create tables, roles and extensions.',
  },
  'database.dead_rows_held': {
    kind: 'unavailable',
    message: (d: { tables: string[] }) =>
      `Deleted rows cannot be removed yet from ${listed(d.tables)}: an older transaction, a prepared transaction, a replication slot or a replica may still read them. End it (pg_stat_activity, pg_prepared_xacts, pg_replication_slots), then repeat the command.`,
  },
})
