import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openTestApplication, type TestApplication } from '../../test/application.ts'
import { listAudit } from '../audit/list-audit.ts'
import { createUser } from '../people/accounts/create-user.ts'
import { updateUser } from '../people/accounts/update-user.ts'
import type { UserFields } from '../people/accounts/user-fields.ts'
import { deleteUsers } from '../people/lifecycle/delete-users.ts'
import { reactivateUser } from '../people/lifecycle/reactivate-user.ts'
import { restoreUsers } from '../people/lifecycle/restore-users.ts'
import { suspendUser } from '../people/lifecycle/suspend-user.ts'
import { inTenant, type TenantTransaction } from '../platform/database/transaction.ts'
import { createTenant } from '../tenancy/tenants.ts'
import { authenticate } from './authenticate.ts'
import { signInOperator } from './operators.ts'
import { hashPassword, isOutdated, isPassword, recommendedCost, usePasswordCost } from './passwords.ts'
import { csrfTokenOf, endedSessionCookie, readSessionCookie, sessionCookie, verifyCsrf } from './session-token.ts'
import { signOut, signOutEverywhere } from './sessions.ts'
import { changePassword, setPassword } from './set-password.ts'
import { signIn } from './sign-in.ts'
import { cleanAttempts, freeAttempts } from './sign-in-attempts.ts'
import { signOutUser } from './sign-out-user.ts'

let test: TestApplication
let tenant: string
let otherTenant: string
let administrator: string
beforeAll(async () => {
  test = await openTestApplication()
  tenant = (await createTenant(test.database, { name: 'Acme', kind: 'enterprise' })).id
  otherTenant = (await createTenant(test.database, { name: 'Other', kind: 'enterprise' })).id
  administrator = (await test.inTenant(tenant, (tx) => createUser(tx, { roles: ['administrator'] }))).id
  await test.startWorkers()
})
afterAll(() => test.close())

const password = 'correct horse battery'
const quick = { memory: 64, passes: 1, parallelism: 1 }
let numbers = 0
/** A user with a password, and the e-mail address to sign in with. */
async function person(fields: UserFields = {}) {
  const email = `person-${++numbers}@acme.example`
  const user = await test.inTenant(tenant, async (tx) => {
    const user = await createUser(tx, { email, ...fields })
    await setPassword(tx, { userId: user.id, password })
    return user
  })
  return { ...user, email }
}
const enter = (login: string, given = password, inThe = tenant) =>
  signIn(test.app.database, inThe, { login, password: given })
const cookieOf = ({ token }: { token: string }) => `theme=dark; lethe_session=${token}; other=1`
const comeIn = (session: { token: string }) => authenticate(test.app.database, { cookie: cookieOf(session) })
const remove = (userId: string) => test.inTenant(tenant, (tx) => deleteUsers(tx, { userIds: [userId] }))
const wrong = { code: 'access.sign_in_failed' }
const refused = { code: 'access.unauthenticated', details: { challenge: 'session' } }
const failures = async () => {
  const { rows } = await test.owner.query<{ count: number }>(
    `select (select count(*) from sign_in_failures) + (select count(*) from operator_sign_in_failures) as count`,
  )
  return Number(rows[0]?.count)
}
const rowsAbout = async (userId: string) => {
  const { rows } = await test.owner.query<{ name: string }>(
    `select 'password' as name from passwords where user_id = $1
     union all select 'session' from sign_in_sessions where user_id = $1
     union all select 'failure' from sign_in_failures where user_id = $1`,
    [userId],
  )
  return rows.map(({ name }) => name)
}

