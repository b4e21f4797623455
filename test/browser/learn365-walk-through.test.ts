import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createApiKey } from '../../server/access/api-keys.ts'
import { createGroup } from '../../server/directory/create-group.ts'
import { syncGroup } from '../../server/directory/sync-group.ts'
import { assignGroupToCatalog } from '../../server/learning/catalogs/assign-groups.ts'
import { createCatalog } from '../../server/learning/catalogs/create-catalog.ts'
import { createCourse } from '../../server/learning/courses/create-course.ts'
import { createTrainingPlan } from '../../server/learning/courses/create-training-plan.ts'
import { recordActions } from '../../server/learning/records/record-actions.ts'
import { recordProgress } from '../../server/learning/records/record-progress.ts'
import { createUser } from '../../server/people/accounts/create-user.ts'
import { awardSkill } from '../../server/skills/award-skill.ts'
import { createScaleSet } from '../../server/skills/create-scale-set.ts'
import { createSkill } from '../../server/skills/create-skill.ts'
import { showTranscript } from '../../server/views/transcript.ts'
import { hasChromium, inChromium, startChromium } from '../chromium.ts'
import { openTestHttp, type TestHttp } from '../http.ts'
import { type Operation, openSwagger, type Shown, type SwaggerPage } from './swagger-page.ts'

// Word for word as far as they go, the steps of Learn365's two articles "Purge a user's data via the API" and "Revoke
// user's skills via the API". Each test goes on where the one before it ended.

const objectId = (number: number) => `5e0f2a10-7d2c-4c3e-8a54-${String(number).padStart(12, '0')}`
const ann = {
  login: 'ann@example.org',
  claims: 'i:0#.f|membership|ann@example.org',
  email: 'ann@example.org',
  directoryObjectId: objectId(1),
}
const twin = { claims: 'i:0#.f|membership|sam@example.org', directoryObjectIds: [objectId(2), objectId(3)] as const }

type Tenant = { id: string; key: string; catalog: string; course: string; plan: string; ann: string; group: string }

