import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Answer, type Credential, openTestHttp, type TestHttp } from '../../../../test/http.ts'

const unknown = '0190a0b1-7d2c-7c3e-8a54-1f2e3d4c5b6a'

let http: TestHttp
let tenant: string
let key: Credential
let boss: Credential & { userId: string }
beforeAll(async () => {
  http = await openTestHttp()
  tenant = await http.tenant('Acme')
  key = await http.key(tenant)
  boss = await http.person(tenant, 'administrator')
})
afterAll(() => http.close())

const call = (method: string, path: string, body?: unknown, as: Credential = key) =>
  http.call(method, `/api/v1${path}`, { as, ...(body !== undefined && { body }) })
const get = async (path: string) => (await call('GET', path)).json
const at = (answer: Answer) => String(answer.headers.get('location')).replace('/api/v1', '')
const idsOf = (things: { id: string }[]) => things.map(({ id }) => id)

const levels = [
  { title: 'Master', value: 2, description: 'Alone' },
  { title: 'Apprentice', value: 1 },
]

async function created(path: string, body: unknown): Promise<string> {
  const answer = await call('POST', path, body)
  expect([path, answer.status, answer.json.detail]).toEqual([path, 201, undefined])
  expect((await get(at(answer))).id).toBe(answer.json.id)
  return answer.json.id
}

/** A catalog with a scale and a skill of its own, and those for all. */
async function taxonomy() {
  const catalog_id = await created('/catalogs', { title: 'Bakery' })
  const scale = await created('/scale-sets', { title: 'For all', levels })
  const ownScale = await created('/scale-sets', { title: 'Own', catalog_id, levels })
  const skill = await created('/skills', { title: 'Kneading', scale_set_id: scale })
  const ownSkill = await created('/skills', { title: 'Braiding', scale_set_id: ownScale, catalog_id, description: 'x' })
  const [apprentice, master] = idsOf((await get(`/scale-sets/${scale}`)).levels)
  return { catalog_id, scale, ownScale, skill, ownSkill, apprentice: apprentice ?? '', master: master ?? '' }
}

let people = 0
const user = async (): Promise<string> =>
  (await call('POST', '/users', { email: `skilled-${++people}@example.org` })).json.id

describe('/api/v1/scale-sets', () => {
  it('creates, lists and reads scales with their levels from the lowest, global and of a catalog', async () => {
    const { catalog_id, scale, ownScale } = await taxonomy()
    const answer = await call('POST', '/scale-sets', { title: 'Third', levels })
    const third = await get(at(answer))
    expect(third).toMatchObject({
      title: 'Third',
      is_default: false,
      catalog_id: null,
      levels: [
        { title: 'Apprentice', value: 1, description: null },
        { title: 'Master', value: 2, description: 'Alone' },
      ],
    })
    expect(idsOf(third.levels).toReversed()).toEqual(answer.json.level_ids)
    const elsewhere = await created('/catalogs', { title: 'Elsewhere' })
    const list = async (catalog: string) =>
      idsOf((await get(`/scale-sets?catalog_id=${catalog}&limit=1000`)).scale_sets)
    expect(await list(catalog_id)).toEqual(expect.arrayContaining([scale, ownScale]))
    expect(await list(elsewhere)).not.toContain(ownScale)
    const seen: string[] = []
    for (let after = ''; ; ) {
      const page = await get(`/scale-sets?limit=2${after}`)
      seen.push(...idsOf(page.scale_sets))
      if (page.next === null) break
      after = `&after=${page.next}`
    }
    expect(seen).toEqual(idsOf((await get('/scale-sets?limit=1000')).scale_sets))
  })

  it('changes and deletes a scale as far as nobody was measured on it', async () => {
    const { scale, skill, apprentice, master } = await taxonomy()
    const ann = await user()
    await call('POST', `/users/${ann}/skills`, { skill_id: skill, level_id: master })
    const path = `/scale-sets/${scale}`
    const changed = await call('PATCH', path, {
      title: 'Baking',
      is_default: true,
      levels: [
        { title: 'Grand master', value: 2 },
        { title: 'Novice', value: 0 },
      ],
    })
    expect(changed).toMatchObject({
      status: 200,
      json: { title: 'Baking', is_default: true, levels: [{ title: 'Novice' }, { id: master, title: 'Grand master' }] },
    })
    expect(idsOf(changed.json.levels)).not.toContain(apprentice)
    expect(await call('PATCH', path, { levels: [{ title: 'Novice', value: 0 }] })).toMatchObject({
      status: 409,
      json: { code: 'scale_set.level_in_use' },
    })
    const twice = {
      levels: [
        { title: 'A', value: 1 },
        { title: 'B', value: 1 },
      ],
    }
    expect(await call('PATCH', path, twice)).toMatchObject({ status: 422, json: { field: 'levels' } })
    expect(await call('DELETE', path)).toMatchObject({ status: 409, json: { code: 'scale_set.in_use' } })
    const unused = await created('/scale-sets', { title: 'Unused', levels })
    expect(await call('DELETE', `/scale-sets/${unused}`)).toMatchObject({ status: 204, text: '' })
    expect(await call('GET', `/scale-sets/${unused}`)).toMatchObject({ status: 404 })
  })
})

