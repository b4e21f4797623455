import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Credential, openTestHttp, type TestHttp } from '../../test/http.ts'
import { type MailServer, startMailServer } from '../../test/mail-server.ts'
import { readWrites } from '../../test/written-tables.ts'
import { readConfig } from '../config.ts'
import { openMailer } from '../notify/mailer.ts'
import { createUser } from '../people/accounts/create-user.ts'
import { updateUser } from '../people/accounts/update-user.ts'
import { listIdentities } from './list-identities.ts'
import { linksPerDay, requestConfirmation } from './request-confirmation.ts'
import { cleanConfirmationLinks, sendConfirmation } from './send-confirmation.ts'

const publicUrl = 'https://lethe.example.org'

let http: TestHttp
let mail: MailServer
let tenant: string
let key: Credential
let number = 0
beforeAll(async () => {
  http = await openTestHttp()
  mail = await startMailServer()
  tenant = await http.tenant('Acme <b>&')
  key = await http.key(tenant)
})
afterAll(async () => {
  await mail.close()
  await http.close()
})

const mailer = () => openMailer(readConfig({ LETHE_SMTP_URL: mail.url, LETHE_MAIL_FROM: 'lethe@acme.example' }))
const newUser = async (email = `person-${++number}@acme.example`) =>
  (await http.inTenant(tenant, (tx) => createUser(tx, { email }))).id
const ask = (userId: string) => http.inTenant(tenant, (tx) => requestConfirmation(tx, { userId, publicUrl }))
const identities = (userId: string) => http.inTenant(tenant, (tx) => listIdentities(tx, userId))
const confirmedKinds = async (userId: string) => (await identities(userId)).confirmed.map(({ kind }) => kind)

/** Asks the user, lets the worker send the e-mail, and answers the path of the link in it. */
async function linkFor(userId: string): Promise<string> {
  const { id } = await ask(userId)
  await sendConfirmation(http.database, mailer(), { tenant, link: id })
  const [, path = ''] = /https:\/\/lethe\.example\.org(\/confirm\/\S+)/.exec(mail.mails.at(-1)?.text ?? '') ?? []
  return path
}
const open = (path: string) => http.call('GET', path)
const confirm = (path: string) =>
  http.call('POST', path, { headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: '' })

