import { randomUUID } from 'node:crypto'
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { readConfig } from '../server/config.ts'
import { createConnector, enableConnector, requestRun } from '../server/connectors/connectors.ts'
import { requestErasureByProvider } from '../server/erasure/reach/request-by-provider.ts'
import { requestErasure } from '../server/erasure/requests/request-erasure.ts'
import { createPolicy } from '../server/erasure/retention/policies.ts'
import { runPolicy } from '../server/erasure/retention/run-policy.ts'
import { approveErasure, rejectErasure } from '../server/erasure/safeguards/decide.ts'
import { acceptWish, refuseWish } from '../server/erasure/wishes/decide-wish.ts'
import { makeWish } from '../server/erasure/wishes/make-wish.ts'
import { requestConfirmation } from '../server/identity/request-confirmation.ts'
import { deleteUsers } from '../server/people/lifecycle/delete-users.ts'
import { inTenant, type TenantTransaction } from '../server/platform/database/transaction.ts'
import { awardSkill } from '../server/skills/award-skill.ts'
import { revokeSkill } from '../server/skills/revoke-skill.ts'
import { updateTenant } from '../server/tenancy/update-tenant.ts'
import { tellOfDead } from '../server/webhooks/end-deliveries.ts'
import { openTestApplication, type TestApplication } from './application.ts'
import { openTestProvider } from './identity-provider.ts'
import { type MailServer, mailSettings, startMailServer } from './mail-server.ts'
import { newTenant, type TenantRows } from './rows.ts'

const root = path.join(import.meta.dirname, '..')
const feeds = mkdtempSync(path.join(tmpdir(), 'lethe-mailed-feeds-'))

let test: TestApplication
let server: MailServer
let rows: TenantRows
let officer: string
let colleague: string
let ann: string
let number = 0
beforeAll(async () => {
  test = await openTestApplication()
  server = await startMailServer()
  test.app.config = { ...readConfig(mailSettings(server)), connectorFolders: [{ folder: feeds }] }
  await test.startWorkers()
})
afterAll(async () => {
  await test.close()
  await server.close()
  rmSync(feeds, { recursive: true })
})

/** Addresses that no other test of this file uses: an e-mail that comes late is no other test's. */
let addresses: Record<'officer' | 'colleague' | 'ann' | 'contact', string>
beforeEach(async () => {
  number += 1
  addresses = {
    officer: `officer-${number}@acme.example`,
    colleague: `colleague-${number}@acme.example`,
    ann: `ann-${number}@acme.example`,
    contact: `feed-${number}@partner.example`,
  }
  rows = await newTenant(test.owner)
  officer = await rows.administrator({ email: addresses.officer, first_name: 'Olga', last_name: 'Officer' })
  colleague = await rows.administrator({ email: addresses.colleague })
  ann = await rows.user({
    email: addresses.ann,
    first_name: 'Annabella',
    last_name: 'Leaver',
    ref: `ref-${number}-4711`,
  })
})

const as = <T>(userId: string, work: (tx: TenantTransaction) => Promise<T>) =>
  inTenant(test.database, rows.tenant, work, { initiator: { from: 'console', userId } })
const purge = async (userId: string, people: string[]) =>
  (await as(userId, (tx) => requestErasure(tx, { operation: 'purge', userIds: people }))).request
const deleted = async () => {
  await as(officer, (tx) => deleteUsers(tx, { userIds: [ann] }))
  return ann
}
const wishOfAnn = () => as(ann, (tx) => makeWish(tx, { userId: ann }))
const connector = async () => {
  const address = path.join(feeds, `${rows.tenant}.csv`)
  const fields = { name: 'HR', kind: 'folder', address, runAs: officer, notifyEmails: [addresses.contact] } as const
  const { id } = await as(officer, (tx) => createConnector(tx, fields))
  await as(officer, (tx) => enableConnector(tx, id))
  return { id, address, run: () => as(officer, (tx) => requestRun(tx, id)) }
}

type Case = {
  kind: string
  /** The file that has the text, below `server/`. */
  file: string
  to: keyof typeof addresses
  text: RegExp
  cause: () => Promise<unknown>
}