describe('/api/v1/skills', () => {
  it('lists skills of a catalog and for all, by a part of the title, in pages', async () => {
    const { catalog_id, skill, ownSkill } = await taxonomy()
    expect(await get(`/skills/${ownSkill}`)).toMatchObject({ title: 'Braiding', description: 'x', catalog_id })
    expect(await get(`/skills/${skill}`)).toMatchObject({ catalog_id: null, description: null, external_key: null })
    const all = idsOf((await get(`/skills?catalog_id=${catalog_id}&limit=1000`)).skills)
    expect(all).toEqual(expect.arrayContaining([skill, ownSkill]))
    expect(idsOf((await get(`/skills?catalog_id=${catalog_id}&search=braid`)).skills)).toEqual([ownSkill])
    const first = await get(`/skills?catalog_id=${catalog_id}&limit=1`)
    const rest = await get(`/skills?catalog_id=${catalog_id}&limit=1000&after=${first.next}`)
    expect(idsOf([...first.skills, ...rest.skills])).toEqual(all)
    expect(rest.next).toBeNull()
    expect(await call('GET', `/skills/${unknown}`)).toMatchObject({ status: 404, json: { code: 'skill.not_found' } })
  })

  it('changes and deletes a skill as far as it was never awarded', async () => {
    const { scale, ownScale, skill, ownSkill, master } = await taxonomy()
    const path = `/skills/${ownSkill}`
    expect(await call('PATCH', path, { title: 'Plaiting', description: null, scale_set_id: scale })).toMatchObject({
      status: 200,
      json: { title: 'Plaiting', description: null, scale_set_id: scale },
    })
    expect(await call('PATCH', `/skills/${skill}`, { scale_set_id: ownScale })).toMatchObject({
      status: 409,
      json: { code: 'scale_set.other_catalog' },
    })
    expect((await call('DELETE', path)).status).toBe(204)
    const ann = await user()
    await call('POST', `/users/${ann}/skills`, { skill_id: skill, level_id: master })
    expect(await call('DELETE', `/skills/${skill}`)).toMatchObject({ status: 409, json: { code: 'skill.in_use' } })
  })
})

describe('/api/v1/users/:id/skills', () => {
  it('awards, revokes with a reason, and awards anew; the transcript keeps all of it', async () => {
    const { skill, master } = await taxonomy()
    const ann = await user()
    const path = `/users/${ann}/skills`
    const held = { skill_id: skill, level_id: master }
    const awarded = await call('POST', path, held, boss)
    expect(awarded.status).toBe(201)
    expect(await get(at(awarded))).toMatchObject({ ...held, state: 'held', awarded_by: boss.userId, level: 'Master' })
    expect(await call('POST', path, held)).toMatchObject({ status: 409, json: { code: 'skill.held' } })
    const revoked = await call('POST', `${path}/revoke`, { ...held, reason: 'Expired' }, boss)
    expect(revoked).toMatchObject({ status: 200, json: { id: awarded.json.id, revoked_at: expect.any(String) } })
    expect(await call('POST', `${path}/revoke`, held)).toMatchObject({ status: 409, json: { code: 'skill.revoked' } })
    const again = await call('POST', path, held)
    const { skills } = await get(path)
    expect(skills).toMatchObject([
      { id: again.json.id, state: 'held', awarded_by: null },
      {
        id: awarded.json.id,
        state: 'revoked',
        revoked_at: revoked.json.revoked_at,
        revoked_by: boss.userId,
        revoke_reason: 'Expired',
      },
    ])
    expect((await get(`/users/${ann}/transcript`)).skills).toEqual(skills)
    const { rows } = await http.owner.query('select subject from notifications where user_id = $1', [ann])
    expect(rows).toEqual([{ subject: 'Skill revoked' }])
    const { entries } = await get(`/audit?subject=${ann}&activity=SkillRevoked`)
    expect(entries).toMatchObject([
      { title: 'Skill was revoked from learner', actor: { kind: 'user', id: boss.userId }, values: { level: master } },
    ])
  })

  it('refuses what is not held, another catalog and a level of another scale, and tells nobody', async () => {
    const { skill, ownSkill, master, catalog_id } = await taxonomy()
    const elsewhere = await created('/catalogs', { title: 'Elsewhere' })
    const ann = await user()
    const path = `/users/${ann}/skills`
    const ownMaster = (await get(`/scale-sets/${(await get(`/skills/${ownSkill}`)).scale_set_id}`)).levels[1].id
    for (const [body, code] of [
      [{ skill_id: skill, level_id: master }, 'skill.not_held'],
      [{ skill_id: skill, level_id: ownMaster }, 'skill.level_not_found'],
      [{ skill_id: unknown, level_id: master }, 'skill.not_found'],
      [{ skill_id: ownSkill, level_id: ownMaster, catalog_id: elsewhere }, 'skill.other_catalog'],
      [{ skill_id: ownSkill, level_id: ownMaster, catalog_id }, 'skill.not_held'],
    ] as const) {
      const { status, json } = await call('POST', `${path}/revoke`, body)
      expect([status, json.code]).toEqual([404, code])
    }
    const future = { skill_id: skill, level_id: master, at: '2999-01-01T00:00:00Z' }
    expect(await call('POST', path, future)).toMatchObject({ status: 422, json: { field: 'at' } })
    expect((await get(path)).skills).toEqual([])
    expect(await call('GET', `${path}/${unknown}`)).toMatchObject({
      status: 404,
      json: { code: 'skill.award_not_found' },
    })
    const { rows } = await http.owner.query('select from notifications where user_id = $1', [ann])
    expect(rows).toEqual([])
  })

  it('lets learners read their own skills, and award themselves none', async () => {
    const { skill, master } = await taxonomy()
    const learner = await http.person(tenant, 'learner')
    const path = `/users/${learner.userId}/skills`
    await call('POST', path, { skill_id: skill, level_id: master })
    expect(await call('GET', path, undefined, learner)).toMatchObject({
      status: 200,
      json: { skills: [{ state: 'held' }] },
    })
    for (const rest of ['', '/revoke']) {
      expect((await call('POST', `${path}${rest}`, { skill_id: skill, level_id: master }, learner)).status).toBe(403)
    }
  })
})
