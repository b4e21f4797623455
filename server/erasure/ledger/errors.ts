import { defineErrors } from '../../platform/errors.ts'

/** What is wrong with a ledger of erasures. */
export const ledgerError = defineErrors({
  'ledger.damaged': {
    kind: 'input',
    message: (d: { file: string; reason: string }) => `The ledger ${d.file} cannot be trusted: ${d.reason}.`,
    hint: () => 'Take another copy, or export it again with "lethe ledger export".',
  },
  'ledger.other_master_key': {
    kind: 'environment',
    message: (d: { file: string }) =>
      `The ledger ${d.file} was sealed with another master key. Set LETHE_MASTER_KEY to the key of the installation that exported it.`,
  },
})
