import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { SMTPServer } from 'smtp-server'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { openTestApplication, type TestApplication } from '../../test/application.ts'
import { readConfig } from '../config.ts'
import { createUser } from '../people/accounts/create-user.ts'
import type { UserFields } from '../people/accounts/user-fields.ts'
import { deleteUsers } from '../people/lifecycle/delete-users.ts'
import type { TenantTransaction } from '../platform/database/transaction.ts'
import { createTenant } from '../tenancy/tenants.ts'
import { openMailer } from './mailer.ts'
import { notify } from './notify.ts'
import { sendEmail } from './send-email.ts'

type Mail = { from: string | undefined; to: string[]; text: string }

let test: TestApplication
let tenant: string
let server: SMTPServer
let mails: Mail[]
let refused: number
/** What the server says to the next messages before it takes any. */
let busy = 0
beforeAll(async () => {
  test = await openTestApplication()
  tenant = (await createTenant(test.database, { name: 'Acme', kind: 'enterprise' })).id
  await run((tx) => createUser(tx, { roles: ['administrator'] }))
  server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    onRcptTo({ address }, _session, done) {
      if (!address.startsWith('nobody')) return done()
      refused += 1
      done(Object.assign(new Error('No such user'), { responseCode: 550 }))
    },
    onData(stream, { envelope }, done) {
      const pieces: Buffer[] = []
      stream.on('data', (piece: Buffer) => pieces.push(piece))
      stream.on('end', () => {
        if (busy > 0) {
          busy -= 1
          return done(Object.assign(new Error('Try again'), { responseCode: 451 }))
        }
        mails.push({
          from: envelope.mailFrom === false ? undefined : envelope.mailFrom.address,
          to: envelope.rcptTo.map(({ address }) => address),
          text: Buffer.concat(pieces).toString('utf8'),
        })
        done()
      })
    },
  })
  server.listen(0, '127.0.0.1')
  await once(server.server, 'listening')
  test.app.config = readConfig({ LETHE_SMTP_URL: smtpUrl(), LETHE_MAIL_FROM: 'Lethe <lethe@acme.example>' })
})
afterAll(async () => {
  await test.close()
  await new Promise<void>((resolve) => server.close(resolve))
})
beforeEach(() => {
  mails = []
  refused = 0
})

const smtpUrl = () => `smtp://127.0.0.1:${(server.server.address() as AddressInfo).port}`
const run = <T>(work: (tx: TenantTransaction) => Promise<T>) => test.inTenant(tenant, work)
const user = (fields: UserFields) => run((tx) => createUser(tx, fields))
const tell = (id: string, byEmail = true) =>
  run(async (tx) => notify(tx, [id], { kind: 'test', subject: 'Skill revoked', body: 'It was revoked.' }, { byEmail }))
const statesOf = async (id: string) =>
  (await test.owner.query('select email_state from notifications where user_id = $1', [id])).rows.map(
    ({ email_state }) => email_state,
  )
const jobs = async (): Promise<{ payload: Record<string, string>; attempts: number }[]> => {
  const { rows } = await test.owner.query(
    `select job.payload, job.attempts from graphile_worker._private_jobs job
     join graphile_worker._private_tasks task on task.id = job.task_id
     where task.identifier = 'send_email' order by job.id`,
  )
  return rows
}
const noJobs = () => expect.poll(jobs, { timeout: 20_000 }).toEqual([])
/** Does with each job that waits what a worker does. */
const workOff = async (config = test.app.config) => {
  for (const { payload } of await jobs()) await sendEmail(test.app.database, openMailer(config), payload)
  await test.owner.query('select graphile_worker.complete_jobs(array_agg(id)) from graphile_worker._private_jobs')
}

