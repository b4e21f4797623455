import { randomUUID } from 'node:crypto'
import { Readable } from 'node:stream'
import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { openTestApplication, type TestApplication } from '../../../test/application.ts'
import { effort } from '../../../test/effort.ts'
import { differences, dumpDatabase } from '../../../test/rows.ts'
import { cancelErasure } from '../../erasure/requests/cancel-erasure.ts'
import { createUser } from '../../people/accounts/create-user.ts'
import { findUser } from '../../people/accounts/find-users.ts'
import { updateUser } from '../../people/accounts/update-user.ts'
import type { User } from '../../people/accounts/user.ts'
import type { UserFields } from '../../people/accounts/user-fields.ts'
import { deleteUsers } from '../../people/lifecycle/delete-users.ts'
import { restoreUsers } from '../../people/lifecycle/restore-users.ts'
import { suspendUser } from '../../people/lifecycle/suspend-user.ts'
import { csvLine } from '../../platform/csv/csv-line.ts'
import { guardFormula } from '../../platform/csv/formula-guard.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { createTenant } from '../../tenancy/tenants.ts'
import { exportUsers } from './export-users.ts'
import { type ImportUsersOptions, importUsers } from './import-users.ts'
import type { OutcomeOfRow } from './outcomes.ts'

let test: TestApplication
let tenant: string
beforeAll(async () => {
  test = await openTestApplication()
  await test.startWorkers()
})
afterAll(() => test.close())
beforeEach(async () => {
  tenant = await newTenant()
})

/** What every import writes beside the users. */
const ofImports = ['audit_entries', 'import_runs', 'import_run_rows', 'import_run_chunks']

async function newTenant(): Promise<string> {
  return (await createTenant(test.database, { name: `Tenant ${randomUUID()}`, kind: 'enterprise' })).id
}

const run = <T>(work: (tx: TenantTransaction) => Promise<T>) => test.inTenant(tenant, work)
const user = (fields: UserFields = {}) => run((tx) => createUser(tx, fields))
const byRef = (ref: string) => run((tx) => findUser(tx, { by: 'ref', value: ref }))
const remove = (...users: User[]) => run((tx) => deleteUsers(tx, { userIds: users.map(({ id }) => id) }))

async function purge(...users: User[]): Promise<void> {
  await remove(...users)
  await test.purge(
    tenant,
    users.map(({ id }) => id),
  )
}

async function productsOf(id: string): Promise<string[]> {
  const { rows } = await test.owner.query('select product from product_accounts where user_id = $1 order by 1', [id])
  return rows.map(({ product }) => product)
}

/** Imports the text (or bytes) and answers the counts, and what became of each row. */
async function load(content: string | Buffer, options: Partial<ImportUsersOptions> = {}) {
  const outcomes: OutcomeOfRow[] = []
  const bytes = Buffer.from(content as string)
  const result = await importUsers(test.database, tenant, {
    source: Readable.from([bytes.subarray(0, 9), bytes.subarray(9)]),
    file: 'users.csv',
    onOutcome(outcome) {
      outcomes.push(outcome)
    },
    ...options,
  })
  return { ...result, outcomes, summary: outcomes.map(({ outcome }) => outcome).join(' ') }
}

const lines = (...rows: string[]) => `${rows.join('\n')}\n`

/** So that the imports that follow have nothing to note: who stands in a file is noted once a day. */
const seeEverybody = () => test.owner.query('update users set last_seen_at = now() where tenant_id = $1', [tenant])

async function dump(): Promise<string> {
  let text = ''
  await run((tx) =>
    exportUsers(tx, { states: ['active', 'suspended'] }, (piece) => {
      text += piece
      return Promise.resolve()
    }),
  )
  return text
}

