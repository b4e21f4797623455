import { type Command, Option } from 'commander'
import { createTenant, listTenants, type Tenant, type TenantKind, tenantKinds } from '../tenancy/tenants.ts'
import { formatFields, formatTable } from './output.ts'
import { withApplication } from './session.ts'

/** `lethe tenant list|create` */
export function addTenantCommands(program: Command): void {
  const group = program.command('tenant').description('the tenants of this installation')

  group
    .command('list')
    .description('list the tenants, the oldest first')
    .action(async (_options, command: Command) => {
      await withApplication(command, async ({ application, output }) => {
        const tenants = await listTenants(application.database)
        output.result({ tenants }, () =>
          formatTable(tenants, [
            { title: 'id', value: ({ id }) => id },
            { title: 'name', value: ({ name }) => name },
            { title: 'kind', value: ({ kind }) => kind },
            { title: 'created', value: ({ created_at }) => created_at },
          ]),
        )
      })
    })

  group
    .command('create')
    .argument('<name>', 'unique in this installation')
    .addOption(new Option('--kind <kind>', 'what the tenant is').choices(tenantKinds).default('enterprise'))
    .description('create a tenant')
    .addHelpText('after', '\nExample:\n  lethe tenant create "Acme" --kind trial')
    .action(async (name: string, options: { kind: TenantKind }, command: Command) => {
      await withApplication(command, async ({ application, output }) => {
        const tenant: Tenant = await createTenant(application.database, { name, kind: options.kind })
        output.result({ tenant }, () => formatFields(tenant))
      })
    })
}
