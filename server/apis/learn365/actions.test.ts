import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Answer, type Credential, openTestHttp, type TestHttp } from '../../../test/http.ts'
import { createGroup } from '../../directory/create-group.ts'
import { setGroupMembers } from '../../directory/set-group-members.ts'
import { assignGroupToCatalog } from '../../learning/catalogs/assign-groups.ts'
import { createCatalog } from '../../learning/catalogs/create-catalog.ts'
import { createCourse } from '../../learning/courses/create-course.ts'
import { createTrainingPlan } from '../../learning/courses/create-training-plan.ts'
import { scheduleSession } from '../../learning/courses/schedule-session.ts'
import { createUser } from '../../people/accounts/create-user.ts'
import { createScaleSet } from '../../skills/create-scale-set.ts'
import { createSkill } from '../../skills/create-skill.ts'

let http: TestHttp
let tenant: string
let key: Credential
let readOnly: Credential
let catalog: string
let course: string
let plan: string
let skill: { skillId: string; levelId: string }
let number = 0
/** A new learner for each test. */
let ann: { id: string; login: string; claims: string; directoryObjectId: string }

const objectId = () => `0190a0b1-7d2c-4c3e-8a54-${String(++number).padStart(12, '0')}`
const call = (method: string, path: string, body?: unknown, as = key): Promise<Answer> =>
  http.call(method, path, { as, ...(body !== undefined && { body }) })

async function learner(login = `ann-${++number}@example.org`): Promise<typeof ann> {
  const directoryObjectId = objectId()
  const claims = `i:0#.f|membership|${login}`
  const body = { email: login, login_name: claims, directory_object_id: directoryObjectId, display_name: 'Ann' }
  const { json } = await call('POST', '/api/v1/users', body)
  return { id: json.id, login, claims, directoryObjectId }
}

beforeAll(async () => {
  http = await openTestHttp()
  tenant = await http.tenant('Acme')
  key = await http.key(tenant)
  readOnly = await http.key(tenant, 'read_only')
  await http.inTenant(tenant, async (tx) => {
    catalog = (await createCatalog(tx, { title: 'Gardens' })).id
    course = (await createCourse(tx, { catalogId: catalog, title: 'Roses', kind: 'e_learning' })).id
    plan = (await createTrainingPlan(tx, { catalogId: catalog, title: 'Gardener', courseIds: [course] })).id
    const scale = await createScaleSet(tx, { title: 'Scale', levels: [{ title: 'Low', value: 1 }] })
    const { id } = await createSkill(tx, { title: 'Pruning', scaleSetId: scale.id, catalogId: catalog })
    skill = { skillId: id, levelId: scale.levelIds[0] ?? '' }
  })
  await http.startWorkers()
})
beforeEach(async () => {
  ann = await learner()
})
afterAll(() => http.close())

const user = (name: string) => `/odata/v2/Users('${encodeURIComponent(name)}')`

