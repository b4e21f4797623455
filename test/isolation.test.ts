import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createApiKey } from '../server/access/api-keys.ts'
import { createOAuthClient } from '../server/access/oauth-clients.ts'
import { issueToken } from '../server/access/tokens.ts'
import { createUser } from '../server/people/accounts/create-user.ts'
import { isPermitted, type Permission, permissions } from '../server/permissions/permissions.ts'
import { type Principal, scopes } from '../server/permissions/principal.ts'
import { userRoles } from '../server/permissions/roles.ts'
import { tableFingerprint } from './fingerprint.ts'
import { basic, type Credential, openTestHttp, type TestHttp } from './http.ts'
import { codeOf, type OpenApiOperation, operationsOf, smallestOf } from './openapi-requests.ts'

// Walks every operation of the OpenAPI document with every kind of credential. A route that is added is covered.

let http: TestHttp
let operations: OpenApiOperation[]
/** This tenant, and ids of things in it. */
let here: { tenant: string; user: string; erasure: string; key: string; client: string }
/** Ids of things in this tenant, by the part of a path that comes before the id. */
let there: Record<string, string>
let elsewhere: string

type Named = { name: string; credential: Credential; principal: Principal | undefined }

/** What knocks without a right to come in. */
const strangers: Named[] = []
/** What comes in, with what the table has to judge by. */
const callers: Named[] = []

beforeAll(async () => {
  http = await openTestHttp()
  operations = operationsOf((await http.call('GET', '/openapi.json')).json)
  const tenant = await http.tenant('Here')
  elsewhere = await http.tenant('Elsewhere')
  const key = await http.key(tenant)
  const user = (await http.call('POST', '/api/v1/users', { as: key, body: { email: 'here@example.org' } })).json.id
  const leaver = (await http.call('POST', '/api/v1/users', { as: key, body: { ref: 'here-4711' } })).json.id
  await http.call('DELETE', `/api/v1/users/${leaver}`, { as: key })
  const order = { operation: 'purge', subjects: [{ id: leaver }] }
  const erasure = (await http.call('POST', '/api/v1/erasures', { as: key, body: order })).json.id
  await http.call('POST', `/api/v1/erasures/${erasure}/cancel`, { as: key })
  const madeKey = await http.inTenant(tenant, (tx) => createApiKey(tx, { name: 'Made', access: 'read_only' }))
  const madeClient = await http.inTenant(tenant, (tx) => createOAuthClient(tx, { name: 'Made', scopes: ['api/read'] }))
  here = { tenant, user, erasure, key: madeKey.key.id, client: madeClient.client.id }
  there = { ...(await things(key, user)), users: user, erasures: erasure, keys: here.key, clients: here.client }

  await addStrangers(tenant)
  for (const access of ['read_only', 'full_control'] as const) {
    const scope = access === 'read_only' ? 'api/read' : 'api/all'
    callers.push({ name: `${access} key`, credential: await http.key(tenant, access), principal: program(scope) })
  }
  for (const scope of scopes) {
    callers.push({ name: `token ${scope}`, credential: await token(tenant, scope), principal: program(scope) })
  }
  for (const role of userRoles) {
    const person = await http.person(tenant, role)
    const { userId } = person
    const initiator = { from: 'console', userId } as const
    const access = { kind: 'person', roles: [role] } as const
    callers.push({
      name: role,
      credential: person,
      principal: { tenantId: tenant, initiator, access: { ...access, roles: [role] } },
    })
  }
  callers.push({
    name: 'operator',
    credential: await http.operator(),
    principal: { tenantId: undefined, initiator: { from: 'console' }, access: { kind: 'operator' } },
  })
})
afterAll(() => http.close())

