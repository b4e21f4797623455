import type { Browser } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createApiKey } from '../../server/access/api-keys.ts'
import { createOAuthClient } from '../../server/access/oauth-clients.ts'
import { loadDemo } from '../../server/demo/load-demo.ts'
import { permissions } from '../../server/permissions/permissions.ts'
import { hasChromium, inChromium, overflowOf, startChromium } from '../chromium.ts'
import { effort, isThorough } from '../effort.ts'
import { type Answer, basic, openTestHttp, password, type TestHttp } from '../http.ts'
import { openSwagger, type SwaggerPage } from './swagger-page.ts'

const longestPath = '/services/skills/catalog/{courseCatalogId}/UserSkills/User/{userLoginName}/RevokeSkill'

/** The paths that the tests open; the first test has the whole document, and the thorough run has it everywhere. */
const pathsUsed = ['/api/v1/session', '/api/v1/users/{id}/suspend', '/api/v1/users', longestPath]

const missing = '00000000-0000-4000-8000-000000000000'

describe.skipIf(!hasChromium)(inChromium('the page at /docs'), () => {
  let http: TestHttp
  let browser: Browser
  let tenant: string
  let key: string
  let docs: SwaggerPage
  beforeAll(async () => {
    http = await openTestHttp()
    browser = await startChromium()
    tenant = (await loadDemo(http.database)).tenant.id
    const made = await http.inTenant(tenant, (tx) => createApiKey(tx, { name: 'Docs', access: 'full_control' }))
    key = made.secret
    docs = await openSwagger(browser, http.url, { paths: isThorough ? undefined : pathsUsed })
  })
  afterAll(async () => {
    await browser?.close()
    await http?.close()
  })
  afterEach(async () => {
    await docs.collapse()
    await docs.forgetCredentials()
    expect(docs.complaints).toEqual([])
  })

  const whoAmI = async () => (await docs.tryOut('Lethe: Sign-in', 'GET', '/api/v1/session')).execute()
  /** Changes something, with an operation that needs the permission to write. */
  const suspend = async (userId: string) => {
    const operation = await docs.tryOut('Lethe: Users', 'POST', '/api/v1/users/{id}/suspend')
    await operation.fill('id', userId)
    return await operation.execute()
  }
  const learner = async () => (await http.person(tenant, 'learner')).userId
  const stateOf = async (userId: string) => {
    const { rows } = await http.owner.query('select state from users where id = $1', [userId])
    return rows[0]?.state
  }

  it('has every operation in a group that says which API it belongs to, and loads nothing from elsewhere', async () => {
    const { json: document } = await http.call('GET', '/openapi.json')
    const { page, complaints, close } = await openSwagger(browser, http.url)
    const groups: string[] = await page
      .locator('.opblock-tag')
      .evaluateAll((headings) => headings.map((heading) => String(heading.dataset.tag)))
    expect(groups).toEqual(document.tags.map(({ name }: { name: string }) => name))
    expect(groups.filter((group) => !/^(Lethe|Learn365|Thrive): \w/.test(group))).toEqual([])
    expect(new Set(tagsOf(document))).toEqual(new Set(groups))
    const loaded = await page.evaluate('performance.getEntriesByType("resource").map(({ name }) => name)')
    expect(loaded).not.toEqual([])
    expect((loaded as string[]).filter((address) => !address.startsWith(`${http.url}/docs/`))).toEqual([])
    expect(complaints).toEqual([])
    await close()
  })

  it('takes an API key, whatever the user name', async () => {
    expect((await whoAmI()).status).toBe(401)
    await docs.authorizeBasic('api', key)
    expect(await whoAmI()).toMatchObject({
      status: 200,
      json: { kind: 'program', tenant_id: tenant, scopes: ['api/all'] },
    })
    const user = await learner()
    expect(await suspend(user)).toMatchObject({ status: 200, json: { id: user, state: 'suspended' } })
    expect(await stateOf(user)).toBe('suspended')
    await docs.forgetCredentials()
    await docs.authorizeBasic('anything', key)
    expect((await whoAmI()).status).toBe(200)
  })

  // In npm test this is shown by the API's own tests, without the page.
  if (isThorough) {
    it("takes a Thrive secret with the tenant's id as the user name", async () => {
      const { secret } = await http.inTenant(tenant, (tx) =>
        createApiKey(tx, { name: 'Thrive', access: 'read_only', kind: 'thrive' }),
      )
      await docs.authorizeBasic('api', secret)
      expect((await whoAmI()).status).toBe(401)
      await docs.forgetCredentials()
      await docs.authorizeBasic(tenant, secret)
      expect(await whoAmI()).toMatchObject({ status: 200, json: { kind: 'program', scopes: ['api/read'] } })
      const user = await learner()
      expect((await suspend(user)).status).toBe(403)
      expect(await stateOf(user)).toBe('active')
    })
  }

  it('gets a token for an OAuth client in its own dialog', async () => {
    const { client, secret } = await http.inTenant(tenant, (tx) =>
      createOAuthClient(tx, { name: 'Docs', scopes: ['api/read', 'api/write'] }),
    )
    const sent = docs.page.waitForRequest(`${http.url}/oauth2/token/${tenant}`)
    await docs.authorizeToken({ tenant, id: client.id, secret, scopes: ['api/read', 'api/write'] })
    expect((await sent).method()).toBe('POST')
    expect(await whoAmI()).toMatchObject({ status: 200, json: { kind: 'program', scopes: ['api/read', 'api/write'] } })
    const user = await learner()
    expect((await suspend(user)).status).toBe(200)
    await docs.forgetCredentials()
    await docs.authorizeToken({ tenant, id: client.id, secret, scopes: ['api/read'] })
    expect((await suspend(user)).status).toBe(403)
  })

  it('says in the dialog what is wrong with a client', async () => {
    const { client } = await http.inTenant(tenant, (tx) =>
      createOAuthClient(tx, { name: 'Docs', scopes: ['api/read'] }),
    )
    const dialog = await docs.dialog()
    const container = dialog.locator('.auth-container').filter({ hasText: 'OAuth2' })
    await container.locator('#client_id_clientCredentials').fill(client.id)
    await container.locator('#client_secret_clientCredentials').fill('wrong')
    await container.locator('#token_tenant').fill('')
    await container.locator('.btn.authorize').click()
    await container.locator('.errors', { hasText: 'The tenant id is missing' }).waitFor()
    await container.locator('#token_tenant').fill(tenant)
    await container.locator('.btn.authorize').click()
    await container.locator('.errors', { hasText: /invalid_client/ }).waitFor()
    await docs.closeDialog()
    expect((await whoAmI()).status).toBe(401)
  })

  it('signs a person in with the cookie, and needs nothing else for what changes something', async () => {
    const { userId } = await http.person(tenant, 'administrator')
    const { rows } = await http.owner.query('select email from users where id = $1', [userId])
    const signIn = await docs.tryOut('Lethe: Sign-in', 'POST', '/api/v1/session')
    await signIn.body({ tenant: 'Demo Academy', login: rows[0]?.email, password: 'not the password' })
    expect((await signIn.execute()).status).toBe(401)
    await signIn.body({ tenant: 'Demo Academy', login: rows[0]?.email, password })
    const signedIn = await signIn.execute()
    expect(signedIn).toMatchObject({ status: 201, json: { user_id: userId, roles: ['administrator'] } })
    expect(await whoAmI()).toMatchObject({ status: 200, json: { kind: 'person', user_id: userId } })
    const user = await learner()
    expect((await suspend(user)).status).toBe(200)
    expect(await stateOf(user)).toBe('suspended')

    await docs.forgetCredentials()
    const other = await learner()
    expect(await suspend(other)).toMatchObject({ status: 403, json: { code: 'access.csrf' } })
    expect(await stateOf(other)).toBe('active')
    const dialog = await docs.dialog()
    const container = dialog.locator('.auth-container').filter({ hasText: 'csrf' })
    await container.locator('#api_key_value').fill(signedIn.json.csrf_token)
    await container.locator('.btn.authorize').click()
    await docs.closeDialog()
    expect((await suspend(other)).status).toBe(200)

    const signOut = await docs.tryOut('Lethe: Sign-in', 'DELETE', '/api/v1/session')
    await signOut.fill('x-csrf-token', signedIn.json.csrf_token)
    expect((await signOut.execute()).status).toBe(204)
    expect((await whoAmI()).status).toBe(401)
  })

  it('keeps no credential where other pages of the browser find it', async () => {
    await docs.authorizeBasic('api', key)
    expect((await whoAmI()).status).toBe(200)
    expect(await docs.page.evaluate('JSON.stringify([localStorage, sessionStorage])')).not.toContain(key)
  })

  it('proposes values with which every operation that only reads works at once', async () => {
    const { json: document } = await http.call('GET', '/openapi.json')
    const shown: [string, number][] = []
    for (const [path, { get }] of Object.entries<Item>(document.paths)) {
      const parameters = (get?.parameters ?? []).map((one) => ({ ...one, proposed: proposalFor(one) }))
      if (get === undefined || parameters.some(({ required, proposed }) => required && proposed === undefined)) continue
      if (permissionsOfPeople.has(get['x-permission'])) continue
      const query = new URLSearchParams()
      let address = path
      for (const { name, in: place, proposed } of parameters) {
        if (proposed === undefined) continue
        if (place === 'path') address = address.replace(`{${name}}`, encodeURIComponent(proposed))
        else query.set(name, proposed)
      }
      const { status } = await http.call('GET', `${address}?${query}`, { as: basic('api', key) })
      shown.push([path, status])
    }
    expect(shown.map(([path]) => path)).toEqual(
      expect.arrayContaining([
        '/api/v1/users',
        '/odata/v2/Users',
        "/odata/v2/Users('{key}')",
        '/services/skills/Skills',
      ]),
    )
    expect(shown.filter(([, status]) => status !== 200)).toEqual([])
  })

  // In npm test this is shown by the API's own tests, without the page.
  if (isThorough) {
    it('proposes somebody of the demo by each kind of name, whom PUT changes at once', async () => {
      await docs.authorizeBasic('api', key)
      const path = "/odata/v2/Users('{key}')"
      const read = await docs.tryOut('Learn365: Users', 'GET', path)
      const choice = read.box.locator('tr[data-param-name="key"] select')
      const proposed = await choice.locator('option').allTextContents()
      expect(proposed).toHaveLength(3)
      const found = []
      for (const name of proposed) {
        await choice.selectOption(name)
        found.push(await read.execute())
      }
      expect(found.map(({ status, json }) => [status, json?.DirectoryObjectId])).toEqual(
        proposed.map(() => [200, proposed[2]]),
      )
      const change = await docs.tryOut('Learn365: Users', 'PUT', path)
      expect(await change.execute()).toMatchObject({ status: 200, json: { JobTitle: 'Head of Gardens', Office: null } })
    })
  }

  // In npm test this is shown by the API's own tests, without the page.
  if (isThorough) {
    it('shows an error as the API answers it', async () => {
      await docs.authorizeBasic('api', key)
      const read = await docs.tryOut('Lethe: Users', 'GET', '/api/v1/users/{id}')
      await read.fill('id', missing)
      expect(await read.execute()).toMatchObject({ status: 404, json: { code: 'user.not_found' } })
      const odata = await docs.tryOut('Learn365: Courses', 'GET', '/odata/v2/Courses({id})')
      await odata.fill('id', missing)
      expect(await odata.execute()).toMatchObject({ status: 404, json: { error: { code: 'odata.entity_not_found' } } })
    })
  }

  it('can be read and used on a telephone: nothing is wider than 360 pixels', async () => {
    const phone = await openSwagger(browser, http.url, {
      width: 360,
      mobile: true,
      paths: isThorough ? undefined : pathsUsed,
    })
    expect(await overflowOf(phone.page)).toBe(0)
    await phone.authorizeBasic('api', key)
    const operations = [
      ['Lethe: Users', 'GET', '/api/v1/users'],
      ['Learn365: UserSkills', 'POST', longestPath],
      ['Lethe: Erasures', 'POST', '/api/v1/erasures'],
      ['Learn365: Users', 'PUT', "/odata/v2/Users('{key}')"],
    ] as const
    for (const [group, method, path] of operations.slice(0, effort(2, operations.length))) {
      const operation = await phone.tryOut(group, method, path)
      expect([path, await overflowOf(phone.page)]).toEqual([path, 0])
      if (method !== 'GET') continue
      // The page colors each word of an answer.
      await operation.fill('limit', '3')
      expect((await operation.execute()).status).toBe(200)
      expect([path, await overflowOf(phone.page)]).toEqual([path, 0])
    }
    await phone.dialog()
    expect(await overflowOf(phone.page)).toBe(0)
    expect(phone.complaints).toEqual([])
    await phone.close()
  })

  it('begins with the first field of the dialog, and is left with the keyboard alone', async () => {
    await docs.page.locator('.auth-wrapper .btn.authorize').focus()
    await docs.page.keyboard.press('Enter')
    await docs.page.locator('#auth-basic-username:focus').waitFor()
    await docs.page.keyboard.type('api')
    await docs.page.keyboard.press('Tab')
    await docs.page.keyboard.type(key)
    await docs.page.keyboard.press('Enter')
    await docs.page.locator('.auth-container .btn', { hasText: 'Logout' }).waitFor()
    await docs.closeDialog()
    expect((await whoAmI()).status).toBe(200)
  })
})

type Parameter = {
  name: string
  in: string
  required?: boolean
  example?: unknown
  examples?: Record<string, { value: unknown }>
  schema: { examples?: unknown[]; default?: unknown }
}
type Operation = { tags: string[]; 'x-permission': string; parameters?: Parameter[] }
type Item = { get?: Operation }

/** What no program may do. */
const permissionsOfPeople = new Set(
  Object.entries(permissions).flatMap(([name, { scopes }]) => (scopes.length === 0 ? [name] : [])),
)

/** What the page fills in for a parameter by itself. */
function proposalFor({ example, examples = {}, schema }: Parameter): string | undefined {
  const proposed = example ?? Object.values(examples)[0]?.value ?? schema.examples?.[0] ?? schema.default
  return proposed === undefined ? undefined : String(proposed)
}

/** The first group of each operation. */
function tagsOf(document: Answer['json']): string[] {
  return Object.values<Record<string, Operation>>(document.paths).flatMap((item) =>
    Object.values(item).flatMap(({ tags }) => tags?.slice(0, 1) ?? []),
  )
}
