import { defineErrors } from '../platform/errors.ts'

/** Why an import stops. */
export const importError = defineErrors({
  'import.changed_file': {
    kind: 'conflict',
    message: (d: { file: string }) => `The part of ${d.file} that an earlier run imported has changed since then.`,
    hint: () => 'Import the file under another --source name, or restore it.',
  },
  'import.overtaken': {
    kind: 'conflict',
    message: (d: { file: string }) =>
      `Another import of ${d.file} into this tenant is running. Wait until it has finished, then repeat the command.`,
  },
  'import.source_not_found': {
    kind: 'not_found',
    message: () => 'No import into this tenant used this name of a data set.',
  },
  'import.disturbed': {
    kind: 'conflict',
    message: () =>
      'Other changes to the same users keep interrupting the import. Nothing was imported. Repeat the command when those changes are done.',
  },
})
