import { defineErrors } from '../errors.ts'

/** What is wrong with the master key that was given. */
export const masterKeyError = defineErrors({
  'master_key.invalid': {
    kind: 'environment',
    message: () => 'LETHE_MASTER_KEY is not 32 bytes in base64. Make a key with: openssl rand -base64 32.',
  },
  'master_key.missing': {
    kind: 'environment',
    message: () =>
      'LETHE_MASTER_KEY is not set. With a server of your own, Lethe does not store the master key. Make a key with "openssl rand -base64 32" and store it apart from the database.',
  },
})