describe('a password', () => {
  it('is kept as argon2id with the parameters of RFC 9106 and a salt of its own', async () => {
    usePasswordCost(recommendedCost)
    const [one, two] = await Promise.all([hashPassword(password), hashPassword(password)])
    usePasswordCost(quick)
    expect(one).toMatch(/^\$argon2id\$v=19\$m=65536,t=3,p=4\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/)
    expect(one).not.toBe(two)
    expect(await isPassword(one, password)).toBe(true)
    expect(await isPassword(one, `${password} `)).toBe(false)
    expect(await isPassword(undefined, password)).toBe(false)
  })

  it('is argon2id as others compute it', async () => {
    // From the reference implementation: echo -n "password" | argon2 somesalt -id -t 2 -k 65536 -p 1 -l 24 -e
    const known = '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc'
    expect(await isPassword(known, 'password')).toBe(true)
    expect(isOutdated(known)).toBe(true)
    expect(isOutdated(await hashPassword(password))).toBe(false)
  })

  it('is one and the same in every way to type its characters', async () => {
    const composed = await hashPassword('Caf\u00e9 am Marktplatz')
    expect(await isPassword(composed, 'Cafe\u0301 am Marktplatz')).toBe(true)
  })

  it('has 12 to 256 characters', async () => {
    const { id } = await person()
    for (const given of ['', 'eleven char', 'x'.repeat(257), '\ud800'.repeat(12), undefined as never]) {
      await expect(
        test.inTenant(tenant, (tx) => setPassword(tx, { userId: id, password: given })),
      ).rejects.toMatchObject({
        code: 'input.invalid',
        details: { field: 'password' },
        message: 'password is not valid: 12 to 256 characters are expected; a few words in a row are easy to remember.',
      })
    }
  })

  it('made with older parameters is hashed anew at the next sign-in', async () => {
    const { id, email } = await person()
    const known = '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc'
    await test.owner.query('update passwords set hash = $1 where user_id = $2', [known, id])
    await enter(email, 'password')
    const { rows } = await test.owner.query<{ hash: string }>('select hash from passwords where user_id = $1', [id])
    expect(isOutdated(rows[0]?.hash ?? '')).toBe(false)
    await enter(email, 'password')
  })
})

