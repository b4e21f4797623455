import { inInstallation } from '../audit/installation-trail.ts'
import { record } from '../audit/record.ts'
import type { Database } from '../platform/database/pool.ts'
import { outsideTenants } from '../platform/database/transaction.ts'
import { inputError } from '../platform/validation/errors.ts'
import { requireLine } from '../platform/validation/require-text.ts'
import { accessError } from './errors.ts'
import { hashPassword, isPassword, requirePassword } from './passwords.ts'
import { actingOperator, type StartedSession, startOperatorSession } from './sessions.ts'
import { countAttempt, forgetAttempts, hashLogin } from './sign-in-attempts.ts'

export type Operator = { id: string; name: string; created_at: Date }

const nameForm = /^[a-z0-9][a-z0-9._-]{0,63}$/
const columns = 'id, name, created_at'

/**
 * Creates an operator, who runs the installation and is a user of no tenant.
 *
 * Throws `input.invalid`, `operator.name_taken`.
 */
export async function createOperator(
  database: Database,
  options: { name: string; password: string },
): Promise<Operator> {
  const name = options.name.trim()
  if (!nameForm.test(name)) {
    throw inputError('input.invalid', {
      field: 'name',
      expected:
        '1 to 64 lower-case letters, digits, dots, hyphens and underscores are expected; an e-mail address is not allowed',
    })
  }
  const hash = await hashPassword(requirePassword('password', options.password))
  return await inInstallation(database, async (tx) => {
    const { rows } = await tx.query<Operator>(
      `insert into operators (name, hash) values ($1, $2) on conflict (name) do nothing returning ${columns}`,
      [name, hash],
    )
    const [operator] = rows
    if (operator === undefined) throw accessError('operator.name_taken')
    await record(tx, { activity: 'OperatorCreated', object: operator.id })
    return operator
  })
}

/** All operators, by name. */
export async function listOperators(database: Database): Promise<Operator[]> {
  return await outsideTenants<Operator>(database, `select ${columns} from operators order by name`)
}

/**
 * Gives an operator a new password and ends the operator's sessions.
 *
 * Throws `input.invalid`, `operator.not_found`.
 */
export async function setOperatorPassword(
  database: Database,
  options: { name: string; password: string },
): Promise<Operator> {
  const hash = await hashPassword(requirePassword('password', options.password))
  return await inInstallation(database, async (tx) => {
    const { rows } = await tx.query<Operator>(
      `update operators set hash = $2, changed_at = now() where name = $1 returning ${columns}`,
      [storable(options.name), hash],
    )
    const [operator] = rows
    if (operator === undefined) throw accessError('operator.not_found')
    // A statement of its own: it sees the session of a sign-in that the one before waited for.
    await tx.query('delete from operator_sessions where operator_id = $1', [operator.id])
    await record(tx, { activity: 'OperatorPasswordSet', object: operator.id })
    return operator
  })
}

/** Deletes an operator and everything about the operator, sessions too. Throws `operator.not_found`. */
export async function removeOperator(database: Database, name: string): Promise<Operator> {
  return await inInstallation(database, async (tx) => {
    const { rows } = await tx.query<Operator>(`delete from operators where name = $1 returning ${columns}`, [
      storable(name),
    ])
    const [operator] = rows
    if (operator === undefined) throw accessError('operator.not_found')
    await record(tx, { activity: 'OperatorRemoved', object: operator.id })
    return operator
  })
}

/**
 * Signs an operator in, as `signIn` does it for the users of a tenant.
 *
 * Throws `input.invalid`, `access.sign_in_failed`, `access.too_many_attempts`.
 */
export async function signInOperator(
  database: Database,
  options: { name: string; password: string },
): Promise<StartedSession & { operatorId: string }> {
  const name = requireLine('name', options.name).toLowerCase()
  const at = { table: 'operator_sign_in_failures' } as const
  const attempt = hashLogin(database.masterKey, 'operators', name)
  await countAttempt(database.pool, at, attempt)
  const [operator] = await outsideTenants<{ id: string; hash: string }>(
    database,
    'select id, hash from operators where name = $1',
    [name],
  )
  const isRight = await isPassword(operator?.hash, options.password)
  if (operator === undefined || !isRight) throw accessError('access.sign_in_failed')
  const { id: operatorId, hash } = operator
  return await inInstallation(
    database,
    async (tx) => {
      // Much may have happened while the password was checked.
      const { rowCount } = await tx.query('select from operators where id = $1 and hash = $2 for share', [
        operatorId,
        hash,
      ])
      if (rowCount === 0) throw accessError('access.sign_in_failed')
      await forgetAttempts(tx, at, attempt)
      await record(tx, { activity: 'OperatorSignedIn', object: operatorId })
      return { ...(await startOperatorSession(tx, operatorId)), operatorId }
    },
    { initiator: actingOperator(operatorId) },
  )
}

/** PostgreSQL has no null byte in a text; nobody has it in the name. */
function storable(name: string): string {
  return name.trim().replaceAll('\0', '')
}
