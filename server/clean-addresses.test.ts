import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { openTestApplication, type TestApplication } from '../test/application.ts'
import { runCommand } from '../test/run-command.ts'
import { startedTestServer } from '../test/server.ts'
import { type AddressFinding, addressLists, cleanAddresses } from './clean-addresses.ts'
import { dataMap } from './datamap/data-map.ts'
import { deleteUsers } from './people/lifecycle/delete-users.ts'
import { createTenant } from './tenancy/tenants.ts'

let test: TestApplication
let tenant: string
let elsewhere: string
beforeAll(async () => {
  test = await openTestApplication()
  await test.startWorkers()
})
beforeEach(async () => {
  const create = async () =>
    (await createTenant(test.database, { name: `Tenant ${crypto.randomUUID()}`, kind: 'enterprise' })).id
  tenant = await create()
  elsewhere = await create()
})
afterAll(() => test.close())

/** What an older version took: written past the operations. */
async function insert(table: string, values: Record<string, unknown>, of = tenant): Promise<string> {
  const columns = Object.keys(values)
  const { rows } = await test.owner.query<{ id: string }>(
    `insert into ${table} (tenant_id, ${columns.join(', ')}) values ($1, ${columns.map((_, index) => `$${index + 2}`).join(', ')}) returning id`,
    [of, ...Object.values(values)],
  )
  return rows[0]?.id ?? ''
}

async function read(table: string, column: string, id: string): Promise<unknown> {
  const { rows } = await test.owner.query(`select ${column} as value from ${table} where id = $1`, [id])
  return rows[0]?.value
}

/** Applies the migration again, as a database gets it that was not there yet. */
async function migrateAgain(): Promise<{ stdout: string; stderr: string }> {
  await test.owner.query(`delete from lethe_migrations where name like '0025%'`)
  const command = await runCommand(
    {
      DATABASE_URL: test.appUrl,
      DATABASE_OWNER_URL: test.ownerUrl,
      LETHE_MASTER_KEY: test.database.masterKey.toString('base64'),
    },
    ['db', 'migrate', '--json'],
  )
  expect([command.code, command.code === 0 ? '' : command.stderr]).toEqual([0, ''])
  return command
}

const outcomes = (stdout: string) =>
  new Map(
    (JSON.parse(stdout).addresses.findings as AddressFinding[]).map(({ table, column, id, outcome }) => [
      `${table}.${column} ${id}`,
      outcome,
    ]),
  )

