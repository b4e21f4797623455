import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createApiKey } from '../../server/access/api-keys.ts'
import { createOAuthClient } from '../../server/access/oauth-clients.ts'
import { createUser } from '../../server/people/accounts/create-user.ts'
import { hasChromium, inChromium, startChromium } from '../chromium.ts'
import { isThorough } from '../effort.ts'
import { openTestHttp, type TestHttp } from '../http.ts'
import { type DocsPage, openSwagger } from './swagger-page.ts'
import { openRequests } from './swagger-requests.ts'

// The steps of Thrive's reference page "Delete a user", each after the one before it. At the full size in a browser, on the
// page at /docs; else by the requests that the page would send.
const title = isThorough ? inChromium("Thrive's page in the browser") : "Thrive's page, step by step"

describe.skipIf(isThorough && !hasChromium)(title, () => {
  let http: TestHttp
  let browser: Browser | undefined
  let tenant: string
  let secret: string
  let id: string
  let docs: DocsPage
  beforeAll(async () => {
    http = await openTestHttp()
    await http.startWorkers()
    if (isThorough) browser = await startChromium()
    tenant = await http.tenant('Acme')
    ;({ id, secret } = await http.inTenant(tenant, async (tx) => {
      const user = await createUser(tx, { ref: 'xyzabc', first_name: 'John', email: 'john@example.org' })
      await createUser(tx, { ref: 'second' })
      return {
        id: user.id,
        secret: (await createApiKey(tx, { name: 'Thrive', access: 'full_control', kind: 'thrive' })).secret,
      }
    }))
    docs = browser === undefined ? await openRequests(http) : await openSwagger(browser, http.url)
  })
  afterAll(async () => {
    await docs?.close()
    await browser?.close()
    await http?.close()
  })
  const remove = async (ref: string, path = '/users/ref/{ref}') => {
    const operation = await docs.tryOut('Thrive: Users', 'DELETE', path)
    expect(await operation.summary()).toBe('Delete a user')
    expect(await operation.fields()).toEqual(['ref'])
    await operation.fill('ref', ref)
    return await operation.execute()
  }

  it('"HTTP Basic authentication using your Tenant ID and API secret"', async () => {
    await docs.authorizeBasic(tenant, secret)
    expect(await docs.authorized()).toContain(tenant)
  })

  it('"Response returned when a user is successfully deleted": success, true', async () => {
    expect(await remove('xyzabc')).toMatchObject({ status: 200, json: { success: true } })
  })

  it('"This will obfuscate the user record while retaining training history"', async () => {
    const read = await docs.tryOut('Thrive: Users', 'GET', '/rest/v1/user/{id}')
    await read.fill('id', id)
    const { json, text } = await read.execute()
    expect(json).toMatchObject({ id, deleted: true, ref: null, firstName: null, email: null })
    expect(text).not.toContain('John')
    const byRef = await docs.tryOut('Thrive: Users', 'GET', '/rest/v1/users/ref/{ref}')
    await byRef.fill('ref', 'xyzabc')
    expect((await byRef.execute()).status).toBe(404)
    expect(await remove('xyzabc')).toMatchObject({ status: 404, json: { status: 404, error: 'Not Found' } })
  })

  it('"You can also authenticate using OAuth 2.0 client credentials": a scope that reads deletes nothing', async () => {
    const client = await http.inTenant(tenant, (tx) => createOAuthClient(tx, { name: 'Reader', scopes: ['api/read'] }))
    const token = await http.call('POST', `/oauth2/token/${tenant}`, {
      body: new URLSearchParams({
        grant_type: 'client_credentials',
        client_id: client.client.id,
        client_secret: client.secret,
      }).toString(),
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    })
    const as = { authorization: `Bearer ${token.json.access_token}` }
    expect(await http.call('DELETE', '/users/ref/second', { as })).toMatchObject({ status: 403 })
    expect(await remove('second', '/rest/v2/users/ref/{ref}')).toMatchObject({ status: 200, json: { success: true } })
    expect(docs.complaints).toEqual([])
  })
})
