import { defineErrors, listed } from '../platform/errors.ts'

/** What is wrong with the choice of a person, or with a change of that person. */
export const peopleError = defineErrors({
  'subject.no_selector': {
    kind: 'input',
    message: () =>
      'No person was named. Name the person by exactly one of: id, directory object id, ref, login name, e-mail address.',
  },
  'subject.two_selectors': {
    kind: 'input',
    message: (d: { selectors: string[] }) =>
      `Name a person by exactly one selector. This names ${d.selectors.length}: ${d.selectors.join(', ')}.`,
  },
  'subject.ambiguous': {
    kind: 'ambiguous',
    message: (d: { selector: string; directoryObjectIds: string[]; ids: string[]; row?: number }) =>
      `${d.ids.length} users match this ${d.selector}${d.row === undefined ? '' : ` (row ${d.row})`}. Name the one you mean by directory object id (${
        d.directoryObjectIds.length > 0 ? listed(d.directoryObjectIds) : 'none of them has one'
      }) or by id (${listed(d.ids)}).`,
  },
  'user.not_found': {
    kind: 'not_found',
    message: (d: { selector: string; rows?: number[]; formerly?: string[]; similarIds?: string[] }) =>
      `No user of this tenant has this ${d.selector}${
        d.rows === undefined ? '' : ` (row ${listed(d.rows.map(String))})`
      }. ${
        d.formerly === undefined
          ? 'Purged and anonymized people can no longer be found.'
          : `${d.formerly.length === 1 ? 'One user' : `${d.formerly.length} users`} had it before a change. To name that user, use the id (${listed(d.formerly)}).`
      }${
        d.similarIds === undefined
          ? ''
          : ` Users with a similar one: ${listed(d.similarIds)}. Check them before you continue.`
      }`,
  },
  'user.taken': {
    kind: 'conflict',
    message: (d: { field: string }) => `Another user of this tenant already has this ${d.field}. Choose another one.`,
  },
  'user.taken_by_deleted': {
    kind: 'conflict',
    message: (d: { field: string; id: string }) =>
      `A deleted user of this tenant (id ${d.id}) has this ${d.field}. Restore that user, or purge or anonymize that user to free the ${d.field}.`,
  },
  'user.known_before': {
    kind: 'conflict',
    message: (d: { ids: string[] }) =>
      `Another user (id ${listed(d.ids)}) had one of these identifiers before a change. If it is the same person, change that user. If it is not, set another_person.`,
    hint: () => 'The option for that is --another-person.',
  },
  'user.wrong_state': {
    kind: 'conflict',
    message: (d: { act: string; state: string; needed: string; ids?: string[] }) =>
      `A user who is ${d.state} cannot be ${d.act}; the user must be ${d.needed}${
        d.ids === undefined ? '' : ` (id ${listed(d.ids)})`
      }.`,
  },
  'user.last_administrator': {
    kind: 'conflict',
    message: () => 'This is the last active administrator of the tenant. Give another user the role first.',
  },
  'user.erasure_pending': {
    kind: 'conflict',
    message: (d: { request: string }) =>
      `An erasure of this user is pending (request ${d.request}). Cancel that request first, or let it finish.`,
  },
  'user.acting_erased': {
    kind: 'conflict',
    message: () => 'The acting person was erased in the meantime. Nothing was changed. Repeat it as another person.',
  },
  'user.referred_erased': {
    kind: 'conflict',
    message: (d: { field: string }) =>
      `The person that ${d.field} refers to was erased in the meantime. Nothing was changed. Repeat it with another person, or without this field.`,
  },
})
