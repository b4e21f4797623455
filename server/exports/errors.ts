import { defineErrors } from '../platform/errors.ts'

/** What is wrong with an export about a person. */
export const exportError = defineErrors({
  'export.folder_unusable': {
    kind: 'input',
    message: (d: { folder: string; reason: string }) =>
      `The export cannot be written to the folder ${d.folder}: ${d.reason}. Name an empty folder, or one that does not exist yet.`,
  },
  'export.file_unusable': {
    kind: 'input',
    message: (d: { file: string; reason: string }) =>
      `The export cannot be written to the file ${d.file}: ${d.reason}. Name a file that does not exist yet.`,
  },
  'export.not_found': {
    kind: 'not_found',
    message: (d: { id: string }) =>
      `This tenant keeps no export ${d.id}. An erasure destroys the exports of the person.`,
    hint: () => '"lethe export list" lists the kept exports.',
  },
  'export.expired': {
    kind: 'not_found',
    message: (d: { id: string }) => `The export ${d.id} has expired, and its content is destroyed. Request a new one.`,
  },
  'export.withdrawn': {
    kind: 'not_found',
    message: (d: { id: string }) =>
      `The content of export ${d.id} is destroyed, because a person who may be named in it was erased. Request a new one.`,
  },
  'export.outdated': {
    kind: 'conflict',
    message: (d: { id: string }) =>
      `A person who may be named in export ${d.id} was erased while the export was written. Workers write it again.`,
  },
  'export.superseded': {
    kind: 'conflict',
    message: (d: { id: string }) => `Another worker writes the export ${d.id} by now. That worker goes on.`,
  },
  'export.not_ready': {
    kind: 'conflict',
    message: (d: { id: string; state: string }) => `The export ${d.id} cannot be downloaded yet: it is ${d.state}.`,
    hint: () => 'Workers ("lethe serve") write it; "lethe export list" shows the progress.',
  },
  'export.damaged': {
    kind: 'failed',
    message: (d: { id: string }) => `The kept content of the export ${d.id} is damaged.`,
    hint: (d: { id: string }) => `Delete it with "lethe export delete ${d.id}" and request a new one.`,
  },
})