describe('a confirmation link', () => {
  it('shows what it would confirm, and confirms only when its form is sent', async () => {
    const user = await newUser('Ann@acme.example')
    const path = await linkFor(user)
    expect(mail.mails.at(-1)?.to).toEqual(['Ann@acme.example'])
    for (const _ of [1, 2, 3]) {
      const shown = await open(path)
      expect(shown.status).toBe(200)
      expect(shown.text).toContain('Acme &lt;b&gt;&amp;')
      expect(shown.text).toContain('<form method="post">')
    }
    expect(await confirmedKinds(user)).toEqual([])
    expect((await confirm(path)).status).toBe(200)
    expect(await identities(user)).toMatchObject({ confirmed: [{ kind: 'email', method: 'mail_link' }], links: [] })
  })

  it('works once', async () => {
    const user = await newUser()
    const path = await linkFor(user)
    expect((await confirm(path)).status).toBe(200)
    expect((await confirm(path)).status).toBe(404)
    expect((await open(path)).status).toBe(404)
  })

  it('confirms once when it is sent many times at once', async () => {
    const path = await linkFor(await newUser())
    const answers = await Promise.all(Array.from({ length: 8 }, () => confirm(path)))
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array.from({ length: 7 }, () => 404)])
  })

  it('is not valid after its time, after a change of the address, or with the id of another tenant', async () => {
    const expired = await linkFor(await newUser())
    await http.owner.query(
      `update confirmation_links set expires_at = now() - interval '1 second' where used_at is null`,
    )
    expect((await confirm(expired)).status).toBe(404)

    const changed = await newUser()
    const path = await linkFor(changed)
    await http.inTenant(tenant, (tx) => updateUser(tx, changed, { email: 'another@acme.example' }))
    expect((await confirm(path)).status).toBe(404)

    const moved = await linkFor(await newUser())
    const other = await http.tenant('Other')
    expect((await confirm(moved.replace(tenant, other))).status).toBe(404)
    expect((await confirm(moved)).status).toBe(200)
  })

  it.each(['x', `${'0'.repeat(8)}.x`, '%00', 'a.b', '..%2f..%2fetc'])(
    'answers a token of no form alike: %s',
    async (token) => {
      const answer = await open(`/confirm/${token}`)
      expect([400, 404, 422]).toContain(answer.status)
    },
  )

  it('is stored as a hash, and its job carries ids only', async () => {
    const user = await newUser()
    const path = await linkFor(user)
    const secret = path.split('.').at(-1) ?? '?'
    const { rows } = await http.owner.query('select l::text as row from confirmation_links l')
    const { rows: jobs } = await http.owner.query('select payload::text as row from graphile_worker._private_jobs')
    for (const { row } of [...rows, ...jobs]) expect(row).not.toMatch(new RegExp(`${secret}|acme\\.example@`))
    expect(http.requestLog()).not.toContain(secret)
  })

  it('is mailed at most three times a day to a user, also when many ask at once', async () => {
    const user = await newUser()
    const asked = await Promise.allSettled(Array.from({ length: 6 }, () => ask(user)))
    expect(asked.filter(({ status }) => status === 'fulfilled')).toHaveLength(linksPerDay)
    await expect(ask(user)).rejects.toMatchObject({ code: 'identity.too_many_links', kind: 'rate_limited' })
  })

  it('is sent again with another secret after a failure, and never twice after a success', async () => {
    const user = await newUser()
    const { id } = await ask(user)
    const broken = openMailer(readConfig({ LETHE_SMTP_URL: 'smtp://127.0.0.1:1', LETHE_MAIL_FROM: 'a@b.example' }))
    await expect(sendConfirmation(http.database, broken, { tenant, link: id })).rejects.toThrow()
    const before = mail.mails.length
    await sendConfirmation(http.database, mailer(), { tenant, link: id })
    await sendConfirmation(http.database, mailer(), { tenant, link: id })
    expect(mail.mails).toHaveLength(before + 1)
  })

  it('is deleted a day after it expired', async () => {
    await http.owner.query(`update confirmation_links set expires_at = now() - interval '25 hours'`)
    await cleanConfirmationLinks(http.database)
    expect((await http.owner.query('select from confirmation_links')).rowCount).toBe(0)
  })

  it('is not mailed where the server does not know its public address', async () => {
    const user = await newUser()
    const asked = http.inTenant(tenant, (tx) => requestConfirmation(tx, { userId: user, publicUrl: undefined }))
    await expect(asked).rejects.toMatchObject({ code: 'identity.no_public_url' })
    const answer = await http.call('POST', `/api/v1/users/${user}/confirmation`, {
      as: key,
      headers: { 'x-forwarded-host': 'evil.example' },
    })
    expect(answer.json).toMatchObject({ code: 'identity.no_public_url' })
  })
})

describe('a confirmed identity', () => {
  const confirmed = async (email?: string) => {
    const user = await newUser(email)
    await confirm(await linkFor(user))
    expect(await confirmedKinds(user)).toEqual(['email'])
    return user
  }

  it('is dropped by a change of the address, and does not come back with the address', async () => {
    const user = await confirmed('back@acme.example')
    await http.inTenant(tenant, (tx) => updateUser(tx, user, { email: 'BACK@acme.example', first_name: 'B' }))
    expect(await confirmedKinds(user)).toEqual(['email'])
    await http.inTenant(tenant, (tx) => updateUser(tx, user, { email: 'forth@acme.example' }))
    expect(await confirmedKinds(user)).toEqual([])
    await http.inTenant(tenant, (tx) => updateUser(tx, user, { email: 'back@acme.example' }))
    expect(await confirmedKinds(user)).toEqual([])
  })

  it('is dropped by a change of any other way, such as an import', async () => {
    const user = await confirmed()
    await http.owner.query(`update users set email = 'imported@acme.example' where id = $1`, [user])
    expect(await confirmedKinds(user)).toEqual([])
  })

  it('cannot be made by an administrator, by no field of the API', async () => {
    const body = { email: 'made-up@acme.example', email_verified: true, external_identity_id: 'idp|made-up' }
    const { json } = await http.call('POST', '/api/v1/users', { as: key, body })
    expect(json).toMatchObject({ email_verified: true })
    expect(await identities(json.id)).toEqual({ confirmed: [], links: [] })
    const listed = await http.call('GET', `/api/v1/users/${json.id}/identities`, { as: key })
    expect(listed.json).toEqual({ confirmed: [], links: [] })
  })

  it('is written by one file of the program', async () => {
    const writes = await readWrites(fileURLToPath(new URL('../../', import.meta.url)))
    const files = writes.filter(({ table }) => table === 'confirmed_identities').map(({ file }) => file)
    expect([...new Set(files)]).toEqual(['server/identity/confirm-identity.ts'])
  })
})
