import { v7 as newId } from 'uuid'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openTestApplication, type TestApplication } from '../../test/application.ts'
import { installationTrail } from '../audit/installation-trail.ts'
import { listAudit } from '../audit/list-audit.ts'
import { sealWaiting } from '../audit/seal-audit.ts'
import { verifyAudit } from '../audit/verify-audit.ts'
import { authenticate } from './authenticate.ts'
import { createOperator, listOperators, removeOperator, setOperatorPassword, signInOperator } from './operators.ts'
import { verifyCsrf } from './session-token.ts'
import { actingOperator, signOut } from './sessions.ts'
import { freeAttempts } from './sign-in-attempts.ts'

let test: TestApplication
beforeAll(async () => {
  test = await openTestApplication()
})
afterAll(() => test.close())

const password = 'correct horse battery'
let numbers = 0
const operator = () => createOperator(test.database, { name: `operator-${++numbers}`, password })
const enter = (name: string, given = password) => signInOperator(test.app.database, { name, password: given })
const cookieOf = ({ token }: { token: string }) => `lethe_session=${token}`
const comeIn = (session: { token: string }) => authenticate(test.app.database, { cookie: cookieOf(session) })
const refused = { code: 'access.unauthenticated', details: { challenge: 'session' } }
const wrong = { code: 'access.sign_in_failed' }

