import { defineErrors } from '../platform/errors.ts'

/** What is wrong with the choice of a tenant or its name. */
export const tenancyError = defineErrors({
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
  'external_system.not_found': {
    kind: 'not_found',
    message: (d: { id: string }) => `There is no external system ${d.id} in the register of this tenant.`,
    hint: () => '"lethe system list" lists the register.',
  },
  'tenant.name_taken': {
    kind: 'conflict',
    message: () => 'A tenant with this name already exists. Choose another name.',
  },
})
