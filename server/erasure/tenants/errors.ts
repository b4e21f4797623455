import { defineErrors, listed } from '../../platform/errors.ts'

/** What stands against the deletion of a tenant. */
export const tenantDeletionError = defineErrors({
  'tenant.held': {
    kind: 'conflict',
    message: (d: { people: number; holds: { id: string; reason: string }[] }) =>
      `A legal hold covers ${d.people} ${d.people === 1 ? 'person' : 'people'} of the tenant: ${listed(d.holds.map(({ id, reason }) => `${id} (${reason})`))}. The tenant can be deleted once the holds are released.`,
    hint: () => '"lethe hold release HOLD" releases one.',
  },
  'tenant.other_people': {
    kind: 'conflict',
    message: (d: { expected: number; found: number }) =>
      `The tenant has ${d.found} users, not ${d.expected} as expected. Preview the deletion again.`,
  },
  'tenant.not_empty': {
    kind: 'failed',
    message: (d: { tables: string[] }) =>
      `Nothing was deleted: rows of the tenant would have been left in ${d.tables.join(', ')}. Try it again.`,
  },
  'tenant.deletion_not_found': {
    kind: 'not_found',
    message: (d: { tenant: string }) => `No tenant with the id ${d.tenant} was deleted.`,
    hint: () => '"lethe tenant deletions" lists the deleted tenants.',
  },
})