describe('what an import writes', () => {
  it('creates a user with every column, as createUser does', async () => {
    const boss = await user({ ref: 'boss' })
    const directory = randomUUID()
    await load(
      lines(
        'kind,login_name,directory_object_id,ref,email,email_verified,external_identity_id,first_name,last_name,display_name,title,job_title,department,office,city,country,locale,time_zone,manager_id,roles,products,custom.shift,custom_json.level',
        `external,i:0#.f|membership|ann@example.org,${directory.toUpperCase()},A-1, Ann@example.org ,TRUE,x-1,Ann,Aster,Annie,Dr.,Nurse,Ward,4.1,Bern,CH,de-ch,Europe/Zurich,${boss.id},author; learner,flow,night,3`,
      ),
      { withRoles: true },
    )
    const imported = await byRef('A-1')
    const made = await user({
      ...{ kind: 'external', login_name: 'i:0#.f|membership|ann@example.org', directory_object_id: randomUUID() },
      ...{ ref: 'A-2', email: 'Ann@example.org', email_verified: true, external_identity_id: 'x-1' },
      ...{ first_name: 'Ann', last_name: 'Aster', display_name: 'Annie', title: 'Dr.', job_title: 'Nurse' },
      ...{
        department: 'Ward',
        office: '4.1',
        city: 'Bern',
        country: 'CH',
        locale: 'de-ch',
        time_zone: 'Europe/Zurich',
      },
      ...{ manager_id: boss.id, roles: ['author', 'learner'], products: ['flow'] },
      custom_fields: { shift: 'night', level: 3 },
    })
    const { id, ref, directory_object_id, created_at, updated_at, last_seen_at, ...rest } = imported
    expect({ ref, directory_object_id }).toEqual({ ref: 'A-1', directory_object_id: directory })
    expect(made).toMatchObject(rest)
    expect(await productsOf(id)).toEqual(['flow'])
    expect(created_at).toEqual(updated_at)
    expect(last_seen_at).toEqual(created_at)
  })

  it('gives a new user the defaults of createUser where the file says nothing', async () => {
    await load(lines('ref,first_name,last_name,display_name,kind,email_verified,roles', 'A-1,Ann,Aster,,,,'))
    const made = await user({ first_name: 'Ann', last_name: 'Aster' })
    const { id, ref, created_at, updated_at, last_seen_at, ...rest } = await byRef('A-1')
    expect(made).toMatchObject(rest)
    expect(await productsOf(id)).toEqual(['learn'])
  })

  it('does to generated users what createUser and updateUser do', async () => {
    const columns = [
      'email',
      'first_name',
      'last_name',
      'display_name',
      'city',
      'kind',
      'email_verified',
      'products',
    ] as const
    const words = fc.constantFrom('', 'Ann', 'Bea')
    const row = fc.record({
      email: fc.constantFrom('', 'a@example.org', 'A@example.org', 'b@example.org'),
      first_name: words,
      last_name: words,
      display_name: words,
      city: words,
      kind: fc.constantFrom('', 'internal', 'external'),
      email_verified: fc.constantFrom('', 'true', 'false'),
      products: fc.constantFrom('', 'learn', 'flow;learn'),
      shift: words,
    })
    await fc.assert(
      fc.asyncProperty(
        fc.array(row, { minLength: 2, maxLength: 4 }),
        fc.subarray([...columns]),
        async (rows, given) => {
          tenant = await newTenant()
          for (const cells of rows) {
            await load(
              lines(
                ['ref', ...given, 'custom.shift'].join(','),
                ['A', ...given.map((name) => cells[name]), cells.shift].join(','),
              ),
            )
            const fields: Record<string, unknown> = {}
            for (const name of given) {
              const cell = cells[name]
              if (name === 'products') fields.products = cell === '' ? [] : cell.split(';')
              else if (name === 'email_verified') fields[name] = cell === '' ? undefined : cell === 'true'
              else if (cell !== '') fields[name] = cell
              else if (name !== 'display_name' && name !== 'kind') fields[name] = null
            }
            fields.custom_fields = cells.shift === '' ? {} : { shift: cells.shift }
            await run(async (tx) => {
              const { rows: found } = await tx.query<{ id: string }>(`select id from users where ref = 'B'`)
              if (found[0] === undefined) await createUser(tx, { ...fields, ref: 'B' })
              else await updateUser(tx, found[0].id, fields)
            })
            const [imported, made] = [await byRef('A'), await byRef('B')]
            const same = { id: '', ref: '', created_at: '', updated_at: '', last_seen_at: '' }
            expect({ ...imported, ...same }).toEqual({ ...made, ...same })
            expect(await productsOf(imported.id)).toEqual(await productsOf(made.id))
          }
        },
      ),
      { numRuns: effort(6, 25) },
    )
  })

  it('clears what is empty, and leaves alone what the file has no column for', async () => {
    await user({ ref: 'A-1', city: 'Bern', office: '4.1', custom_fields: { shift: 'night', level: 3 } })
    await load(lines('ref,city,custom.shift', 'A-1,,'))
    expect(await byRef('A-1')).toMatchObject({ city: null, office: '4.1', custom_fields: { level: 3 } })
  })

  it('changes only users whose row says something else, and touches no other', async () => {
    const before = await user({ ref: 'A-1', city: 'Bern', roles: ['author'], products: ['flow'] })
    await user({ ref: 'A-2', city: 'Bern' })
    const head = 'ref,city,products'
    const first = await load(lines(head, 'A-1,Bern,flow', 'A-2,Basel,learn', 'A-3,Biel,learn'))
    expect(first.summary).toBe('unchanged updated created')
    expect(await byRef('A-1')).toEqual({ ...before, last_seen_at: expect.any(Date) })
    const all = await dumpDatabase(test.owner, { tenant, without: ofImports })
    const second = await load(lines(head, 'A-1,Bern,flow', 'A-2,Basel,learn', 'A-3,Biel,learn'))
    expect(second.summary).toBe('unchanged unchanged unchanged')
    expect(differences(all, await dumpDatabase(test.owner, { tenant, without: ofImports }))).toEqual({})
  })

  it('updates a user of whom only the products differ, and gives exactly those of the row', async () => {
    const { id, updated_at } = await user({ ref: 'A-1', products: ['learn'] })
    expect((await load(lines('ref,products', 'A-1,flow'))).summary).toBe('updated')
    expect(await productsOf(id)).toEqual(['flow'])
    expect((await byRef('A-1')).updated_at.getTime()).toBeGreaterThan(updated_at.getTime())
  })

  it('keeps a suspended user suspended', async () => {
    const { id } = await user({ ref: 'A-1' })
    await run((tx) => suspendUser(tx, id))
    expect((await load(lines('ref,city', 'A-1,Bern'))).summary).toBe('updated')
    expect(await byRef('A-1')).toMatchObject({ state: 'suspended', city: 'Bern' })
  })

  it('records the run with its counts', async () => {
    await user({ ref: 'A-1' })
    const { run: id } = await load(lines('ref,email', 'A-1,a@example.org', 'A-2,', 'A-3,nonsense'))
    const { rows } = await test.owner.query('select * from import_runs where id = $1', [id])
    expect(rows).toMatchObject([{ format: 'users', rows_read: '3', rows_written: '2', rows_rejected: '1' }])
    expect(rows[0].finished_at).not.toBeNull()
  })
})

