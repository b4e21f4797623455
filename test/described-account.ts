import { createUserAndNoteReturn } from '../server/directory/create-user-and-note-return.ts'
import { updateUser } from '../server/people/accounts/update-user.ts'
import type { UserFields } from '../server/people/accounts/user-fields.ts'
import { suspendUser } from '../server/people/lifecycle/suspend-user.ts'
import type { DescribedAccount } from '../server/received-events/event.ts'

/** The account of an event whose fields are columns. */
export function describedAccount(ref: string, fields: UserFields): DescribedAccount {
  return {
    columns: Object.fromEntries(Object.keys(fields).map((column) => [column, [column]])),
    identifiers: fields,
    create(tx, { asLearner }) {
      const { roles, ...others } = fields
      return createUserAndNoteReturn(tx, { ...others, ref, ...(roles !== undefined && !asLearner && { roles }) })
    },
    change: (tx, user, names) =>
      updateUser(tx, user.id, Object.fromEntries(Object.entries(fields).filter(([name]) => names.includes(name)))),
    async suspend(tx, user) {
      if (user.state === 'active') await suspendUser(tx, user.id)
    },
  }
}
