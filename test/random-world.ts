import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import type pg from 'pg'
import { type Dump, newTenant, type Row, type TenantRows } from './rows.ts'

/** A person of a small world: `identifiers` are e-mail address, login name, ref, external identity, directory object id. */
export type Person = { id: string; identifiers: string[] }

/** A tenant of a few people who stand in each other's rows, and an administrator who stands in none. */
export type World = {
  owner: pg.Client
  rows: TenantRows
  people: Person[]
  administrator: string
  catalog: string
  course: string
}

/** Each puts two people, or one person twice, into the rows of a tenant. */
const relations = {
  manages: (world, a, b) => changeUser(world, a, { manager_id: b.id }),
  deletes: (world, a, b) => changeUser(world, a, { deleted_by: b.id }),
  knows: (world, a, b) =>
    changeUser(world, a, {
      custom_fields: JSON.stringify({
        shift: 'night',
        buddy: mail(b),
        [mail(b)]: [mail(a), { number: 12345678901234567890n.toString() }],
      }),
    }),
  founds: async ({ owner, rows }, a) => {
    await owner.query('update tenants set created_by = $2 where id = $1', [rows.tenant, a.id])
  },
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
  learns: async ({ rows, course }, a, b) => {
    const module = await rows.insert('modules', { course_id: course, title: `Module of ${ref(b)}`, kind: 'page' })
    await rows.insert('progress', { user_id: a.id, module_id: module, percent: 40 })
    for (const user_id of [a.id, b.id]) {
      await rows.insert('record_actions', { user_id, module_id: module, happened_on: '2026-03-01', clicks: 3 })
    }
  },
  grades: async ({ rows, course }, a, b) => {
    const assessment = await rows.insert('assessments', { course_id: course, title: 'Exam', kind: 'exam' })
    await rows.insert('assessment_attempts', {
      user_id: a.id,
      assessment_id: assessment,
      graded_by: b.id,
      score: 71.5,
      feedback: `See ${mail(b)} ${mail(b)}`,
    })
    const submission = await rows.insert('submissions', {
      user_id: a.id,
      assessment_id: assessment,
      graded_by: b.id,
      comment: `with ${login(b)}`,
    })
    const file = {
      user_id: a.id,
      submission_id: submission,
      name: `for ${ref(b)} (1).txt`,
      media_type: 'text/plain',
      size: 1,
    }
    const file_id = await rows.insert('submission_files', file)
    await rows.insert('submission_file_chunks', { user_id: a.id, file_id, position: 0, content: Buffer.from('x') })
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
    const certificate = { user_id: b.id, course_id: await rows.course(), issued_by: a.id, number: `No. ${ref(b)}` }
    await rows.insert('issued_certificates', certificate)
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
  lists: async ({ rows }, a, b) => {
    await rows.catalog({ title: `${a.identifiers.join(', ')} and ${b.identifiers.join(', ')}` })
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
} satisfies Record<string, (world: World, a: Person, b: Person) => Promise<unknown>>

const part = (person: Person, index: number) => person.identifiers[index] ?? ''
const mail = (person: Person) => part(person, 0)
const login = (person: Person) => part(person, 1)
const ref = (person: Person) => part(person, 2)

async function changeUser({ owner }: World, { id }: Person, values: Row): Promise<void> {
  const [[column, value] = ['', undefined]] = Object.entries(values)
  await owner.query(`update users set ${column} = $2 where id = $1`, [id, value])
}

const numberOfPeople = 5
const person = fc.nat(numberOfPeople - 1)

/** Random worlds: who is erased, who of the others lives, and who stands in whose rows. */
export const worldPlan = fc.record({
  erased: fc.subarray([...Array(numberOfPeople).keys()], { minLength: 1 }),
  /** Of those who are not erased; the others are deleted. */
  living: fc.subarray([...Array(numberOfPeople).keys()]),
  /** Who has the e-mail address of whom. */
  twins: fc.array(fc.record({ of: person, is: person }), { maxLength: 1 }),
  relations: fc.array(
    fc.record({ is: fc.constantFrom(...(Object.keys(relations) as (keyof typeof relations)[])), a: person, b: person }),
    { minLength: 5, maxLength: 25 },
  ),
})

export type WorldPlan = typeof worldPlan extends fc.Arbitrary<infer T> ? T : never

/** Makes the world of a plan in a tenant of its own. Its people are in the order of their numbers in the plan. */
export async function buildWorld(owner: pg.Client, plan: WorldPlan): Promise<World> {
  const rows = await newTenant(owner)
  const administrator = await rows.administrator()
  const people: Person[] = []
  for (let number = 0; number < numberOfPeople; number++) {
    const salt = randomUUID().slice(0, 8)
    const twin = plan.twins.find(({ is, of }) => is === number && of < number)
    const email = twin === undefined ? `p${number}.${salt}@acme.example` : mail(people[twin.of] as Person)
    const login_name = `acme\\p${number}-${salt}`
    const values = {
      email,
      login_name: `i:0#.w|${login_name.toUpperCase()}`,
      ref: `emp-${salt}-${number}`,
      external_identity_id: `idp|${salt}.${number}`,
      directory_object_id: randomUUID(),
      first_name: `Person${number}`,
      city: 'Bern',
    }
    const { ref, external_identity_id, directory_object_id } = values
    const lives = plan.living.includes(number) && !plan.erased.includes(number)
    const id = await (lives ? rows.user(values) : rows.deletedUser(values))
    people.push({ id, identifiers: [email, login_name, ref, external_identity_id, directory_object_id] })
  }
  const world = { owner, rows, people, administrator, catalog: await rows.catalog(), course: await rows.course() }
  for (const { is, a, b } of plan.relations) {
    await relations[is](world, people[a] as Person, people[b] as Person)
  }
  return world
}

/** Who is erased by the plan: their ids, and those of their identifiers that nobody else of the world has. */
export function erasedOf(world: World, plan: WorldPlan): { ids: Set<string>; identifiers: string[] } {
  const erased = plan.erased.map((number) => world.people[number] as Person)
  const ids = new Set(erased.map(({ id }) => id))
  const kept = new Set(world.people.filter(({ id }) => !ids.has(id)).flatMap(({ identifiers }) => identifiers))
  return { ids, identifiers: erased.flatMap((one) => one.identifiers).filter((one) => !kept.has(one)) }
}

/** A value with every occurrence of the identifiers scrubbed: in texts, and in names and values of JSON. */
export function scrubbed(value: unknown, identifiers: readonly string[]): unknown {
  if (typeof value === 'string') {
    return identifiers.reduce((text, identifier) => text.replaceAll(identifier, '[erased]'), value)
  }
  if (Array.isArray(value)) return value.map((member) => scrubbed(member, identifiers))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [String(scrubbed(name, identifiers)), scrubbed(member, identifiers)]),
  )
}

/** The record of an erasure itself, and what is told about it. */
const ofTheErasure =
  /^(erasure_(subjects|steps|receipts|certificates|ledger)|audit_.*|tombstones|.*_keys|graphile_worker\..*)$/

/** The rows of a dump but for the record of erasures, changed one by one, in a form to compare; undefined: left out. */
export function rowsOf(
  dump: Dump,
  change: (table: string, row: Row) => Row | undefined = (_, row) => row,
): Record<string, string[]> {
  const all: Record<string, string[]> = {}
  for (const [table, rows] of dump) {
    if (ofTheErasure.test(table)) continue
    const kept = [...rows.values()].flatMap((row) => {
      const changed = change(table, row)
      // Of several authors who give way to one successor, any one's time may stay.
      return changed === undefined ? [] : [table.endsWith('_authors') ? { ...changed, added_at: null } : changed]
    })
    all[table] = [...new Set(kept.map((row) => JSON.stringify(row)))].sort()
  }
  return all
}