describe('who stands in a file', () => {
  it('was seen, deleted people too, once a day at most; who stands in none was not', async () => {
    const [there, gone, absent] = [await user({ ref: 'S-1' }), await user({ ref: 'S-2' }), await user({ ref: 'S-3' })]
    await remove(gone)
    await load(lines('ref', 'S-1', 'S-2', 'S-4'))
    const seen = async (ref: string) => (await byRef(ref)).last_seen_at
    for (const ref of ['S-1', 'S-2', 'S-4']) expect(Date.now() - Number(await seen(ref))).toBeLessThan(60_000)
    expect(await seen('S-3')).toBeNull()
    const age = (hours: number) =>
      test.owner.query('update users set last_seen_at = now() - make_interval(hours => $2) where id = any ($1)', [
        [there.id, gone.id, absent.id],
        hours,
      ])
    await age(23)
    const before = await seen('S-1')
    await load(lines('ref', 'S-1', 'S-2'), { dryRun: true })
    await load(lines('ref', 'S-1', 'S-2'))
    expect(await seen('S-1')).toEqual(before)
    await age(25)
    await load(lines('ref', 'S-1', 'S-2'))
    for (const ref of ['S-1', 'S-2']) expect(Date.now() - Number(await seen(ref))).toBeLessThan(60_000)
    expect(Date.now() - Number(await seen('S-3'))).toBeGreaterThan(24 * 3_600_000)
  })
})

describe('a dry run', () => {
  it('counts what the import does, and changes nothing', async () => {
    await user({ ref: 'A-1' })
    const gone = await user({ ref: 'A-2' })
    await remove(gone)
    const file = lines('ref,email,manager_ref', 'A-1,a@example.org,A-4', 'A-2,,', 'A-3,bad,', 'A-4,,A-1', 'A-5,,A-9')
    const before = await dumpDatabase(test.owner)
    const dry = await load(file, { dryRun: true })
    expect(differences(before, await dumpDatabase(test.owner))).toEqual({})
    const real = await load(file)
    expect(dry.run).toBeNull()
    expect(dry.counts).toEqual(real.counts)
    expect(dry.summary).toBe('updated skipped rejected created rejected')
    expect(real.summary).toBe(dry.summary)
  })
})

