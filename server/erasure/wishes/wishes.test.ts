import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { openTestApplication, type TestApplication } from '../../../test/application.ts'
import { type MailServer, mailSettings, startMailServer } from '../../../test/mail-server.ts'
import { newTenant, type TenantRows } from '../../../test/rows.ts'
import { readConfig } from '../../config.ts'
import { deleteUsers } from '../../people/lifecycle/delete-users.ts'
import { dpvTerm, refusalReasons } from '../../people/lifecycle/justifications.ts'
import { inTenant, type TenantTransaction } from '../../platform/database/transaction.ts'
import { acceptWish, refuseWish } from './decide-wish.ts'
import { listWishes } from './list-wishes.ts'
import { makeWish, withdrawWish } from './make-wish.ts'

let test: TestApplication
let server: MailServer
let rows: TenantRows
let administrator: string
let learner: string
/** Of each e-mail: whether the address of the learner was gone when it came. */
let goneBefore: boolean[]
beforeAll(async () => {
  test = await openTestApplication()
  server = await startMailServer({
    async onMail() {
      const { rows: left } = await test.owner.query('select from users where id = $1 and email is not null', [learner])
      goneBefore.push(left.length === 0)
    },
  })
  test.app.config = readConfig(mailSettings(server))
})
afterAll(async () => {
  await test.close()
  await server.close()
})
beforeEach(async () => {
  server.mails.length = 0
  goneBefore = []
  rows = await newTenant(test.owner)
  administrator = await rows.administrator()
  learner = await rows.user({ email: 'ann@acme.example' })
})

const run = <T>(work: (tx: TenantTransaction) => Promise<T>) => test.inTenant(rows.tenant, work)
const asAdministrator = <T>(work: (tx: TenantTransaction) => Promise<T>) =>
  inTenant(test.database, rows.tenant, work, { initiator: { from: 'console', userId: administrator } })
const wish = () => run((tx) => makeWish(tx, { userId: learner }))
const messagesOf = async (user: string): Promise<{ kind: string; body: string }[]> =>
  (await test.owner.query('select kind, body from notifications where user_id = $1 order by id', [user])).rows

describe('a wish to be erased', () => {
  it('changes nothing about the person, blocks nothing, and is shown to the administrators', async () => {
    const made = await wish()
    expect(made).toMatchObject({ user_id: learner, state: 'open', request_id: null })
    expect(await messagesOf(administrator)).toMatchObject([{ kind: 'erasure_wish' }])
    const { rows: users } = await test.owner.query('select state from users where id = $1', [learner])
    expect(users).toEqual([{ state: 'active' }])
    await run((tx) => deleteUsers(tx, { userIds: [learner] }))
    expect(await test.order(rows.tenant, [learner])).toMatch(/^[0-9a-f-]{36}$/)
  })

  it('is one at a time, however many are made at once, and three within 30 days at most', async () => {
    const made = await Promise.allSettled([wish(), wish(), wish()])
    expect(made.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    await expect(wish()).rejects.toMatchObject({ code: 'wish.open', kind: 'conflict' })
    for (const _ of [2, 3]) {
      expect(await run((tx) => withdrawWish(tx, { userId: learner }))).toMatchObject({ state: 'withdrawn' })
      await wish()
    }
    await run((tx) => withdrawWish(tx, { userId: learner }))
    await expect(run((tx) => withdrawWish(tx, { userId: learner }))).rejects.toMatchObject({ code: 'wish.none_open' })
    const refusal = await wish().catch((error: unknown) => error)
    expect(refusal).toMatchObject({ code: 'wish.too_many', kind: 'rate_limited' })
    await test.owner.query(`update erasure_wishes set created_at = created_at - interval '31 days'`)
    expect(await wish()).toMatchObject({ state: 'open' })
  })

  it('is listed newest first, by state and in pages', async () => {
    const first = await wish()
    await run((tx) => withdrawWish(tx, { userId: learner }))
    const second = await wish()
    const page = await run((tx) => listWishes(tx, { limit: 1 }))
    expect(page).toMatchObject({ wishes: [{ id: second.id }], next: second.id })
    expect(await run((tx) => listWishes(tx, { after: second.id }))).toMatchObject({ wishes: [{ id: first.id }] })
    expect((await run((tx) => listWishes(tx, { state: 'open' }))).wishes).toMatchObject([{ id: second.id }])
  })

  it('that is accepted becomes a request, and the person has the e-mail before the address is gone', async () => {
    const { id } = await wish()
    const accepted = await asAdministrator((tx) => acceptWish(tx, { wish: id, operation: 'purge', reason: 'asked' }))
    expect(accepted).toMatchObject({ state: 'accepted', decided_by: administrator, request_id: expect.any(String) })
    await expect(asAdministrator((tx) => acceptWish(tx, { wish: id, operation: 'purge' }))).rejects.toMatchObject({
      code: 'wish.decided',
      details: { state: 'accepted' },
    })
    await test.startWorkers()
    const ended = await test.ended(rows.tenant, accepted.request_id ?? '')
    await test.stopWorkers()
    expect(ended).toMatchObject({ state: 'completed', reason: 'asked', requestedBy: administrator })
    expect(server.mails).toMatchObject([{ to: ['ann@acme.example'] }])
    expect(goneBefore).toEqual([false])
    expect(server.mails[0]?.text).toContain('Your wish to be erased was accepted')
    const { rows: left } = await test.owner.query('select from erasure_wishes where tenant_id = $1', [rows.tenant])
    expect(left).toEqual([])
  })

  it('that is accepted waits for a busy mail server, and erases nobody before the e-mail has left', async () => {
    server.busy = 1
    const { id } = await wish()
    const { request_id } = await asAdministrator((tx) => acceptWish(tx, { wish: id, operation: 'anonymize' }))
    await test.startWorkers()
    const ended = await test.ended(rows.tenant, request_id ?? '')
    await test.stopWorkers()
    expect(ended).toMatchObject({ state: 'completed', operation: 'anonymize' })
    expect(server.busy).toBe(0)
    expect(server.mails).toMatchObject([{ to: ['ann@acme.example'] }])
    expect(goneBefore).toEqual([false])
  }, 60_000)

  it('that is refused tells the person the reason with its DPV term, in the product and by e-mail', async () => {
    const { id } = await wish()
    const refused = await asAdministrator((tx) =>
      refuseWish(tx, { wish: id, reason: 'legal_obligation', note: ' Kept for ten years. ' }),
    )
    const term = dpvTerm(refusalReasons.legal_obligation)
    expect(refused).toMatchObject({
      state: 'refused',
      refusal_reason: 'legal_obligation',
      refusal_term: term,
      note: 'Kept for ten years.',
      decided_by: administrator,
    })
    expect(await messagesOf(learner)).toMatchObject([
      { kind: 'erasure_wish_refused', body: expect.stringContaining(term) },
    ])
    await test.startWorkers()
    await expect.poll(() => server.mails.length, { timeout: 20_000 }).toBe(1)
    await test.stopWorkers()
    expect(server.mails[0]).toMatchObject({
      to: ['ann@acme.example'],
      text: expect.stringContaining('Kept for ten years.'),
    })
    expect(await wish()).toMatchObject({ state: 'open' })
  })

  it('of the last administrator cannot be accepted, and then stays open', async () => {
    learner = administrator
    const { id } = await wish()
    await expect(run((tx) => acceptWish(tx, { wish: id, operation: 'purge' }))).rejects.toMatchObject({
      code: 'user.last_administrator',
    })
    expect((await run((tx) => listWishes(tx))).wishes).toMatchObject([{ id, state: 'open' }])
  })
})
