import { setTimeout } from 'node:timers/promises'
import type pg from 'pg'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { openTestApplication, type TestApplication } from '../../../test/application.ts'
import { newTenant, type TenantRows } from '../../../test/rows.ts'
import { followErasure } from './follow-erasure.ts'
import { formatProgressEvent } from './progress-events.ts'
import { type ErasureSummary, erasureProgress } from './request-progress.ts'

let test: TestApplication
let rows: TenantRows
let ended: ErasureSummary
const heard: string[] = []

beforeAll(async () => {
  test = await openTestApplication()
  await test.startWorkers()
  rows = await newTenant(test.owner)
  await test.owner.query('listen lethe')
  test.owner.on('notification', ({ payload }: pg.Notification) => heard.push(payload ?? ''))
  const { id } = await test.purge(rows.tenant, [await rows.deletedUser(), await rows.deletedUser()])
  ended = await test.inTenant(rows.tenant, (tx) => erasureProgress(tx, id))
})
afterAll(() => test.close())

/** What is yielded after somebody announced this. */
async function followed(announcement: string, tenant = rows.tenant): Promise<ErasureSummary | undefined> {
  const options = { tenant, request: ended.id, firstLookAfter: 60_000 }
  const following = followErasure(test.database, { ...options, signal: new AbortController().signal })
  const first = following.next()
  // Heard only once the connection listens.
  let settled = false
  void first.then(() => {
    settled = true
  })
  while (!settled) {
    await test.owner.query(`select pg_notify('lethe', $1)`, [announcement])
    await setTimeout(10)
  }
  const { value } = await first
  await following.return(undefined)
  return value ?? undefined
}

it('is told with the certificate what a look at the request would find', async () => {
  await vi.waitFor(() => expect(heard.length).toBeGreaterThan(1), 60_000)
  const createdAt = ended.createdAt.toISOString()
  const dueAt = ended.dueAt.toISOString()
  const certified = { ...ended, state: 'running', verdict: 'search_outstanding', finishedAt: null, createdAt, dueAt }
  const [first = '', ...others] = heard
  expect(first.slice(0, 37)).toBe(`${ended.id} `)
  expect(JSON.parse(first.slice(37))).toEqual({ tenant: rows.tenant, progress: certified })
  expect(others).toEqual([ended.id])
})

it('answers what was announced, and looks where nothing was said of how far the request is', async () => {
  const announced: ErasureSummary = { ...ended, subjects: { ...ended.subjects, failed: 7 } }
  expect(await followed(formatProgressEvent({ tenant: rows.tenant, progress: announced }))).toEqual(announced)
  expect(await followed(ended.id)).toEqual(ended)
})

it('believes no announcement about a request of another tenant', async () => {
  const forged = formatProgressEvent({
    tenant: '018f0000-0000-7000-8000-00000000000a',
    progress: { ...ended, state: 'failed' },
  })
  expect(await followed(forged)).toEqual(ended)
})