describe('Purge', () => {
  it.each([
    ['claims string', () => ann.claims],
    ['bare login name in capitals', () => ann.login.toUpperCase()],
    ['DirectoryObjectId', () => ann.directoryObjectId],
  ])('erases everything about a user who is named by %s', async (_, name) => {
    await call('POST', `/odata/v2/CourseCatalogs(${catalog})/Users`, { LoginName: ann.login })
    await call('POST', `/odata/v2/Courses(${course})/Enroll`, { userLoginName: ann.login })
    const answer = await call('POST', `${user(name())}/Purge`)
    expect(answer).toMatchObject({
      status: 202,
      json: {
        RequestId: expect.any(String),
        State: 'queued',
        Link: `${http.url}/api/v1/erasures/${answer.json.RequestId}`,
      },
    })
    expect((await http.ended(tenant, answer.json.RequestId)).state).toBe('completed')
    const followed = await http.call('GET', answer.json.Link.slice(http.url.length), { as: key })
    expect(followed.json).toMatchObject({ state: 'completed', certified: true })
    expect((await call('GET', user(ann.login))).status).toBe(404)
    expect((await call('POST', `${user(name())}/Purge`)).status).toBe(404)
    const left = await call('GET', `/odata/v2/Enrollments/$count?$filter=UserId eq ${ann.id}`.replaceAll(' ', '%20'))
    expect(left.text).toBe('0')
    const { json } = await call('GET', `/odata/v2/CourseCatalogs(${catalog})/Users`)
    expect(json.value.map(({ Id }: { Id: string }) => Id)).not.toContain(ann.id)
  })

  it('answers 500 where several have the login name, with the key of each, and works by DirectoryObjectId', async () => {
    const twin = await learner(ann.login)
    const before = await call('GET', '/api/v1/erasures')
    for (const name of [ann.login, ann.claims]) {
      const { status, json, text } = await call('POST', `${user(name)}/Purge`)
      expect(status).toBe(500)
      expect(json).toEqual({
        error: {
          code: 'subject.ambiguous',
          message: expect.stringContaining('DirectoryObjectId'),
          details: [ann, twin].map(({ directoryObjectId }) => ({
            code: 'active',
            message: 'Ann, active, no department, never seen',
            target: directoryObjectId,
          })),
        },
      })
      expect(text).not.toContain(ann.login)
    }
    expect((await call('GET', '/api/v1/erasures')).json).toEqual(before.json)
    const { status, json } = await call('POST', `${user(twin.directoryObjectId)}/Purge`)
    expect(status).toBe(202)
    await http.ended(tenant, json.RequestId)
    expect((await call('GET', user(ann.login))).json).toMatchObject({ Id: ann.id })
  })

  it('leads whoever follows the answer or the list to the deleted one of two namesakes', async () => {
    const twin = await learner(ann.login)
    await call('PUT', user(ann.directoryObjectId), { Department: 'Garden' })
    await call('DELETE', `/api/v1/users/${ann.id}`)
    // What a script sees that looks the login name up in the list first: only the living one.
    const filter = `?$filter=LoginName%20eq%20'${encodeURIComponent(ann.login)}'`
    expect((await call('GET', `/odata/v2/Users${filter}`)).json.value).toMatchObject([{ Id: twin.id }])
    const refused = await call('POST', `${user(ann.login)}/Purge`)
    expect(refused.status).toBe(500)
    const [, function_ = ''] = /(Users\/IncludeDeletedUsers\(\))/.exec(refused.json.error.message) ?? []
    const all = await call('GET', `/odata/v2/${function_}${filter}&$orderby=IsDeleted`)
    expect(all.json.value).toMatchObject([
      { Id: twin.id, IsDeleted: false, DirectoryObjectId: twin.directoryObjectId },
      { Id: ann.id, IsDeleted: true, DirectoryObjectId: ann.directoryObjectId, LastSeenDate: null },
    ])
    const deleted = refused.json.error.details.find(({ code }: { code: string }) => code === 'deleted')
    expect(deleted).toEqual({
      code: 'deleted',
      message: 'Ann, deleted, Garden, never seen',
      target: ann.directoryObjectId,
    })
    // The key finds the deleted one for reading too.
    expect((await call('GET', user(deleted.target))).json).toMatchObject({ Id: ann.id, IsDeleted: true })
    expect((await call('GET', `/odata/v2/Users(${ann.id})`)).json).toMatchObject({ Id: ann.id, IsDeleted: true })
    const { status, json } = await call('POST', `${user(deleted.target)}/Purge`)
    expect(status).toBe(202)
    await http.ended(tenant, json.RequestId)
    expect((await call('GET', user(ann.login))).json).toMatchObject({ Id: twin.id, IsDeleted: false })
    const gone = await call('GET', `/odata/v2/Users(${ann.id})`)
    expect([gone.status, gone.json.error.message]).toEqual([404, expect.stringContaining('in quotes')])
  })

  it('names the candidates to callers who may read users, and to no others', async () => {
    const twin = await learner(ann.login)
    const named = await call('POST', '/api/v1/erasures/preview', {
      operation: 'purge',
      subjects: [{ login_name: ann.login }],
    })
    expect(named.status).toBe(409)
    expect(named.json.candidates).toMatchObject([
      { id: ann.id, display_name: 'Ann', state: 'active', department: null, last_seen_at: null },
      { id: twin.id },
    ])
    expect(named.json.details.ids).toEqual([ann.id, twin.id])
  })

  it('also takes a user who was deleted before, and is done once for an Idempotency-Key', async () => {
    await call('DELETE', `/api/v1/users/${ann.id}`)
    const headers = { 'idempotency-key': `purge-${ann.id}` }
    const first = await http.call('POST', `${user(ann.login)}/Purge`, { as: key, headers })
    await http.ended(tenant, first.json.RequestId)
    const second = await http.call('POST', `${user(ann.login)}/Purge`, { as: key, headers })
    expect([first.status, second.status, second.json]).toEqual([202, 202, first.json])
  })

  it('is refused to a read-only key, for nobody, in another tenant and for the last administrator; nothing changes', async () => {
    expect((await call('POST', `${user(ann.login)}/Purge`, undefined, readOnly)).status).toBe(403)
    expect((await call('POST', `${user('nobody@example.org')}/Purge`)).status).toBe(404)
    const elsewhere = await http.key(await http.tenant(`Elsewhere ${number}`))
    expect((await call('POST', `${user(ann.login)}/Purge`, undefined, elsewhere)).status).toBe(404)
    const chief = await http.tenant(`Chief ${number}`)
    const as = await http.key(chief)
    const administrator = { login_name: 'chief@example.org', roles: ['administrator' as const] }
    await http.inTenant(chief, (tx) => createUser(tx, administrator))
    const refused = await call('POST', `${user('chief@example.org')}/Purge`, undefined, as)
    expect([refused.status, refused.json.error.code]).toEqual([409, 'user.last_administrator'])
    expect((await call('GET', user('chief@example.org'), undefined, as)).status).toBe(200)
    expect((await call('GET', user(ann.login))).status).toBe(200)
  })
})

