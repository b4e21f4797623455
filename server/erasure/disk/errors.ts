import { defineErrors } from '../../platform/errors.ts'

/** Why the tables of the database are not rewritten. */
export const rewriteError = defineErrors({
  'database.rewrite_owner_missing': {
    kind: 'environment',
    message: () =>
      'DATABASE_OWNER_URL is not set. Only the owner of the tables can rewrite them, and that role should own the database too: set it to that connection string.',
  },
  'database.rewrite_running': {
    kind: 'conflict',
    message: () => 'Another command is already rewriting the tables of this database.',
    hint: () => '"lethe db status" shows the progress. Repeat the command when that one has ended.',
  },
  'database.no_room': {
    kind: 'environment',
    message: (d: { table: string; needed: number; free: number }) =>
      `Rewriting ${d.table} needs ${Math.ceil(d.needed / 2 ** 20)} MiB on the disk; ${Math.floor(d.free / 2 ** 20)} MiB are free. Free some space, then repeat the command.`,
  },
})