describe('whom a row names', () => {
  it('is told by the first column that is not empty, of id, directory_object_id, ref, login_name and email', async () => {
    const directory = randomUUID()
    const a = await user({ ref: 'A', email: 'a@example.org' })
    const b = await user({ ref: 'B', directory_object_id: directory, login_name: 'x|b' })
    const c = await user({ login_name: 'x|C', email: 'c@example.org' })
    const d = await user({ email: 'd@example.org' })
    const { outcomes } = await load(
      lines(
        'id,directory_object_id,ref,login_name,email,city',
        `${a.id},,A2,,a2@example.org,Bern`,
        `,${directory},B,b,,Bern`,
        `,,,y|c,c2@example.org,Bern`,
        `,,,,D@EXAMPLE.org,Bern`,
        `,,E,,,Bern`,
      ),
    )
    expect(outcomes.map(({ outcome, id }) => [outcome, id])).toEqual([
      ['updated', a.id],
      ['updated', b.id],
      ['updated', c.id],
      ['updated', d.id],
      ['created', expect.any(String)],
    ])
    expect(await byRef('A2')).toMatchObject({ id: a.id, email: 'a2@example.org' })
  })

  it('is never guessed: several matches, an unknown id or a known address under another login name are rejected', async () => {
    await user({ login_name: 'x|ann', email: 'ann@example.org' })
    await user({ login_name: 'ANN', email: 'two@example.org' })
    await user({ email: 'two@example.org' })
    const { outcomes } = await load(
      lines(
        'id,login_name,email',
        ',ann,',
        ',,Two@example.org',
        `${randomUUID()},bob,`,
        ',new.name,ann@example.org',
        ',new.person,new@example.org',
      ),
    )
    expect(outcomes.map(({ reason }) => reason)).toEqual([
      'several users have this login name or e-mail address; name the user by id, directory_object_id or ref',
      'several users have this login name or e-mail address; name the user by id, directory_object_id or ref',
      'id is the id of no user of this tenant',
      'no user has this login_name, but another user has this email; name the user by id, directory_object_id or ref',
      null,
    ])
  })

  it('is one living user although deleted ones have the same login name', async () => {
    await remove(await user({ login_name: 'ann' }))
    const living = await user({ login_name: 'ann' })
    const { outcomes } = await load(lines('login_name,city', 'ann,Bern'))
    expect(outcomes).toMatchObject([{ outcome: 'updated', id: living.id }])
  })

  it('must not stand in two rows of a file', async () => {
    const directory = randomUUID()
    const known = await user({ ref: 'K', email: 'k@example.org' })
    const { outcomes } = await load(
      lines(
        'id,directory_object_id,ref,login_name,email',
        `,${directory},A,,`,
        ',,A,,',
        `,${directory},B,,`,
        ',,C,,same@example.org',
        ',,,,SAME@example.org',
        ',,,x|d,',
        ',,,D,',
        ',,,,weak@example.org',
        ',,W,,weak@example.org',
        ',,K,,',
        ',,,,k@example.org',
        `${known.id},,,,`,
        ',,,,',
      ),
    )
    expect(outcomes.map(({ line, reason }) => [line, reason])).toEqual([
      [2, null],
      [3, 'line 2 has the same ref'],
      [4, 'line 2 has the same directory_object_id'],
      [5, null],
      [6, 'line 5 has the same email'],
      [7, null],
      [8, 'line 7 has the same login_name'],
      [9, 'line 10 has the same email'],
      [10, null],
      [11, null],
      [12, 'line 11 names the same user'],
      [13, 'line 11 names the same user'],
    ])
  })

  it('stays the only holder of directory object id and ref', async () => {
    const directory = randomUUID()
    await user({ ref: 'A', directory_object_id: directory })
    await remove(await user({ ref: 'D' }))
    const b = await user({ ref: 'B', login_name: 'b' })
    const { outcomes } = await load(
      lines(
        'id,directory_object_id,ref',
        `${b.id},,A`,
        `,${randomUUID()},A`,
        `,${randomUUID()},D`,
        `${b.id},${directory},`,
      ).replace(`${b.id},,A\n`, ''),
    )
    expect(outcomes.map(({ reason }) => reason)).toEqual([
      'ref belongs to another user of this tenant',
      'ref belongs to a deleted user of this tenant; restore or purge that one',
      'directory_object_id belongs to another user of this tenant',
    ])
    const taken = await load(lines('id,ref', `${b.id},A`))
    expect(taken.outcomes[0]?.reason).toBe('ref belongs to another user of this tenant')
  })
})

