import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hasChromium, inChromium, startChromium } from '../chromium.ts'
import { effort } from '../effort.ts'
import { openTestHttp, type TestHttp } from '../http.ts'

/** What the page tells about an EventSource. */
type Told = { events: string[]; errors: number; state: number }

describe.skipIf(!hasChromium)(inChromium('the EventSource of a browser'), () => {
  let http: TestHttp
  let browser: Browser
  beforeAll(async () => {
    http = await openTestHttp()
    browser = await startChromium()
  })
  afterAll(async () => {
    await browser?.close()
    await http?.close()
  })

  it('follows an order to its end, comes back once, and then stays away', async () => {
    const tenant = await http.tenant('Acme')
    const officer = await http.person(tenant, 'administrator')
    const key = await http.key(tenant)
    const { json: user } = await http.call('POST', '/api/v1/users', { as: key, body: { ref: '4711' } })
    await http.call('DELETE', `/api/v1/users/${user.id}`, { as: key })
    const request = await http.order(tenant, [user.id])
    const context = await browser.newContext()
    const [name = '', value = ''] = (officer.cookie ?? '').split('=')
    await context.addCookies([{ name, value, url: http.url }])
    const page = await context.newPage()
    const answers: number[] = []
    page.on('response', (response) => {
      if (response.url().endsWith('/progress')) answers.push(response.status())
    })
    // A page of the same origin without a policy of its own.
    await page.route('**/blank', (route) => route.fulfill({ contentType: 'text/html', body: '<title>Blank</title>' }))
    await page.goto(`${http.url}/blank`)
    await page.evaluate(`
      globalThis.told = { events: [], errors: 0 }
      globalThis.source = new EventSource('/api/v1/erasures/${request}/progress')
      for (const name of ['progress', 'end']) source.addEventListener(name, () => told.events.push(name))
      source.addEventListener('error', () => { told.errors++ })`)
    await http.startWorkers()
    await page.waitForFunction('source.readyState === EventSource.CLOSED', undefined, { timeout: 30_000 })
    // Longer than the browser waits before it comes back.
    await page.waitForTimeout(effort(4_000, 7_000))
    const told = (await page.evaluate('({ ...told, state: source.readyState })')) as Told
    expect(told.events.at(-1)).toBe('end')
    expect(told.events.filter((event) => event === 'end')).toHaveLength(1)
    expect(told).toMatchObject({ state: 2, errors: 2 })
    expect(answers).toEqual([200, 204])
    await context.close()
  })
})
