import type { Command } from 'commander'
import { type ContactPreview, previewContact } from '../../../erasure/contacts/preview-contact.ts'
import { requestContactErasure } from '../../../erasure/contacts/request-contact-erasure.ts'
import type { RequestedErasure } from '../../../erasure/requests/request-erasure.ts'
import { inputError } from '../../../platform/validation/errors.ts'
import { counted, formatTable } from '../../output.ts'
import { hasFilter, type SelectionOptions } from '../../selection-options.ts'
import { type TenantSession, withTenant } from '../../session.ts'

/** What `lethe purge --contact` and `lethe preview --contact` take. */
export type ContactOptions = { contact?: string }

/** Adds the option that names a contact. */
export function addContactOption(command: Command): Command {
  return command.option(
    '--contact <address>',
    'instead of a user: an e-mail address of a person who is no user of this tenant',
  )
}

/** The address of `--contact`; undefined without it. Throws `input.invalid` beside a selector of users. */
export function readContact(options: SelectionOptions & ContactOptions): string | undefined {
  const { contact, id, directoryObjectId, ref, login, email, file } = options
  if (contact === undefined) return undefined
  if ([id, directoryObjectId, ref, login, email, file].some((given) => given !== undefined) || hasFilter(options)) {
    throw inputError('input.invalid', {
      field: '--contact',
      expected: 'it names no user, so no option for users goes with it',
    })
  }
  return contact
}

/** `lethe preview --contact` */
export async function runContactPreview(command: Command, address: string): Promise<void> {
  await withTenant(command, async ({ run, output }) => {
    const preview = await run((tx) => previewContact(tx, address))
    const { plan, planExpiresAt } = preview
    output.result(
      { preview },
      () =>
        `${formatContactPreview(preview)}\n\nThe plan of this preview is valid until ${planExpiresAt.toISOString()}. To change only these rows, add:\n  --plan ${plan}`,
    )
  })
}

/**
 * `lethe purge --contact`, bound to the plan given or else to the preview that it makes. `finish` works on the request and
 * shows its result.
 */
export async function runContactPurge(
  command: Command,
  address: string,
  options: {
    yes?: boolean
    reason?: string
    plan?: string
    wait: boolean
    finish: (session: TenantSession, ordered: RequestedErasure) => Promise<void>
    show: (ordered: RequestedErasure) => string
  },
): Promise<void> {
  await withTenant(command, async (session) => {
    const { run, output } = session
    const preview = await run((tx) => previewContact(tx, address))
    if (options.yes !== true) output.note(formatContactPreview(preview))
    await output.requireConfirmed('The purge of this contact', { yes: options.yes === true })
    const plan = options.plan ?? preview.plan
    const ordered = await run((tx) => requestContactErasure(tx, { address, reason: options.reason, plan }))
    if (options.wait) await options.finish(session, ordered)
    else output.result(ordered, () => options.show(ordered))
  })
}

function formatContactPreview({ effects, blockedBy }: ContactPreview): string {
  const rows = effects.reduce((sum, effect) => sum + effect.rows, 0)
  if (rows === 0 && blockedBy.length === 0) {
    return 'No field that Lethe can read holds this address. A purge still destroys what the audit trail says about the contact, and certifies that nothing is left.'
  }
  const lines = [
    `A purge of this contact would change ${counted(rows, 'row')}:`,
    '',
    formatTable(effects, [
      { title: 'table', value: ({ table }) => table },
      { title: 'effect', value: ({ effect }) => effect },
      { title: 'rows', value: ({ rows: number }) => number, right: true },
    ]),
  ]
  if (blockedBy.length > 0) {
    const places = blockedBy.map(
      ({ table, column, rows: number, command }) =>
        `${table}.${column} (${counted(number, 'row')}${command === null ? '' : `, "${command}"`})`,
    )
    lines.push('', `The purge cannot rewrite these places: ${places.join(', ')}. Change the values there first.`)
  }
  return lines.join('\n')
}