describe('people who are gone', () => {
  it('stay deleted when they are in the file, and are reported', async () => {
    const [a, b] = [await user({ ref: 'A' }), await user({ email: 'b@example.org' })]
    await remove(a, b)
    await seeEverybody()
    const before = await dumpDatabase(test.owner, { tenant, without: ofImports })
    const { outcomes, counts } = await load(lines('ref,email,city', 'A,,Bern', ',b@example.org,Bern'))
    expect(outcomes).toMatchObject([
      { outcome: 'skipped', id: a.id },
      { outcome: 'skipped', id: b.id },
    ])
    expect(counts).toMatchObject({ skipped: 2, skippedFor: { deleted: 2, purged: 0, anonymized: 0 } })
    expect(differences(before, await dumpDatabase(test.owner, { tenant, without: ofImports }))).toEqual({})
  })

  it('stay purged when the file has any of their identifiers, or the id of then', async () => {
    const directory = randomUUID()
    const a = await user({
      ref: 'Ref-A',
      email: 'a@example.org',
      login_name: 'x|login.a',
      directory_object_id: directory,
    })
    const b = await user({ external_identity_id: 'Ext-B', login_name: 'b@example.org' })
    await purge(a, b)
    const rows = [
      'Ref-A,,,,,',
      `,${directory},,,,`,
      ',,Login.A,,,',
      ',,,A@example.org,,',
      ',,,other@example.org,ext-b,',
    ]
    rows.push(`,,,,,${a.id}`, ',,,B@example.org,,', ',,y|a@example.org,,,', 'New,,,,,')
    const { outcomes, counts } = await load(
      lines('ref,directory_object_id,login_name,email,external_identity_id,id', ...rows),
    )
    expect(outcomes.map(({ outcome }) => outcome)).toEqual([...Array(8).fill('skipped'), 'created'])
    expect(counts.skippedFor).toEqual({ deleted: 0, purged: 8, anonymized: 0 })
    const { rows: users } = await test.owner.query('select ref from users where tenant_id = $1', [tenant])
    expect(users).toEqual([{ ref: 'New' }])
  })

  it('come back as learners without records where that is asked for, and only once', async () => {
    const a = await user({ ref: 'A', email: 'a@example.org', roles: ['administrator', 'learner'] })
    await user({ ref: 'boss', roles: ['administrator'] })
    await purge(a)
    const file = lines('id,ref,email,roles', `${a.id},A,a@example.org,administrator;learner`)
    const options = { purged: 'create', withRoles: true } as const
    const first = await load(file, options)
    expect(first.outcomes).toMatchObject([{ outcome: 'created', reason: expect.stringContaining('without records') }])
    const back = await byRef('A')
    expect(back.id).not.toBe(a.id)
    expect(back).toMatchObject({ roles: ['learner'], former_roles: [] })
    const again = await load(file, options)
    expect(again.summary).toBe('unchanged')
    expect(again.counts.rolesNotApplied).toBe(1)
    // By the id of then the person stays purged for everybody who does not ask for more.
    expect((await load(file)).counts.skippedFor.purged).toBe(1)
  })

  it('are in conflict while their erasure is pending, deleted or not', async () => {
    const [a, b] = [await user({ ref: 'A' }), await user({ ref: 'B' })]
    await remove(a)
    await test.stopWorkers()
    const request = await test.order(tenant, [a.id])
    await test.owner.query(
      `insert into erasure_subjects (tenant_id, request_id, user_id, state) values ($1, $2, $3, 'held')`,
      [tenant, request, b.id],
    )
    const { outcomes, counts } = await load(lines('ref,city', 'A,Bern', 'B,Bern'))
    expect(outcomes).toMatchObject([
      { outcome: 'conflict', id: a.id },
      { outcome: 'conflict', id: b.id },
    ])
    expect(counts).toMatchObject({ conflict: 2, skipped: 0, rejected: 0 })
    await run((tx) => cancelErasure(tx, request))
    await test.startWorkers()
    expect((await load(lines('ref,city', 'A,Bern', 'B,Bern'))).summary).toBe('skipped updated')
  })

  it('are skipped when they were anonymized and the file has their id', async () => {
    const { id } = await user()
    await test.owner.query(`update users set state = 'anonymized', anonymized_at = now() where id = $1`, [id])
    const { outcomes, counts } = await load(lines('id', id))
    expect(outcomes).toMatchObject([{ outcome: 'skipped', reason: 'the user was anonymized' }])
    expect(counts.skippedFor.anonymized).toBe(1)
  })
})

describe('roles', () => {
  it('are not applied unless that is asked for', async () => {
    await user({ ref: 'A', roles: ['author', 'learner'] })
    const file = lines('ref,roles', 'A,administrator', 'B,administrator;learner', 'C,learner')
    const without = await load(file)
    expect(without.summary).toBe('unchanged created created')
    expect(without.counts.rolesNotApplied).toBe(2)
    expect(without.outcomes.map(({ reason }) => reason)).toEqual([
      expect.stringContaining('an import with roles'),
      expect.stringContaining('an import with roles'),
      null,
    ])
    expect((await byRef('A')).roles).toEqual(['author', 'learner'])
    expect((await byRef('B')).roles).toEqual(['learner'])
    expect((await load(file, { withRoles: true })).summary).toBe('updated updated unchanged')
    expect((await byRef('A')).roles).toEqual(['administrator'])
    expect((await byRef('B')).roles).toEqual(['administrator', 'learner'])
    expect((await load(file, { withRoles: true })).summary).toBe('unchanged unchanged unchanged')
  })

  it('that are privileged are never given to somebody who came back, and those held may be taken', async () => {
    const restored = await user({ ref: 'R', roles: ['author', 'learner'] })
    await remove(restored)
    await run((tx) => restoreUsers(tx, { userIds: [restored.id] }))
    await remove(await user({ ref: 'old', email: 'Twin@example.org' }))
    await user({ ref: 'T', email: 'twin@example.org', roles: ['instructor', 'learner'] })
    await purge(await user({ ref: 'gone', email: 'gone@example.org' }))
    await user({ ref: 'P', email: 'gone@example.org' })
    const { outcomes, counts } = await load(
      lines(
        'ref,email,roles',
        'R,,author;learner',
        'T,twin@example.org,author',
        'P,gone@example.org,author',
        'N,twin@example.org,author',
      ),
      { withRoles: true },
    )
    expect(outcomes.map(({ outcome }) => outcome)).toEqual(['unchanged', 'updated', 'unchanged', 'created'])
    expect(counts.rolesNotApplied).toBe(4)
    for (const ref of ['R', 'T', 'P', 'N']) expect((await byRef(ref)).roles).toEqual(['learner'])
  })

  it('leave the tenant an active administrator, whatever the order of the rows', async () => {
    await user({ ref: 'A', roles: ['administrator'] })
    const file = (...rows: string[]) => lines('ref,roles', ...rows)
    const refused = await load(file('A,learner'), { withRoles: true })
    expect(refused.outcomes[0]?.reason).toBe('roles would leave the tenant without an active administrator')
    const swapped = await load(file('B,administrator', 'A,learner'), { withRoles: true })
    expect(swapped.summary).toBe('created updated')
    const both = await load(file('B,learner', 'A,administrator'), { withRoles: true })
    expect(both.summary).toBe('rejected updated')
  })
})