describe('signing in', () => {
  it('starts a session by login name or e-mail address, in any case, with the roles of the moment', async () => {
    const user = await person({ login_name: 'i:0#.f|membership|Ann.A@acme.example', roles: ['manager', 'learner'] })
    for (const login of [
      user.email,
      user.email.toUpperCase(),
      'ann.a@ACME.example',
      ' i:0#.f|membership|ann.a@acme.example',
    ]) {
      const session = await enter(login)
      expect(session).toMatchObject({ userId: user.id, roles: ['manager', 'learner'] })
      expect(await comeIn(session)).toEqual({
        tenantId: tenant,
        initiator: { from: 'console', userId: user.id },
        access: { kind: 'person', roles: ['manager', 'learner'] },
        sessionId: expect.any(String),
      })
    }
    const session = await enter(user.email)
    await test.inTenant(tenant, (tx) => updateUser(tx, user.id, { roles: ['learner'] }))
    expect(await comeIn(session)).toMatchObject({ access: { roles: ['learner'] } })
  })

  it('notes when the person was last seen, once an hour at most, and so does the use of a session', async () => {
    const one = await person()
    const seen = async () => {
      const { rows } = await test.owner.query<{ at: Date | null }>(
        'select last_seen_at as at from users where id = $1',
        [one.id],
      )
      return rows[0]?.at ?? null
    }
    const seenBefore = (interval: string) =>
      test.owner.query(`update users set last_seen_at = now() - $2::interval where id = $1 returning last_seen_at`, [
        one.id,
        interval,
      ])
    expect(await seen()).toBeNull()
    const session = await enter(one.email)
    const first = await seen()
    expect(Date.now() - Number(first)).toBeLessThan(60_000)
    await enter(one.email)
    await comeIn(session)
    expect(await seen()).toEqual(first)
    await seenBefore('2 hours')
    // A session is looked at again once a minute.
    await test.owner.query(
      `update sign_in_sessions set last_used_at = now() - interval '2 minutes' where user_id = $1`,
      [one.id],
    )
    await comeIn(session)
    expect(Date.now() - Number(await seen())).toBeLessThan(60_000)
    // Nobody waits for whoever holds the person's row.
    await seenBefore('3 hours')
    await test.owner.query(
      `update sign_in_sessions set last_used_at = now() - interval '2 minutes' where user_id = $1`,
      [one.id],
    )
    await test.owner.query('begin')
    await test.owner.query('select from users where id = $1 for no key update', [one.id])
    await comeIn(session)
    await test.owner.query('rollback')
    expect(Date.now() - Number(await seen())).toBeGreaterThan(2 * 3_600_000)
  })

  it('is refused alike to whoever is unknown, has no password, is suspended, deleted, of another tenant or not alone', async () => {
    const known = await person()
    const [suspended, deleted] = [await person(), await person()]
    await test.inTenant(tenant, (tx) => suspendUser(tx, suspended.id))
    await remove(deleted.id)
    const twins = [await person({ login_name: 'twin' }), await person({ login_name: 'twin' })]
    await test.inTenant(tenant, (tx) => createUser(tx, { email: 'no-password@acme.example' }))
    const attempts = [
      enter(known.email, 'another password'),
      enter('nobody@acme.example'),
      enter('no-password@acme.example'),
      enter(suspended.email),
      enter(deleted.email),
      enter('twin'),
      enter(known.email, password, otherTenant),
      enter(known.email, password, '018f0000-0000-7000-8000-0000000000ff'),
      enter(known.email, password, 'no tenant'),
      enter(known.email, ''),
    ]
    const answers = await Promise.all(
      attempts.map((attempt) =>
        attempt.then(
          () => 'in',
          ({ code, message, details }) => JSON.stringify({ code, message, details }),
        ),
      ),
    )
    expect(new Set(answers).size).toBe(1)
    expect(JSON.parse(answers[0] ?? '')).toMatchObject(wrong)
    // Each of them still signs in by what is theirs alone.
    for (const { email } of twins) expect(await enter(email)).toBeDefined()
  })

  it('counts attempts alike for a name that somebody has and one that nobody has', async () => {
    const { email, id } = await person()
    const outcomes = async (login: string) => {
      const codes: string[] = []
      for (let attempt = 0; attempt <= freeAttempts; attempt++) {
        codes.push(
          await enter(login, 'another password').then(
            () => 'in',
            ({ code }) => code,
          ),
        )
      }
      return codes
    }
    const expected = [...Array<string>(freeAttempts).fill('access.sign_in_failed'), 'access.too_many_attempts']
    expect(await outcomes(email)).toEqual(expected)
    expect(await outcomes('nobody-here@acme.example')).toEqual(expected)
    // The right password does not help while the name has to wait, and another name is not concerned.
    const waiting = enter(email)
    await expect(waiting).rejects.toMatchObject({ kind: 'rate_limited' })
    await waiting.catch(({ details }) => {
      expect(details.retryAfter).toBeGreaterThan(0)
      expect(details.retryAfter).toBeLessThanOrEqual(30)
    })
    await enter((await person()).email)
    // Whoever gives the user a new password lets the user in.
    await test.inTenant(tenant, (tx) => setPassword(tx, { userId: id, password }))
    await enter(email)
  })

  it('has to wait longer each time, up to 15 minutes, and begins anew after a day or a success', async () => {
    const { email, id } = await person()
    const fail = () =>
      enter(email, 'another password').then(
        () => 'in',
        ({ code }) => code,
      )
    const set = (text: string) => test.owner.query(`update sign_in_failures set ${text} where user_id = $1`, [id])
    const seconds = async () => {
      const { rows } = await test.owner.query<{ seconds: number | null }>(
        `select extract(epoch from locked_until - last_failed_at)::int as seconds from sign_in_failures where user_id = $1`,
        [id],
      )
      return rows[0]?.seconds
    }
    await fail()
    const waits: unknown[] = []
    for (const failures of [3, 4, 5, 6, 20, 2_000_000]) {
      await set(`failures = ${failures}, locked_until = now()`)
      await fail()
      waits.push(await seconds())
    }
    expect(waits).toEqual([null, 30, 60, 120, 900, 900])
    expect(await fail()).toBe('access.too_many_attempts')
    await set(`locked_until = now()`)
    await enter(email)
    expect(await rowsAbout(id)).not.toContain('failure')
    await fail()
    await set(`failures = 9, locked_until = now(), last_failed_at = now() - interval '25 hours'`)
    await fail()
    expect(await seconds()).toBeNull()
  })

  it('lets no more attempts through at the same time than one after the other', async () => {
    const { email } = await person()
    const codes = await Promise.all(
      Array.from({ length: 12 }, () =>
        enter(email, 'another password').then(
          () => 'in',
          ({ code }) => code,
        ),
      ),
    )
    expect(codes.filter((code) => code === 'access.sign_in_failed')).toHaveLength(freeAttempts)
    expect(codes.filter((code) => code === 'access.too_many_attempts')).toHaveLength(12 - freeAttempts)
  })

  it('keeps names as keyed hashes, and forgets them a day after', async () => {
    await expect(enter('typed-by-mistake@acme.example', 'another password')).rejects.toMatchObject(wrong)
    const before = await test.owner.query<{ row: string }>('select f::text as row from sign_in_failures f')
    expect(before.rows.length).toBeGreaterThan(0)
    const text = JSON.stringify(before.rows)
    expect(text).not.toContain('typed-by-mistake')
    expect(text).not.toContain(Buffer.from('typed-by-mistake').toString('hex'))
    await test.owner.query(
      `update sign_in_failures set last_failed_at = now() - interval '25 hours', locked_until = null`,
    )
    await expect(enter('another@acme.example', 'another password')).rejects.toMatchObject(wrong)
    const after = await test.owner.query('select from sign_in_failures where tenant_id = $1', [tenant])
    expect(after.rowCount).toBe(1)
  })

  it('leaves nothing of the attempts that come between the delete and the purge, under whatever name', async () => {
    const ann = await person({ login_name: 'shared.name' })
    const bob = await person({ login_name: 'shared.name' })
    await test.inTenant(tenant, (tx) => updateUser(tx, ann.id, { email: 'renamed@acme.example' }))
    await remove(ann.id)
    await remove(bob.id)
    const before = await failures()
    for (const login of [ann.email, 'Renamed@acme.example', 'shared.name', bob.email]) {
      await expect(enter(login)).rejects.toMatchObject(wrong)
    }
    await expect(signInOperator(test.app.database, { name: 'renamed@acme.example', password })).rejects.toMatchObject(
      wrong,
    )
    expect(await failures()).toBe(before + 5)
    // What another living user of the tenant has too stays counted.
    expect(await test.purge(tenant, [ann.id])).toMatchObject({ state: 'completed' })
    expect(await failures()).toBe(before + 2)
    expect(await test.anonymize(tenant, [bob.id])).toMatchObject({ state: 'completed' })
    expect(await failures()).toBe(before)
  })

  it('keeps no name for longer than a day, also where nobody signs in any more', async () => {
    await expect(enter('nobody@acme.example')).rejects.toMatchObject(wrong)
    await test.owner.query(`update sign_in_failures set last_failed_at = now() - interval '25 hours'`)
    await test.owner.query(`update operator_sign_in_failures set last_failed_at = now() - interval '25 hours'`)
    await cleanAttempts(test.app.database)
    expect(await failures()).toBe(0)
  })

  it('refuses a name that is no line of text, as input', async () => {
    for (const login of ['', ' ', 'a\0b', 'x'.repeat(600)]) {
      await expect(enter(login)).rejects.toMatchObject({ code: 'input.invalid', details: { field: 'login' } })
    }
  })

  it('searches the names by their indexes', async () => {
    await test.owner.query('begin')
    try {
      await test.owner.query(
        `insert into users (tenant_id, login_name, email)
         select '${tenant}', 'login ' || n, n || '@acme.example' from generate_series(1, 5000) n`,
      )
      await test.owner.query(`analyze users; set local role lethe_app; set local lethe.tenant_id = '${tenant}'`)
      const { rows } = await test.owner.query<{ 'QUERY PLAN': string }>(
        `explain select id from users u
         where u.tenant_id = '${tenant}' and u.state = 'active' and (u.login_key = 'a' or u.email_key = 'a')`,
      )
      const plan = rows.map((row) => row['QUERY PLAN']).join('\n')
      expect(plan).toContain('users_login_key')
      expect(plan).toContain('users_email_key')
    } finally {
      await test.owner.query('rollback')
    }
  })
})

