import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { effort } from './effort.ts'
import { type CallOptions, type Credential, openTestHttp, type TestHttp } from './http.ts'
import {
  anything,
  awkwardTexts,
  brokenBodies,
  codeOf,
  type KnownIds,
  type OpenApiOperation,
  operationsOf,
  type Parameter,
  valuesOf,
} from './openapi-requests.ts'

// Sends generated requests to every operation of the OpenAPI document: some that its schemas allow, some that they do not,
// and some that are no JSON. A route that is added is covered.

const runsPerOperation = effort(6, 70)

let http: TestHttp
let tenant: string
let key: Credential
let administrator: Credential
let operator: Credential
let operations: OpenApiOperation[]
/** Ids of what there is, by the part of the path that comes before an id. */
const ids: Record<string, string[]> = {}
/** What a field or a parameter names, where its name says so. */
const thingsNamed: Record<string, string> = {
  user_id: 'users',
  user_ids: 'users',
  author_ids: 'users',
  instructor_ids: 'users',
  catalog_id: 'catalogs',
  course_id: 'courses',
  course_ids: 'courses',
  training_plan_id: 'training-plans',
  session_id: 'sessions',
  group_id: 'groups',
  skill_id: 'skills',
  skillId: 'skills',
  competencyId: 'skills',
  level_id: 'levels',
  levelId: 'levels',
  competencyLevelId: 'levels',
  scale_set_id: 'scale-sets',
  scaleSetId: 'scale-sets',
  award_id: 'awards',
  export_id: 'exports',
}

/** Changes of these are no doing of the request: they note that a credential was used, or was not right. */
const noted = [
  'api_keys',
  'oauth_clients',
  'sign_in_sessions',
  'operator_sessions',
  'sign_in_failures',
  'operator_sign_in_failures',
]

beforeAll(async () => {
  http = await openTestHttp()
  tenant = await http.tenant('Acme')
  key = await http.key(tenant)
  administrator = await http.person(tenant, 'administrator')
  operator = await http.operator()
  operations = operationsOf((await http.call('GET', '/openapi.json')).json)
  const users: string[] = []
  for (let number = 0; number < 20; number++) {
    const body = { email: `fuzz-${number}@example.org`, login_name: `fuzz-${number % 15}`, ref: `fuzz-${number}` }
    users.push((await http.call('POST', '/api/v1/users', { as: key, body })).json.id)
  }
  const erasures: string[] = []
  for (const id of users.slice(0, 3)) {
    await http.call('DELETE', `/api/v1/users/${id}`, { as: key })
    const order = { operation: 'purge', subjects: [{ id }] }
    const { json } = await http.call('POST', '/api/v1/erasures', { as: key, body: order })
    // Ended, so that following it ends too.
    await http.call('POST', `/api/v1/erasures/${json.id}/cancel`, { as: key })
    erasures.push(json.id)
  }
  const made = async (path: string, body: unknown) => (await http.call('POST', path, { as: administrator, body })).json
  ids.users = users
  ids.erasures = erasures
  ids.keys = [(await made('/api/v1/keys', { name: 'Fuzz', access: 'read_only' })).key.id]
  ids.clients = [(await made('/api/v1/clients', { name: 'Fuzz', scopes: ['api/read'] })).client.id]
  ids.tenants = [tenant]
  ids.token = [tenant]
  await makeThings(users.slice(10))
  await watchChanges()
})
afterAll(() => http.close())

/** Two of everything that belongs to learning, with some of the users in them. */
async function makeThings(users: string[]): Promise<void> {
  const make = async (part: string, path: string, body: object): Promise<string> => {
    const { status, json } = await http.call('POST', `/api/v1${path}`, { as: key, body })
    expect([path, status < 300, json.code]).toEqual([path, true, undefined])
    ids[part] = [...(ids[part] ?? []), json.id]
    return json.id
  }
  for (const [index, user] of users.slice(0, 2).entries()) {
    const catalog_id = await make('catalogs', '/catalogs', { title: 'Fuzz' })
    const course_id = await make('courses', '/courses', { catalog_id, title: 'Fuzz' })
    await make('training-plans', '/training-plans', { catalog_id, title: 'Fuzz', course_ids: [course_id] })
    await make('sessions', `/courses/${course_id}/sessions`, { title: 'Fuzz' })
    await make('groups', '/groups', { display_name: 'Fuzz' })
    const own = index === 0 ? {} : { catalog_id }
    const levels = [{ title: 'Fuzz', value: 1 }]
    const scale_set_id = await make('scale-sets', '/scale-sets', { title: 'Fuzz', levels, ...own })
    const skill_id = await make('skills', '/skills', { title: 'Fuzz', scale_set_id, ...own })
    const level_id = (await http.call('GET', `/api/v1/scale-sets/${scale_set_id}`, { as: key })).json.levels[0].id
    ids.levels = [...(ids.levels ?? []), level_id]
    const enrollment = await make('enrollments', '/enrollments', { user_id: user, course_id })
    await http.call('POST', `/api/v1/enrollments/${enrollment}/complete`, { as: key, body: {} })
    await make('issued-certificates', `/enrollments/${enrollment}/certificates`, {})
    await make('awards', `/users/${user}/skills`, { skill_id, level_id })
    await make('exports', `/users/${user}/exports`, {})
    const body = { user_ids: users }
    await http.call('POST', `/api/v1/catalogs/${catalog_id}/members`, { as: key, body })
  }
  const { catalogs = [], courses = [], enrollments = [], skills = [] } = ids
  const odata = { CourseCatalogs: catalogs, Courses: courses, Enrollments: enrollments, Skills: skills }
  Object.assign(ids, odata, {
    Competencies: skills,
    SkillScaleSets: ids['scale-sets'],
    members: users,
    catalog: catalogs,
  })
}

