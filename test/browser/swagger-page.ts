import type { Browser, Locator, Page } from 'playwright-core'
import { complaintsOf } from '../chromium.ts'

/** What the page shows of an answer. */
export type Shown = {
  status: number
  text: string
  /** The names and values of its headers, as the page prints them. */
  headers: string
  // biome-ignore lint/suspicious/noExplicitAny: tests look into whatever was answered
  json: any
}

/** An operation that is open on the page. */
export type Operation = {
  /** Its heading. */
  summary(): Promise<string>
  /** Whether it is shown as one that should not be used any more. */
  isDeprecated(): Promise<boolean>
  /** The names of the fields for parameters. */
  fields(): Promise<string[]>
  /** What is written beside a field. */
  describes(name: string): Promise<string>
  fill(name: string, value: string): Promise<void>
  body(value: unknown): Promise<void>
  /** Presses "Execute" and reads the answer. */
  execute(): Promise<Shown>
}

/** An operation on the page in a browser. */
export type ShownOperation = Operation & { box: Locator }

/** The page at /docs, as a person uses it. */
export type DocsPage = {
  /** Errors of the page so far. */
  complaints: string[]
  authorizeBasic(userName: string, password: string): Promise<void>
  /** What the page says of the credential that is set. */
  authorized(): Promise<string>
  /** Expands the group, then the operation, and presses "Try it out". */
  tryOut(group: string, method: string, path: string): Promise<Operation>
  close(): Promise<void>
}

/** The page at /docs in a browser. */
export type SwaggerPage = Omit<DocsPage, 'tryOut'> & {
  page: Page
  /** Opens the dialog "Authorize"; the locator is the dialog. */
  dialog(): Promise<Locator>
  closeDialog(): Promise<void>
  authorizeToken(client: { tenant: string; id: string; secret: string; scopes: string[] }): Promise<void>
  /** Closes every group that is open: the page draws what is open anew with each answer. */
  collapse(): Promise<void>
  /** Takes back every credential that was given in the dialog. */
  forgetCredentials(): Promise<void>
  tryOut(group: string, method: string, path: string): Promise<ShownOperation>
}

/** So long something may take to appear before that is an error, in milliseconds. */
const patience = 60_000

/**
 * Opens the page of the server at `url` in a profile of its own, without cookies. With `paths`, the page gets the document
 * with these paths only: it needs seconds for each operation that is opened, and more of them the longer the document is.
 */
export async function openSwagger(
  browser: Browser,
  url: string,
  options: { width?: number; mobile?: boolean; paths?: readonly string[] | undefined } = {},
): Promise<SwaggerPage> {
  const { width = 1280, mobile = false, paths } = options
  const context = await browser.newContext({ viewport: { width, height: 900 }, isMobile: mobile })
  context.setDefaultTimeout(patience)
  const page = await context.newPage()
  const complaints = complaintsOf(page)
  await load(page, url, paths)
  const dialog = page.locator('.dialog-ux')

  const openDialog = async () => {
    if (!(await dialog.isVisible())) await page.locator('.auth-wrapper .btn.authorize').click()
    await dialog.locator('.modal-ux-content').waitFor()
    return dialog
  }
  const closeDialog = async () => {
    await dialog.locator('.close-modal').click()
    await dialog.waitFor({ state: 'detached' })
  }
  const containerOf = (name: string) => dialog.locator('.auth-container').filter({ hasText: name })
  const submit = async (container: Locator) => {
    await container.locator('.btn.authorize').click()
    await container.locator('.btn', { hasText: 'Logout' }).waitFor()
    await closeDialog()
  }

  return {
    page,
    complaints,
    dialog: openDialog,
    closeDialog,
    async authorizeBasic(userName, password) {
      await openDialog()
      const container = containerOf('(http, Basic)')
      await container.locator('#auth-basic-username').fill(userName)
      await container.locator('#auth-basic-password').fill(password)
      await submit(container)
    },
    async authorized() {
      const said = await (await openDialog()).locator('.auth-container').first().textContent()
      await closeDialog()
      return said ?? ''
    },
    async authorizeToken({ tenant, id, secret, scopes }) {
      await openDialog()
      const container = containerOf('OAuth2')
      await container.locator('#client_id_clientCredentials').fill(id)
      await container.locator('#client_secret_clientCredentials').fill(secret)
      await container.locator('#token_tenant').fill(tenant)
      await container.locator('a', { hasText: 'select none' }).click()
      for (const scope of scopes) await container.locator(`label[for^="${scope}"] .item`).click()
      await submit(container)
    },
    async collapse() {
      const open = page.locator('.opblock-tag[data-is-open="true"]')
      for (let count = await open.count(); count > 0; count--) await open.first().click()
      await open.first().waitFor({ state: 'detached' })
    },
    async forgetCredentials() {
      await openDialog()
      const buttons = dialog.locator('.btn', { hasText: 'Logout' })
      for (let given = await buttons.count(); given > 0; given--) await buttons.first().click()
      await buttons.first().waitFor({ state: 'detached' })
      await closeDialog()
    },
    async tryOut(group, method, path) {
      const heading = page.locator(`.opblock-tag[data-tag="${group}"]`)
      if ((await heading.getAttribute('data-is-open')) !== 'true') await heading.click()
      const box = page
        .locator('.opblock-tag-section', { has: heading })
        .locator(`.opblock-${method.toLowerCase()}, .opblock-deprecated`)
        .filter({ has: page.locator(`[data-path="${path}"]`) })
        .filter({ has: page.locator('.opblock-summary-method', { hasText: method }) })
      if ((await box.getAttribute('class'))?.includes('is-open') !== true) {
        await box.locator('.opblock-summary-control').click()
      }
      const button = box.locator('.try-out__btn').first()
      await button.waitFor()
      if ((await button.textContent())?.trim() === 'Try it out') await button.click()
      await box.locator('.execute').waitFor()
      return operationIn(box)
    },
    close: () => context.close(),
  }
}

