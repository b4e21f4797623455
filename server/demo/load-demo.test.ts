import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/database.ts'
import { dataMap } from '../datamap/data-map.ts'
import { previewErasure } from '../erasure/requests/preview-erasure.ts'
import { sessionsNeedingInstructor } from '../learning/courses/unstaffed.ts'
import { findUser } from '../people/accounts/find-users.ts'
import { deleteUsers } from '../people/lifecycle/delete-users.ts'
import { restoreUsers } from '../people/lifecycle/restore-users.ts'
import { inTenant, type TenantTransaction } from '../platform/database/transaction.ts'
import { createTenant } from '../tenancy/tenants.ts'
import { findExamples } from './find-examples.ts'
import { twinAddress } from './hire-people.ts'
import { demoTenantName, loadDemo } from './load-demo.ts'
import { listNames } from './names.ts'

let test: TestDatabase
let tenantId: string
beforeAll(async () => {
  test = await createTestDatabase()
  const { tenant, loaded } = await loadDemo(test.database)
  expect(loaded).toBe(true)
  tenantId = tenant.id
})
afterAll(() => test.close())

const run = <T>(work: (tx: TenantTransaction) => Promise<T>) => inTenant(test.database, tenantId, work)
const rowsOf = async (text: string, ...values: unknown[]) => (await test.owner.query(text, values)).rows
const oneOf = async (text: string, ...values: unknown[]) => (await rowsOf(text, ...values))[0]

