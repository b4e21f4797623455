import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openTestApplication, type TestApplication } from '../../test/application.ts'
import { type Dump, dumpDatabase, insertRow, newTenant, placesOf, type Row, type TenantRows } from '../../test/rows.ts'
import { previewErasure } from './preview-erasure.ts'

let test: TestApplication
beforeAll(async () => {
  test = await openTestApplication()
  await test.startWorkers()
})
afterAll(() => test.close())

/** A person of a small world: whose e-mail address it is too, if it is somebody's, and what names the person. */
type Person = { id: string; identifiers: string[] }

/** Each puts two people, or one person twice, into the rows of a tenant. */
const relations = {
  manages: (world, a, b) => change(world, 'users', a.id, { manager_id: b.id }),
  deletes: (world, a, b) => change(world, 'users', a.id, { deleted_by: b.id }),
  knows: (world, a, b) =>
    change(world, 'users', a.id, {
      custom_fields: JSON.stringify({
        buddy: mail(b),
        [mail(b)]: [mail(a), { number: 12345678901234567890n.toString() }],
      }),
    }),
  writes: async ({ rows }, a, b) => {
    const course = await rows.course({
      description: `Ask ${mail(b)} about it`,
      contact_emails: [mail(a), mail(b), 'x@y.z'],
    })
    for (const { id } of new Set([a, b])) await rows.insert('course_authors', { course_id: course, user_id: id })
  },
  plans: async ({ rows, catalog }, a, b) => {
    const plan = await rows.insert('training_plans', { catalog_id: catalog, title: `Plan of ${ref(b)}` })
    await rows.insert('training_plan_authors', { training_plan_id: plan, user_id: a.id })
  },
  teaches: async ({ rows, course }, a, b) => {
    const session = await rows.session(course, { location: `Room of ${login(b)}`, contact_emails: [mail(b)] })
    for (const { id } of new Set([a, b])) await rows.insert('session_instructors', { session_id: session, user_id: id })
  },
  enrolls: async ({ rows }, a, b) => {
    await rows.insert('enrollments', {
      user_id: a.id,
      course_id: await rows.course({ reply_to_email: mail(b) }),
      enrolled_by: b.id,
      note: `${mail(b)} said that ${mail(a)} and ${ref(b)} come along`,
    })
  },
  grades: async ({ rows, course }, a, b) => {
    const assessment = await rows.insert('assessments', { course_id: course, title: 'Exam', kind: 'exam' })
    await rows.insert('assessment_attempts', {
      user_id: a.id,
      assessment_id: assessment,
      graded_by: b.id,
      feedback: `See ${mail(b)} ${mail(b)}`,
    })
    await rows.insert('submissions', {
      user_id: a.id,
      assessment_id: assessment,
      graded_by: b.id,
      comment: `with ${login(b)}`,
    })
  },
  awards: async ({ rows }, a, b) => {
    const scale = await rows.insert('skill_scale_sets', { title: 'A scale' })
    const level = await rows.insert('skill_levels', { scale_set_id: scale, title: 'Good', value: 1 })
    const skill = await rows.insert('skills', { scale_set_id: scale, title: `As good as ${ref(a)}` })
    await rows.insert('user_skills', {
      user_id: a.id,
      skill_id: skill,
      level_id: level,
      awarded_by: b.id,
      revoked_by: a.id,
      revoke_reason: `${mail(b)} asked for it`,
    })
    await rows.insert('issued_certificates', { user_id: b.id, course_id: await rows.course(), issued_by: a.id })
  },
  answers: async ({ rows, course }, a, b) => {
    const post = await rows.post(course, a.id, `Does ${mail(b)} know?`)
    await rows.post(course, b.id, `${mail(a)}: yes, and so does ${ref(b)}.`, { parent_id: post })
  },
  notifies: async ({ rows }, a, b) => {
    await rows.insert('notifications', {
      user_id: a.id,
      kind: 'mail',
      subject: `From ${mail(b)}`,
      body: `${ref(b)} wrote`,
      data: JSON.stringify({ from: { [mail(b)]: [mail(b)] } }),
    })
  },
  rates: async ({ rows }, a, b) => {
    await rows.insert('ratings', {
      user_id: a.id,
      course_id: await rows.course(),
      stars: 3,
      comment: `as good as ${login(b)}`,
    })
  },
  joins: async ({ rows, catalog }, a, b) => {
    const group = await rows.insert('directory_groups', { display_name: 'Friends', description: `of ${mail(b)}` })
    await rows.insert('group_members', { group_id: group, user_id: a.id })
    await rows.insert('catalog_members', {
      catalog_id: await rows.catalog({ contact_emails: [mail(a)] }),
      user_id: a.id,
      added_by: b.id,
    })
    await rows.insert('product_accounts', { user_id: a.id, product: 'learn' }).catch((error: Error) => {
      if (!/product_accounts_pkey/.test(error.message)) throw error
    })
    await rows.insert('import_runs', { format: 'users', started_by: b.id })
    await rows.insert('erasure_requests', {
      operation: 'purge',
      initiated_from: 'console',
      requested_by: a.id,
      reason: `${mail(b)} wrote to us (${catalog})`,
      finished_at: new Date(),
    })
  },
} satisfies Record<string, (world: World, a: Person, b: Person) => Promise<void>>

