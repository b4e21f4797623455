import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { openTestApplication, type TestApplication } from '../../../test/application.ts'
import { dumpDatabase, newTenant, type TenantRows } from '../../../test/rows.ts'
import { runCommand } from '../../../test/run-command.ts'
import { record } from '../../audit/record.ts'
import { identifierOf } from '../../identifiers/identifier-key.ts'
import { createUser } from '../../people/accounts/create-user.ts'
import { updateUser } from '../../people/accounts/update-user.ts'
import { deleteUsers } from '../../people/lifecycle/delete-users.ts'
import { checkMembership } from '../proof/check-membership.ts'
import { readCertificate } from '../proof/read-certificate.ts'
import { confirmErasure } from '../requests/confirm-erasure.ts'
import { previewErasure } from '../requests/preview-erasure.ts'
import { requestErasure } from '../requests/request-erasure.ts'
import { previewContact } from './preview-contact.ts'
import { requestContactErasure } from './request-contact-erasure.ts'

const address = 'supplier-4711@partner.example'

let test: TestApplication
let rows: TenantRows
beforeAll(async () => {
  test = await openTestApplication()
  await test.startWorkers()
})
afterAll(() => test.close())
beforeEach(async () => {
  rows = await newTenant(test.owner)
})

const preview = (given = address) => test.inTenant(rows.tenant, (tx) => previewContact(tx, given))
const purge = async (given = address) => {
  const { request } = await test.inTenant(rows.tenant, (tx) => requestContactErasure(tx, { address: given }))
  return await test.ended(rows.tenant, request)
}

/** Plants the address in each kind of field: a list, a text, JSON, the audit trail under the key of the contact. */
async function plant(): Promise<{ course: string; post: string; colleague: string }> {
  const colleague = await rows.user({
    email: 'colleague@acme.example',
    custom_fields: JSON.stringify({ note: `Replaces ${address.toUpperCase()}`, other: `x${address}` }),
  })
  const course = await rows.course({
    contact_emails: [address, 'colleague@acme.example'],
    reply_to_email: address,
    description: `Ask <${address}>.`,
  })
  const post = await rows.post(course, colleague, `From ${address} to colleague@acme.example`)
  await test.inTenant(rows.tenant, (tx) =>
    record(tx, {
      activity: 'CourseCreated',
      object: course,
      contact: identifierOf('email', address),
      values: { contact: address },
    }),
  )
  return { course, post, colleague }
}

describe('the purge of a contact', () => {
  it('takes the address out of every field of the tenant, and nothing else, as the preview says', async () => {
    const { course, post } = await plant()
    const other = await newTenant(test.owner)
    await other.course({ contact_emails: [address] })
    const { effects, blockedBy } = await preview()
    expect(effects.map(({ table }) => table)).toEqual(expect.arrayContaining(['courses', 'posts', 'users']))
    expect(blockedBy).toEqual([])
    const before = await dumpDatabase(test.owner, { tenant: other.tenant, without: ['signing_keys'] })

    const erasure = await purge()
    expect(erasure).toMatchObject({ state: 'completed', verdict: 'clean', subjects: { total: 1, done: 1 } })
    expect(erasure.receipt).toEqual(effects)
    const { rows: left } = await test.owner.query(
      'select contact_emails, reply_to_email, description from courses where id = $1',
      [course],
    )
    expect(left[0]).toMatchObject({ contact_emails: ['colleague@acme.example'] })
    expect(JSON.stringify(left).toLowerCase()).not.toContain(address)
    const { rows: posts } = await test.owner.query('select body from posts where id = $1', [post])
    expect(posts[0].body).toContain('colleague@acme.example')
    const text = JSON.stringify(
      [...(await dumpDatabase(test.owner, { tenant: rows.tenant }))].map(([, all]) => [...all]),
    )
    expect(text.toLowerCase().replaceAll(`x${address}`, '')).not.toContain(address)
    expect(await dumpDatabase(test.owner, { tenant: other.tenant, without: ['signing_keys'] })).toEqual(before)
  })

  it('deletes no user, and destroys the key of the contact in the audit trail', async () => {
    await plant()
    const users = () => test.owner.query('select id, state from users where tenant_id = $1', [rows.tenant])
    const keys = () => test.owner.query('select from contact_keys where tenant_id = $1', [rows.tenant])
    const before = (await users()).rows
    expect((await keys()).rowCount).toBe(1)
    await purge()
    expect((await users()).rows).toEqual(before)
    expect((await keys()).rowCount).toBe(0)
    const { rows: trail } = await test.owner.query('select activity from audit_entries where tenant_id = $1', [
      rows.tenant,
    ])
    const activities = trail.map(({ activity }) => activity)
    expect(activities).toContain('ContactErasureOrdered')
    expect(activities).not.toContain('UserPurged')
  })

  it('has a certificate that covers the address and no other', async () => {
    await plant()
    const { id: request } = await purge()
    const check = (value: string) =>
      test.inTenant(rows.tenant, (tx) => checkMembership(tx, { request, identifier: { kind: 'email', value } }))
    expect(await check(address.toUpperCase())).toEqual({ among: true, verdict: 'clean' })
    expect(await check('another@partner.example')).toMatchObject({ among: false })
    const { subjects } = await test.inTenant(rows.tenant, (tx) => readCertificate(tx, request))
    expect(JSON.stringify(subjects)).not.toContain('partner')
  })

  it('ends clean where the address stands nowhere', async () => {
    expect(await preview('nowhere@partner.example')).toMatchObject({ effects: [], blockedBy: [] })
    expect(await purge('nowhere@partner.example')).toMatchObject({ state: 'completed', receipt: [] })
  })
})

