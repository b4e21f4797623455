import { defineErrors, listed } from '../platform/errors.ts'

/** What is wrong with an erasure request. */
export const erasureError = defineErrors({
  'user.not_deleted': {
    kind: 'conflict',
    message: (d: { ids: string[] }) =>
      `Delete ${d.ids.length === 1 ? 'this user' : 'these users'} first; only deleted users can be purged or anonymized: ${listed(d.ids)}.`,
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
  'contact.is_user': {
    kind: 'conflict',
    message: (d: { ids: string[] }) =>
      `This address, or one that is easily confused with it, belongs to ${d.ids.length === 1 ? 'a user' : 'users'} of this tenant (id ${listed(d.ids)}), now or before a change. Purge the user instead, or name another address.`,
    hint: () => '"lethe user show --id ID" shows the user.',
  },
  'erasure.no_subjects': {
    kind: 'input',
    message: () =>
      'The erasure request names no person. Name at least one, or use a filter that matches a deleted user.',
    hint: () => '"lethe user list --state deleted" lists the deleted users.',
  },
  'erasure.other_people': {
    kind: 'conflict',
    message: (d: { expected: number; found: number }) =>
      `The selection has ${d.found} ${d.found === 1 ? 'person' : 'people'}, not ${d.expected}. Nothing was requested. Preview it again.`,
  },
})
