import type { Application } from '../application.ts'
import type { Database } from '../platform/database/pool.ts'
import { outsideTenants } from '../platform/database/transaction.ts'
import { LetheError } from '../platform/errors.ts'
import { requireLine } from '../platform/require-text.ts'
import { hashPassword, isPassword, requirePassword } from './passwords.ts'
import { type StartedSession, startOperatorSession } from './sessions.ts'
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
    throw new LetheError('input.invalid', {
      field: 'name',
      expected: '1 to 64 small letters, digits, points, hyphens and underscores are expected, and no e-mail address',
    })
  }
  const hash = await hashPassword(requirePassword('password', options.password))
  const [operator] = await outsideTenants<Operator>(
    database,
    `insert into operators (name, hash) values ($1, $2) on conflict (name) do nothing returning ${columns}`,
    [name, hash],
  )
  if (operator === undefined) throw new LetheError('operator.name_taken')
  return operator
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
  const [operator] = await outsideTenants<Operator>(
    database,
    `with changed as (
       update operators set hash = $2, changed_at = now() where name = $1 returning ${columns}
     ), ended as (
       delete from operator_sessions where operator_id in (select id from changed)
     )
     select ${columns} from changed`,
    [storable(options.name), hash],
  )
  if (operator === undefined) throw new LetheError('operator.not_found')
  return operator
}

/** Deletes an operator and everything about the operator, sessions too. Throws `operator.not_found`. */
export async function removeOperator(database: Database, name: string): Promise<Operator> {
  const [operator] = await outsideTenants<Operator>(
    database,
    `delete from operators where name = $1 returning ${columns}`,
    [storable(name)],
  )
  if (operator === undefined) throw new LetheError('operator.not_found')
  return operator
}

/**
 * Signs an operator in, as `signIn` does it for the users of a tenant.
 *
 * Throws `input.invalid`, `access.sign_in_failed`, `access.too_many_attempts`.
 */
export async function signInOperator(
  app: Application,
  options: { name: string; password: string },
): Promise<StartedSession & { operatorId: string }> {
  const { database } = app
  const name = requireLine('name', options.name).toLowerCase()
  const at = { table: 'operator_sign_in_failures' } as const
  const attempt = hashLogin(app.masterKey, 'operators', name)
  await countAttempt(database.pool, at, attempt)
  const read = () =>
    outsideTenants<{ id: string; hash: string }>(database, 'select id, hash from operators where name = $1', [name])
  const [operator] = await read()
  const isRight = await isPassword(operator?.hash, options.password)
  if (operator === undefined || !isRight || (await read())[0]?.hash !== operator.hash) {
    throw new LetheError('access.sign_in_failed')
  }
  await forgetAttempts(database.pool, at, attempt)
  return { ...(await startOperatorSession(database, operator.id)), operatorId: operator.id }
}

/** PostgreSQL has no null byte in a text; nobody has it in the name. */
function storable(name: string): string {
  return name.trim().replaceAll('\0', '')
}