describe('the plan of a contact', () => {
  const planOf = async (given = address) => (await preview(given)).plan
  const purgeBy = async (plan: string, given = address) => {
    const { request } = await test.inTenant(rows.tenant, (tx) => requestContactErasure(tx, { address: given, plan }))
    return await test.ended(rows.tenant, request)
  }
  const keyOf = async (request: string) =>
    (
      await test.owner.query(
        `select r.sealed_key, s.sealed_identifiers
         from erasure_requests r join erasure_subjects s on s.tenant_id = r.tenant_id and s.request_id = r.id
         where r.id = $1`,
        [request],
      )
    ).rows[0]

  it('is the same for the same rows, for any way of writing the address, and another for another address', async () => {
    await plant()
    const plan = await planOf()
    expect(plan).toMatch(/^[0-9a-f]{64}$/)
    expect(await planOf(address.toUpperCase())).toBe(plan)
    expect(await planOf('another@partner.example')).not.toBe(plan)
  })

  it('lets the purge go on for exactly the rows of the preview', async () => {
    await plant()
    expect(await purgeBy(await planOf(), address.toUpperCase())).toMatchObject({ state: 'completed', verdict: 'clean' })
    expect((await preview()).effects).toEqual([])
    expect(await purgeBy(await planOf())).toMatchObject({ state: 'completed', receipt: [] })
  })

  it.each([
    ['a row more', async () => void (await rows.catalog({ description: `Ask ${address}` }))],
    ['a row less', async () => void (await test.owner.query('delete from posts where tenant_id = $1', [rows.tenant]))],
    [
      'another row in the place of one',
      async () => {
        await test.owner.query('delete from posts where tenant_id = $1', [rows.tenant])
        await rows.post(await rows.course(), await rows.user(), `From ${address}`)
      },
    ],
  ])('does not fit after %s, and then nothing is changed and nothing about the contact is kept', async (_, change) => {
    await plant()
    const plan = await planOf()
    await change()
    const kept = { tenant: rows.tenant, without: ['signing_keys'] }
    const fields = async () => {
      const dump = await dumpDatabase(test.owner, kept)
      return [dump.get('courses'), dump.get('posts'), dump.get('users'), dump.get('catalogs')]
    }
    const before = await fields()
    const erasure = await purgeBy(plan)
    expect(erasure).toMatchObject({
      state: 'plan_changed',
      certified: false,
      receipt: [],
      subjects: { total: 1, gone: 0, failed: 0, plan_changed: 1 },
    })
    expect(erasure.planChanged[0]?.changes.length).toBeGreaterThan(0)
    expect(await fields()).toEqual(before)
    expect(await keyOf(erasure.id)).toEqual({ sealed_key: null, sealed_identifiers: null })

    const again = await planOf()
    await expect(
      test.inTenant(rows.tenant, (tx) => confirmErasure(tx, { request: erasure.id, plan: again })),
    ).rejects.toMatchObject({ code: 'erasure.of_contact' })
    expect(await purgeBy(again)).toMatchObject({ state: 'completed', verdict: 'clean' })
  })

  it('belongs to one address, to contacts, and to an hour', async () => {
    await plant()
    const plan = await planOf()
    await expect(purgeBy(plan, 'another@partner.example')).rejects.toMatchObject({ code: 'plan.other_contact' })
    const person = await rows.deletedUser()
    const ofUser = await test.inTenant(rows.tenant, (tx) => previewErasure(tx, 'purge', [person]))
    await expect(purgeBy(ofUser.plan)).rejects.toMatchObject({ code: 'plan.other_contact' })
    await expect(
      test.inTenant(rows.tenant, (tx) => requestErasure(tx, { operation: 'purge', userIds: [person], plan })),
    ).rejects.toMatchObject({ code: 'plan.other_people' })
    await test.owner.query(`update erasure_plans set expires_at = now() - interval '1 second' where tenant_id = $1`, [
      rows.tenant,
    ])
    await expect(purgeBy(plan)).rejects.toMatchObject({ code: 'plan.expired' })
    await expect(purgeBy('f'.repeat(64))).rejects.toMatchObject({ code: 'plan.not_found' })
  })

  it('tells nothing by which an address could be guessed', async () => {
    await plant()
    const plan = await planOf()
    const { rows: stored } = await test.owner.query(
      `select to_jsonb(p) || jsonb_build_object('subjects', (select jsonb_agg(to_jsonb(s)) from erasure_plan_subjects s
       where s.plan_id = p.id)) as row from erasure_plans p where p.digest = $1`,
      [plan],
    )
    const other = await newTenant(test.owner)
    expect(JSON.stringify(stored)).not.toContain('partner')
    // The same rows and the same address under the key of another tenant.
    const elsewhere = await test.inTenant(other.tenant, (tx) => previewContact(tx, 'nowhere@partner.example'))
    expect(elsewhere.plan).not.toBe(await planOf('nowhere@partner.example'))
  })
})