type World = { rows: TenantRows; people: Person[]; heir: string; catalog: string; course: string }

const part = (person: Person, index: number) => person.identifiers[index] ?? ''
const mail = (person: Person) => part(person, 0)
const login = (person: Person) => part(person, 1)
const ref = (person: Person) => part(person, 2)

async function change(_: World, table: string, id: string, values: Row): Promise<void> {
  const [[column, value] = ['', undefined]] = Object.entries(values)
  await test.owner.query(`update ${table} set ${column} = $2 where id = $1`, [id, value])
}

const numberOfPeople = 5
const person = fc.nat(numberOfPeople - 1)
const plan = fc.record({
  purged: fc.subarray([...Array(numberOfPeople).keys()], { minLength: 1 }),
  /** Who has the e-mail address of whom. */
  twins: fc.array(fc.record({ of: person, is: person }), { maxLength: 1 }),
  relations: fc.array(
    fc.record({ is: fc.constantFrom(...(Object.keys(relations) as (keyof typeof relations)[])), a: person, b: person }),
    { minLength: 5, maxLength: 25 },
  ),
})
type Plan = typeof plan extends fc.Arbitrary<infer T> ? T : never

async function build({ twins, relations: wanted }: Plan): Promise<World> {
  const rows = await newTenant(test.owner)
  const heir = await rows.administrator()
  const people: Person[] = []
  for (let number = 0; number < numberOfPeople; number++) {
    const salt = randomUUID().slice(0, 8)
    const twin = twins.find(({ is, of }) => is === number && of < number)
    const email = twin === undefined ? `p${number}.${salt}@acme.example` : mail(people[twin.of] as Person)
    const login_name = `acme\\p${number}-${salt}`
    const values = {
      email,
      login_name: `i:0#.w|${login_name.toUpperCase()}`,
      ref: `emp-${salt}-${number}`,
      external_identity_id: `idp|${salt}.${number}`,
      directory_object_id: randomUUID(),
    }
    const { ref, external_identity_id, directory_object_id } = values
    const id = await rows.deletedUser(values)
    people.push({ id, identifiers: [email, login_name, ref, external_identity_id, directory_object_id] })
  }
  const world = { rows, people, heir, catalog: await rows.catalog(), course: await rows.course() }
  for (const { is, a, b } of wanted) {
    await relations[is](world, people[a] as Person, people[b] as Person)
  }
  return world
}

/** The record of the erasure itself, and what is told about it. */
const ofTheErasure = /^(erasure_(subjects|steps|receipts|certificates|ledger)|tombstones|.*_keys|graphile_worker\..*)$/

/** What must be left of a row, said a second time in other words than the data map's; undefined: nothing. */
function leftOf(table: string, row: Row, purged: Set<string>, identifiers: string[], heir: string): Row | undefined {
  if (table === 'users' && purged.has(String(row.id))) return undefined
  if (purged.has(String(row.user_id)) && !table.endsWith('_authors')) return undefined
  if (table === 'posts' && purged.has(String(row.author_id))) return { ...row, author_id: null, body: '' }
  const left = (value: unknown): unknown => {
    if (typeof value === 'string') {
      return identifiers.reduce((text, identifier) => text.replaceAll(identifier, '[erased]'), value)
    }
    if (Array.isArray(value)) return value.map(left)
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(Object.entries(value).map(([name, member]) => [String(left(name)), left(member)]))
  }
  return Object.fromEntries(
    Object.entries(row).map(([column, value]) => {
      if (purged.has(String(value))) return [column, column === 'user_id' ? heir : null]
      if (column === 'contact_emails' && Array.isArray(value)) {
        return [column, value.filter((address) => !identifiers.includes(String(address)))]
      }
      return [column, left(value)]
    }),
  )
}

