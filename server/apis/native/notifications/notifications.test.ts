import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Credential, openTestHttp, type TestHttp } from '../../../../test/http.ts'
import { awardSkill } from '../../../skills/award-skill.ts'
import { createScaleSet } from '../../../skills/create-scale-set.ts'
import { createSkill } from '../../../skills/create-skill.ts'
import { revokeSkill } from '../../../skills/revoke-skill.ts'

const unknown = '0190a0b1-7d2c-7c3e-8a54-1f2e3d4c5b6a'

let http: TestHttp
let tenant: string
let key: Credential
let learner: Credential & { userId: string }
beforeAll(async () => {
  http = await openTestHttp()
  tenant = await http.tenant('Acme')
  key = await http.key(tenant)
  learner = await http.person(tenant, 'learner')
  await http.inTenant(tenant, async (tx) => {
    const levels = [1, 2, 3].map((value) => ({ title: `Level ${value}`, value }))
    const scale = await createScaleSet(tx, { title: 'Scale', levels })
    const { id: skillId } = await createSkill(tx, { title: 'Juggling', scaleSetId: scale.id })
    for (const levelId of scale.levelIds) {
      await awardSkill(tx, { userId: learner.userId, skillId, levelId })
      await revokeSkill(tx, { userId: learner.userId, skillId, levelId })
    }
  })
})
afterAll(() => http.close())

const list = (query = '', as: Credential = learner, user = learner.userId) =>
  http.call('GET', `/api/v1/users/${user}/notifications${query}`, { as })
const mark = (body: object = {}, as: Credential = learner, user = learner.userId) =>
  http.call('POST', `/api/v1/users/${user}/notifications/read`, { as, body })

describe('notifications', () => {
  it('tell a learner that a skill was revoked, page by page, and are marked as read', async () => {
    const { json: all } = await list()
    expect(all).toMatchObject({ unread: 3, next: null })
    expect(all.notifications.map(({ body }: { body: string }) => body.slice(0, 43))).toEqual(
      [3, 2, 1].map((level) => `Your skill "Juggling" at the level "Level ${level}"`.slice(0, 43)),
    )
    expect(all.notifications[0]).toMatchObject({ kind: 'skill_revoked', subject: 'Skill revoked', read_at: null })
    const { json: first } = await list('?limit=2')
    expect(first.next).toBe(first.notifications[1].id)
    expect((await list(`?limit=2&after=${first.next}`)).json).toMatchObject({
      notifications: [{ id: all.notifications[2].id }],
      next: null,
    })
    const [newest] = all.notifications
    expect((await mark({ ids: [newest.id] })).json).toEqual({ marked: 1, unread: 2 })
    const readAt = (await list()).json.notifications[0].read_at
    expect(readAt).not.toBeNull()
    expect((await list('?unread=true')).json.notifications.map(({ id }: { id: string }) => id)).not.toContain(newest.id)
    expect((await mark()).json).toEqual({ marked: 2, unread: 0 })
    expect((await mark()).json).toEqual({ marked: 0, unread: 0 })
    expect((await list()).json.notifications[0].read_at).toBe(readAt)
    expect((await list('?unread=true')).json).toEqual({ notifications: [], unread: 0, next: null })
  })

  it('are the own ones, or those of a person whom the credential may look after', async () => {
    const other = await http.person(tenant, 'learner')
    expect([(await list('', other)).status, (await mark({}, other)).status]).toEqual([403, 403])
    expect((await list('', key)).status).toBe(200)
    expect((await mark({}, await http.key(tenant, 'read_only'))).status).toBe(403)
    expect((await list('', key, unknown)).status).toBe(404)
    expect((await list('', await http.key(await http.tenant('Elsewhere')))).status).toBe(404)
    const { json } = await list()
    expect(await mark({ ids: [json.notifications[0].id] }, other, other.userId)).toMatchObject({
      status: 404,
      json: { code: 'notification.not_found' },
    })
  })
})
