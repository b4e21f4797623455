import { type Command, Option } from 'commander'
import { deleteTenant } from '../../../erasure/tenants/delete-tenant.ts'
import { previewTenantDeletion, type TenantDeletionPreview } from '../../../erasure/tenants/preview-tenant-deletion.ts'
import { listTenantDeletions, readTenantDeletion } from '../../../erasure/tenants/read-tenant-deletions.ts'
import { findUser } from '../../../people/accounts/find-users.ts'
import { inTenant } from '../../../platform/database/transaction.ts'
import { renameTenant } from '../../../tenancy/rename-tenant.ts'
import { setTenantCreator } from '../../../tenancy/tenant-people.ts'
import {
  createTenant,
  findTenant,
  listTenants,
  type Tenant,
  type TenantKind,
  tenantKinds,
} from '../../../tenancy/tenants.ts'
import {
  type ReturningMembers,
  type ReturningRows,
  returningMembers,
  returningRows,
  type TenantSettingsChanges,
  updateTenant,
} from '../../../tenancy/update-tenant.ts'
import { commandName } from '../../command-name.ts'
import { helpText } from '../../help-text.ts'
import { formatFields, formatTable } from '../../output.ts'
import { withApplication, withTenant } from '../../session.ts'
import { addSubjectOptions, readSubject, type SubjectOptions } from '../../subject-options.ts'

/** `lethe tenant list|create|creator|update|delete|deletions` */
export function addTenantCommands(program: Command): void {
  const group = program
    .command('tenant')
    .description('list, create, change and delete the tenants of this installation')
    .addHelpText(
      'after',
      helpText({ examples: ['lethe tenant list', 'lethe tenant create "Acme"', 'lethe tenant update --tenant Acme'] }),
    )

  addList(group)
  addCreator(group)

  addDeleteCommands(group)

  group
    .command('create')
    .argument('<name>', 'the name; unique in this installation')
    .addOption(new Option('--kind <kind>', 'the kind of the tenant').choices(tenantKinds).default('enterprise'))
    .description('create a tenant')
    .addHelpText(
      'after',
      helpText({ examples: ['lethe tenant create "Acme"', 'lethe tenant create "Acme, a trial" --kind trial'] }),
    )
    .action(async (name: string, options: { kind: TenantKind }, command: Command) => {
      await withApplication(command, async ({ application, output }) => {
        const tenant: Tenant = await createTenant(application.database, { name, kind: options.kind })
        output.result({ tenant }, () => formatFields(tenant))
      })
    })
  addUpdateCommand(group)
}

function addUpdateCommand(group: Command): void {
  group
    .command('update')
    .description('change the settings of the tenant; without options, show them')
    .option('--name <name>', 'its name, unique in the installation')
    .option(
      '--surviving-field <name...>',
      'the custom fields that survive an anonymization; replaces the previous list',
    )
    .option('--no-surviving-field', 'let no custom field survive (the default)')
    .option(
      '--singled-out-below <number>',
      'the k-anonymity threshold: a preview warns if fewer people than this have the same values in the surviving fields',
    )
    .addOption(
      new Option(
        '--returning-members <what>',
        'what a synchronization does with purged members of a group: create new users, or block them',
      ).choices(returningMembers),
    )
    .addOption(
      new Option(
        '--returning-rows <what>',
        'what an import does with rows of purged people: skip them, or create new users',
      ).choices(returningRows),
    )
    .option('--erasure-due-days <number>', 'an erasure request is due so many days after it is made (at first 30)')
    .option('--approval-required', 'new erasure requests wait until a second person approves them')
    .option('--no-approval-required', 'new erasure requests need no approval (the default)')
    .option(
      '--cooling-off-hours <number>',
      'the hours that a new erasure request waits after it was made or approved; 0 for none (the default)',
    )
    .addHelpText(
      'after',
      helpText({
        examples: [
          'lethe tenant update',
          'lethe tenant update --returning-members block --no-surviving-field',
          'lethe tenant update --approval-required --cooling-off-hours 24',
          'lethe tenant update --tenant Acme --surviving-field division shift --singled-out-below 10',
        ],
      }),
    )
    .action(async (options: UpdateOptions, command: Command) => {
      await withTenant(command, async ({ run, output }) => {
        const settings = await run(async (tx) => {
          if (options.name !== undefined) await renameTenant(tx, options.name)
          return await updateTenant(tx, changesOf(options))
        })
        output.result({ tenant: settings }, () => formatFields(settings))
      })
    })
}

function addList(group: Command): void {
  group
    .command('list')
    .description('list the tenants, oldest first')
    .addHelpText('after', helpText({ examples: ['lethe tenant list', 'lethe tenant list --json'] }))
    .action(async (_options, command: Command) => {
      await withApplication(command, async ({ application, output }) => {
        const tenants = await listTenants(application.database)
        output.result({ tenants }, () =>
          formatTable(tenants, [
            { title: 'id', value: ({ id }) => id },
            { title: 'name', value: ({ name }) => name },
            { title: 'kind', value: ({ kind }) => kind },
            { title: 'created', value: ({ created_at }) => created_at },
            { title: 'note', value: (tenant) => (tenant.needs_administrator ? 'needs an administrator' : '') },
          ]),
        )
      })
    })
}