describe('managers', () => {
  it('may stand anywhere in the file', async () => {
    const file = lines('ref,email,manager_ref', 'A,,B', 'B,,C', 'C,,')
    expect((await load(file)).summary).toBe('created created created')
    const [a, b, c] = [await byRef('A'), await byRef('B'), await byRef('C')]
    expect([a.manager_id, b.manager_id, c.manager_id]).toEqual([b.id, c.id, null])
    expect((await load(file)).summary).toBe('unchanged unchanged unchanged')
  })

  it('are found by ref, by e-mail address or by id, and an empty cell says that there is none', async () => {
    const boss = await user({ ref: 'boss', email: 'Boss@example.org' })
    await load(lines('ref,manager_ref', 'A,boss'))
    expect((await byRef('A')).manager_id).toBe(boss.id)
    await load(lines('ref,manager_email', 'B,bOSS@example.org', 'A,'))
    expect((await byRef('B')).manager_id).toBe(boss.id)
    expect((await byRef('A')).manager_id).toBeNull()
    await load(lines('ref,manager_id', `A,${boss.id}`))
    expect((await byRef('A')).manager_id).toBe(boss.id)
  })

  it('by e-mail address count as they are after the import', async () => {
    const boss = await user({ ref: 'boss', email: 'old@example.org' })
    const { summary } = await load(
      lines('ref,email,manager_email', 'A,,new@example.org', 'boss,new@example.org,', 'B,,old@example.org'),
    )
    expect(summary).toBe('created updated rejected')
    expect((await byRef('A')).manager_id).toBe(boss.id)
  })

  it('who are nobody, several or the user in person reject the row, and rows that build on it', async () => {
    await user({ email: 'two@example.org' })
    await user({ email: 'two@example.org' })
    const named = await load(lines('ref,manager_ref', 'A,nobody', 'B,A', 'C,B', 'D,D', 'E,'))
    expect(named.outcomes.map(({ reason }) => reason)).toEqual([
      'manager_ref names no user of this tenant and of this file',
      'manager_ref names no user of this tenant and of this file',
      'manager_ref names no user of this tenant and of this file',
      'manager_ref names the user; a user cannot be their own manager',
      null,
    ])
    const { outcomes } = await load(lines('ref,manager_email', 'F,two@example.org', 'G,'))
    expect(outcomes.map(({ reason }) => reason)).toEqual([
      'manager_email names several users; name the manager by manager_id or manager_ref',
      null,
    ])
    const { outcomes: byId } = await load(lines('ref,manager_id', `H,${randomUUID()}`))
    expect(byId[0]?.outcome).toBe('rejected')
  })
})