const cases: Case[] = [
  {
    kind: 'an accepted erasure request',
    file: 'erasure/requests/notify-requester.ts',
    to: 'officer',
    text: /is accepted: the purge of 1 person/,
    cause: async () => purge(officer, [await deleted()]),
  },
  {
    kind: 'an ended erasure request',
    file: 'erasure/requests/notify-requester.ts',
    to: 'officer',
    text: /has ended: 1 of 1 person purged/,
    cause: async () => purge(officer, [await deleted()]),
  },
  {
    kind: 'an erasure request that waits for an approval',
    file: 'erasure/safeguards/notices.ts',
    to: 'colleague',
    text: /waits for a second person/,
    async cause() {
      await as(officer, (tx) => updateTenant(tx, { approvalRequired: true }))
      await purge(officer, [await deleted()])
    },
  },
  {
    kind: 'an approved erasure request',
    file: 'erasure/safeguards/notices.ts',
    to: 'officer',
    text: /was approved/,
    async cause() {
      await as(officer, (tx) => updateTenant(tx, { approvalRequired: true }))
      const request = await purge(officer, [await deleted()])
      await as(colleague, (tx) => approveErasure(tx, request))
    },
  },
  {
    kind: 'a refused erasure request',
    file: 'erasure/safeguards/notices.ts',
    to: 'officer',
    text: /was refused\. Reason: unfounded/,
    async cause() {
      await as(officer, (tx) => updateTenant(tx, { approvalRequired: true }))
      const request = await purge(officer, [await deleted()])
      await as(colleague, (tx) => rejectErasure(tx, request, { reason: 'unfounded' }))
    },
  },
  {
    kind: 'an accepted wish',
    file: 'erasure/wishes/tell-accepted.ts',
    to: 'ann',
    text: /Your wish [0-9a-f-]+ to be erased was accepted/,
    async cause() {
      const { id } = await wishOfAnn()
      await as(officer, (tx) => acceptWish(tx, { wish: id, operation: 'purge' }))
    },
  },
  {
    kind: 'a refused wish',
    file: 'erasure/wishes/decide-wish.ts',
    to: 'ann',
    text: /was refused\. The reason is legal_obligation/,
    async cause() {
      const { id } = await wishOfAnn()
      await as(officer, (tx) => refuseWish(tx, { wish: id, reason: 'legal_obligation' }))
    },
  },
  {
    kind: 'an erasure that an identity provider asks for',
    file: 'erasure/reach/reach-tenant.ts',
    to: 'officer',
    text: /asks for the erasure of a user of this tenant/,
    async cause() {
      await test.owner.query('update users set external_identity_id = $2 where id = $1', [ann, `idp-${number}`])
      const provider = await openTestProvider(test.database)
      await requestErasureByProvider(test.database, await provider.token('erasure', { sub: `idp-${number}` }))
    },
  },
  {
    kind: 'a retention policy that made a request',
    file: 'erasure/retention/run-policy.ts',
    to: 'officer',
    text: /Retention policy [0-9a-f-]+ made erasure request/,
    async cause() {
      const policy = await as(officer, (tx) => createPolicy(tx, { name: 'Old', days: 30 }))
      await test.owner.query(
        `update users set state = 'deleted', deletion_id = uuid_v7(), deleted_at = now() - interval '60 days' where id = $1`,
        [ann],
      )
      await as(colleague, (tx) => runPolicy(tx, policy.id, { expectedPeople: 1 }))
    },
  },
  {
    kind: 'a revoked skill',
    file: 'skills/revoke-skill.ts',
    to: 'ann',
    text: /Your skill "Baking" at the level "Beginner" was revoked/,
    async cause() {
      const scale = await rows.insert('skill_scale_sets', { title: 'Scale' })
      const levelId = await rows.insert('skill_levels', { scale_set_id: scale, title: 'Beginner', value: 1 })
      const skillId = await rows.insert('skills', { scale_set_id: scale, title: 'Baking' })
      const skill = { userId: ann, skillId, levelId }
      await as(officer, (tx) => awardSkill(tx, skill))
      await as(officer, (tx) => revokeSkill(tx, skill))
    },
  },
  {
    kind: 'a link that confirms an address',
    file: 'identity/send-confirmation.ts',
    to: 'ann',
    text: /https:\/\/lethe\.example\.org\/confirm\/\S+/,
    cause: () => as(officer, (tx) => requestConfirmation(tx, { userId: ann, publicUrl: 'https://lethe.example.org' })),
  },
  {
    kind: 'a webhook endpoint whose receiver is gone',
    file: 'webhooks/end-deliveries.ts',
    to: 'officer',
    text: /The receiver of a webhook endpoint says that it is gone/,
    cause: () => as(officer, (tx) => tellOfDead(tx, randomUUID(), { now: new Date(), isGone: true })),
  },
  {
    kind: 'webhook deliveries that failed for good',
    file: 'webhooks/end-deliveries.ts',
    to: 'officer',
    text: /Deliveries to a webhook endpoint failed for days/,
    cause: () => as(officer, (tx) => tellOfDead(tx, randomUUID(), { now: new Date(), isGone: false })),
  },
  {
    kind: 'a connector that failed',
    file: 'imports/connectors/send-connector-email.ts',
    to: 'contact',
    text: /A run of a connector failed/,
    cause: async () => (await connector()).run(),
  },
  {
    kind: 'a connector that asks',
    file: 'imports/connectors/send-connector-email.ts',
    to: 'contact',
    text: /its feed has 1 good rows, and the last good one had 3/,
    async cause() {
      const { id, address, run } = await connector()
      const done = async (good: number) =>
        expect
          .poll(
            async () =>
              Number(
                (await test.owner.query('select last_rows from connectors where id = $1', [id])).rows[0].last_rows,
              ),
            { timeout: 20_000 },
          )
          .toBe(good)
      writeFileSync(address, 'ref\nA\nB\nC\n')
      await run()
      await done(3)
      writeFileSync(address, 'ref\nA\n')
      await run()
    },
  },
]

describe('an e-mail', () => {
  it.each(cases)('about $kind reaches the person over SMTP, and names nobody', async ({ to, text, cause }) => {
    await cause()
    const found = () => server.mails.find((mail) => mail.to.includes(addresses[to]) && text.test(mail.text))
    await expect.poll(found, { timeout: 20_000 }).toBeDefined()
    const mail = found()
    expect(mail).toMatchObject({ from: 'lethe@acme.example', to: [addresses[to]] })
    const [head = '', body = ''] = (mail?.text ?? '').split(/\r?\n\r?\n/)
    expect(head).toMatch(/^Auto-Submitted: auto-generated$/m)
    expect(head).toMatch(/^Subject: \S/m)
    expect(body).not.toMatch(/Annabella|Leaver|Olga|-4711|@/)
  })

  it('of each kind in the code is one of these', () => {
    const senders = globSync('**/*.ts', { cwd: path.join(root, 'server') }).filter(
      (file) =>
        !file.endsWith('.test.ts') &&
        !file.startsWith('notify/') &&
        /\bbyEmail:|\bdeliver\(/.test(readFileSync(path.join(root, 'server', file), 'utf8')),
    )
    expect(senders.sort()).toEqual([...new Set(cases.map(({ file }) => file))].sort())
  })
})
