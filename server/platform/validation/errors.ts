import { defineErrors } from '../errors.ts'

/** What is wrong with a value, a field or a file that a caller gave. */
export const inputError = defineErrors({
  'input.invalid': {
    kind: 'input',
    message: (d: { field: string; expected: string }) => `${d.field} is not valid: ${d.expected}.`,
  },
  'input.unknown_field': {
    kind: 'input',
    message: (d: { field: string }) => `${d.field} is not a field that can be set here.`,
  },
  'input.file_unreadable': {
    kind: 'input',
    message: (d: { file: string; reason: string }) => `The file ${d.file} cannot be read: ${d.reason}.`,
  },
})
