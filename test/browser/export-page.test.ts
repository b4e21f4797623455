import { mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { exportToFolder, makeExportFolder } from '../../server/exports/export-folder.ts'
import { submitWork } from '../../server/learning/records/submit-work.ts'
import { openTestApplication, type TestApplication } from '../application.ts'
import { complaintsOf, hasChromium, inChromium, overflowOf, startChromium } from '../chromium.ts'
import { insertOneOfEverything } from '../one-of-everything.ts'
import { newTenant } from '../rows.ts'
import { readFolder } from '../unzip.ts'

describe.skipIf(!hasChromium)(inChromium('the page of an export'), () => {
  let test: TestApplication
  let browser: Browser
  let root: string
  let folder: string
  let page: Page
  let complaints: string[]
  beforeAll(async () => {
    test = await openTestApplication()
    const rows = await newTenant(test.owner)
    const userId = await rows.user({ email: 'ann@acme.example', first_name: '<b>Ann</b>', ref: 'ref-5521-x' })
    const otherUserId = await rows.user({ email: 'other@acme.example' })
    await insertOneOfEverything(test.owner, {
      tenantId: rows.tenant,
      userId,
      otherUserId,
      canary: (table, column) => `${table} ${column} of ann@acme.example`,
    })
    // The planted key opens nothing.
    await test.owner.query('delete from person_keys where user_id = $1', [userId])
    root = await mkdtemp(path.join(os.tmpdir(), 'lethe-export-page-'))
    folder = path.join(root, 'export')
    await makeExportFolder(folder)
    await test.inTenant(rows.tenant, async (tx) => {
      const { rows: assessments } = await tx.query<{ id: string }>('select id from assessments limit 1')
      const files = [{ name: 'Roses.txt', mediaType: 'text/plain', content: Buffer.from('Roses are red.') }]
      await submitWork(tx, { userId, assessmentId: assessments[0]?.id ?? '', files })
    })
    await test.inTenant(rows.tenant, (tx) => exportToFolder(tx, { userId, folder }))
    browser = await startChromium()
    page = await browser.newPage({ viewport: { width: 360, height: 740 }, isMobile: true })
    complaints = complaintsOf(page)
    await page.goto(pathToFileURL(path.join(folder, 'index.html')).href)
  })
  afterAll(async () => {
    await browser?.close()
    await test?.close()
    await rm(root, { recursive: true, force: true })
  })

  /** The links of the page, each with the file that it leads to, by its path in the folder. */
  const links = async () =>
    (await page.locator('a').evaluateAll((anchors) => anchors.map((anchor) => String(anchor.href)))).map((href) =>
      decodeURIComponent(href.slice(pathToFileURL(`${folder}/`).href.length)),
    )

  it('has one heading of the first level, and the parts of the export under it', async () => {
    expect(await page.locator('html').getAttribute('lang')).toBe('en')
    expect(await page.title()).toBe('Everything that is held about a person')
    const headings = await page
      .locator('h1, h2, h3')
      .evaluateAll((all) => all.map((one) => `${one.tagName} ${one.textContent}`))
    expect(headings).toEqual([
      'H1 Everything that is held about a person',
      'H2 Data',
      'H2 Parts in what belongs to others',
      'H2 Mentions',
      'H2 Files',
      'H2 Looked at, and nothing found',
    ])
    const tables = await page.locator('table').all()
    expect(tables.length).toBeGreaterThanOrEqual(3)
    for (const table of tables) {
      expect(await table.locator('caption').count()).toBe(1)
      expect(await table.locator('thead th[scope="col"]').count()).toBeGreaterThanOrEqual(3)
    }
  })

  it('leads to every file of the folder, and nowhere else', async () => {
    const found = await links()
    const files = [...(await readFolder(folder)).keys()].filter((file) => file !== 'index.html')
    expect(found.toSorted()).toEqual(files.toSorted())
    expect(files.length).toBeGreaterThan(40)
    for (const name of ['users as JSON', 'All parts as JSON']) {
      await page.getByRole('link', { name, exact: true }).click()
      expect(JSON.parse((await page.locator('pre').first().textContent()) ?? '')).toBeTruthy()
      await page.goBack()
    }
  })

  it('is walked through with the keyboard from top to bottom, link by link, each shown where it is', async () => {
    const expected = await links()
    const visited: string[] = []
    await page.locator('body').evaluate((body) => body.scrollIntoView())
    for (let steps = 0; steps < expected.length; steps++) {
      await page.keyboard.press('Tab')
      visited.push(String(await page.evaluate('document.activeElement.href')))
      if (steps !== 0) continue
      expect(await page.evaluate('getComputedStyle(document.activeElement).outlineStyle')).not.toBe('none')
    }
    const prefix = pathToFileURL(`${folder}/`).href
    expect(visited.map((href) => decodeURIComponent(href.slice(prefix.length)))).toEqual(expected)
  })

  it.each([360, 1280])('is not wider than a window of %i pixels', async (width) => {
    await page.setViewportSize({ width, height: 740 })
    expect(await overflowOf(page)).toBe(0)
    const cut = await page
      .locator('main *')
      .evaluateAll((all, right) => all.filter((one) => one.getBoundingClientRect().right > right + 0.5).length, width)
    expect(cut).toBe(0)
  })

  it('takes nothing from the network, runs no script, and leaves the browser nothing to complain about', async () => {
    expect(await page.evaluate('performance.getEntriesByType("resource").length + document.scripts.length')).toBe(0)
    expect(complaints).toEqual([])
  })
})