/** One of everything that belongs to learning, named so that it shows where it does not belong. */
async function things(as: Credential, user: string): Promise<Record<string, string>> {
  const make = async (path: string, body: object): Promise<string> => {
    const { status, json } = await http.call('POST', `/api/v1${path}`, { as, body })
    expect([path, status < 300, json.code]).toEqual([path, true, undefined])
    return json.id
  }
  const catalogs = await make('/catalogs', { title: 'Here: catalog' })
  const courses = await make('/courses', { catalog_id: catalogs, title: 'Here: course' })
  const plan = { catalog_id: catalogs, title: 'Here: plan', course_ids: [courses] }
  const groups = await make('/groups', { display_name: 'Here: group' })
  const scales = await make('/scale-sets', { title: 'Here: scale', levels: [{ title: 'Here: level', value: 1 }] })
  const skills = await make('/skills', { title: 'Here: skill', scale_set_id: scales })
  const [level] = (await http.call('GET', `/api/v1/scale-sets/${scales}`, { as })).json.levels
  const enrollments = await make('/enrollments', { user_id: user, course_id: courses })
  await make(`/enrollments/${enrollments}/complete`, {})
  await http.call('POST', `/api/v1/catalogs/${catalogs}/members`, { as, body: { user_ids: [user] } })
  await http.call('PUT', `/api/v1/groups/${groups}/members`, { as, body: { user_ids: [user] } })
  return {
    catalogs,
    courses,
    groups,
    skills,
    enrollments,
    members: user,
    catalog: catalogs,
    CourseCatalogs: catalogs,
    Courses: courses,
    Enrollments: enrollments,
    Competencies: skills,
    Skills: skills,
    SkillScaleSets: scales,
    'training-plans': await make('/training-plans', plan),
    sessions: await make(`/courses/${courses}/sessions`, { title: 'Here: session' }),
    'scale-sets': scales,
    'issued-certificates': await make(`/enrollments/${enrollments}/certificates`, { number: 'Here: 17' }),
    levels: level.id,
    awards: await make(`/users/${user}/skills`, { skill_id: skills, level_id: level.id }),
    exports: await make(`/users/${user}/exports`, {}),
  }
}

function program(scope: (typeof scopes)[number]): Principal {
  return { tenantId: undefined, initiator: { from: 'api' }, access: { kind: 'program', scopes: [scope] } }
}

async function token(tenant: string, scope: (typeof scopes)[number]): Promise<Credential> {
  const { client, secret } = await http.inTenant(tenant, (tx) =>
    createOAuthClient(tx, { name: scope, scopes: [scope] }),
  )
  const request = {
    grantType: 'client_credentials',
    clientId: client.id,
    clientSecret: secret,
    issuer: 'https://lethe.example',
  }
  const { access_token } = await issueToken(http.app.database, tenant, request)
  return { authorization: `Bearer ${access_token}` }
}

async function addStrangers(tenant: string): Promise<void> {
  const add = (name: string, credential: Credential) => strangers.push({ name, credential, principal: undefined })
  const good = (await http.key(tenant)).authorization ?? ''
  const secret = Buffer.from(good.slice(6), 'base64').toString('utf8').slice(4)
  const bearer = (await token(tenant, 'api/all')).authorization ?? ''
  add('nothing', {})
  add('a wrong key', basic('api', `${secret.slice(0, -4)}AAAA`))
  add('no key at all', basic('api', 'nonsense'))
  add('a scheme that is none', { authorization: 'Digest x' })
  add('a token with a wrong signature', { authorization: `${bearer.slice(0, -6)}AAAAAA` })
  add('no token at all', { authorization: 'Bearer x.y.z' })
  add('a cookie of nobody', { cookie: `lethe_session=${tenant}.${'A'.repeat(43)}`, 'x-csrf-token': 'x' })
  const late = await http.key(tenant)
  await http.owner.query(
    `update api_keys set expires_at = now() - interval '1 second' where id = (select id from api_keys order by id desc limit 1)`,
  )
  add('an expired key', late)
  const revoked = await http.key(tenant)
  await http.owner.query(
    `update api_keys set revoked_at = now() where id = (select id from api_keys order by id desc limit 1)`,
  )
  add('a revoked key', revoked)
  const ended = await http.person(tenant, 'administrator')
  await http.owner.query(`update sign_in_sessions set expires_at = now() where user_id = $1`, [ended.userId])
  add('an expired session', ended)
  const suspended = await http.person(tenant, 'administrator')
  await http.owner.query(`update users set state = 'suspended' where id = $1`, [suspended.userId])
  add('a session of somebody suspended', suspended)
}