describe('a session', () => {
  it('is a random token of which the database has the hash only', async () => {
    const { email } = await person()
    const [one, two] = [await enter(email), await enter(email)]
    expect(one.token).not.toBe(two.token)
    const secret = one.token.split('.')[1] ?? ''
    expect(secret).toHaveLength(43)
    const { rows } = await test.owner.query('select s::text, encode(token_hash, $1) from sign_in_sessions s', [
      'base64',
    ])
    expect(JSON.stringify(rows)).not.toContain(secret)
  })

  it('is refused alike when it is unknown, of another tenant, idle too long, too old or signed out', async () => {
    const { email } = await person()
    const [idle, old, left, moved] = await Promise.all([enter(email), enter(email), enter(email), enter(email)])
    const ids = await Promise.all([idle, old].map(async (session) => (await comeIn(session)).sessionId))
    const age = (text: string, id: unknown) =>
      test.owner.query(`update sign_in_sessions set ${text} where id = $1`, [id])
    await age(`last_used_at = now() - interval '60 minutes'`, ids[0])
    await age('expires_at = now()', ids[1])
    await signOut(test.database, cookieOf(left))
    const secret = moved.token.split('.')[1] ?? ''
    for (const token of [
      idle.token,
      old.token,
      left.token,
      `${otherTenant}.${secret}`,
      `operator.${secret}`,
      `${tenant}.${'A'.repeat(43)}`,
    ]) {
      await expect(comeIn({ token })).rejects.toMatchObject(refused)
    }
    await comeIn(moved)
    // The next sign-in of the tenant clears away what has run out.
    await enter(email)
    const { rowCount } = await test.owner.query('select from sign_in_sessions where id = any ($1)', [ids])
    expect(rowCount).toBe(0)
  })

  it('goes on while it is used, written once a minute at most', async () => {
    const session = await enter((await person()).email)
    const { sessionId } = await comeIn(session)
    const version = async () =>
      (await test.owner.query('select xmin, last_used_at from sign_in_sessions where id = $1', [sessionId])).rows[0]
    const before = await version()
    for (let i = 0; i < 5; i++) await comeIn(session)
    expect(await version()).toEqual(before)
    await test.owner.query(`update sign_in_sessions set last_used_at = now() - interval '59 minutes' where id = $1`, [
      sessionId,
    ])
    await comeIn(session)
    expect((await version()).last_used_at.getTime()).toBeGreaterThanOrEqual(before.last_used_at.getTime())
  })

  it('ends everywhere by signing out everywhere, except where it is asked from', async () => {
    const { email, id } = await person()
    const [here, there] = [await enter(email), await enter(email)]
    const bystander = await enter((await person()).email)
    const { sessionId } = await comeIn(here)
    expect(await test.inTenant(tenant, (tx) => signOutEverywhere(tx, [id], { except: sessionId }))).toBe(1)
    await expect(comeIn(there)).rejects.toMatchObject(refused)
    await comeIn(here)
    expect(await test.inTenant(tenant, (tx) => signOutEverywhere(tx, [id]))).toBe(1)
    await expect(comeIn(here)).rejects.toMatchObject(refused)
    await comeIn(bystander)
  })

  it('ends everywhere where somebody signs the user out, which the audit trail says', async () => {
    const [{ email, id }, officer] = [await person(), await person()]
    const sessions = [await enter(email), await enter(email)]
    const work = (tx: TenantTransaction) => signOutUser(tx, id)
    const within = { initiator: { from: 'console', userId: officer.id } } as const
    expect(await inTenant(test.database, tenant, work, within)).toEqual({ ended: 2 })
    for (const session of sessions) await expect(comeIn(session)).rejects.toMatchObject(refused)
    // Nothing changes, so nothing is recorded.
    expect(await inTenant(test.database, tenant, work, within)).toEqual({ ended: 0 })
    const { entries } = await test.inTenant(tenant, (tx) => listAudit(tx, { activity: 'UserSignedOut', subject: id }))
    expect(entries).toMatchObject([
      { actor: { kind: 'user', id: officer.id, from: 'console' }, object: { id }, details: { sessions: 2 } },
    ])
  })

  it('ends with a suspension and does not wake up with the reactivation', async () => {
    const { email, id } = await person()
    const session = await enter(email)
    await test.inTenant(tenant, (tx) => suspendUser(tx, id))
    await expect(comeIn(session)).rejects.toMatchObject(refused)
    await test.inTenant(tenant, (tx) => reactivateUser(tx, id))
    await expect(comeIn(session)).rejects.toMatchObject(refused)
    await comeIn(await enter(email))
  })

  it('ends with a delete and does not wake up with the restore; the password is still the same', async () => {
    const { email, id } = await person()
    const session = await enter(email)
    await remove(id)
    await expect(comeIn(session)).rejects.toMatchObject(refused)
    await test.inTenant(tenant, (tx) => restoreUsers(tx, { userIds: [id] }))
    await expect(comeIn(session)).rejects.toMatchObject(refused)
    await comeIn(await enter(email))
  })

  it('is of no use to somebody who is not active, even if its row were left', async () => {
    const { email, id } = await person()
    const session = await enter(email)
    await test.owner.query(`update users set state = 'suspended' where id = $1`, [id])
    await expect(comeIn(session)).rejects.toMatchObject(refused)
  })

  it.each(['purge', 'anonymize'] as const)(
    'ends with a %s, which leaves neither session, password nor attempt',
    async (act) => {
      const { email, id } = await person()
      const session = await enter(email)
      await expect(enter(email, 'another password')).rejects.toMatchObject(wrong)
      expect((await rowsAbout(id)).sort()).toEqual(['failure', 'password', 'session'])
      await remove(id)
      expect(await test[act](tenant, [id], administrator)).toMatchObject({ state: 'completed' })
      expect(await rowsAbout(id)).toEqual([])
      await expect(comeIn(session)).rejects.toMatchObject(refused)
      await expect(enter(email)).rejects.toMatchObject(wrong)
    },
  )

  it('is not signed into while the person is being deleted', async () => {
    const { email, id } = await person()
    const attempts = await Promise.allSettled([enter(email), enter(email), enter(email), remove(id), enter(email)])
    expect(attempts[3]?.status).toBe('fulfilled')
    expect(await rowsAbout(id)).not.toContain('session')
  })
})