describe('Users', () => {
  it('are changed by PUT, except for their login name', async () => {
    const changed = await call('PUT', user(ann.claims), {
      Title: 'Anna',
      Department: 'Garden',
      LoginName: 'eve@example.org',
    })
    expect(changed).toMatchObject({ status: 200, json: { Title: 'Anna', Department: 'Garden', LoginName: ann.claims } })
    expect((await call('PUT', user(ann.login), { Department: null })).json).toMatchObject({
      Title: 'Anna',
      Department: null,
    })
    expect((await call('PUT', user(ann.login), { Department: 5 })).status).toBe(400)
    expect((await call('PUT', user(ann.login), { Title: 'X' }, readOnly)).status).toBe(403)
  })
})

describe('catalogs, courses and enrollments', () => {
  const mine = async () =>
    (await call('GET', `/odata/v2/Enrollments?$filter=UserId%20eq%20${ann.id}`)).json.value as { Id: string }[]

  it('enroll and unenroll in courses and in training plans, which are courses here', async () => {
    for (const id of [course, plan]) {
      const enrolled = await call('POST', `/odata/v2/Courses(${id})/Enroll`, {
        userLoginName: ann.claims,
        ignoreMaxAttendees: true,
        ignoreEnrollmentFlow: true,
      })
      expect(enrolled).toMatchObject({
        status: 201,
        json: { CourseId: id, UserId: ann.id, RegistrationStatus: 'Active' },
      })
      expect(enrolled.headers.get('location')).toBe(`/odata/v2/Enrollments(${enrolled.json.Id})`)
      expect((await call('POST', `/odata/v2/Courses(${id})/Enroll`, { userLoginName: ann.login })).status).toBe(409)
      const body = { userLoginName: ann.login, message: 'Sorry' }
      const left = await call('POST', `/odata/v2/Courses(${id})/Unenroll`, body)
      expect([left.status, left.text]).toEqual([204, ''])
      expect((await call('GET', `/odata/v2/Enrollments(${enrolled.json.Id})`)).json.RegistrationStatus).toBe(
        'Cancelled',
      )
      expect((await call('POST', `/odata/v2/Courses(${id})/Unenroll`, body)).status).toBe(404)
    }
    const nowhere = await call('POST', `/odata/v2/Courses(${objectId()})/Enroll`, { userLoginName: ann.login })
    expect(nowhere.status).toBe(404)
  })

  it('purge an enrollment only when it is not active', async () => {
    const { json } = await call('POST', `/odata/v2/Courses(${course})/Enroll`, { userLoginName: ann.login })
    const purge = () => call('POST', `/odata/v2/Enrollments(${json.Id})/Purge`)
    const refused = await purge()
    expect([refused.status, refused.json.error.code]).toEqual([409, 'enrollment.active'])
    await call('POST', `/odata/v2/Courses(${course})/Unenroll`, { userLoginName: ann.login })
    const purged = await purge()
    expect([purged.status, purged.text]).toEqual([204, ''])
    expect(await mine()).toEqual([])
    expect((await purge()).status).toBe(404)
  })

  it('take a user out of a catalog who keeps the records, and stays listed while in it through a group', async () => {
    const listed = async () =>
      (await call('GET', `/odata/v2/CourseCatalogs(${catalog})/Users`)).json.value.find(
        ({ Id }: { Id: string }) => Id === ann.id,
      )
    const groupObjectId = objectId()
    await http.inTenant(tenant, async (tx) => {
      const group = await createGroup(tx, { displayName: `Gardeners ${number}`, directoryObjectId: groupObjectId })
      await setGroupMembers(tx, { groupId: group.id, userIds: [ann.id] })
    })
    const url = `/odata/v2/CourseCatalogs(${catalog})/Users`
    expect((await call('POST', url, { LoginName: ann.login, DirectoryObjectId: ann.directoryObjectId })).status).toBe(
      202,
    )
    expect((await call('POST', url, { DirectoryObjectId: groupObjectId })).status).toBe(202)
    expect(await listed()).toMatchObject({ IsAddedToCatalog: true, Groups: [expect.stringContaining('Gardeners')] })
    await call('POST', `/odata/v2/Courses(${course})/Enroll`, { userLoginName: ann.login })
    expect((await call('DELETE', `${url}('${encodeURIComponent(ann.claims)}')`)).status).toBe(204)
    expect(await listed()).toMatchObject({ Id: ann.id, IsAddedToCatalog: false })
    expect(await mine()).toMatchObject([{ RegistrationStatus: 'Cancelled' }])
    expect((await call('DELETE', `${url}('${groupObjectId}')`)).status).toBe(204)
    expect(await listed()).toBeUndefined()
    expect((await call('POST', url, {})).status).toBe(400)
    expect((await call('POST', url, { DirectoryObjectId: objectId() })).status).toBe(404)
  })

  it('list their users like any other set: filtered, sorted, counted, page by page', async () => {
    const url = `/odata/v2/CourseCatalogs(${catalog})/Users`
    const own = (await http.inTenant(tenant, (tx) => createCatalog(tx, { title: `Crowd ${number}` }))).id
    const crowd = `/odata/v2/CourseCatalogs(${own})/Users`
    const others = [ann, await learner(`b${number}@example.org`), await learner(`c${number}@example.org`)]
    for (const { login, directoryObjectId } of others.slice(0, 2)) {
      await call('POST', crowd, { LoginName: login, DirectoryObjectId: directoryObjectId })
    }
    await http.inTenant(tenant, async (tx) => {
      const group = await createGroup(tx, { displayName: `Crowd ${number}` })
      await setGroupMembers(tx, { groupId: group.id, userIds: others.slice(1).map(({ id }) => id) })
      await assignGroupToCatalog(tx, { catalogId: own, groupId: group.id })
    })
    const get = (query: string) => call('GET', `${crowd}${query.replaceAll(' ', '%20')}`)
    const ids = async (query: string) => (await get(query)).json.value.map(({ Id }: { Id: string }) => Id)
    const all = others.map(({ id }) => id).sort()
    expect(await ids('')).toEqual(all)
    expect(await ids(`?$filter=LoginName eq '${ann.login}'`)).toEqual([ann.id])
    expect(await ids('?$filter=IsAddedToCatalog eq false')).toEqual([others[2]?.id])
    expect(await ids('?$orderby=Id desc&$skip=1&$top=1')).toEqual([all[1]])
    const page = await get('?$top=2&$count=true&$select=Id,Groups')
    expect(page.json).toMatchObject({ '@odata.count': 3, value: [{ Id: all[0] }, { Id: all[1] }] })
    expect(Object.keys(page.json.value[0])).toEqual(['Id', 'Groups'])
    expect((await call('GET', `${crowd}/$count?$filter=IsAddedToCatalog%20eq%20true`)).text).toBe('2')
    const prefer = { prefer: 'odata.maxpagesize=1' }
    const found: string[] = []
    for (let next: string | undefined = `${http.url}${crowd}`; next !== undefined; ) {
      const { json } = await http.call('GET', next.slice(http.url.length), { as: key, headers: prefer })
      found.push(...json.value.map(({ Id }: { Id: string }) => Id))
      next = json['@odata.nextLink']
    }
    expect(found).toEqual(all)
    const first = await http.call('GET', crowd, { as: key, headers: prefer })
    const token = new URL(first.json['@odata.nextLink']).searchParams.get('$skiptoken') ?? ''
    expect((await call('GET', `${url}?$skiptoken=${token}`)).status).toBe(400)
    for (const query of ['?$filter=Groups eq null', '?$orderby=Groups', '?$filter=Nope eq 1', '?$apply=x', '?top=x']) {
      expect([query, (await get(query)).status]).toEqual([query, 400])
    }
    expect((await call('GET', `/odata/v2/CourseCatalogs(${objectId()})/Users`)).status).toBe(404)
    expect((await call('GET', `/odata/v2/CourseCatalogs(${objectId()})/Users/$count`)).status).toBe(404)
    await call('DELETE', `/api/v1/users/${ann.id}`)
    expect(await ids('')).not.toContain(ann.id)
  })

  it('enroll into the session that is named, and in none where it is another course', async () => {
    const session = await http.inTenant(tenant, (tx) => scheduleSession(tx, { courseId: course, title: 'Monday' }))
    const enroll = (of: string, courseSessionId: string | null) =>
      call('POST', `/odata/v2/Courses(${of})/Enroll`, { userLoginName: ann.login, courseSessionId })
    const refused = await enroll(plan, session.id)
    expect([refused.status, refused.json.error.code]).toEqual([404, 'session.not_found'])
    expect((await enroll(course, objectId())).status).toBe(404)
    expect((await enroll(course, 'Monday')).status).toBe(400)
    expect(await enroll(course, session.id)).toMatchObject({ status: 201, json: { CourseSessionId: session.id } })
    expect(await enroll(plan, null)).toMatchObject({ status: 201, json: { CourseSessionId: null } })
  })

  it('change nothing where the answer is asked for in a way that there is not', async () => {
    const skills = `/services/skills/catalog/${catalog}/Skills`
    const scales = `/services/skills/catalog/${catalog}/SkillScaleSets`
    const levels = [{ title: 'One', value: 1 }]
    const scale = await call('POST', scales, { title: 'Whole', levels })
    const made = await call('POST', skills, { title: 'Whole', scaleSetId: scale.json.id })
    const acts: [method: string, path: string, body: unknown][] = [
      ['PUT', user(ann.login), { Title: 'Changed' }],
      ['POST', `/odata/v2/Courses(${course})/Enroll`, { userLoginName: ann.login }],
      ['POST', scales, { title: 'Changed', levels }],
      ['PUT', `${scales}/${scale.json.id}`, { title: 'Changed' }],
      ['POST', skills, { title: 'Changed', scaleSetId: scale.json.id }],
      ['PUT', `${skills}/${made.json.id}`, { title: 'Changed' }],
    ]
    for (const [method, path, body] of acts) {
      for (const [option, value] of [
        ['$format', ''],
        ['$format', 'atom'],
        ['$select', 'Nope'],
        ['$expand', 'Nope'],
      ]) {
        const { status, json } = await call(method, `${path}?${option}=${value}`, body)
        expect([path, option, status, json?.error?.target]).toEqual([path, option, 400, option])
      }
    }
    expect((await call('GET', user(ann.login))).json.Title).toBe('Ann')
    expect(await mine()).toEqual([])
    for (const set of ['Skills', 'SkillScaleSets']) {
      expect((await call('GET', `/services/skills/${set}?$filter=title%20eq%20'Changed'`)).json).toEqual([])
    }
  })

  it('let annotations and read-only properties through, and refuse every other member by its name', async () => {
    const path = user(ann.login)
    const read = await call('GET', path)
    const { json: whole } = await call('PUT', path, {
      ...read.json,
      '@odata.type': '#Learn365.User',
      'Title@odata.type': '#String',
      Enrollments: [],
      Office: 'North',
    })
    expect(whole).toEqual({ ...read.json, Office: 'North' })
    const scales = `/services/skills/catalog/${catalog}/SkillScaleSets`
    const scale = await call('POST', scales, {
      '@odata.type': 'x',
      title: 'Stars',
      id: objectId(),
      levels: [{ id: objectId(), scaleSetId: objectId(), title: 'One', value: 1, '@odata.id': 'x' }],
    })
    expect(scale.status).toBe(201)
    const refused: [string, string, unknown, string][] = [
      ['PUT', path, { title: 'X' }, 'title'],
      ['PUT', path, { Titel: 'X' }, 'Titel'],
      ['PUT', path, { 'Manager@odata.bind': "Users('x')" }, 'Manager@odata.bind'],
      ['POST', `/odata/v2/Courses(${course})/Enroll`, { userLoginName: ann.login, sessionId: objectId() }, 'sessionId'],
      ['POST', `/odata/v2/Courses(${course})/Unenroll`, { userLoginName: ann.login, massage: 'x' }, 'massage'],
      ['POST', `/odata/v2/CourseCatalogs(${catalog})/Users`, { LoginName: ann.login, Role: 'x' }, 'Role'],
      ['POST', `${path}/Purge`, { dryRun: true }, 'dryRun'],
      ['PUT', `${scales}/${scale.json.id}`, { levels: [{ title: 'One', value: 1, points: 3 }] }, 'levels.0.points'],
    ]
    for (const [method, url, body, name] of refused) {
      const { status, json } = await call(method, url, body)
      expect([name, status, json.error?.target]).toEqual([name, 400, name])
    }
    expect((await call('POST', `${path}/Purge`, { '@odata.type': 'x' })).status).toBe(202)
  })

  it('answer 500 wherever a login name is that of several', async () => {
    await learner(ann.login)
    const body = { userLoginName: ann.login }
    const skills = `/services/skills/catalog/${catalog}/UserSkills/User/${encodeURIComponent(ann.login)}`
    for (const [method, path, given] of [
      ['POST', `/odata/v2/Courses(${course})/Enroll`, body],
      ['POST', `/odata/v2/Courses(${course})/Unenroll`, body],
      ['POST', `/odata/v2/CourseCatalogs(${catalog})/Users`, { LoginName: ann.login }],
      ['DELETE', `/odata/v2/CourseCatalogs(${catalog})/Users('${ann.login}')`, undefined],
      ['PUT', user(ann.login), { Title: 'X' }],
      ['POST', `${skills}/RevokeSkill`, skill],
      ['POST', `${skills}/AssignSkill`, skill],
      [
        'POST',
        `${user(ann.login)}/RevokeCompetency`,
        { competencyId: skill.skillId, competencyLevelId: skill.levelId },
      ],
    ] as const) {
      const { status, json } = await call(method, path, given)
      expect([path, status, json?.error?.code]).toEqual([path, 500, 'subject.ambiguous'])
    }
  })
})

