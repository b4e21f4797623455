import { existsSync } from 'node:fs'
import { type Browser, chromium, type Page } from 'playwright-core'

const program = '/usr/bin/chromium'

/** Whether Debian's Chromium is installed. */
export const hasChromium = existsSync(program)

/** How to get what {@link hasChromium} looks for. */
export const installChromium = 'apt-get install -y chromium'

/** The title of a suite, which says how to get Chromium where that is why the suite is skipped. */
export function inChromium(title: string): string {
  return hasChromium ? title : `${title} (skipped: ${installChromium})`
}

/** Starts Chromium without a window. Whoever starts it closes it. */
export async function startChromium(): Promise<Browser> {
  // Chromium refuses its sandbox to root.
  const args = process.getuid?.() === 0 ? ['--no-sandbox'] : []
  return await chromium.launch({ executablePath: program, args })
}

/** Collects what the page complains about: errors of its scripts, and of the console except that a request was refused. */
export function complaintsOf(page: Page): string[] {
  const complaints: string[] = []
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('console', (message) => {
    const refused = message.text().startsWith('Failed to load resource: the server responded with a status of')
    if (message.type() === 'error' && !refused) complaints.push(message.text())
  })
  return complaints
}

/** How many pixels the page is wider than its window: 0, or whoever reads it must scroll sideways. */
export async function overflowOf(page: Page): Promise<number> {
  const width = Number(await page.evaluate('document.documentElement.scrollWidth'))
  // A telephone's browser makes its window wider where the page is.
  return width - (page.viewportSize()?.width ?? 0)
}
