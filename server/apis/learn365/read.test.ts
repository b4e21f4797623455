import { parse } from '@sap-ux/edmx-parser'
import odataQuery from 'odata-query'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Credential, openTestHttp, type TestHttp } from '../../../test/http.ts'
import { createCatalog } from '../../learning/catalogs/create-catalog.ts'
import { createCourse } from '../../learning/courses/create-course.ts'
import { createTrainingPlan } from '../../learning/courses/create-training-plan.ts'
import { enroll } from '../../learning/enrollments/enroll.ts'
import { createScaleSet } from '../../skills/create-scale-set.ts'
import { createSkill } from '../../skills/create-skill.ts'
import { entitySets } from './entity-sets.ts'

// The queries are built by odata-query, and the metadata is read by @sap-ux/edmx-parser: clients that know nothing of us.

/** Its types take it for CommonJS, which it is not. */
const buildQuery = odataQuery as unknown as (options: object) => string

let http: TestHttp
let key: Credential
let tenant: string
const people = new Map<string, string>()
let catalog: string
let course: string
let plan: string

const directoryId = (number: number) => `0190a0b1-7d2c-4c3e-8a54-${String(number).padStart(12, '0')}`

beforeAll(async () => {
  http = await openTestHttp()
  tenant = await http.tenant('Acme')
  key = await http.key(tenant)
  for (const [number, name] of ['Ann', 'Bob', 'Cleo', "O'Neil", 'Eve+1 100%'].entries()) {
    const email = `${name.toLowerCase().replaceAll(/[^a-z]/g, '')}@example.org`
    const body = {
      email,
      login_name: `i:0#.f|membership|${name === "O'Neil" ? "o'neil@example.org" : email}`,
      directory_object_id: directoryId(number),
      display_name: name,
      department: number % 2 === 0 ? 'Garden' : null,
      kind: number === 4 ? 'external' : 'internal',
    }
    people.set(name, (await http.call('POST', '/api/v1/users', { as: key, body })).json.id)
  }
  await http.inTenant(tenant, async (tx) => {
    catalog = (await createCatalog(tx, { title: 'Gardens' })).id
    course = (await createCourse(tx, { catalogId: catalog, title: 'Roses', kind: 'e_learning' })).id
    plan = (await createTrainingPlan(tx, { catalogId: catalog, title: 'Gardener', courseIds: [course] })).id
    await enroll(tx, { userId: people.get('Ann') ?? '', courseId: course })
    await enroll(tx, { userId: people.get('Bob') ?? '', trainingPlanId: plan })
    const scale = await createScaleSet(tx, {
      title: 'Scale',
      levels: [
        { title: 'High', value: 2 },
        { title: 'Low', value: 1 },
      ],
    })
    await createSkill(tx, { title: 'Pruning', scaleSetId: scale.id, catalogId: catalog })
  })
})
afterAll(() => http.close())

const get = (path: string, headers: Record<string, string> = {}) =>
  http.call('GET', `/odata/v2/${path.replaceAll(' ', '%20')}`, { as: key, headers })
const titles = async (query: string) => {
  const { status, json } = await get(`Users${query}`)
  expect([status, json.error]).toEqual([200, undefined])
  return json.value.map(({ Title }: { Title: string }) => Title)
}