describe.skipIf(!hasChromium)(inChromium("Learn365's articles, step by step in the browser"), () => {
  let http: TestHttp
  let browser: Browser
  beforeAll(async () => {
    http = await openTestHttp()
    await http.startWorkers()
    browser = await startChromium()
  })
  afterAll(async () => {
    await browser?.close()
    await http?.close()
  })

  /** A tenant in which Ann learned something, in a catalog that she was added to and is in through a group too. */
  async function prepare(name: string): Promise<Tenant> {
    const id = await http.tenant(name)
    return await http.inTenant(id, async (tx) => {
      const { secret: key } = await createApiKey(tx, { name: 'Learn365 client', access: 'full_control' })
      const catalog = (await createCatalog(tx, { title: 'Gardens' })).id
      const { id: course, moduleIds } = await createCourse(tx, {
        catalogId: catalog,
        title: 'Roses',
        modules: [{ title: 'Pruning', kind: 'page' }],
      })
      const plan = (await createTrainingPlan(tx, { catalogId: catalog, title: 'Gardener', courseIds: [course] })).id
      const { id: userId } = await createUser(tx, {
        email: ann.email,
        login_name: ann.claims,
        directory_object_id: ann.directoryObjectId,
        display_name: 'Ann Aster',
        products: ['learn', 'flow'],
      })
      const group = (await createGroup(tx, { displayName: 'Gardeners', directoryObjectId: objectId(9) })).id
      await assignGroupToCatalog(tx, { catalogId: catalog, groupId: group })
      const [moduleId = ''] = moduleIds
      await recordProgress(tx, [{ userId, moduleId, percent: 60 }])
      await recordActions(tx, [{ userId, moduleId, happenedOn: '2026-03-01', clicks: 7 }])
      return { id, key, catalog, course, plan, ann: userId, group }
    })
  }

  const openPage = async ({ key }: Tenant) => {
    const docs = await openSwagger(browser, http.url)
    await docs.authorizeBasic('api', key)
    return docs
  }

  describe('Purge a user with all their data', () => {
    let tenant: Tenant
    let docs: SwaggerPage
    let purge: Operation
    let purged: Shown
    beforeAll(async () => {
      tenant = await prepare('Purging')
    })
    afterAll(() => docs?.close())

    const rowsOfAnn = async () => {
      const counts: Record<string, number> = {}
      for (const table of ['enrollments', 'progress', 'record_actions', 'catalog_members', 'product_accounts']) {
        const { rows } = await http.owner.query(`select from ${table} where user_id = $1`, [tenant.ann])
        counts[table] = rows.length
      }
      return counts
    }
    const members = async () => {
      const list = await docs.tryOut('Learn365: CourseCatalogs', 'GET', '/odata/v2/CourseCatalogs({id})/Users')
      await list.fill('id', tenant.catalog)
      return (await list.execute()).json.value
    }
    const sync = () =>
      http.inTenant(tenant.id, (tx) =>
        syncGroup(tx, {
          groupId: tenant.group,
          members: [{ directory_object_id: ann.directoryObjectId, login_name: ann.claims, email: ann.email }],
        }),
      )

    it('1. "make sure you are authorized with the relevant API key"', async () => {
      docs = await openPage(tenant)
      const dialog = await docs.dialog()
      expect(await dialog.locator('.auth-container').first().textContent()).toMatch(/Authorized.* api .*\*{6}/)
      await docs.closeDialog()
    })

    it('"removing a user from a course catalog when their records are still preserved in the Transcript"', async () => {
      await sync()
      const add = await docs.tryOut('Learn365: CourseCatalogs', 'POST', '/odata/v2/CourseCatalogs({id})/Users')
      await add.fill('id', tenant.catalog)
      await add.body({ LoginName: ann.login })
      expect((await add.execute()).status).toBe(202)
      for (const id of [tenant.course, tenant.plan]) {
        const enroll = await docs.tryOut('Learn365: Courses', 'POST', '/odata/v2/Courses({id})/Enroll')
        await enroll.fill('id', id)
        await enroll.body({ userLoginName: ann.login })
        expect(await enroll.execute()).toMatchObject({ status: 201, json: { RegistrationStatus: 'Active' } })
      }
      expect(await members()).toMatchObject([{ Id: tenant.ann, IsAddedToCatalog: true, Groups: ['Gardeners'] }])
      const remove = await docs.tryOut(
        'Learn365: CourseCatalogs',
        'DELETE',
        "/odata/v2/CourseCatalogs({id})/Users('{key}')",
      )
      await remove.fill('id', tenant.catalog)
      await remove.fill('key', ann.claims)
      expect((await remove.execute()).status).toBe(204)
      expect(await members()).toMatchObject([{ Id: tenant.ann, IsAddedToCatalog: false, Groups: ['Gardeners'] }])
      const { courses, training_plans } = await http.inTenant(tenant.id, (tx) => showTranscript(tx, tenant.ann))
      expect([courses, training_plans]).toMatchObject([[{ title: 'Roses' }], [{ title: 'Gardener' }]])
      expect(await rowsOfAnn()).toMatchObject({ enrollments: 2, progress: 1, record_actions: 1, product_accounts: 2 })
    })

    it('2. "Find and expand the Users section, find POST /odata/v2/Users(\'{LoginName}\')/Purge … select Try it out"', async () => {
      purge = await docs.tryOut('Learn365: Users', 'POST', "/odata/v2/Users('{key}')/Purge")
      expect(await purge.box.locator('.opblock-summary-description').textContent()).toBe("Purge user's data")
    })

    it('3. "two fields will be displayed": the login name, and one that makes repeating safe', async () => {
      expect(await purge.fields()).toEqual(['key', 'idempotency-key'])
      expect(await purge.box.locator('tr[data-param-name="key"]').textContent()).toContain('LoginName')
    })

    it('NOTE "several users with the same login name": the 500 error, and the DirectoryObjectId helps', async () => {
      await http.inTenant(tenant.id, async (tx) => {
        for (const directory_object_id of twin.directoryObjectIds) {
          await createUser(tx, { login_name: twin.claims, directory_object_id })
        }
      })
      await purge.fill('key', twin.claims)
      const refused = await purge.execute()
      expect(refused).toMatchObject({ status: 500, json: { error: { code: 'subject.ambiguous' } } })
      expect(refused.json.error.message).toContain('DirectoryObjectId')
      const read = await docs.tryOut('Learn365: Users', 'GET', '/odata/v2/Users')
      await read.fill('$filter', `LoginName eq '${twin.claims}'`)
      const { value } = (await read.execute()).json
      expect(value.map(({ DirectoryObjectId }: { DirectoryObjectId: string }) => DirectoryObjectId).toSorted()).toEqual(
        twin.directoryObjectIds,
      )
      await purge.fill('key', twin.directoryObjectIds[0])
      const { status, json } = await purge.execute()
      expect(status).toBe(202)
      await http.ended(tenant.id, json.RequestId)
      expect((await read.execute()).json.value).toMatchObject([{ DirectoryObjectId: twin.directoryObjectIds[1] }])
    })

    it('4. "When you are ready, select Execute to run the request"', async () => {
      await purge.fill('key', ann.claims)
      purged = await purge.execute()
    })

    it('5. "Number 2xx (e.g. 202) under Code", and "the Response body field" with the results', async () => {
      expect(purged).toMatchObject({
        status: 202,
        json: { State: 'queued', Link: `${http.url}/api/v1/erasures/${purged.json.RequestId}` },
      })
      await http.ended(tenant.id, purged.json.RequestId)
      const follow = await docs.tryOut('Lethe: Erasures', 'GET', '/api/v1/erasures/{id}')
      await follow.fill('id', purged.json.RequestId)
      const { status, json } = await follow.execute()
      expect([status, json.state, json.certified]).toEqual([200, 'completed', true])
      expect(json.receipt).toContainEqual({ table: 'record_actions', effect: 'deleted', rows: 1 })
    })

    it('"completely deleted … from all its course catalogs, courses and training plans"', async () => {
      const read = await docs.tryOut('Learn365: Users', 'GET', "/odata/v2/Users('{key}')")
      for (const name of [ann.claims, ann.directoryObjectId]) {
        await read.fill('key', name)
        expect((await read.execute()).status).toBe(404)
      }
      expect(await members()).toEqual([])
      const gone = { enrollments: 0, progress: 0, record_actions: 0, catalog_members: 0, product_accounts: 0 }
      expect(await rowsOfAnn()).toEqual(gone)
      expect((await http.owner.query('select from users where id = $1', [tenant.ann])).rowCount).toBe(0)
    })

    it('"it won\'t be possible to restore the records"', async () => {
      const restore = await docs.tryOut('Lethe: Users', 'POST', '/api/v1/users/{id}/restore')
      await restore.fill('id', tenant.ann)
      expect((await restore.execute()).status).toBe(404)
    })

    it('NOTE "the user will later reappear in the Users list of the course catalog but with no training records"', async () => {
      const { reappeared } = await sync()
      expect(reappeared).toMatchObject([{ request_id: purged.json.RequestId }])
      const [back, ...others] = await members()
      expect(others).toEqual([])
      expect(back).toMatchObject({
        LoginName: ann.claims,
        DirectoryObjectId: ann.directoryObjectId,
        IsAddedToCatalog: false,
        Groups: ['Gardeners'],
      })
      expect(back.Id).not.toBe(tenant.ann)
      const transcript = await http.inTenant(tenant.id, (tx) => showTranscript(tx, back.Id))
      expect(transcript).toMatchObject({ courses: [], training_plans: [], skills: [], certificates: [] })
      const { rows } = await http.owner.query('select roles from users where id = $1', [back.Id])
      expect(rows).toEqual([{ roles: ['learner'] }])
      expect(docs.complaints).toEqual([])
    })
  })

  describe("Revoke a user's skill", () => {
    let tenant: Tenant
    let docs: SwaggerPage
    let found: { courseCatalogId: string; userLoginName: string; skillId: string; levelId: string }
    let revoke: Operation
    let revoked: Shown
    const award = () =>
      http.inTenant(tenant.id, (tx) =>
        awardSkill(tx, { userId: tenant.ann, skillId: found.skillId, levelId: found.levelId }),
      )
    const skills = async () =>
      (await http.inTenant(tenant.id, (tx) => showTranscript(tx, tenant.ann))).skills.map(
        ({ skill, level, state }) => ({
          skill,
          level,
          state,
        }),
      )
    const notifications = async () =>
      (await http.owner.query('select subject from notifications where user_id = $1', [tenant.ann])).rows
    /** The newest entry of the audit trail, as the page shows it. */
    const lastEntry = async () => {
      const list = await docs.tryOut('Lethe: Audit', 'GET', '/api/v1/audit')
      await list.fill('limit', '1')
      return (await list.execute()).json.entries[0]
    }
    beforeAll(async () => {
      tenant = await prepare('Revoking')
      await http.inTenant(tenant.id, async (tx) => {
        const levels = [
          { title: 'Beginner', value: 1 },
          { title: 'Expert', value: 2 },
        ]
        const { id: scaleSetId } = await createScaleSet(tx, { title: 'Green fingers', levels })
        await createSkill(tx, { title: 'Pruning', scaleSetId, catalogId: tenant.catalog })
      })
    })
    afterAll(() => docs?.close())

    it('Before: "courseCatalogId", "userLoginName", "skillId and levelId" are found by the API', async () => {
      docs = await openPage(tenant)
      const catalogs = await docs.tryOut('Learn365: CourseCatalogs', 'GET', '/odata/v2/CourseCatalogs')
      await catalogs.fill('$filter', "Title eq 'Gardens'")
      const [catalog] = (await catalogs.execute()).json.value
      const users = await docs.tryOut('Learn365: Users', 'GET', '/odata/v2/Users')
      await users.fill('$filter', `Email eq '${ann.email}'`)
      const [user] = (await users.execute()).json.value
      const list = await docs.tryOut('Learn365: Skills', 'GET', '/services/skills/Skills')
      await list.fill('$filter', "title eq 'Pruning'")
      await list.fill('$expand', 'levels')
      const [skill] = (await list.execute()).json
      const level = skill.levels.find(({ title }: { title: string }) => title === 'Expert')
      found = {
        courseCatalogId: catalog.Id,
        userLoginName: user.LoginName.split('|').at(-1),
        skillId: skill.id,
        levelId: level.id,
      }
      expect(found).toMatchObject({ courseCatalogId: tenant.catalog, userLoginName: ann.login })
      await award()
      expect(await skills()).toEqual([{ skill: 'Pruning', level: 'Expert', state: 'held' }])
    })

    it('1. and 2. "In the UserSkills section, find the … RevokeSkill endpoint and select Try it out"', async () => {
      revoke = await docs.tryOut(
        'Learn365: UserSkills',
        'POST',
        '/services/skills/catalog/{courseCatalogId}/UserSkills/User/{userLoginName}/RevokeSkill',
      )
    })

    it('3. to 6. "Enter the courseCatalogId", "the user@domain.com part", "skillId", "levelId", "Execute"', async () => {
      expect(await revoke.fields()).toEqual(['courseCatalogId', 'userLoginName'])
      await revoke.fill('courseCatalogId', found.courseCatalogId)
      await revoke.fill('userLoginName', found.userLoginName)
      await revoke.body({ skillId: found.skillId, levelId: found.levelId })
      revoked = await revoke.execute()
    })

    it('7. "Number 2xx (for example, 200) under Code", "including the date and time of the skill revocation"', async () => {
      expect(revoked).toMatchObject({ status: 200, json: { skillId: found.skillId, levelId: found.levelId } })
      const { rows } = await http.owner.query('select revoked_at from user_skills where user_id = $1', [tenant.ann])
      expect(rows).toEqual([{ revoked_at: new Date(revoked.json.revokedDate) }])
    })

    it('"The skill will be marked as Revoked in … Transcript > Skills", and a "Skill revoked notification"', async () => {
      expect(await skills()).toEqual([{ skill: 'Pruning', level: 'Expert', state: 'revoked' }])
      expect(await notifications()).toEqual([{ subject: 'Skill revoked' }])
    })

    it('8. and 9. "the last record with the Skill was revoked from learner activity name"', async () => {
      expect(await lastEntry()).toMatchObject({
        title: 'Skill was revoked from learner',
        actor: { kind: 'api_key' },
        object: { kind: 'skill', id: found.skillId },
        subject: tenant.ann,
      })
    })

    it("Legacy 1. to 5.: POST /odata/v2/Users('{LoginName}')/RevokeCompetency in the Users section", async () => {
      await award()
      const legacy = await docs.tryOut('Learn365: Users', 'POST', "/odata/v2/Users('{key}')/RevokeCompetency")
      expect(await legacy.box.locator('.opblock-summary-description').textContent()).toBe('Revokes competency (skill)')
      expect(await legacy.box.getAttribute('class')).toContain('opblock-deprecated')
      expect(await legacy.fields()).toEqual(['key'])
      await legacy.fill('key', ann.claims)
      await legacy.body({ competencyId: found.skillId, competencyLevelId: found.levelId })
      const { status, json, headers } = await legacy.execute()
      expect([status, Number.isNaN(Date.parse(json.RevokedDate))]).toEqual([200, false])
      expect(headers).toMatch(/deprecation: @\d+/)
      expect(await skills()).toEqual([
        { skill: 'Pruning', level: 'Expert', state: 'revoked' },
        { skill: 'Pruning', level: 'Expert', state: 'revoked' },
      ])
      expect(await notifications()).toHaveLength(2)
      expect((await lastEntry()).title).toBe('Skill was revoked from learner')
      expect(docs.complaints).toEqual([])
    })
  })
})
