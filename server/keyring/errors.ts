import { defineErrors } from '../platform/errors.ts'

/** What is wrong between the keys of the tenants and the master key. */
export const keyringError = defineErrors({
  'master_key.wrong': {
    kind: 'environment',
    message: () =>
      'This database was encrypted with another master key. Set LETHE_MASTER_KEY to the key that this database was first used with.',
  },
})