describe('bad input', () => {
  it('rejects the row with line and field, never with the value, and the others go in', async () => {
    const file = Buffer.concat([
      Buffer.from('ref,email,directory_object_id,locale,roles,first_name,custom_json.level\n'),
      Buffer.from('A,secret,,,,,\nB,,secret,,,,\nC,,,se cret,,,\nD,,,,secret,,\nE,,,,,,{secret\n'),
      Buffer.from('F,,,,,,\n'),
      Buffer.from('G,,,,,J\xfcrgen,\n', 'latin1'),
      Buffer.from('H,,,,\n,,,,,Nobody,\n"I"secret,,,,,,\n'),
      Buffer.from('J,,,,,Jürgen,\n,,,,,,\n'),
    ])
    const { outcomes, counts } = await load(file)
    expect(outcomes.map(({ line, reason }) => `${line} ${reason}`)).toEqual([
      '2 email is not valid: an address with one @ and without spaces is expected',
      '3 directory_object_id is not valid: a UUID such as 0190a0b1-7d2c-7c3e-8a54-1f2e3d4c5b6a is expected',
      '4 locale is not valid: a language tag such as en-US is expected',
      '5 roles is not valid: one of administrator, privacy_officer, integration_administrator, author, instructor, manager, learner is expected',
      '6 custom field in column 7 is no JSON',
      '7 null',
      '8 first_name is no text in UTF-8',
      '9 the row has 5 columns instead of 7',
      '10 the row names no user; it needs one of id, directory_object_id, ref, login_name, email',
      '11 the quotes of the line do not match, or it is longer than 1 MiB',
      '12 null',
    ])
    expect(counts).toMatchObject({ read: 11, created: 2, rejected: 9 })
    expect((await byRef('J')).first_name).toBe('Jürgen')
  })

  it.each([
    ['an unknown column', 'ref,secret\n', 'column 2'],
    ['a column twice', 'ref,Ref\n', 'column 2'],
    ['two columns for the manager', 'ref,manager_id,manager_ref\n', 'manager_id and manager_ref'],
    ['no column that names users', 'city\nBern\n', 'directory_object_id'],
  ])('refuses a head with %s, without repeating it', async (_name, content, expected) => {
    const error = await load(content).catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'input.invalid', message: expect.stringContaining(expected) })
    expect(String(error)).not.toContain('secret')
  })

  it('refuses custom fields that together are too large', async () => {
    await user({ ref: 'A', custom_fields: { a: 'x'.repeat(20_000) } })
    const { outcomes } = await load(lines('ref,custom.b', `A,${'y'.repeat(20_000)}`, `B,${'y'.repeat(20_000)}`))
    expect(outcomes.map(({ reason }) => reason)).toEqual(['custom fields together are larger than 32 KiB', null])
    expect((await load(lines('ref,custom.a', `A,${'y'.repeat(30_000)}`))).summary).toBe('updated')
  })
})

describe('beside others', () => {
  it('is repeated from where the file is staged when a ref is taken meanwhile', async () => {
    let created: User | undefined
    const { summary, outcomes } = await load(lines('ref,login_name', 'A,a', 'B,b'), {
      source: Readable.from(
        (async function* () {
          yield Buffer.from('ref,login_name\nA,a\n')
          created = await user({ ref: 'B', login_name: 'z' })
          yield Buffer.from('B,b\n')
        })(),
      ),
    })
    expect(summary).toBe('created updated')
    expect(outcomes[1]?.id).toBe(created?.id)
  })

  it('waits for somebody who changes the same user, and then judges again', async () => {
    const { id } = await user({ ref: 'A', city: 'Bern', office: '1' })
    const other = await test.database.pool.connect()
    await other.query(`begin; set local lethe.tenant_id = '${tenant}'; set local lethe_test.fixture = 'yes'`)
    await other.query(
      `update users set office = '2', state = 'deleted', deleted_at = now(), deletion_id = $2 where id = $1`,
      [id, randomUUID()],
    )
    const importing = load(lines('ref,city', 'A,Basel'))
    await waitUntilBlocked()
    await other.query('commit')
    other.release()
    expect((await importing).summary).toBe('skipped')
    const { rows } = await test.owner.query('select state, city, office from users where id = $1', [id])
    expect(rows).toEqual([{ state: 'deleted', city: 'Bern', office: '2' }])
  })

  it('stops when it is told to, also while it waits for the file, and has changed nothing', async () => {
    const without = [...ofImports, 'tenant_keys']
    const before = await dumpDatabase(test.owner, { tenant, without })
    const controller = new AbortController()
    const endless = Readable.from(
      (async function* () {
        yield Buffer.from('ref\nA\n')
        await new Promise(() => undefined)
      })(),
    )
    const importing = load('', {
      source: endless,
      signal: controller.signal,
      onRead: () => controller.abort(new Error('enough')),
    })
    await expect(importing).rejects.toThrow('enough')
    expect(differences(before, await dumpDatabase(test.owner, { tenant, without }))).toEqual({})
    const { rows } = await test.owner.query('select * from import_runs where tenant_id = $1', [tenant])
    expect(rows).toMatchObject([{ error_code: 'import_run.stopped', finished_at: expect.any(Date), sealed_key: null }])
  })
})

