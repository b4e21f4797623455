import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { openTestApplication, type TestApplication } from '../../test/application.ts'
import { newTenant, type TenantRows } from '../../test/rows.ts'
import { previewErasure } from './preview-erasure.ts'
import { retryErasure } from './retry-erasure.ts'
import { searchPeople } from './search-people.ts'
import { followUp, settleFindings, sweep } from './sweep.ts'

let test: TestApplication
let rows: TenantRows
beforeAll(async () => {
  test = await openTestApplication()
  await test.startWorkers()
})
afterAll(() => test.close())
beforeEach(async () => {
  rows = await newTenant(test.owner)
})

async function description(course: string): Promise<string> {
  const { rows: found } = await test.owner.query<{ description: string }>(
    'select description from courses where id = $1',
    [course],
  )
  return found[0]?.description ?? ''
}

describe('a living person whose identifier holds that of somebody who is purged', () => {
  it.each([
    [
      { email: 'brien@corp.example' },
      { email: "o'brien@corp.example" },
      "Ask o'brien@corp.example, not brien@corp.example",
    ],
    [{ login_name: 'jdoe-7' }, { login_name: 'ACME\\jdoe-7' }, 'Ask ACME\\jdoe-7, not jdoe-7'],
    [{ login_name: 'jdoe-7' }, { login_name: 'i:0#.w|ACME\\jdoe-7' }, 'Ask i:0#.w|acme\\jdoe-7, not jdoe-7'],
    [{ ref: '5f7c8ec7' }, { external_identity_id: 'auth0|5f7c8ec7' }, 'Ask auth0|5f7c8ec7, not 5f7c8ec7'],
    [
      { email: 'max@corp.example' },
      { external_identity_id: 'corp|max@corp.example' },
      'sub=corp%7Cmax%40corp.example, not max@corp.example',
    ],
    [
      { ref: '\u05d0\u05d1.4711' },
      { ref: '\u05d2/\u05d0\u05d1.4711' },
      'Ask \u05d2/\u05d0\u05d1.4711, not \u05d0\u05d1.4711',
    ],
  ])('keeps it in texts and columns, and the purge completes: %j, %j', async (gone, living, text) => {
    await rows.user(living)
    const person = await rows.deletedUser(gone)
    const course = await rows.course({ description: text })
    const value = Object.values(gone)[0] ?? ''
    const preview = await test.inTenant(rows.tenant, (tx) => previewErasure(tx, 'purge', [person]))
    expect(preview.effects).toContainEqual({ table: 'courses', effect: 'scrubbed description', rows: 1 })
    expect(preview.blockedBy).toEqual([])
    const { state, failures, receipt } = await test.purge(rows.tenant, [person])
    expect([state, failures]).toEqual(['completed', []])
    expect(receipt).toEqual(preview.effects)
    expect(await description(course)).toBe(`${text.slice(0, text.lastIndexOf(value))}[erased]`)
    const { rows: users } = await test.owner.query('select * from users where tenant_id = $1', [rows.tenant])
    expect(users).toMatchObject([living])
    expect((await sweep(test.app, [rows.tenant])).findings).toEqual([])
  })
})

