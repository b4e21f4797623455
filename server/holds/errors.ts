import { defineErrors, listed } from '../platform/errors.ts'

/** What is wrong with a legal hold, or what a legal hold forbids. */
export const holdError = defineErrors({
  'hold.not_found': {
    kind: 'not_found',
    message: (d: { hold: string }) => `There is no legal hold ${d.hold} in this tenant.`,
    hint: () => '"lethe hold list" lists the legal holds.',
  },
  'hold.empty': {
    kind: 'input',
    message: () => 'The legal hold covers no person. Name at least one user or one directory group.',
  },
  'hold.released': {
    kind: 'conflict',
    message: (d: { hold: string }) => `The legal hold ${d.hold} was released. Place a new one.`,
  },
  'user.held': {
    kind: 'conflict',
    message: (d: { ids: string[] }) =>
      `A legal hold covers ${d.ids.length === 1 ? 'this user' : 'these users'}, so records about ${d.ids.length === 1 ? 'the user' : 'them'} cannot be removed: ${listed(d.ids)}. Release the hold first.`,
    hint: () => '"lethe hold list --user ID" lists the legal holds of a user.',
  },
})