describe('an operator', () => {
  it('signs in to the installation and belongs to no tenant', async () => {
    const { id, name } = await operator()
    const session = await enter(name.toUpperCase())
    expect(await comeIn(session)).toEqual({
      tenantId: undefined,
      initiator: { from: 'console', credential: { kind: 'operator', id } },
      access: { kind: 'operator' },
      sessionId: expect.any(String),
    })
    verifyCsrf({ cookie: cookieOf(session), csrfToken: session.csrfToken })
    await signOut(test.database, cookieOf(session))
    await expect(comeIn(session)).rejects.toMatchObject(refused)
  })

  it("has a name that is nobody's e-mail address, once", async () => {
    const { name } = await operator()
    await expect(createOperator(test.database, { name, password })).rejects.toMatchObject({
      code: 'operator.name_taken',
    })
    for (const other of ['', 'ann@example.org', 'Ann', 'a b', '-a', 'a'.repeat(65), 'a\0']) {
      await expect(createOperator(test.database, { name: other, password })).rejects.toMatchObject({
        code: 'input.invalid',
        details: { field: 'name' },
      })
    }
    await expect(createOperator(test.database, { name: 'weak', password: 'short' })).rejects.toMatchObject({
      details: { field: 'password' },
    })
  })

  it('is refused like an operator who does not exist, and both have to wait after the same attempts', async () => {
    const { name } = await operator()
    const outcomes = async (tried: string) => {
      const codes: string[] = []
      for (let attempt = 0; attempt <= freeAttempts; attempt++) {
        codes.push(
          await enter(tried, 'another password').then(
            () => 'in',
            ({ code }) => code,
          ),
        )
      }
      return codes
    }
    const expected = [...Array<string>(freeAttempts).fill(wrong.code), 'access.too_many_attempts']
    expect(await outcomes(name)).toEqual(expected)
    expect(await outcomes('nobody')).toEqual(expected)
    await expect(enter(name)).rejects.toMatchObject({ code: 'access.too_many_attempts' })
    await test.owner.query('update operator_sign_in_failures set locked_until = now()')
    await enter(name)
    const { rowCount } = await test.owner.query('select from operator_sign_in_failures')
    expect(rowCount).toBe(1)
  })

  it('is signed out by a new password, and by being removed, which leaves nothing', async () => {
    const { id, name } = await operator()
    const first = await enter(name)
    await setOperatorPassword(test.database, { name, password: 'another one here' })
    await expect(comeIn(first)).rejects.toMatchObject(refused)
    await expect(enter(name)).rejects.toMatchObject(wrong)
    const second = await enter(name, 'another one here')
    expect((await listOperators(test.database)).map((one) => one.id)).toContain(id)
    await removeOperator(test.database, name)
    await expect(comeIn(second)).rejects.toMatchObject(refused)
    expect((await listOperators(test.database)).map((one) => one.id)).not.toContain(id)
    const { rowCount } = await test.owner.query('select from operator_sessions where operator_id = $1', [id])
    expect(rowCount).toBe(0)
    const unknown = { code: 'operator.not_found' }
    await expect(removeOperator(test.database, name)).rejects.toMatchObject(unknown)
    await expect(setOperatorPassword(test.database, { name, password })).rejects.toMatchObject(unknown)
  })

  it('is in the audit trail of the installation, which is sealed and verified as that of a tenant', async () => {
    const { id, name } = await operator()
    await enter(name)
    await expect(enter(name, 'another password')).rejects.toMatchObject(wrong)
    const byOther = { ...test.database, initiator: actingOperator(id) }
    await setOperatorPassword(byOther, { name, password: 'another one here' })
    await removeOperator(byOther, name)
    const page = await test.inTenant(installationTrail, (tx) => listAudit(tx, { object: { kind: 'operator', id } }))
    const shown = page.entries.map(({ activity, actor }) => [activity, actor])
    const system = { kind: 'system', id: null, from: 'system', system_account: null }
    const itself = { kind: 'operator', id, from: 'console', system_account: null }
    expect(shown).toEqual([
      ['OperatorRemoved', itself],
      ['OperatorPasswordSet', itself],
      ['OperatorSignedIn', itself],
      ['OperatorCreated', system],
    ])
    const ofOperator = { actor: { kind: 'operator', id }, activity: 'OperatorSignedIn' }
    expect((await test.inTenant(installationTrail, (tx) => listAudit(tx, ofOperator))).entries).toHaveLength(1)
    expect((await test.inTenant(newId(), (tx) => listAudit(tx))).entries).toEqual([])

    await sealWaiting(test.app.database, { tenant: installationTrail })
    expect(await verifyAudit(test.app.database, installationTrail)).toMatchObject({ unsealed: 0, problems: [] })
    await test.owner.query('set session_replication_role = replica')
    await test.owner.query(`delete from audit_entries where object_id = $1 and activity = 'OperatorSignedIn'`, [id])
    await test.owner.query('set session_replication_role = origin')
    const { problems } = await verifyAudit(test.app.database, installationTrail)
    expect(problems).toMatchObject([{ problem: 'removed' }])
  })

  it('keeps no session of the old password that began while the new one was set', async () => {
    const { id, name } = await operator()
    const waiting = async (number: number) => {
      for (;;) {
        // A transaction goes on seeing what it saw first.
        await test.owner.query('select pg_stat_clear_snapshot()')
        const { rowCount } = await test.owner.query(
          `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
        )
        if (rowCount === number) return
        await new Promise((resolve) => setTimeout(resolve, 10))
      }
    }
    // The sign-in comes to a halt where it is recorded, and the new password waits for the sign-in.
    await test.owner.query('begin')
    await test.owner.query('lock table audit_entries in share mode')
    const entering = enter(name)
    await waiting(1)
    const setting = setOperatorPassword(test.database, { name, password: 'another one here' })
    await waiting(2)
    await test.owner.query('commit')
    const session = await entering
    await setting
    await expect(comeIn(session)).rejects.toMatchObject(refused)
    const { rowCount } = await test.owner.query('select from operator_sessions where operator_id = $1', [id])
    expect(rowCount).toBe(0)
  })

  it('is signed out when idle too long or after the longest time, and cleared away', async () => {
    const { name } = await operator()
    const [idle, old] = [await enter(name), await enter(name)]
    const ids = [(await comeIn(idle)).sessionId, (await comeIn(old)).sessionId]
    await test.owner.query(`update operator_sessions set last_used_at = now() - interval '61 minutes' where id = $1`, [
      ids[0],
    ])
    await test.owner.query(`update operator_sessions set expires_at = now() where id = $1`, [ids[1]])
    for (const session of [idle, old]) await expect(comeIn(session)).rejects.toMatchObject(refused)
    await enter(name)
    const { rowCount } = await test.owner.query('select from operator_sessions where id = any ($1)', [ids])
    expect(rowCount).toBe(0)
  })
})