function rowsOf(dump: Dump, change: (table: string, row: Row) => Row | undefined): Record<string, string[]> {
  const all: Record<string, string[]> = {}
  for (const [table, rows] of dump) {
    if (ofTheErasure.test(table)) continue
    const kept = [...rows.values()].flatMap((row) => {
      const changed = change(table, row)
      // Of several authors who give way to one heir, any one's time may stay.
      return changed === undefined ? [] : [table.endsWith('_authors') ? { ...changed, added_at: null } : changed]
    })
    all[table] = [...new Set(kept.map((row) => JSON.stringify(row)))].sort()
  }
  return all
}

describe('a purge of people who refer to each other', () => {
  it('does what the preview counted, table by table, and nothing to anybody else', async () => {
    await fc.assert(
      fc.asyncProperty(plan, async (planned) => {
        const world = await build(planned)
        const { tenant } = world.rows
        const purged = planned.purged.map((number) => world.people[number] as Person)
        const ids = new Set(purged.map(({ id }) => id))
        const kept = new Set(world.people.filter(({ id }) => !ids.has(id)).flatMap(({ identifiers }) => identifiers))
        const identifiers = purged.flatMap((one) => one.identifiers).filter((one) => !kept.has(one))
        const before = await dumpDatabase(test.owner, { tenant })
        const preview = await test.inTenant(tenant, (tx) => previewErasure(tx, 'purge', [...ids]))

        const request = await test.order(tenant, [...ids], world.heir)
        const details = await test.ended(tenant, request)
        expect(details).toMatchObject({ state: 'completed', failures: [] })
        expect(details.receipt).toEqual(preview.effects)
        expect(preview.people).toBe(ids.size)

        const after = await dumpDatabase(test.owner, { tenant })
        const isMine = (table: string, row: Row) =>
          (table === 'erasure_requests' && row.id === request) ||
          (table === 'notifications' && row.user_id === world.heir)
        expect(rowsOf(after, (table, row) => (isMine(table, row) ? undefined : row))).toEqual(
          rowsOf(before, (table, row) => leftOf(table, row, ids, identifiers, world.heir)),
        )
        for (const identifier of identifiers) expect(placesOf(after, identifier)).toEqual([])
        for (const id of ids) {
          expect(['erasure_ledger.user_id', 'erasure_subjects.user_id', 'tombstones.user_id']).toEqual(
            expect.arrayContaining(placesOf(after, id)),
          )
        }
      }),
      { numRuns: 20 },
    )
  })
})

it('counts for one person what the purge of that person does', async () => {
  const rows = await newTenant(test.owner)
  const id = await rows.deletedUser({ email: 'one@acme.example', login_name: 'one@acme.example' })
  await rows.catalog({ contact_emails: ['one@acme.example'], description: 'one@acme.example, one@acme.example' })
  const course = await rows.course()
  await rows.insert('enrollments', { user_id: id, course_id: course, enrolled_by: id, note: 'one@acme.example' })
  await rows.insert('ratings', { user_id: id, course_id: course, stars: 5 })
  const { effects } = await test.inTenant(rows.tenant, (tx) => previewErasure(tx, 'purge', [id]))
  expect(effects).toEqual([
    { table: 'catalogs', effect: 'scrubbed contact_emails', rows: 1 },
    { table: 'catalogs', effect: 'scrubbed description', rows: 1 },
    { table: 'enrollments', effect: 'deleted', rows: 1 },
    { table: 'ratings', effect: 'deleted', rows: 1 },
    { table: 'users', effect: 'deleted', rows: 1 },
  ])
  expect((await test.purge(rows.tenant, [id])).receipt).toEqual(effects)
})

it('changes nothing', async () => {
  const rows = await newTenant(test.owner)
  const id = await rows.deletedUser({ email: 'one@acme.example' })
  await insertRow(test.owner, 'catalogs', { tenant_id: rows.tenant, title: 'one@acme.example' })
  const before = await dumpDatabase(test.owner)
  await test.inTenant(rows.tenant, (tx) => previewErasure(tx, 'purge', [id]))
  expect(await dumpDatabase(test.owner)).toEqual(before)
})
