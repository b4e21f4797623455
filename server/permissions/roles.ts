/** Every role but the learner's is privileged: a delete takes it away, and only an administrator gives it back. */
export const userRoles = [
  'administrator',
  'privacy_officer',
  'integration_administrator',
  'author',
  'instructor',
  'manager',
  'learner',
] as const
export type UserRole = (typeof userRoles)[number]
