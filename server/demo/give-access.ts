import { createApiKey, listApiKeys, revokeApiKey } from '../access/api-keys.ts'
import { hasPassword } from '../access/has-password.ts'
import { setPassword } from '../access/set-password.ts'
import { listUsers } from '../people/accounts/list-users.ts'
import type { UserRole } from '../permissions/roles.ts'
import type { TenantTransaction } from '../platform/database/transaction.ts'

/** Everybody in the demo who signs in has this password. */
export const demoPassword = 'forget me, please'

const keyName = 'Demo'
const roles = ['administrator', 'privacy_officer', 'manager', 'learner'] as const satisfies UserRole[]

export type DemoAccess = {
  signIns: { role: UserRole; login: string }[]
  /** A new API key with full control; the one of the start before is revoked. */
  key: string
}

/** Lets somebody of each role sign in, and makes an API key: nobody can show the one of the last start again. */
export async function giveDemoAccess(tx: TenantTransaction): Promise<DemoAccess> {
  const signIns: DemoAccess['signIns'] = []
  for (const role of roles) {
    const { users } = await listUsers(tx, { states: ['active'], role, limit: 50 })
    const user = users.find((one) => one.email !== null && (role !== 'learner' || one.roles.length === 1))
    if (user?.email == null) continue
    if (!(await hasPassword(tx, user.id))) await setPassword(tx, { userId: user.id, password: demoPassword })
    signIns.push({ role, login: user.email })
  }
  for (const { id, name, revoked_at } of await listApiKeys(tx)) {
    if (name === keyName && revoked_at === null) await revokeApiKey(tx, id)
  }
  const { secret } = await createApiKey(tx, { name: keyName, access: 'full_control' })
  return { signIns, key: secret }
}