describe('a text in which an identifier is written in another way', () => {
  it.each([
    [{ ref: '\u0130ZM\u0130R.7' }, 'Ask i\u0307zmi\u0307r.7!'],
    [{ ref: 'GRO\u1e9e.4711' }, 'Ask gross.4711!'],
    [{ ref: '\uff21\uff22\uff23309' }, 'Ask \uff41\uff42\uff43309!'],
    [{ ref: '\u2167-4711' }, 'Ask \u2177-4711!'],
    [{ ref: 'Kelvin\u212a-4' }, 'Ask KELVINK-4!'],
    [{ ref: '\u212bngstrom-4' }, 'Ask \u00e5ngstrom-4!'],
    [{ ref: '\uf900.4711' }, 'Ask \u8c48.4711!'],
    [{ ref: '\u0958\u092e\u0932.4711' }, 'Ask \u0915\u093c\u092e\u0932.4711!'],
    [{ ref: 'nguy\u1ec5n.4711' }, 'Ask NGUY\u00ca\u0303N.4711!'],
    [{ ref: '\u13a0\u13a1.4711' }, 'Ask \uab70\uab71.4711!'],
    [{ ref: '\u{1e900}\u{1e901}.4711' }, 'Ask \u{1e922}\u{1e923}.4711!'],
    [
      { email: '\u0394\u039f\u039a\u0399\u039c\u0397\u03a3@corp.example' },
      'Ask \u03b4\u03bf\u03ba\u03b9\u03bc\u03b7\u03c2@corp.example!',
    ],
    [{ email: 'ann@b\u00fccher.example' }, 'Ask ann@xn--bcher-kva.example!'],
    [{ email: 'max.muster@corp.example' }, '<a href="?u=max%2Emuster%40corp%2Eexample">'],
    [{ email: 'max.muster@corp.example' }, '{"u":"max\\u002emuster\\u0040corp.example"}'],
    [{ email: "o'brien@corp.example" }, '<p>o&#39;brien@corp.example</p>'],
    [{ email: 'max.muster@corp.example' }, '&#109;&#x61;&#120;.muster&#64;corp&period;example'],
    [{ ref: 'R&D-4711' }, 'Ask R&amp;D-4711!'],
    [{ ref: 'R&amp;D-4711' }, 'Ask R&amp;D-4711!'],
  ])('loses it to a purge, and later to the sweep: %j in %j', async (fields, text) => {
    const person = await rows.deletedUser(fields)
    const course = await rows.course({ description: text })
    const preview = await test.inTenant(rows.tenant, (tx) => previewErasure(tx, 'purge', [person]))
    expect(preview.effects).toContainEqual({ table: 'courses', effect: 'scrubbed description', rows: 1 })
    const { state, receipt } = await test.purge(rows.tenant, [person])
    expect(state).toBe('completed')
    expect(receipt).toEqual(preview.effects)
    expect(await description(course)).toContain('[erased]')
    expect((await sweep(test.app, [rows.tenant])).findings).toEqual([])

    const again = await rows.course({ description: text })
    const swept = await sweep(test.app, [rows.tenant])
    expect(swept.findings).toMatchObject([{ table: 'courses', column: 'description', remedy: 'scrub' }])
    for (const { request } of await followUp(test.app, swept)) await test.ended(rows.tenant, request)
    expect(await settleFindings(test.app, [rows.tenant])).toEqual({ findings: [], reasons: [] })
    expect(await description(again)).toBe(await description(course))
    expect((await sweep(test.app, [rows.tenant])).findings).toEqual([])
  })
})

describe('what describes somebody else', () => {
  it('loses the identifier of who is purged, in every column, as the preview says', async () => {
    const address = 'max.muster@corp.example'
    const person = await rows.deletedUser({ email: address })
    const other = {
      first_name: `A ${address}`,
      display_name: `B (${address})`,
      job_title: `Assistant to ${address}`,
      department: 'c/o MAX.MUSTER@corp.example',
      office: 'max%2Emuster%40corp.example',
    }
    const id = await rows.user(other)
    const preview = await test.inTenant(rows.tenant, (tx) => previewErasure(tx, 'purge', [person]))
    const { state, receipt } = await test.purge(rows.tenant, [person])
    expect(state).toBe('completed')
    expect(receipt).toEqual(preview.effects)
    expect(receipt.map(({ effect }) => effect)).toEqual(
      expect.arrayContaining(Object.keys(other).map((column) => `scrubbed ${column}`)),
    )
    const { rows: users } = await test.owner.query('select * from users where id = $1', [id])
    expect(users).toMatchObject([
      {
        first_name: 'A [erased]',
        display_name: 'B ([erased])',
        job_title: 'Assistant to [erased]',
        department: 'c/o [erased]',
        office: '[erased]',
      },
    ])
  })
})