describe('addresses that were stored with something around them', () => {
  it('are cleaned by the migration, unless another person has the clean one', async () => {
    const stored: [table: string, column: string, before: string, after: string, outcome: string | undefined][] = [
      ['users', 'email', '<Ann@x.example>;', 'Ann@x.example', 'cleaned'],
      ['users', 'email', 'bob@x.example\u200b', 'bob@x.example\u200b', 'held_by_another'],
      ['users', 'email', 'BOB@x.example', 'BOB@x.example', undefined],
      ['users', 'email', 'cat@x.example,', 'cat@x.example,', 'held_by_another'],
      ['users', 'email', 'cat@x.example.', 'cat@x.example.', 'held_by_another'],
      ['users', 'email', 'Dan Day <dan@x.example>', 'dan@x.example', 'cleaned'],
      ['users', 'email', 'mailto:eve@x.example', 'eve@x.example', 'cleaned'],
      ['users', 'email', 'none', 'none', 'unclear'],
      ['users', 'email', 'gus@x.example hal@x.example', 'gus@x.example hal@x.example', 'unclear'],
      ['users', 'email', 'fay@x.example\u00a0', 'fay@x.example\u00a0', 'held_by_another'],
      ['users', 'login_name', 'fay@x.example', 'fay@x.example', undefined],
      ['users', 'login_name', 'i:0#.f|membership|ida@x.example;', 'i:0#.f|membership|ida@x.example', 'cleaned'],
      ['users', 'login_name', 'ACME\\jdoe', 'ACME\\jdoe', undefined],
      ['users', 'ref', '4711\u00a0', '4711', 'cleaned'],
      ['users', 'ref', '4712\u200b', '4712\u200b', 'held_by_another'],
      ['users', 'ref', '4712', '4712', undefined],
      ['users', 'email', "o'neil@bücher.example", "o'neil@bücher.example", undefined],
    ]
    const ids: string[] = []
    for (const [table, column, before] of stored) ids.push(await insert(table, { [column]: before }))
    const other = await insert('users', { email: 'bob@x.example ' }, elsewhere)
    const { stdout, stderr } = await migrateAgain()
    const found = outcomes(stdout)
    for (const [index, [table, column, before, after, outcome]] of stored.entries()) {
      const id = ids[index] ?? ''
      expect([before, await read(table, column, id), found.get(`${table}.${column} ${id}`)]).toEqual([
        before,
        after,
        outcome,
      ])
    }
    expect(await read('users', 'email', other)).toBe('bob@x.example')
    expect(stderr).toContain('Cleaned what came along with addresses in users.email: 4.')
    expect(`${stdout}${stderr}`).not.toMatch(/@|example|bob/)
    const { rows } = await test.owner.query(
      `select details from audit_entries where tenant_id = $1 and activity = 'AddressesCleaned'`,
      [tenant],
    )
    expect(rows).toEqual([{ details: '{"users.email":3,"users.login_name":1,"users.ref":1}' }])
    const again = outcomes((await migrateAgain()).stdout)
    expect([...again.values()]).not.toContain('cleaned')
    expect([...again.keys()].filter((place) => ids.some((id) => place.endsWith(id)))).toHaveLength(7)
  })

  it('are taken apart in lists of contacts, so that a purge finds the person there and completes', async () => {
    const ann = await insert('users', { email: 'ann@x.example', display_name: 'Ann' })
    const junk = ['<ann@x.example>', 'ann aster <ann@x.example>; bob@y.example', 'ok@x.example', 'at the desk']
    const catalog = await insert('catalogs', { title: 'Catalog', contact_emails: junk })
    const course = await insert('courses', {
      title: 'Course',
      catalog_id: catalog,
      kind: 'e_learning',
      contact_emails: junk,
      reply_to_email: 'mailto:ann@x.example',
    })
    const places: Record<string, string> = {
      catalogs: catalog,
      courses: course,
      training_plans: await insert('training_plans', { title: 'Plan', catalog_id: catalog, contact_emails: junk }),
      sessions: await insert('sessions', { title: 'Session', course_id: course, contact_emails: junk }),
    }
    const found = outcomes((await migrateAgain()).stdout)
    for (const [table, id] of Object.entries(places)) {
      expect([table, await read(table, 'contact_emails', id), found.get(`${table}.contact_emails ${id}`)]).toEqual([
        table,
        ['ann@x.example', 'bob@y.example', 'ok@x.example', 'at the desk'],
        'unclear',
      ])
    }
    expect(await read('courses', 'reply_to_email', course)).toBe('ann@x.example')
    await test.inTenant(tenant, (tx) => deleteUsers(tx, { userIds: [ann] }))
    expect((await test.purge(tenant, [ann])).state).toBe('completed')
    for (const [table, id] of Object.entries(places)) {
      expect(await read(table, 'contact_emails', id)).not.toContain('ann@x.example')
    }
    expect(await read('courses', 'reply_to_email', course)).not.toBe('ann@x.example')
  })

  it('are looked at in every list of addresses that the data map knows', () => {
    const lists = Object.entries(dataMap).flatMap(([table, { columns }]) =>
      Object.values(columns as Record<string, { is: string; as?: string }>)
        .filter(({ is, as }) => is === 'mention' && as === 'addresses')
        .map(() => table),
    )
    // These came later, and every address in them was checked when it was written.
    const later = ['connectors', 'external_systems']
    expect(lists.filter((table) => !later.includes(table)).sort()).toEqual([...addressLists].sort())
  })

  it('are cleaned by an owner who is no superuser, and whose rows are separated by tenant', async () => {
    const name = `owner_addresses_${randomBytes(4).toString('hex')}`
    const id = await insert('users', { email: 'zoe@x.example;' })
    const admin = new pg.Client({ connectionString: startedTestServer().ownerUrlOf('postgres') })
    await admin.connect()
    try {
      await admin.query(`create role ${name} login password 'owner'`)
      const { rows } = await test.owner.query<{ owner: string }>(
        `select relowner::regrole::text as owner from pg_class where oid = 'users'::regclass`,
      )
      await test.owner.query(`grant ${rows[0]?.owner} to ${name}`)
      const url = new URL(test.ownerUrl)
      url.username = name
      url.password = 'owner'
      const hosted = new pg.Client({ connectionString: url.href })
      await hosted.connect()
      await hosted.query('begin')
      await cleanAddresses(hosted)
      await hosted.query('commit')
      await hosted.end()
      expect(await read('users', 'email', id)).toBe('zoe@x.example')
    } finally {
      await test.owner.query(`drop owned by ${name}`)
      await admin.query(`drop role ${name}`)
      await admin.end()
    }
  })
})