function addCreator(group: Command): void {
  addSubjectOptions(group.command('creator'), { many: false })
    .description('record which user created the tenant')
    .addHelpText(
      'after',
      helpText({
        notes: `
If an identity provider asks for the erasure of the creator of a trial tenant, all users of the trial are purged.`,
        examples: ['lethe tenant creator --tenant "Acme, a trial" --email ann@example.org'],
      }),
    )
    .action(async (options: SubjectOptions, command: Command) => {
      const selector = readSubject(options)
      await withTenant(command, async ({ run, output, tenant }) => {
        const id = await run(async (tx) => {
          const user = await findUser(tx, selector)
          await setTenantCreator(tx, user.id)
          return user.id
        })
        output.result({ tenant: tenant.id, created_by: id }, () => `User ${id} created ${tenant.name}.`)
      })
    })
}

/** The command line gives true where neither form of the option was used. */
type UpdateOptions = {
  name?: string
  survivingField?: string[] | boolean
  singledOutBelow?: string
  returningMembers?: ReturningMembers
  returningRows?: ReturningRows
  erasureDueDays?: string
  approvalRequired?: boolean
  coolingOffHours?: string
}

function changesOf(options: UpdateOptions): TenantSettingsChanges {
  return {
    ...(options.survivingField !== undefined &&
      options.survivingField !== true && {
        survivingFields: options.survivingField === false ? [] : options.survivingField,
      }),
    ...(options.singledOutBelow !== undefined && { singledOutBelow: Number(options.singledOutBelow) }),
    ...(options.approvalRequired !== undefined && { approvalRequired: options.approvalRequired }),
    ...(options.coolingOffHours !== undefined && { coolingOffHours: Number(options.coolingOffHours) }),
    ...(options.erasureDueDays !== undefined && { erasureDueDays: Number(options.erasureDueDays) }),
    ...(options.returningMembers !== undefined && { returningMembers: options.returningMembers }),
    ...(options.returningRows !== undefined && { returningRows: options.returningRows }),
  }
}

function addDeleteCommands(group: Command): void {
  group
    .command('delete')
    .argument('<tenant>', 'the name or the id of the tenant')
    .option('--preview', 'only count what would be deleted')
    .option('--yes', 'do not ask')
    .description('delete a tenant with everything in it: users, records, certificates, audit trail and keys')
    .addHelpText(
      'after',
      helpText({
        notes: `
It cannot be undone. The name is free again. The id stays, in the system trail and in a signed certificate.
Export first what you must keep: "lethe audit export", "lethe ledger export", "lethe certificate show".`,
        exitCodes: { 3: 'there is no such tenant', 5: 'a legal hold covers one of its users' },
        examples: ['lethe tenant delete Acme --preview', 'lethe tenant delete Acme'],
      }),
    )
    .action(async (name: string, options: { preview?: true; yes?: true }, command: Command) => {
      await withApplication(command, async ({ application, output }) => {
        const { id } = await findTenant(application.database, name)
        const preview = await inTenant(application.database, id, previewTenantDeletion, { readOnly: true })
        if (options.preview === true) {
          output.result(preview, () => formatPreview(preview))
          return
        }
        output.note(`${formatPreview(preview)}\n`)
        await output.requireConfirmed('The deletion of a tenant', {
          yes: options.yes === true,
          number: preview.people,
          named: `The deletion of the tenant "${name}" with ${preview.people} users`,
        })
        const deleted = await deleteTenant(application.database, id, { expectedPeople: preview.people })
        output.result(
          deleted,
          () =>
            `The tenant ${id} is deleted with ${deleted.people} users. The certificate: ${commandName} tenant deletions ${id}`,
        )
      })
    })

  group
    .command('deletions')
    .argument('[tenant]', 'the id of a deleted tenant: print its certificate')
    .option('--limit <number>', 'the most to list', '50')
    .description('list the deleted tenants, or print the certificate of one')
    .addHelpText(
      'after',
      helpText({ examples: ['lethe tenant deletions', 'lethe tenant deletions TENANT > deleted.json'] }),
    )
    .action(async (tenant: string | undefined, { limit }: { limit: string }, command: Command) => {
      await withApplication(command, async ({ application, output }) => {
        if (tenant !== undefined) {
          const file = await readTenantDeletion(application.database, tenant)
          output.result(file, () => JSON.stringify(file, null, 2))
          return
        }
        const deletions = await listTenantDeletions(application.database, { limit: Number(limit) })
        output.result(deletions, () =>
          formatTable(deletions.tenant_deletions, [
            { title: 'id', value: ({ id }) => id },
            { title: 'deleted', value: ({ deleted_at }) => deleted_at },
          ]),
        )
      })
    })
}

function formatPreview({ tenant, people, held, pending, tables }: TenantDeletionPreview): string {
  const fields = formatFields({ tenant, users: people, held, 'in unfinished erasure requests': pending })
  const rows = formatTable(tables, [
    { title: 'table', value: ({ table }) => table },
    { title: 'rows', value: ({ rows: count }) => count, right: true },
  ])
  return `${fields}\n\n${rows}`
}