describe('every column that holds text', () => {
  const address = 'max.muster@corp.example'

  it('is one that the preview names and the purge scrubs, or one that the preview says blocks it, or one that neither looks at', async () => {
    const { rows: columns } = await test.owner.query<{ table: string; column: string; type: string }>(
      `select c.table_name as table, c.column_name as column, c.data_type as type
       from information_schema.columns c
       join information_schema.columns t on t.table_schema = c.table_schema and t.table_name = c.table_name
         and t.column_name = case when c.table_name = 'tenants' then 'id' else 'tenant_id' end
       where c.table_schema = 'public' and c.is_generated = 'NEVER'
         and (c.data_type in ('text', 'jsonb') or c.udt_name = '_text')
         and c.table_name in ('catalogs', 'courses', 'modules', 'sessions', 'assessments', 'training_plans', 'skills',
           'skill_scale_sets', 'directory_groups', 'users', 'tenants', 'import_runs', 'api_keys')
       order by 1, 2`,
    )
    expect(columns.length).toBeGreaterThan(40)
    const seen = { scrubbed: 0, blocked: 0, neither: 0 }
    for (const { table, column, type } of columns) {
      rows = await newTenant(test.owner)
      const person = await rows.deletedUser({ email: address })
      const other = await rows.administrator()
      const course = await rows.course()
      const own: Record<string, () => Promise<unknown>> = {
        modules: () => rows.insert('modules', { course_id: course, title: 'A module', kind: 'quiz' }),
        sessions: () => rows.session(course),
        assessments: () => rows.insert('assessments', { course_id: course, title: 'An assessment', kind: 'exam' }),
        training_plans: async () =>
          rows.insert('training_plans', { catalog_id: await rows.catalog(), title: 'A plan' }),
        skills: () => rows.insert('skills', { title: 'A skill' }).catch(() => undefined),
        directory_groups: () => rows.insert('directory_groups', { display_name: 'A group' }),
        import_runs: () => rows.insert('import_runs', { format: 'csv' }).catch(() => undefined),
        api_keys: () =>
          rows
            .insert('api_keys', {
              name: 'A key',
              prefix: 'p',
              secret_hash: Buffer.alloc(32),
              access: 'read_only',
              owner_id: other,
            })
            .catch(() => undefined),
      }
      await own[table]?.()
      const value = type === 'jsonb' ? JSON.stringify({ a: address }) : type === 'ARRAY' ? [address] : `see ${address}`
      const where =
        table === 'tenants' ? 'id = $2' : table === 'users' ? `tenant_id = $2 and id = '${other}'` : 'tenant_id = $2'
      const planted = await test.owner
        .query(`update ${table} set ${column} = $1 where ${where}`, [value, rows.tenant])
        .then(({ rowCount }) => rowCount ?? 0)
        // A check allows only words of the code.
        .catch(() => 0)
      if (planted === 0) continue
      const place = `${table}.${column}`
      const preview = await test.inTenant(rows.tenant, (tx) => previewErasure(tx, 'purge', [person]))
      const scrubs = preview.effects.some((effect) => effect.table === table && effect.effect === `scrubbed ${column}`)
      const blocks = preview.blockedBy.some((one) => one.table === table && one.column === column)
      const { places } = await searchPeople(test.app, rows.tenant, [{ by: 'email', value: address }])
      // Whoever stays keeps identifiers; the search finds the person's own.
      const isIdentifier = table === 'users' && ['email', 'login_name', 'ref', 'external_identity_id'].includes(column)
      const found = !isIdentifier && places.some((one) => one.table === table && one.column === column)
      expect([place, scrubs || blocks]).toEqual([place, found])
      const { id, state, receipt, failures } = await test.purge(rows.tenant, [person])
      expect([place, state]).toEqual([place, blocks ? 'failed' : 'completed'])
      expect(receipt).toEqual(preview.effects)
      const { rows: left } = await test.owner.query<{ left: string }>(
        `select ${column}::text as left from ${table} where ${where.replace('$2', '$1')} and ${column}::text like '%max.muster%'`,
        [rows.tenant],
      )
      expect([place, left.length]).toEqual([place, scrubs ? 0 : planted])
      if (blocks) {
        expect(failures[0]?.reason).toContain(place)
        expect(failures[0]?.reason).toContain('lethe erasure retry')
        seen.blocked++
      } else if (scrubs) seen.scrubbed++
      else seen.neither++
      expect(id).toBeDefined()
    }
    expect(seen.scrubbed).toBeGreaterThan(20)
    expect(seen.blocked).toBeGreaterThan(3)
  }, 300_000)
})

it('goes on with a failed purge once the tenant has another name', async () => {
  await test.owner.query('update tenants set name = $2 where id = $1', [
    rows.tenant,
    'Tenant of max.muster@corp.example',
  ])
  const person = await rows.deletedUser({ email: 'max.muster@corp.example' })
  const { id, state, failures } = await test.purge(rows.tenant, [person])
  expect([state, failures[0]?.reason]).toEqual([
    'failed',
    'left in tenants.name; take it out there, then run "lethe erasure retry"',
  ])
  await test.owner.query('update tenants set name = $2 where id = $1', [rows.tenant, `Tenant ${rows.tenant}`])
  await test.inTenant(rows.tenant, (tx) => retryErasure(tx, id))
  expect((await test.ended(rows.tenant, id)).state).toBe('completed')
})
