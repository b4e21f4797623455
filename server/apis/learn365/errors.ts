import { defineErrors } from '../../platform/errors.ts'

/** What is wrong with a query or a key of OData. */
export const odataError = defineErrors({
  'odata.query': {
    kind: 'input',
    message: (d: { option: string; reason: string }) => `The query option ${d.option} is not valid: ${d.reason}.`,
  },
  'odata.entity_not_found': {
    kind: 'not_found',
    message: (d: { set: string }) =>
      `${d.set} has no such entity. ${
        d.set === 'Users'
          ? 'A key is the DirectoryObjectId or the LoginName in quotes, or the Id without quotes'
          : 'A key is a GUID, without quotes'
      }.`,
  },
})