describe('changing a password', () => {
  it('ends all sessions, of an own change all but the one that asks', async () => {
    const { email, id } = await person()
    const [here, there] = [await enter(email), await enter(email)]
    const { sessionId } = await comeIn(here)
    const change = (currentPassword: string, newPassword: string) =>
      changePassword(test.app.database, tenant, { userId: id, session: sessionId, currentPassword, newPassword })
    await expect(change('another password', 'a new password')).rejects.toMatchObject(wrong)
    await expect(change(password, 'short')).rejects.toMatchObject({ details: { field: 'new_password' } })
    expect(await change(password, 'a new password')).toEqual({ signedOut: 1 })
    await comeIn(here)
    await expect(comeIn(there)).rejects.toMatchObject(refused)
    await expect(enter(email)).rejects.toMatchObject(wrong)
    await enter(email, 'a new password')
    expect(await test.inTenant(tenant, (tx) => setPassword(tx, { userId: id, password }))).toEqual({ signedOut: 2 })
    await expect(comeIn(here)).rejects.toMatchObject(refused)
  })

  it('lets nobody try out passwords with a stolen session', async () => {
    const { email, id } = await person()
    const codes: string[] = []
    for (let attempt = 0; attempt <= freeAttempts; attempt++) {
      const options = { userId: id, session: undefined, currentPassword: 'another one here', newPassword: password }
      codes.push(
        await changePassword(test.app.database, tenant, options).then(
          () => 'changed',
          ({ code }) => code,
        ),
      )
    }
    expect(codes.at(-1)).toBe('access.too_many_attempts')
    // Signing in is counted on its own.
    await enter(email)
  })

  it('is for active users of the tenant', async () => {
    const { id } = await person()
    await expect(test.inTenant(otherTenant, (tx) => setPassword(tx, { userId: id, password }))).rejects.toMatchObject({
      code: 'user.not_found',
    })
    await test.inTenant(tenant, (tx) => suspendUser(tx, id))
    await expect(test.inTenant(tenant, (tx) => setPassword(tx, { userId: id, password }))).rejects.toMatchObject({
      code: 'user.wrong_state',
    })
  })
})