describe('an address of a user', () => {
  const refused = async (given: string) => {
    const users = () => test.owner.query('select count(*)::int as n from erasure_requests')
    const before = (await users()).rows[0].n
    const failure = { code: 'contact.is_user', kind: 'conflict' }
    await expect(preview(given)).rejects.toMatchObject(failure)
    await expect(purge(given)).rejects.toMatchObject(failure)
    expect((await users()).rows[0].n).toBe(before)
  }
  const within = <T>(work: Parameters<typeof test.inTenant<T>>[1]) => test.inTenant(rows.tenant, work)

  it.each([
    ['in another case', { email: 'ann@bücher.example' }, 'ANN@Bücher.example'],
    ['with the domain in A-form', { email: 'ann@bücher.example' }, 'ann@xn--bcher-kva.example'],
    ['with junk around it', { email: 'ann@acme.example' }, 'mailto:<ann@acme.example>;'],
    ['with a letter that looks alike', { email: 'ann@acme.example' }, 'аnn@acme.example'],
    ['as a login name', { login_name: 'ann@acme.example' }, 'ann@acme.example'],
    ['as a claims string', { login_name: 'i:0#.f|membership|ann@acme.example' }, 'ann@acme.example'],
    ['as a ref', { ref: 'ann@acme.example' }, 'ann@acme.example'],
    ['as an id at the identity provider', { external_identity_id: 'ann@acme.example' }, 'ann@acme.example'],
  ])('is refused %s', async (_, fields, given) => {
    await within((tx) => createUser(tx, fields))
    await refused(given)
  })

  it('is refused after a change, and of a deleted user', async () => {
    const { id } = await within((tx) => createUser(tx, { email: 'before@acme.example' }))
    await within((tx) => updateUser(tx, id, { email: 'after@acme.example' }))
    await refused('before@acme.example')
    await rows.administrator()
    await within((tx) => deleteUsers(tx, { userIds: [id] }))
    await refused('after@acme.example')
  })

  it('stays that of a user who is created between the request and the work', async () => {
    await test.stopWorkers()
    const course = await rows.course({ contact_emails: ['late@acme.example'] })
    const { request } = await within((tx) => requestContactErasure(tx, { address: 'late@acme.example' }))
    const { id } = await within((tx) => createUser(tx, { email: 'late@acme.example' }))
    await test.startWorkers()
    await test.ended(rows.tenant, request)
    const { rows: left } = await test.owner.query(
      'select (select email from users where id = $1), (select contact_emails from courses where id = $2)',
      [id, course],
    )
    expect(left[0]).toEqual({ email: 'late@acme.example', contact_emails: ['late@acme.example'] })
  })

  it.each(['', 'no address', 'a@b', 'a@b, c@d.example'])('is no address: %j', async (given) => {
    await expect(preview(given)).rejects.toMatchObject({ code: 'input.invalid' })
  })
})

it('works at the command line, with the preview before', async () => {
  await plant()
  const environment = {
    DATABASE_URL: test.appUrl,
    LETHE_MASTER_KEY: test.database.masterKey.toString('base64'),
    LETHE_TENANT: rows.tenant,
  }
  const counts = await runCommand(environment, ['preview', '--contact', address])
  expect(counts).toMatchObject({ code: 0 })
  expect(counts.stdout).toContain('courses')
  const both = await runCommand(environment, ['purge', '--contact', address, '--email', 'x@y.example', '--yes'])
  expect(both.code).toBe(2)
  const purged = await runCommand(environment, ['purge', '--contact', address, '--yes', '--json'])
  expect(purged).toMatchObject({ code: 0 })
  expect(JSON.parse(purged.stdout).erasure).toMatchObject({ state: 'completed' })
  expect((await runCommand(environment, ['preview', '--contact', address])).stdout).toContain('No field')
})

it('binds the purge of a contact to its preview at the command line', async () => {
  await plant()
  const environment = {
    DATABASE_URL: test.appUrl,
    LETHE_MASTER_KEY: test.database.masterKey.toString('base64'),
    LETHE_TENANT: rows.tenant,
  }
  const seen = await runCommand(environment, ['preview', '--contact', address])
  const [, plan = ''] = /--plan ([0-9a-f]{64})/.exec(seen.stdout) ?? []
  await rows.catalog({ description: `Ask ${address}` })
  const bound = await runCommand(environment, ['purge', '--contact', address, '--plan', plan, '--yes'])
  expect(bound).toMatchObject({ code: 1 })
  expect(bound.stderr).toContain('lethe purge --contact ADDRESS')
  expect(await runCommand(environment, ['purge', '--contact', address, '--yes'])).toMatchObject({ code: 0 })
})