async function waitUntilBlocked(): Promise<void> {
  for (;;) {
    const { rows } = await test.owner.query(
      `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
    )
    if (rows.length > 0) return
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

/** Text as users may have it: no control characters, nothing to trim. */
const text = fc
  .oneof(
    fc.string({ unit: 'grapheme', maxLength: 12 }),
    fc.string({ unit: fc.constantFrom("'", '=', '+', '-', '@', '"', ',', ';', '＝', 'a', 'ü', '5'), maxLength: 6 }),
  )
  .map((value) => value.replace(/\p{Cc}/gu, '').trim())
  .filter((value) => value !== '' && value.isWellFormed())
const anyText = fc
  .oneof(text, fc.string({ unit: fc.constantFrom("'", '=', '\t', '\r', '\n', ' ', '"', ',', 'a'), maxLength: 5 }))
  .filter((value) => !value.includes('\0'))
const json = fc
  .jsonValue({ maxDepth: 2, stringUnit: 'grapheme' })
  .filter((value) => !JSON.stringify(value).includes('\\u0000') && JSON.stringify(value).isWellFormed())
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: null })
const fields: fc.Arbitrary<UserFields> = fc.record({
  kind: fc.constantFrom('internal', 'external'),
  login_name: maybe(text.filter((name) => name.slice(name.lastIndexOf('|') + 1).trim() !== '')),
  directory_object_id: maybe(fc.uuid()),
  ref: maybe(fc.uuid().map((id) => `=${id}`)),
  email: maybe(fc.constantFrom('a@example.org', '=b@example.org', '+c@example.org')),
  email_verified: fc.boolean(),
  external_identity_id: maybe(text),
  first_name: maybe(text),
  last_name: maybe(text),
  display_name: maybe(text),
  title: maybe(text),
  city: maybe(text),
  locale: maybe(fc.constantFrom('de-CH', 'en')),
  time_zone: maybe(fc.constantFrom('Europe/Berlin', 'Etc/GMT+5')),
  custom_fields: fc.dictionary(anyText, fc.oneof(anyText, json), { maxKeys: 3, noNullPrototype: true }),
  roles: fc.subarray(['administrator', 'author', 'learner'], { minLength: 1 }),
  products: fc.subarray(['learn', 'flow']),
}) as fc.Arbitrary<UserFields>

describe('exportUsers', () => {
  it('writes what the import reads: importing it again changes nothing, whatever the users are', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fields, { minLength: 1, maxLength: 5 }), fc.boolean(), async (people, withRoles) => {
        tenant = await newTenant()
        const made: User[] = []
        for (const person of people) {
          const { id } = await user({ ...person, ...(made[0] && { manager_id: made[0].id }) })
          // The display name may have been cleared since.
          made.push(await run((tx) => updateUser(tx, id, { display_name: person.display_name ?? null })))
        }
        await seeEverybody()
        const before = await dumpDatabase(test.owner, { tenant, without: ofImports })
        const file = await dump()
        const { outcomes, counts } = await load(file, { withRoles })
        expect(outcomes.map(({ outcome, reason }) => [outcome, reason])).toEqual(people.map(() => ['unchanged', null]))
        expect(counts.rolesNotApplied).toBe(0)
        expect(differences(before, await dumpDatabase(test.owner, { tenant, without: ofImports }))).toEqual({})
      }),
      { numRuns: effort(10, 40) },
    )
  })

  it('carries every field to users who lost it', async () => {
    await fc.assert(
      fc.asyncProperty(fields, async (person) => {
        tenant = await newTenant()
        const { id } = await user(person)
        const read = () => run((tx) => findUser(tx, { by: 'id', value: id }))
        await seeEverybody()
        const [before, file] = [await read(), await dump()]
        await test.owner.query(
          `update users set login_name = 'x', ref = 'x', email = null, first_name = 'x', title = '=x', kind = 'internal',
             custom_fields = '{"other": 1}', time_zone = null where id = $1`,
          [id],
        )
        await load(file)
        const { custom_fields, updated_at, ...rest } = await read()
        expect(rest).toEqual({ ...before, custom_fields: undefined, updated_at: undefined })
        expect(custom_fields).toEqual({ ...before.custom_fields, other: 1 })
      }),
      { numRuns: effort(10, 40) },
    )
  })

  it('writes no cell that a spreadsheet would run', async () => {
    await user({ ref: '=cmd()', title: '+1', city: '-1', office: '@x', custom_fields: { a: '\t=1', b: -5, c: "'=1" } })
    const [, row = ''] = (await dump()).split('\r\n')
    for (const cell of ["'=cmd()", "'+1", "'-1", "'@x", `"'\t=1"`, "'-5", "''=1"]) expect(row).toContain(cell)
    for (const cell of row.split(',')) expect(cell).not.toMatch(/^"?[=+\-@\t\r]/)
    expect(csvLine([guardFormula('=1;=2')])).toBe(`"'=1;=2"\r\n`)
  })

  it('writes all users of the list, over any number of pages', async () => {
    await test.owner.query(
      `insert into users (tenant_id, ref, state, deleted_at, deletion_id)
       select $1, 'U-' || n, case when n % 2 = 0 then 'deleted' else 'active' end,
         case when n % 2 = 0 then now() end, case when n % 2 = 0 then gen_random_uuid() end
       from generate_series(1, 5001) n`,
      [tenant],
    )
    expect((await dump()).trimEnd().split('\r\n')).toHaveLength(2502)
    let deleted = ''
    const count = await run((tx) =>
      exportUsers(tx, { states: ['deleted'], sort: 'deleted' }, (piece) => {
        deleted += piece
        return Promise.resolve()
      }),
    )
    expect(count).toBe(2500)
    expect((await load(deleted)).counts.skippedFor.deleted).toBe(2500)
  })
})