/** What a name in an operation stands for; else what comes before it in the path, else users. */
function knownIds(path: string): KnownIds {
  return (name) => {
    const [, part = ''] = new RegExp(`([\\w-]+)(?:/|\\('?)\\{${name}\\}`).exec(path) ?? []
    return ids[thingsNamed[name] ?? ''] ?? ids[part] ?? ids.users ?? []
  }
}

/** Counts every change of every row that is committed. */
async function watchChanges(): Promise<void> {
  await http.owner.query(
    `create table fuzz_changes (at bigint generated always as identity, name text);
     create function note_change() returns trigger language plpgsql security definer as $$
       begin insert into public.fuzz_changes (name) values (tg_table_name); return null; end $$`,
  )
  const { rows } = await http.owner.query<{ name: string }>(
    `select relname as name from pg_class
     where relnamespace = 'public'::regnamespace and relkind = 'r' and relname <> 'fuzz_changes' and relname <> all ($1)`,
    [noted],
  )
  for (const { name } of rows) {
    await http.owner.query(
      `create trigger note_change after insert or update or delete on ${name} for each row execute function note_change()`,
    )
  }
}

/** The tables that were written since there were so many changes. */
async function changedSince(before: number): Promise<string[]> {
  const { rows } = await http.owner.query<{ name: string }>('select name from fuzz_changes order by at offset $1', [
    before,
  ])
  return rows.map(({ name }) => name)
}

async function changes(): Promise<number> {
  const { rows } = await http.owner.query('select count(*)::int as number from fuzz_changes')
  return rows[0].number
}

type Sent = { path: string; options: CallOptions }

function requests(operation: OpenApiOperation): fc.Arbitrary<Sent> {
  const { parameters, body } = operation
  const known = knownIds(operation.path)
  const path = fc
    .tuple(...parameters.filter((one) => one.in === 'path').map((one) => named(one, known)))
    .map((values) => values.reduce((text, [name, value]) => text.replace(`{${name}}`, encode(value)), operation.path))
  const query = fc
    .tuple(
      ...parameters.filter((one) => one.in === 'query').map((one) => fc.option(named(one, known), { nil: undefined })),
    )
    .map((values) =>
      values.flatMap((value) => (value === undefined ? [] : [`${value[0]}=${encode(value[1])}`])).join('&'),
    )
  const headers = fc
    .tuple(
      ...parameters.filter((one) => one.in === 'header').map((one) => fc.option(named(one, known), { nil: undefined })),
    )
    .map((values) =>
      Object.fromEntries(
        values.flatMap((value) => {
          if (value === undefined) return []
          const text = String(value[1])
            .replaceAll(/[^\x20-\x7e]/g, '')
            .trim()
          return text === '' ? [] : [[value[0], text]]
        }),
      ),
    )
  const stray = operation.method === 'GET' ? fc.constant<CallOptions>({}) : strayBodies
  const bodies = body === undefined ? stray : bodiesOf(body.schema, body.type, known)
  return fc.record({ path, query, headers, body: bodies }).map(({ path, query, headers, body }) => ({
    path: query === '' ? path : `${path}?${query}`,
    options: { ...body, headers: { ...headers, ...body.headers } },
  }))
}

/** A parameter with a value: mostly one that its schema allows. */
function named({ name, schema }: Parameter, known: KnownIds): fc.Arbitrary<[string, unknown]> {
  // Waiting for a certificate that does not come takes as long as it says.
  const allowed = name === 'wait' ? fc.constantFrom(0, 61, -1) : valuesOf(schema, known, name)
  return fc
    .oneof({ weight: 4, arbitrary: allowed }, { weight: 1, arbitrary: awkwardTexts })
    .map((value) => [name, value])
}