describe('reading as OData', () => {
  it('answers what a query builder for OData asks', async () => {
    expect(await titles(buildQuery({ filter: { Email: 'ANN@example.org' } }))).toEqual(['Ann'])
    expect(await titles(buildQuery({ filter: { Title: { in: ['Ann', "O'Neil"] } } }))).toEqual(['Ann', "O'Neil"])
    expect(await titles(buildQuery({ filter: { Title: 'Eve+1 100%' } }))).toEqual(['Eve+1 100%'])
    expect(await titles(buildQuery({ filter: { and: [{ Department: 'Garden' }, { IsExternal: false }] } }))).toEqual([
      'Ann',
      'Cleo',
    ])
    expect(
      await titles(buildQuery({ filter: { not: { or: [{ Title: 'Ann' }, { 'tolower(Title)': 'bob' }] } } })),
    ).toEqual(['Cleo', "O'Neil", 'Eve+1 100%'])
    expect(await titles(buildQuery({ filter: { Id: { type: 'guid', value: people.get('Bob') } } }))).toEqual(['Bob'])
    expect(await titles(buildQuery({ orderBy: ['Department desc', 'Title'], top: 2, skip: 1 }))).toEqual([
      'Cleo',
      'Eve+1 100%',
    ])
    const counted = await get(
      `Users${buildQuery({ filter: { Department: null }, count: true, top: 1, select: ['Title'] })}`,
    )
    expect(counted.json).toMatchObject({ '@odata.count': 2, value: [{ Title: 'Bob' }] })
    const expanded = await get(
      `Enrollments${buildQuery({ expand: [{ User: { select: ['LoginName'] } }, 'Course'], select: ['RegistrationStatus'] })}`,
    )
    expect(expanded.json.value).toEqual([
      {
        RegistrationStatus: 'Active',
        User: { LoginName: 'i:0#.f|membership|ann@example.org' },
        Course: expect.objectContaining({ Id: course, CourseType: 'ELearning', CourseCatalogId: catalog }),
      },
      {
        RegistrationStatus: 'Active',
        User: { LoginName: 'i:0#.f|membership|bob@example.org' },
        Course: expect.objectContaining({ Id: plan, CourseType: 'TrainingPlan' }),
      },
    ])
  })

  it('answers login name and directory object id together, with the names of Learn365', async () => {
    const { headers, json } = await get("Users?$filter=Email eq 'ann@example.org'")
    expect(headers.get('odata-version')).toBe('4.0')
    expect(headers.get('content-type')).toBe('application/json; odata.metadata=minimal; charset=utf-8')
    expect(json).toEqual({
      '@odata.context': `${http.url}/odata/v2/$metadata#Users`,
      value: [
        {
          Id: people.get('Ann'),
          LoginName: 'i:0#.f|membership|ann@example.org',
          DirectoryObjectId: directoryId(0),
          Title: 'Ann',
          Email: 'ann@example.org',
          Department: 'Garden',
          JobTitle: null,
          Office: null,
          City: null,
          Country: null,
          IsExternal: false,
          IsDeleted: false,
          LastSeenDate: null,
          ManagerId: null,
          ManagerLoginName: null,
        },
      ],
    })
  })

  it.each([
    ['bare', "Users('ann@example.org')", 'Ann'],
    ['in another case', "Users('ANN@Example.ORG')", 'Ann'],
    ['percent-encoded', "Users('ann%40example.org')", 'Ann'],
    ['with encoded quotes and brackets', 'Users%28%27ann%40example.org%27%29', 'Ann'],
    ['a claims string', "Users('i%3A0%23.f%7Cmembership%7Cann%40example.org')", 'Ann'],
    ['with a quote', "Users('o%27%27neil@example.org')", "O'Neil"],
    ['the directory object id', `Users('${directoryId(1)}')`, 'Bob'],
    ['the directory object id in capitals', `Users('${directoryId(1).toUpperCase()}')`, 'Bob'],
  ])('finds a user by a key that is %s', async (_, path, title) => {
    expect((await get(path)).json).toMatchObject({ Title: title })
  })

  it('finds a user by the key that the metadata names', async () => {
    expect((await get(`Users(${people.get('Cleo')})?$expand=Enrollments`)).json).toMatchObject({
      Title: 'Cleo',
      Enrollments: [],
    })
  })

  it('answers 404 for a key of nobody, and an OData error for any address that is not there', async () => {
    for (const path of [
      "Users('nobody@example.org')",
      `Users('${directoryId(99)}')`,
      `Courses(${directoryId(99)})`,
      'Nothing',
      'Users/x',
    ]) {
      const { status, json } = await get(path)
      expect([status, Object.keys(json), typeof json.error.code, typeof json.error.message]).toEqual([
        404,
        ['error'],
        'string',
        'string',
      ])
    }
  })

  it('gives pages that follow each other through everything, whatever is created meanwhile', async () => {
    const prefer = { prefer: 'odata.maxpagesize=2' }
    for (const query of [
      '',
      '?$orderby=Department desc,Title',
      '?$orderby=Department',
      '?$filter=IsExternal eq false&$orderby=Title desc&$top=3',
      '?$skip=1&$top=10',
    ]) {
      const whole = await titles(query)
      const found: string[] = []
      let page = await get(`Users${query}`, prefer)
      for (;;) {
        expect(page.json.value.length).toBeLessThanOrEqual(2)
        found.push(...page.json.value.map(({ Title }: { Title: string }) => Title))
        const next = page.json['@odata.nextLink']
        if (next === undefined) break
        expect(next).not.toContain('example.org')
        page = await http.call('GET', next.slice(http.url.length), { as: key, headers: prefer })
      }
      expect([query, found]).toEqual([query, whole])
    }
  })

  it('refuses a page token that was made for another query, or is none', async () => {
    const { json } = await get('Users?$orderby=Title', { prefer: 'maxpagesize=1' })
    const token = new URL(json['@odata.nextLink']).searchParams.get('$skiptoken')
    for (const query of [
      `?$skiptoken=${token}`,
      `?$orderby=Email&$skiptoken=${token}`,
      '?$skiptoken=x',
      `?$orderby=Title&$skiptoken=${token}x`,
    ]) {
      const { status, json } = await get(`Users${query}`)
      expect([query, status, json.error?.target]).toEqual([query, 400, '$skiptoken'])
    }
  })

  it('answers at most ten thousand entities at once, and the link to the others', async () => {
    const crowded = await http.tenant('Crowd')
    await http.owner.query(`select set_config('lethe.tenant_id', $1, false)`, [crowded])
    await http.owner.query(
      `insert into users (tenant_id, email) select $1, n || '@example.org' from generate_series(1, 10001) n`,
      [crowded],
    )
    await http.owner.query('reset lethe.tenant_id')
    const as = await http.key(crowded)
    const first = await http.call('GET', '/odata/v2/Users?$select=Id&$count=true', { as })
    expect([first.json.value.length, first.json['@odata.count']]).toEqual([10_000, 10_001])
    const second = await http.call('GET', first.json['@odata.nextLink'].slice(http.url.length), { as })
    expect([second.json.value.length, second.json['@odata.nextLink']]).toEqual([1, undefined])
    const ids = new Set([...first.json.value, ...second.json.value].map(({ Id }: { Id: string }) => Id))
    expect(ids.size).toBe(10_001)
  })

  it('counts', async () => {
    const { text, headers } = await get("Users/$count?$filter=Department eq 'Garden'")
    expect([text, headers.get('content-type')]).toEqual(['3', 'text/plain; charset=utf-8'])
  })

  it.each([
    ['$filter', "Users?$filter=Nope eq 'x'"],
    ['$filter', 'Users?$filter=Title eq'],
    ['$filter', 'Users?$filter=Title eq 5'],
    ['$filter', 'Users?$filter=sleep(5) eq 1'],
    ['$filter', `Users?$filter=${'('.repeat(2000)}true${')'.repeat(2000)}`],
    ['$filter', 'Users?$filter=Enrollments/any(e: e/Id eq null)'],
    ['$select', 'Users?$select=password'],
    ['$orderby', 'Users?$orderby=Title up'],
    ['$orderby', 'Users?$orderby=random()'],
    ['$top', 'Users?$top=-1'],
    ['$skip', 'Users?$skip=x'],
    ['$count', 'Users?$count=maybe'],
    ['$expand', 'Users?$expand=Manager($expand=Manager)'],
    ['$expand', 'Users?$expand=Nope'],
    ['$format', 'Users?$format=atom'],
    ['$format', '$metadata?$format=atom'],
    ['$format', '?$format=xml'],
    ['$format', "Users('ann@example.org')?$format=atom"],
    ['$apply', 'Users?$apply=aggregate(Id)'],
    ['$filter', 'Users?$Filter=Title eq 5'],
    ['fliter', "Users?fliter=Title eq 'Ann'"],
    ['$top', 'Users?$top=1&$top=2'],
    ['$filter', "Users?$filter=Title eq 'Ann'&filter=Title eq 'Bob'"],
    ['$filter', 'Skills/$count?$filter=isGlobal eq 5'],
    ['$top', 'Users/$count?$top=1'],
    ['$count', `CourseCatalogs(${directoryId(0)})?$count=true`],
    ['$filter', "$metadata?$filter=Title eq 'Ann'"],
  ])('refuses a wrong %s by name', async (option, path) => {
    const { status, json } = await get(path)
    expect([path, status, json.error?.code, json.error?.target]).toEqual([path, 400, 'odata.query', option])
  })

  it('takes options without the dollar sign and in any case, as OData 4.01 has it', async () => {
    expect(await titles("?filter=Title eq 'Ann'")).toEqual(['Ann'])
    expect(await titles('?OrderBy=Title desc&$Top=1&SKIP=1')).toEqual(['Eve+1 100%'])
    expect((await get("Users/$count?Filter=Department eq 'Garden'")).text).toBe('3')
    expect((await get(`Users('ann@example.org')?select=Title`)).json).toEqual({
      '@odata.context': expect.any(String),
      Title: 'Ann',
    })
  })

  it('shows skills with their levels', async () => {
    const { json } = await get('Skills?$expand=levels&$filter=isGlobal eq false')
    expect(json.value).toMatchObject([
      {
        title: 'Pruning',
        courseCatalogId: catalog,
        levels: [
          { title: 'Low', value: 1 },
          { title: 'High', value: 2 },
        ],
      },
    ])
    expect((await get('Competencies?$expand=Levels')).json.value).toMatchObject([
      { Title: 'Pruning', CourseCatalogId: catalog, Levels: [{ Title: 'Low' }, { Title: 'High' }] },
    ])
    for (const option of ['$count', '$skiptoken']) {
      const refused = await http.call('GET', `/services/skills/Skills?${option}=true`, { as: key })
      expect([refused.status, refused.json.error.target]).toEqual([400, option])
    }
    const bare = await http.call('GET', '/services/skills/SkillScaleSets?$expand=levels', { as: key })
    expect(bare.json).toMatchObject([{ title: 'Scale', isDefault: false, levels: [{ value: 1 }, { value: 2 }] }])
    const one = await http.call('GET', `/services/skills/SkillScaleSets/${bare.json[0].id}`, { as: key })
    expect(Object.keys(one.json)).toEqual(['id', 'title', 'isDefault', 'courseCatalogId', 'isGlobal'])
  })

  it('lists deleted people and what they are enrolled in only where that is asked for; a key finds them', async () => {
    const { json } = await http.call('POST', '/api/v1/users', { as: key, body: { login_name: 'gone@example.org' } })
    await http.inTenant(tenant, (tx) => enroll(tx, { userId: json.id, courseId: course }))
    const seen = () => get(`Enrollments/$count?$filter=UserLoginName eq 'gone@example.org'`)
    expect((await seen()).text).toBe('1')
    await http.call('DELETE', `/api/v1/users/${json.id}`, { as: key })
    expect((await seen()).text).toBe('0')
    const all = await get(
      `Enrollments/IncludeDeletedUsers()?$filter=UserLoginName eq 'gone@example.org'&$count=true&$top=5`,
    )
    expect(all.json).toMatchObject({ '@odata.count': 1, value: [{ UserId: json.id }] })
    expect((await get(`Enrollments(${all.json.value[0].Id})`)).json).toMatchObject({ UserId: json.id })
    expect((await get("Users('gone@example.org')")).json).toMatchObject({ Id: json.id, IsDeleted: true })
    const first = await get('Users/IncludeDeletedUsers()?$orderby=IsDeleted desc', { prefer: 'maxpagesize=1' })
    expect(first.json.value).toMatchObject([{ Id: json.id, IsDeleted: true }])
    // The link leads on in the same list.
    expect(first.json['@odata.nextLink']).toContain('/odata/v2/Users/IncludeDeletedUsers()?')
    const next = await http.call('GET', first.json['@odata.nextLink'].slice(http.url.length), { as: key })
    expect(next.json.value.length).toBeGreaterThan(0)
  })

  it('shows another tenant nothing', async () => {
    const elsewhere = await http.key(await http.tenant('Elsewhere'))
    for (const { name } of entitySets.filter(({ contained }) => contained !== true)) {
      const { json } = await http.call('GET', `/odata/v2/${name}?$count=true`, { as: elsewhere })
      expect([name, json.value, json['@odata.count']]).toEqual([name, [], 0])
    }
    expect((await http.call('GET', "/odata/v2/Users('ann@example.org')", { as: elsewhere })).status).toBe(404)
    const { json } = await get('Users?$orderby=Title', { prefer: 'maxpagesize=1' })
    const stolen = await http.call('GET', json['@odata.nextLink'].slice(http.url.length), { as: elsewhere })
    expect(stolen.status).toBe(400)
  })

  it('answers OData errors where no route is reached, at both of its prefixes and however they are encoded', async () => {
    for (const [method, path, status, code] of [
      ['GET', '/odata/v2/Nothing', 404, 'request.unknown_route'],
      ['GET', '/%6Fdata/v2/Nothing', 404, 'request.unknown_route'],
      ['GET', '/services/%73kills/Nothing', 404, 'request.unknown_route'],
      ['DELETE', '/odata/v2/Users', 405, 'request.method_not_allowed'],
      ['PATCH', '/services/skills/Skills', 405, 'request.method_not_allowed'],
      ['GET', '/odata/v2/%ff', 400, 'request.malformed'],
      ['GET', '/services/skills/%ff', 400, 'request.malformed'],
    ] as const) {
      const answer = await http.call(method, path, { as: key })
      expect([path, answer.status, answer.json]).toEqual([
        path,
        status,
        { error: { code, message: expect.any(String) } },
      ])
    }
    const unread = await fetch(`${http.url}/odata/v2/Users`, { headers: { 'x-long': 'x'.repeat(20_000) } })
    expect([unread.status, await unread.json()]).toEqual([
      431,
      { error: { code: 'request.malformed', message: 'The request cannot be read.' } },
    ])
  })
})

