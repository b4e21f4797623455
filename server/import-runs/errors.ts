import { defineErrors } from '../platform/errors.ts'

/** What is wrong with a look at an import run or its file. */
export const importRunError = defineErrors({
  'import_run.not_found': {
    kind: 'not_found',
    message: (d: { id: string }) => `This tenant has no import run ${d.id}.`,
    hint: () => '"lethe import list" lists the runs.',
  },
  'import_run.file_not_kept': {
    kind: 'not_found',
    message: (d: { id: string }) =>
      `The import run ${d.id} has no file. Only imports of users that end keep their file; a data set keeps none.`,
  },
  'import_run.file_gone': {
    kind: 'gone',
    message: (d: { id: string; because: GoneBecause }) =>
      `The file of import run ${d.id} is destroyed: ${why[d.because]}.`,
  },
  'import_run.interrupted': {
    kind: 'failed',
    message: () =>
      'The process of this import ended before the import did. Nothing was imported. Import the file again.',
  },
  'import_run.stopped': {
    kind: 'failed',
    message: () => 'The import was stopped. Nothing was imported.',
  },
  'import_run.file_damaged': {
    kind: 'failed',
    message: (d: { id: string }) => `The kept content of the file of import run ${d.id} is damaged.`,
  },
})

/** Why the content of a file was destroyed. */
export type GoneBecause = 'person_erased' | 'expired'

const why: Record<GoneBecause, string> = {
  person_erased: 'it may contain a person who was erased',
  expired: 'its time is over',
}