/** A request that names things of this tenant, and is otherwise the smallest that the schema allows. */
function requestOf({ path, parameters, body }: OpenApiOperation, ids: Record<string, string> = {}) {
  const named = path.replace(
    /([\w-]+)(\/|\('?)\{(\w+)\}/g,
    (_, part: string, before: string, name: string) => `${part}${before}${ids[name] ?? idFor(part, name)}`,
  )
  const query = parameters
    .filter((one) => one.in === 'query' && one.required === true)
    .map(({ name, schema }) => `${name}=${encodeURIComponent(String(smallestOf(schema)))}`)
  const content = body === undefined ? undefined : withIds(bodyFor(path, smallestOf(body.schema)))
  return {
    path: query.length === 0 ? named : `${named}?${query.join('&')}`,
    ...(content !== undefined && { body: content }),
  }
}

function idFor(part: string, name: string): string {
  return (name === 'award_id' ? there.awards : there[part]) ?? here.tenant
}

/** Orders name a person of this tenant. */
function bodyFor(path: string, smallest: unknown): unknown {
  return path.includes('/erasures') ? { ...Object(smallest), subjects: [{ id: here.user }] } : smallest
}

/** Where a body names something, it names a thing of this tenant. */
function withIds(body: unknown): unknown {
  if (typeof body !== 'object' || body === null) return body
  return Object.fromEntries(
    Object.entries(body).map(([name, value]) => {
      const id = there[thingsNamed[name] ?? '']
      return [name, id === undefined || value === null ? value : Array.isArray(value) ? [id] : id]
    }),
  )
}

const thingsNamed: Record<string, string> = {
  user_id: 'users',
  user_ids: 'users',
  catalog_id: 'catalogs',
  course_ids: 'courses',
  scale_set_id: 'scale-sets',
  skill_id: 'skills',
  level_id: 'levels',
}

/** What a body that is not complete is answered. */
const incomplete = ({ statuses }: OpenApiOperation) => (statuses.includes(422) ? 422 : 400)

const label = ({ method, path }: OpenApiOperation) => `${method} ${path}`

/** Those that a credential is asked for. */
const guarded = () => operations.filter(({ permission }) => permission !== 'public')

function isDeclared(name: string): name is Permission {
  return name in permissions
}

// The walks grow with the routes, so they have more time than other tests.
describe('every operation of the document', { timeout: 180_000 }, () => {
  it('says who may call it, and only what says so is open to everybody', () => {
    const unknown = operations.filter(
      ({ permission }) => !['public', 'authenticated'].includes(permission) && !isDeclared(permission),
    )
    expect(unknown.map(label)).toEqual([])
    expect(
      operations
        .filter(({ permission }) => permission === 'public')
        .map(label)
        .sort(),
    ).toEqual([
      'DELETE /api/v1/session',
      'GET /.well-known/jwks.json',
      'GET /.well-known/oauth-authorization-server',
      'GET /.well-known/oauth-jwks.json',
      'GET /acknowledge/{token}',
      'GET /confirm/{token}',
      'GET /healthz',
      'GET /metrics',
      'GET /readyz',
      'POST /acknowledge/{token}',
      'POST /api/v1/identity-provider/erasures',
      'POST /api/v1/identity-provider/identities',
      'POST /api/v1/operator-session',
      'POST /api/v1/session',
      'POST /confirm/{token}',
      'POST /oauth2/token',
      'POST /oauth2/token/{tenantId}',
    ])
    expect(guarded().length).toBeGreaterThan(100)
  })

  it('is refused without a valid credential, alike, and nothing changes', async () => {
    const before = await tableFingerprint(http.owner)
    const answers = new Map<string, Set<string>>()
    for (const operation of guarded()) {
      const requests = strangers.map(async ({ name, credential }) => {
        const { path, ...rest } = requestOf(operation)
        const { status, json, headers } = await http.call(operation.method, path, { as: credential, ...rest })
        expect([label(operation), name, status, codeOf(json)]).toEqual([
          label(operation),
          name,
          401,
          'access.unauthenticated',
        ])
        expect(headers.get('www-authenticate')).toMatch(/realm="Lethe"/)
        const { request_id: _, ...answer } = json
        return JSON.stringify(answer)
      })
      answers.set(label(operation), new Set(await Promise.all(requests)))
    }
    // Nobody can tell from the answer what was wrong.
    expect([...answers].filter(([, texts]) => texts.size !== 1)).toEqual([])
    expect(await tableFingerprint(http.owner)).toEqual(before)
  })

  it('is refused to whom the table does not permit it, and nothing changes', async () => {
    const before = await tableFingerprint(http.owner, ['api_keys', 'sign_in_sessions', 'operator_sessions'])
    let refused = 0
    for (const operation of guarded()) {
      const forbidden = callers.filter(
        ({ principal }) => principal !== undefined && !isAllowed(operation, principal, here.user),
      )
      const requests = forbidden.map(async ({ name, credential }) => {
        const { path, ...rest } = requestOf(operation)
        const { status, json } = await http.call(operation.method, path, { as: credential, ...rest })
        expect([label(operation), name, status, codeOf(json)]).toEqual([
          label(operation),
          name,
          403,
          'access.forbidden',
        ])
      })
      await Promise.all(requests)
      refused += requests.length
    }
    expect(refused).toBeGreaterThan(200)
    expect(await tableFingerprint(http.owner, ['api_keys', 'sign_in_sessions', 'operator_sessions'])).toEqual(before)
  })

  it('is refused to a browser without the CSRF token, where it changes something', async () => {
    const { credential } = callers.find(({ name }) => name === 'administrator') ?? { credential: {} }
    const { 'x-csrf-token': _, ...cookieOnly }: Credential = credential
    for (const operation of guarded().filter(({ method }) => method !== 'GET')) {
      const { path, ...rest } = requestOf(operation)
      for (const as of [cookieOnly, { ...cookieOnly, 'x-csrf-token': 'A'.repeat(43) }]) {
        const { status, json } = await http.call(operation.method, path, { as, ...rest })
        expect([label(operation), status, codeOf(json)]).toEqual([label(operation), 403, 'access.csrf'])
      }
    }
  })

  it('knows nothing of this tenant when another tenant asks, whatever it names', async () => {
    const others: Credential[] = [
      await http.key(elsewhere),
      await http.person(elsewhere, 'administrator'),
      await token(elsewhere, 'api/all'),
    ]
    const before = await tableFingerprint(http.owner, ['api_keys', 'oauth_clients', 'sign_in_sessions'], here.tenant)
    const secrets = [here.user, here.erasure, here.key, here.client, 'here@example.org', 'here-4711', 'Made', 'Here: ']
    for (const operation of guarded().filter(({ permission }) => permission.split('.')[0] !== 'tenants')) {
      for (const as of others) {
        const { path, ...rest } = requestOf(operation)
        const { status, text } = await http.call(operation.method, path, { as, ...rest })
        const named = JSON.stringify(rest.body ?? '')
        const namesSomething = operation.path.includes('{') || Object.values(there).some((id) => named.includes(id))
        if (namesSomething && status !== 403) {
          // A body that is not complete is refused before anybody looks for what the path names.
          expect([label(operation), status === incomplete(operation) ? 404 : status]).toEqual([label(operation), 404])
        }
        for (const secret of secrets) {
          const shown = text.replaceAll(
            new RegExp(`"There is [^"]*"|"id":"${here.key}"|"(id|request)":"${secret}"`, 'g'),
            '',
          )
          if (status >= 300) expect([label(operation), shown.includes(secret)]).toEqual([label(operation), false])
          else expect([label(operation), text.includes(secret)]).toEqual([label(operation), false])
        }
      }
    }
    expect(await tableFingerprint(http.owner, ['api_keys', 'oauth_clients', 'sign_in_sessions'], here.tenant)).toEqual(
      before,
    )
  })

  it('is open to whom the table permits it', async () => {
    let permitted = 0
    for (const operation of guarded()) {
      for (const { name, credential, principal } of callers) {
        if (principal === undefined || !isAllowed(operation, principal, here.user)) continue
        const { path, ...rest } = requestOf(operation)
        const { status, json } = await http.call(operation.method, path, { as: credential, ...rest })
        // Whoever may hand out rights may still not hand out more than the own ones.
        const refused = status === 401 || (status === 403 && json?.code !== 'access.beyond_own')
        expect([label(operation), name, refused]).toEqual([label(operation), name, false])
        expect([label(operation), name, operation.statuses.includes(status)]).toEqual([label(operation), name, true])
        permitted++
      }
    }
    expect(permitted).toBeGreaterThan(80)
  })

  it('is open to a person for the own account, where the table says so', async () => {
    const learner = await http.person(here.tenant, 'learner')
    const own = guarded().filter(({ target }) => target !== undefined)
    expect(own.length).toBeGreaterThanOrEqual(10)
    // The sign-out is the last one.
    for (const operation of own.toSorted((one) => (one.path.endsWith('/sign-out') ? 1 : -1))) {
      const { path, ...rest } = requestOf(operation, { [operation.target ?? '']: learner.userId.toUpperCase() })
      const { status } = await http.call(operation.method, path, { as: learner, ...rest })
      expect([label(operation), status === 401 || status === 403]).toEqual([label(operation), false])
    }
    expect((await http.call('GET', '/api/v1/session', { as: learner })).status).toBe(401)
  })

  it('is out of reach at once for whoever loses the right', async () => {
    const user = await http.inTenant(here.tenant, (tx) => createUser(tx, {}))
    const officer = await http.person(here.tenant, 'privacy_officer')
    const read = async () => (await http.call('GET', `/api/v1/users/${user.id}`, { as: officer })).status
    expect(await read()).toBe(200)
    const key = await http.key(here.tenant)
    const change = (rest: string, method: string, body?: unknown) =>
      http.call(method, `/api/v1/users/${officer.userId}${rest}`, { as: key, ...(body !== undefined && { body }) })
    await change('/roles', 'PUT', { roles: ['learner'] })
    expect(await read()).toBe(403)
    await change('/suspend', 'POST')
    expect(await read()).toBe(401)
    await change('/reactivate', 'POST')
    expect(await read()).toBe(401)
  })
})

function isAllowed({ permission, target }: OpenApiOperation, principal: Principal, userId: string): boolean {
  if (permission === 'authenticated') return true
  if (!isDeclared(permission)) throw new Error(`Nobody declared the permission ${permission}`)
  return isPermitted(principal, permission, { userId: target === undefined ? undefined : userId })
}