describe('a notification by e-mail', () => {
  it('is sent by the workers to the address of the user, once, in plain text', async () => {
    const { id } = await user({ email: 'Ann@acme.example' })
    await tell(id)
    await test.startWorkers()
    await noJobs()
    await test.stopWorkers()
    expect(mails).toMatchObject([{ from: 'lethe@acme.example', to: ['Ann@acme.example'] }])
    expect(mails[0]?.text).toMatch(/^Subject: Skill revoked\r$/m)
    expect(mails[0]?.text).toMatch(/^Auto-Submitted: auto-generated\r$/m)
    expect(mails[0]?.text).toMatch(/^Message-ID: <[0-9a-f-]{36}@acme\.example>\r$/im)
    expect(mails[0]?.text).toContain('It was revoked.')
    expect(await statesOf(id)).toEqual(['sent'])
  })

  it('is in the queue by ids only, and a job that runs twice sends once', async () => {
    const { id } = await user({ email: 'bob@acme.example' })
    await tell(id)
    const [job] = await jobs()
    const { rows } = await test.owner.query('select id from notifications where user_id = $1', [id])
    expect(job?.payload).toEqual({ tenant, notification: rows[0].id })
    await sendEmail(test.app.database, openMailer(test.app.config), job?.payload ?? {})
    await workOff()
    expect(mails).toHaveLength(1)
  })

  it('does not go out when the transaction did not happen', async () => {
    const { id } = await user({ email: 'eve@acme.example' })
    const failed = run(async (tx) => {
      await notify(tx, [id], { kind: 'test', subject: 'x', body: 'x' }, { byEmail: true })
      throw new Error('undone')
    })
    await expect(failed).rejects.toThrow('undone')
    expect(await jobs()).toEqual([])
  })

  it('is never sent to whoever was purged, anonymized or deleted while it waited', async () => {
    const ids: string[] = []
    for (const name of ['purged', 'anonymized', 'deleted']) {
      const { id } = await user({ email: `${name}@acme.example` })
      ids.push(id)
      await tell(id)
    }
    const [purged = '', anonymized = ''] = ids
    const waiting = (await jobs()).map(({ payload }) => payload)
    expect(waiting).toHaveLength(3)
    await test.owner.query('select graphile_worker.complete_jobs(array_agg(id)) from graphile_worker._private_jobs')
    await run((tx) => deleteUsers(tx, { userIds: ids }))
    await test.startWorkers()
    expect((await test.purge(tenant, [purged])).state).toBe('completed')
    expect((await test.anonymize(tenant, [anonymized])).state).toBe('completed')
    await test.stopWorkers()
    for (const payload of waiting) await sendEmail(test.app.database, openMailer(test.app.config), payload)
    expect(mails).toEqual([])
    expect(await statesOf(ids[2] ?? '')).toEqual([null])
  })

  it('is not sent to users without an address, nor where nobody asked for e-mail', async () => {
    const without = await user({ login_name: 'fay' })
    const { id } = await user({ email: 'gil@acme.example' })
    await tell(without.id)
    await tell(id, false)
    expect(await jobs()).toHaveLength(1)
    await workOff()
    expect(mails).toEqual([])
  })

  it('stays in the product where no mail server is configured', async () => {
    const { id } = await user({ email: 'hal@acme.example' })
    await tell(id)
    await workOff(readConfig({}))
    expect(mails).toEqual([])
    expect(await statesOf(id)).toEqual([null])
  })

  it('is given up where the server refuses the address, and tried again where it is busy', async () => {
    const nobody = await user({ email: 'nobody@acme.example' })
    await tell(nobody.id)
    await workOff()
    expect([refused, await statesOf(nobody.id)]).toEqual([1, ['undeliverable']])

    const { id } = await user({ email: 'ivy@acme.example' })
    await tell(id)
    busy = 1
    const [job] = await jobs()
    const attempt = () => sendEmail(test.app.database, openMailer(test.app.config), job?.payload ?? {})
    await expect(attempt()).rejects.toMatchObject({ responseCode: 451 })
    expect(await statesOf(id)).toEqual([null])
    await attempt()
    expect(await statesOf(id)).toEqual(['sent'])
    await workOff()
    expect(mails).toHaveLength(1)
  })

  it('cannot be made to reach a second address', async () => {
    const { id } = await user({ email: 'ab@acme.example' })
    // No way in lets this one through; it stands for what an older version took.
    await test.owner.query(`update users set email = 'a,b@acme.example' where id = $1`, [id])
    await tell(id)
    await workOff()
    expect(mails.map(({ to }) => to)).toEqual([['"a,b"@acme.example']])
  })

  it.each([
    ['a@b', { name: '', address: 'a@b' }],
    ['mailto:a@b;', { name: '', address: 'a@b' }],
    ['"Lethe" <a@b>', { name: 'Lethe', address: 'a@b' }],
  ])('comes from the address in %s', (LETHE_MAIL_FROM, from) => {
    expect(openMailer(readConfig({ LETHE_SMTP_URL: 'smtp://127.0.0.1', LETHE_MAIL_FROM }))?.from).toEqual(from)
  })

  it.each([
    [{ LETHE_SMTP_URL: 'smtp://127.0.0.1' }, 'mail.sender_missing'],
    [{ LETHE_SMTP_URL: 'http://127.0.0.1', LETHE_MAIL_FROM: 'a@b' }, 'mail.url_invalid'],
    [{ LETHE_SMTP_URL: '127.0.0.1:25', LETHE_MAIL_FROM: 'a@b' }, 'mail.url_invalid'],
    [{ LETHE_SMTP_URL: 'smtp://127.0.0.1', LETHE_MAIL_FROM: 'a@b, c@d' }, 'mail.sender_invalid'],
    [{ LETHE_SMTP_URL: 'smtp://127.0.0.1', LETHE_MAIL_FROM: 'Lethe <a@b> <c@d>' }, 'mail.sender_invalid'],
  ])('is refused at the start with a wrong configuration: %j', (environment, code) => {
    expect(() => openMailer(readConfig(environment))).toThrow(expect.objectContaining({ code }))
  })
})