type Named = { name: string }
type Csdl = {
  entitySets: readonly Named[]
  entityTypes: readonly (Named & Record<'keys' | 'entityProperties' | 'navigationProperties', readonly Named[]>)[]
  actions: readonly Named[]
}

describe('$metadata', () => {
  it('is CSDL that a client library reads, and says what the answers have', async () => {
    const { text, headers } = await get('$metadata')
    expect(headers.get('content-type')).toBe('application/xml')
    const { schema }: { schema: Csdl } = parse(text, 'metadata')
    const served = entitySets.filter(({ contained }) => contained !== true)
    expect(schema.entitySets.map(({ name }) => name)).toEqual(served.map(({ name }) => name))
    for (const set of served) {
      const type = schema.entityTypes.find(({ name }) => name === set.entityType)
      expect(type?.keys.map(({ name }) => name)).toEqual([set.key])
      expect(type?.entityProperties.map(({ name }) => name)).toEqual(Object.keys(set.properties))
      expect(type?.navigationProperties.map(({ name }) => name)).toEqual(Object.keys(set.navigation ?? {}))
      const { json } = await get(`${set.name}?$top=1`)
      for (const entity of json.value) expect(Object.keys(entity)).toEqual(Object.keys(set.properties))
    }
    expect(schema.actions.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['Purge', 'Enroll', 'RevokeCompetency']),
    )
  })

  it('is the same as JSON', async () => {
    for (const path of ['$metadata?$format=json', '$metadata']) {
      const { json } = await get(path, { accept: 'application/json' })
      expect(json).toMatchObject({ $Version: '4.01', $EntityContainer: 'Learn365.Container' })
      expect(json.Learn365.User).toMatchObject({
        $Key: ['Id'],
        DirectoryObjectId: { $Type: 'Edm.Guid', $Nullable: true },
      })
    }
  })

  it('stands beside the service document', async () => {
    const { json } = await get('')
    expect(json['@odata.context']).toBe(`${http.url}/odata/v2/$metadata`)
    for (const { url } of json.value) expect((await get(url)).status).toBe(200)
  })
})