describe('the demo', () => {
  it('has 300 people with names and addresses that nobody has', async () => {
    const people = await rowsOf('select display_name, email, login_name, directory_object_id, ref from users')
    expect(people).toHaveLength(300)
    expect(new Set(people.map(({ ref }) => ref)).size).toBe(300)
    expect(new Set(people.map(({ display_name }) => display_name)).size).toBe(300)
    // The twins share one.
    expect(new Set(people.map(({ email }) => email)).size).toBe(299)
    for (const { email, login_name } of people) {
      expect(email).toMatch(/^[a-z.-]+@example\.(org|com|net)$/)
      expect(login_name.endsWith(email)).toBe(true)
    }
    const letters = people.map(({ display_name }) => display_name).join('')
    for (const script of ['Latin', 'Cyrillic', 'Greek', 'Arabic', 'Hebrew', 'Devanagari', 'Han', 'Hangul']) {
      expect(letters).toMatch(new RegExp(`\\p{Script=${script}}`, 'u'))
    }
    expect(letters).toMatch(/[çéøžł]/)
  })

  it('makes each pair of names once', () => {
    const names = listNames()
    expect(new Set(names.map(({ mailbox }) => mailbox)).size).toBe(names.length)
    for (const { mailbox } of names) expect(mailbox).toMatch(/^[a-z-]+\.[a-z-]+$/)
  })

  it('has rows in every table of people, courses and skills', async () => {
    const later =
      /^(tenant_keys|signing_keys|erasure_.*|tombstones|import_.*|lethe_migrations|graphile_worker\..*|passwords|sign_in_.*|api_keys|oauth_clients|operator.*|audit_checkpoints|contact_keys|reappearances|idempotent_requests|exports|export_chunks|system_accounts|former_identifiers|audit_resealed|audit_readings|table_rewrites|log_marks|backup_declarations|external_systems|legal_hold.*|reach_matches|connectors|confirm.*|identity_provider.*|retention_.*|tenant_deletions|acknowledgement_links|event_cutoffs|received_events|webhook_.*)$/
    for (const table of Object.keys(dataMap).filter((name) => !later.test(name))) {
      expect({ table, rows: (await oneOf(`select count(*)::int as count from ${table}`)).count > 0 }).toEqual({
        table,
        rows: true,
      })
    }
  })

  it('shows every state there is', async () => {
    const states = await oneOf(`select array_agg(distinct state order by state) as list from enrollments`)
    expect(states.list).toEqual(['completed', 'failed', 'in_progress', 'registered', 'withdrawn'])
    const people = await rowsOf('select state, count(*)::int from users group by state order by state')
    expect(people).toEqual([
      { state: 'active', count: 266 },
      { state: 'deleted', count: 26 },
      { state: 'suspended', count: 8 },
    ])
    const administrators = `select count(*)::int from users where 'administrator' = any (roles) and state = 'active'`
    expect(await oneOf(administrators)).toEqual({ count: 3 })
    const skills = await oneOf(
      `select count(*) filter (where revoked_at is null)::int as held,
         count(*) filter (where revoked_by is not null and revoke_reason is not null)::int as revoked,
         count(*) filter (where revoked_at < awarded_at)::int as impossible
       from user_skills`,
    )
    expect(skills.held).toBeGreaterThan(100)
    expect(skills.revoked).toBeGreaterThan(10)
    expect(skills.impossible).toBe(0)
  })

  it('has people who left in each of at least six months, an author and an instructor among them', async () => {
    const { months } = await oneOf(
      `select count(distinct date_trunc('month', deleted_at))::int as months from users where state = 'deleted'`,
    )
    expect(months).toBeGreaterThanOrEqual(6)
    const roles = await rowsOf(`select former_roles from users where former_roles <> '{}' order by 1`)
    expect(roles).toEqual([{ former_roles: ['author'] }, { former_roles: ['instructor'] }])
    const alone = await oneOf(
      `select count(*)::int from sessions s join session_instructors i on i.session_id = s.id
         join users u on u.id = i.user_id and u.state = 'deleted'
       where s.starts_at > now() and (select count(*) from session_instructors o where o.session_id = s.id) = 1`,
    )
    expect(alone.count).toBeGreaterThan(0)
    expect(await run(sessionsNeedingInstructor)).toEqual([])
  })

  it('lets nobody do anything in the future, or after leaving', async () => {
    const late = await oneOf(
      `select
         (select count(*)::int from record_actions a join users u on u.id = a.user_id
            where a.happened_on > (coalesce(u.deleted_at, now()) at time zone 'utc')::date
              or a.happened_on < (coalesce(u.deleted_at, now()) at time zone 'utc')::date - 91) as actions,
         (select count(*)::int from posts p join users u on u.id = p.author_id
            where p.created_at > coalesce(u.deleted_at, now())) as posts,
         (select count(*)::int from posts p join posts q on q.id = p.parent_id where p.created_at < q.created_at) as replies,
         (select count(*)::int from enrollments e join users u on u.id = e.user_id
            where e.completed_at > coalesce(u.deleted_at, now()) or e.registered_on < (u.created_at at time zone 'utc')::date) as enrollments,
         (select count(*)::int from users where deleted_at < created_at or created_at > now()) as users`,
    )
    expect(late).toEqual({ actions: 0, posts: 0, replies: 0, enrollments: 0, users: 0 })
  })

  it('leaves addresses of those who left in texts and contacts of others, for a purge to find', async () => {
    const leavers = await rowsOf(`select id from users where state = 'deleted'`)
    const { effects } = await run((tx) =>
      previewErasure(
        tx,
        'purge',
        leavers.map(({ id }) => id),
      ),
    )
    const scrubbed = effects.filter(({ effect }) => effect.startsWith('scrubbed')).map(({ table }) => table)
    expect(scrubbed).toEqual(expect.arrayContaining(['catalogs', 'courses', 'posts', 'sessions']))
  })

  it('is what docs/purge.svg shows: "npm run draw" makes it anew', async () => {
    const svg = await readFile(new URL('../../docs/purge.svg', import.meta.url), 'utf8')
    const lines = [...svg.matchAll(/<text [^>]*>(.*)<\/text>/g)].map(([, line = '']) => line)
    const [, email = ''] = /^\$ lethe preview --email (\S+)$/.exec(lines[0] ?? '') ?? []
    expect((await run(findExamples)).leaver).toBe(email)
    const { id } = await run((tx) => findUser(tx, { by: 'email', value: email }))
    const { effects } = await run((tx) => previewErasure(tx, 'purge', [id]))
    const rows = effects.reduce((sum, effect) => sum + effect.rows, 0)
    expect(lines).toContain(`A purge of 1 person would change ${rows} rows:`)
    const shown = lines.flatMap((line) => {
      const [, table, effect, count] = /^([a-z_]+) {2,}([a-z]+(?: [a-z_]+)*) {2,}([\d,]+)$/.exec(line) ?? []
      return count === undefined ? [] : [{ table, effect, rows: Number(count) }]
    })
    expect(shown.length).toBeGreaterThan(5)
    expect(effects).toEqual(expect.arrayContaining(shown))
  })

  it('loads once: the second time it says that it is there and changes nothing', async () => {
    const count = 'select (select count(*) from users) as users, (select count(*) from posts) as posts'
    const before = await rowsOf(count)
    expect(await loadDemo(test.database)).toMatchObject({ loaded: false, tenant: { id: tenantId } })
    expect(await rowsOf(count)).toEqual(before)
  })

  it('proposes people that the commands find, as long as there are any', async () => {
    const { leaver, learner, twins } = await run(findExamples)
    const find = (email: string | undefined) => run((tx) => findUser(tx, { by: 'email', value: email ?? '' }))
    const left = await find(leaver)
    expect(left).toMatchObject({ state: 'deleted', former_roles: [] })
    expect(await find(learner)).toMatchObject({ state: 'active' })
    expect(twins?.login).toBe(twinAddress)
    const ask = run((tx) => findUser(tx, { by: 'login_name', value: twinAddress }))
    await expect(ask).rejects.toMatchObject({
      code: 'subject.ambiguous',
      details: { directoryObjectIds: expect.arrayContaining([twins?.directoryObjectId]) },
    })
    const all = (await rowsOf(`select id from users where state = 'deleted'`)).map(({ id }) => id)
    await run((tx) => restoreUsers(tx, { userIds: all }))
    expect(await run(findExamples)).toMatchObject({ leaver: undefined, learner: expect.any(String), twins: undefined })
    await run((tx) => deleteUsers(tx, { userIds: [left.id] }))
    expect((await run(findExamples)).leaver).toBe(leaver)
  })
})

describe('loading the demo', () => {
  it('leaves nothing behind when it is interrupted, and works the next time', async () => {
    const other = await createTestDatabase()
    try {
      const controller = new AbortController()
      const reason = new Error('stopped')
      const loading = loadDemo(other.database, { signal: controller.signal, onLoad: () => controller.abort(reason) })
      await expect(loading).rejects.toBe(reason)
      expect((await other.owner.query('select from tenants')).rowCount).toBe(0)
      // Of two at once, one loads.
      const both = await Promise.all([loadDemo(other.database), loadDemo(other.database)])
      expect(both.map(({ loaded }) => loaded).sort()).toEqual([false, true])
      const same = await other.owner.query('select ref, email, city, custom_fields from users order by ref')
      expect(same.rows).toEqual(await rowsOf('select ref, email, city, custom_fields from users order by ref'))
    } finally {
      await other.close()
    }
  }, 60_000)

  it('takes a tenant of that name for the demo', async () => {
    const other = await createTestDatabase()
    try {
      const { id } = await createTenant(other.database, { name: demoTenantName, kind: 'trial' })
      expect(await loadDemo(other.database)).toMatchObject({ loaded: false, tenant: { id } })
    } finally {
      await other.close()
    }
  })
})