const strayBodies: fc.Arbitrary<CallOptions> = fc.oneof(
  { weight: 4, arbitrary: fc.constant({}) },
  { weight: 1, arbitrary: anything.map((body) => ({ body })) },
)

function bodiesOf(schema: Parameters<typeof valuesOf>[0], type: string, known: KnownIds): fc.Arbitrary<CallOptions> {
  const form = type === 'application/x-www-form-urlencoded'
  const headers = { 'content-type': type }
  const allowed = valuesOf(schema, known)
  const spoilt = fc
    .tuple(allowed, fc.string({ maxLength: 12 }), anything)
    .map(([value, name, other]) => ({ ...Object(value), [name]: other }))
  const wrong = fc.tuple(allowed, anything, fc.nat()).map(([value, other, index]) => {
    const names = Object.keys(Object(value))
    const name = names[index % Math.max(1, names.length)]
    return name === undefined ? value : { ...Object(value), [name]: other }
  })
  const text = (value: unknown) =>
    form
      ? String(
          new URLSearchParams(
            Object.entries(Object(value)).map(([name, one]): [string, string] => [
              name,
              typeof one === 'string' ? one : (JSON.stringify(one) ?? ''),
            ]),
          ),
        )
      : JSON.stringify(value)
  return fc.oneof(
    { weight: 4, arbitrary: allowed.map((value) => ({ body: text(value) ?? '', headers })) },
    { weight: 2, arbitrary: wrong.map((value) => ({ body: text(value) ?? '', headers })) },
    { weight: 1, arbitrary: spoilt.map((value) => ({ body: text(value) ?? '', headers })) },
    { weight: 1, arbitrary: anything.map((value) => ({ body: text(value) ?? '', headers })) },
    { weight: 1, arbitrary: brokenBodies.map((body) => ({ body, headers })) },
    {
      weight: 1,
      arbitrary: fc
        .constantFrom('text/plain', 'application/xml', 'application/json; charset=utf-16', 'multipart/form-data', 'x')
        .map((other) => ({ body: '{}', headers: { 'content-type': other } })),
    },
  )
}

function encode(value: unknown): string {
  try {
    return encodeURIComponent(String(value))
  } catch (error) {
    if (error instanceof URIError) return '%ff'
    throw error
  }
}

/** Who may do it, so that more than the refusal is tried. */
function whoFor({ permission }: OpenApiOperation): Credential | undefined {
  if (permission === 'public') return undefined
  if (permission.startsWith('tenants.')) return operator
  return /^(keys|clients|tenant|users\.password)/.test(permission) ? administrator : key
}

describe('thousands of generated requests', () => {
  it('get declared answers only, never a failure, and change nothing where they are refused', async () => {
    let sent = 0
    const failures: unknown[] = []
    const statuses = new Map<number, number>()
    for (const operation of operations) {
      const as = whoFor(operation)
      const run = await fc.check(
        fc.asyncProperty(requests(operation), async ({ path, options }) => {
          const before = await changes()
          const { status, json } = await http.call(operation.method, path, { ...options, ...(as && { as }) })
          sent++
          statuses.set(status, (statuses.get(status) ?? 0) + 1)
          // An empty part or a slash in a path makes it another address.
          const isAnother = status === 404 && codeOf(json) === 'request.unknown_route'
          const isOtherMethod = status === 405 && path !== operation.path
          if (!isAnother && !isOtherMethod) expect(operation.statuses).toContain(status)
          // Learn365 has it that a login name of several people is a failure of the server.
          if (codeOf(json) !== 'subject.ambiguous') expect(status).toBeLessThan(500)
          if (status >= 400) {
            // The log of imports has those that failed as a whole, too.
            const isLogged = operation.path === '/api/v1/imports'
            const changed = await changedSince(before)
            expect(changed.filter((table) => !(isLogged && table === 'import_runs'))).toEqual([])
          }
          if (status === 422 && json?.code?.startsWith('input.')) expect(json.field).not.toBe('')
        }),
        { numRuns: runsPerOperation },
      )
      if (run.failed)
        failures.push([`${operation.method} ${operation.path}`, run.counterexample, String(run.errorInstance)])
    }
    expect(failures).toEqual([])
    expect(sent).toBeGreaterThan(43 * runsPerOperation)
    // Not everything was refused.
    expect([...statuses.keys()]).toEqual(expect.arrayContaining([200, 201, 400, 404, 409, 415, 422]))
    expect((await http.call('GET', '/readyz')).status).toBe(200)
  }, 600_000)
})