describe('the CSRF token', () => {
  it('is the one of the session and of no other', async () => {
    const { email } = await person()
    const [one, two] = [await enter(email), await enter(email)]
    verifyCsrf({ cookie: cookieOf(one), csrfToken: one.csrfToken })
    for (const request of [
      { cookie: cookieOf(one), csrfToken: two.csrfToken },
      { cookie: cookieOf(one), csrfToken: undefined },
      { cookie: cookieOf(one), csrfToken: '' },
      { cookie: cookieOf(one), csrfToken: `${one.csrfToken}A` },
      { cookie: undefined, csrfToken: one.csrfToken },
      { cookie: 'lethe_session=x', csrfToken: csrfTokenOf('x') },
    ]) {
      expect(() => verifyCsrf(request)).toThrow(expect.objectContaining({ code: 'access.csrf', kind: 'forbidden' }))
    }
  })
})

describe('the cookie', () => {
  it('is unreadable for scripts, for this site only, and secure by HTTPS', () => {
    expect(sessionCookie('t', { secure: true })).toBe('lethe_session=t; Path=/; HttpOnly; SameSite=Strict; Secure')
    expect(sessionCookie('t', { secure: false })).not.toContain('Secure')
    expect(endedSessionCookie({ secure: true })).toMatch(/^lethe_session=;.*Max-Age=0$/)
  })

  it('is found among others, and nothing else is taken for it', () => {
    const token = `${'018f0000-0000-7000-8000-0000000000a1'}.${'A'.repeat(43)}`
    expect(readSessionCookie(`a=b; lethe_session=${token};c=d`)).toEqual({
      tenantId: '018f0000-0000-7000-8000-0000000000a1',
      secret: 'A'.repeat(43),
    })
    expect(readSessionCookie(`lethe_session=operator.${'A'.repeat(43)}`)).toMatchObject({ tenantId: undefined })
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => readSessionCookie(text) === undefined))
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => readSessionCookie(`lethe_session=${text}`) === undefined),
    )
  })
})

describe('what is logged', () => {
  it('is no password, no token and no name', () => {
    expect(test.log()).not.toMatch(/acme\.example|correct horse|lethe_session/)
  })
})