async function load(page: Page, url: string, paths: readonly string[] | undefined): Promise<void> {
  if (paths !== undefined) await shorten(page, paths)
  await page.goto(`${url}/docs`)
  // Without a graphics card, animations take as much time as everything else that the page does.
  await page.evaluate(`
    const still = new CSSStyleSheet()
    still.replaceSync('*, *::before, *::after { animation: none !important; transition: none !important }')
    document.adoptedStyleSheets = [still]`)
  await page.locator('.opblock-tag-section').first().waitFor()
}

/** Leaves the operations of some paths in the document that the page loads. */
async function shorten(page: Page, paths: readonly string[]): Promise<void> {
  await page.route('**/docs/json', async (route) => {
    const response = await route.fetch()
    const document = await response.json()
    const kept = Object.entries(document.paths).filter(([path]) => paths.includes(path))
    await route.fulfill({ response, json: { ...document, paths: Object.fromEntries(kept) } })
  })
}

function operationIn(box: Locator): ShownOperation {
  const live = box.locator('.live-responses-table tbody')
  return {
    box,
    summary: async () => (await box.locator('.opblock-summary-description').textContent()) ?? '',
    isDeprecated: async () => ((await box.getAttribute('class')) ?? '').includes('opblock-deprecated'),
    describes: async (name) => (await box.locator(`tr[data-param-name="${name}"]`).textContent()) ?? '',
    fields: () =>
      box.locator('tr[data-param-name]').evaluateAll((rows) => rows.map((row) => String(row.dataset.paramName))),
    async fill(name, value) {
      const row = box.locator(`tr[data-param-name="${name}"]`)
      await row.locator('input').fill(value)
    },
    async body(value) {
      await box.locator('textarea.body-param__text').fill(JSON.stringify(value))
    },
    async execute() {
      const clear = box.locator('.btn-clear')
      if (await clear.isVisible()) {
        await clear.click()
        await live.first().waitFor({ state: 'detached' })
      }
      await box.locator('.btn.execute').click()
      const row = live.locator('tr.response')
      await row.waitFor()
      const status = Number.parseInt((await row.locator('.response-col_status').textContent()) ?? '', 10)
      const code = async (heading: string) => {
        const shown = row
          .locator('h5', { hasText: heading })
          .locator('xpath=following-sibling::*[1]/descendant-or-self::pre')
        return (await shown.count()) === 0 ? '' : ((await shown.textContent()) ?? '')
      }
      const text = await code('Response body')
      return {
        status,
        text,
        headers: await code('Response headers'),
        json: /^\s*[[{]/.test(text) ? JSON.parse(text) : undefined,
      }
    },
  }
}