describe('skills', () => {
  const url = (login: string, of = catalog) =>
    `/services/skills/catalog/${of}/UserSkills/User/${encodeURIComponent(login)}`
  const notified = async () => {
    const { rows } = await http.inTenant(tenant, (tx) =>
      tx.query('select subject from notifications where user_id = $1', [ann.id]),
    )
    return rows
  }

  it('are revoked at a level, with the date and time, and the learner is told', async () => {
    expect((await call('POST', `${url(ann.login)}/AssignSkill`, skill)).status).toBe(200)
    expect((await call('POST', `${url(ann.login)}/AssignSkill`, skill)).status).toBe(409)
    const before = Date.now() - 5000
    const revoked = await call('POST', `${url(ann.login.toUpperCase())}/RevokeSkill`, skill)
    expect(revoked).toMatchObject({ status: 200, json: skill })
    expect(Date.parse(revoked.json.revokedDate)).toBeGreaterThan(before)
    expect(await notified()).toEqual([{ subject: 'Skill revoked' }])
    const again = await call('POST', `${url(ann.login)}/RevokeSkill`, skill)
    expect([again.status, again.json.error.code]).toEqual([409, 'skill.revoked'])
    expect(await notified()).toHaveLength(1)
  })

  it('are revoked at the old address too, which says that it is out of date', async () => {
    await call('POST', `${url(ann.login)}/AssignSkill`, skill)
    const body = { competencyId: skill.skillId, competencyLevelId: skill.levelId }
    const { status, json, headers } = await call('POST', `${user(ann.claims)}/RevokeCompetency`, body)
    expect([status, Number.isNaN(Date.parse(json.RevokedDate))]).toEqual([200, false])
    expect(headers.get('deprecation')).toMatch(/^@\d+$/)
    expect(Date.parse(headers.get('sunset') ?? '')).toBeGreaterThan(Number(headers.get('deprecation')?.slice(1)) * 1000)
    const again = await call('POST', `${user(ann.login)}/RevokeCompetency`, body)
    expect([again.status, again.headers.get('deprecation')]).toEqual([409, headers.get('deprecation')])
  })

  it('are not revoked where something is wrong: a clear error, and nobody is told', async () => {
    const other = await http.inTenant(tenant, (tx) => createCatalog(tx, { title: 'Other' }))
    const wrong: [string, unknown, number][] = [
      [url(ann.login), skill, 404],
      [url(ann.login), { ...skill, levelId: objectId() }, 404],
      [url(ann.login), { ...skill, skillId: objectId() }, 404],
      [url(ann.login), { ...skill, skillId: 'no-guid' }, 400],
      [url(ann.login), { skillId: skill.skillId }, 400],
      [url(ann.login, objectId()), skill, 404],
      [url('nobody@example.org'), skill, 404],
      [url(ann.login, 'no-guid'), skill, 400],
    ]
    for (const [path, body, status] of wrong) {
      const answer = await call('POST', `${path}/RevokeSkill`, body)
      expect([path, body, answer.status, typeof answer.json.error.message]).toEqual([path, body, status, 'string'])
    }
    await call('POST', `${url(ann.login)}/AssignSkill`, skill)
    const foreign = await call('POST', `${url(ann.login, other.id)}/RevokeSkill`, skill)
    expect([foreign.status >= 400, foreign.json.error.code]).toEqual([true, 'skill.other_catalog'])
    expect((await call('POST', `${url(ann.login)}/RevokeSkill`, skill, readOnly)).status).toBe(403)
    expect(await notified()).toEqual([])
  })

  it('and their scales are created, changed and deleted in their catalog', async () => {
    const root = `/services/skills/catalog/${catalog}`
    const scale = await call('POST', `${root}/SkillScaleSets`, {
      title: 'Stars',
      isDefault: false,
      levels: [{ title: 'One', value: 1 }],
    })
    expect(scale).toMatchObject({ status: 201, json: { title: 'Stars', courseCatalogId: catalog, isGlobal: false } })
    const created = await call('POST', `${root}/Skills`, {
      title: 'Weeding',
      scaleSetId: scale.json.id,
      categories: [{ name: 'x' }],
    })
    expect(created).toMatchObject({ status: 201, json: { title: 'Weeding', scaleSetId: scale.json.id } })
    const path = `${root}/Skills/${created.json.id}`
    expect((await call('PUT', path, { title: 'Weeds', scaleSetId: scale.json.id })).json).toMatchObject({
      title: 'Weeds',
    })
    expect((await call('DELETE', `${root}/SkillScaleSets/${scale.json.id}`)).status).toBe(409)
    const listed = await call('GET', `/services/skills/Skills?$filter=title%20eq%20'Weeds'&$expand=levels`)
    expect(listed.json).toMatchObject([{ id: created.json.id, levels: [{ title: 'One' }] }])
    expect((await call('DELETE', path)).status).toBe(204)
    expect(
      (await call('PUT', `${root}/SkillScaleSets/${scale.json.id}`, { levels: [{ title: 'Two', value: 2 }] })).status,
    ).toBe(200)
    expect((await call('DELETE', `${root}/SkillScaleSets/${scale.json.id}`)).status).toBe(204)
    expect((await call('DELETE', path)).status).toBe(404)
    expect((await call('POST', `${root}/Skills`, { title: 'X', scaleSetId: scale.json.id }, readOnly)).status).toBe(403)
  })
})

describe('the log', () => {
  it('names no user, though the addresses do', async () => {
    await call('GET', user(ann.claims))
    await call('POST', `${user(ann.login)}/Purge`)
    expect(http.requestLog()).toContain("Users(':key(.+)')/Purge")
    expect(http.requestLog()).not.toContain(ann.login)
  })
})
