import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openTestApplication, type TestApplication } from '../../../test/application.ts'
import { openTestProvider, type TestProvider } from '../../../test/identity-provider.ts'
import { newTenant, type TenantRows } from '../../../test/rows.ts'
import { placeHold } from '../../holds/place-hold.ts'
import { releaseHold } from '../../holds/release-hold.ts'
import { confirmIdentity } from '../../identity/confirm-identity.ts'
import { identityHash } from '../../identity/identity-hash.ts'
import { inTenant } from '../../platform/database/transaction.ts'
import { setTenantCreator } from '../../tenancy/tenant-people.ts'
import type { TenantKind } from '../../tenancy/tenants.ts'
import { requestContactErasure } from '../contacts/request-contact-erasure.ts'
import { requestErasure } from '../requests/request-erasure.ts'
import { showErasure } from '../requests/show-request.ts'
import { waitForErasure } from '../requests/wait-for-erasure.ts'
import { decideAsOperator, decideProposal } from './decide-match.ts'
import { listProposals, listWaitingMatches } from './list-matches.ts'
import { requestErasureByProvider } from './request-by-provider.ts'

// Each test acts and then looks into the database. None of them reads the table in reach-table.ts. The titles follow the
// rows of the table in Adobe Learning Manager's page "Purge users".

let test: TestApplication
let provider: TestProvider
beforeAll(async () => {
  test = await openTestApplication()
  provider = await openTestProvider(test.database)
  await test.startWorkers()
})
afterAll(() => test.close())

/** A tenant with an administrator, somebody else, and a course that names the address in its fields. */
type Place = { rows: TenantRows; tenant: string; administrator: string; bystander: string; course: string }

async function place(kind: TenantKind, address?: string): Promise<Place> {
  const rows = await newTenant(test.owner, { kind })
  const administrator = await rows.administrator({ email: `admin-${randomUUID()}@else.example` })
  const bystander = await rows.user({ email: `bystander-${randomUUID()}@else.example` })
  const contact_emails = address === undefined ? ['other@else.example'] : ['other@else.example', address]
  const course = await rows.course({ contact_emails })
  return { rows, tenant: rows.tenant, administrator, bystander, course }
}

/** Adds the person to a place; `confirmed`: the owner of the address has confirmed it there. */
async function person(at: Place, email: string, options: { confirmed: boolean; deleted?: boolean; subject?: string }) {
  const fields = { email, ...(options.subject !== undefined && { external_identity_id: options.subject }) }
  const id = await (options.deleted === true ? at.rows.deletedUser(fields) : at.rows.user(fields))
  if (options.confirmed) {
    const hash = identityHash(test.database.masterKey, { kind: 'email', value: email })
    await test.inTenant(at.tenant, (tx) =>
      confirmIdentity(tx, { userId: id, kind: 'email', hash, method: 'mail_link' }),
    )
  }
  return id
}

const exists = async (id: string) => (await test.owner.query('select from users where id = $1', [id])).rowCount === 1
const users = async (at: Place) =>
  (await test.owner.query('select count(*)::int as n from users where tenant_id = $1', [at.tenant])).rows[0].n
const addressesIn = async ({ course }: Place): Promise<string[]> =>
  (await test.owner.query('select contact_emails from courses where id = $1', [course])).rows[0].contact_emails
const notificationsOf = async (user: string): Promise<string[]> =>
  (await test.owner.query('select kind from notifications where user_id = $1', [user])).rows.map(({ kind }) => kind)

/** Waits until nothing is under way any more: no reach, no request of any tenant, no job. */
async function settle(): Promise<void> {
  const { rows: failed } = await test.owner.query(
    'select job.last_error from graphile_worker._private_jobs job where job.last_error is not null',
  )
  expect(failed).toEqual([])
  await expect
    .poll(
      async () => {
        const { rows } = await test.owner.query(
          `select (select count(*) from erasure_reaches where finished_at is null)
             + (select count(*) from erasure_requests where finished_at is null) as n`,
        )
        return Number(rows[0].n)
      },
      { timeout: 30_000, interval: 50 },
    )
    .toBe(0)
}

async function purge(at: Place, userId: string): Promise<string> {
  const { request } = await inTenant(
    test.database,
    at.tenant,
    (tx) => requestErasure(tx, { operation: 'purge', userIds: [userId] }),
    { initiator: { from: 'console', userId: at.administrator } },
  )
  await settle()
  return request
}
async function purgeContact(at: Place, address: string): Promise<string> {
  const { request } = await inTenant(test.database, at.tenant, (tx) => requestContactErasure(tx, { address }), {
    initiator: { from: 'api', userId: at.administrator },
  })
  await settle()
  return request
}
async function askByProvider(claims: Record<string, unknown>): Promise<void> {
  await requestErasureByProvider(test.database, await provider.token('erasure', claims))
  await settle()
}
const newAddress = () => `jane-${randomUUID()}@person.example`
const waitingIn = async ({ tenant }: Place) =>
  (await listWaitingMatches(test.database)).filter(({ tenant_id }) => tenant_id === tenant)

describe.each(['enterprise', 'trial'] as const)('a purge from the console in a tenant of the kind %s', (kind) => {
  it('purges the selected user', async () => {
    const [at, email] = [await place(kind), newAddress()]
    const jane = await person(at, email, { confirmed: true, deleted: true })
    await purge(at, jane)
    expect(await exists(jane)).toBe(false)
    expect(await exists(at.bystander)).toBe(true)
  })

  it('purges the same person in all trial tenants, and tells no more than their number', async () => {
    const email = newAddress()
    const [at, first, second, none] = [
      await place(kind),
      await place('trial'),
      await place('trial'),
      await place('trial'),
    ]
    const jane = await person(at, email, { confirmed: true, deleted: true })
    const there = [await person(first, email, { confirmed: true }), await person(second, email, { confirmed: true })]
    const request = await purge(at, jane)
    for (const id of there) expect(await exists(id)).toBe(false)
    expect(await users(none)).toBe(2)
    const shown = await test.inTenant(at.tenant, (tx) => showErasure(tx, request))
    expect(shown.trialsReached).toBe(2)
    expect(JSON.stringify(shown)).not.toMatch(new RegExp([first.tenant, second.tenant, ...there].join('|')))
    const { rows } = await test.owner.query(
      'select initiated_from, requested_by from erasure_requests where tenant_id = $1',
      [first.tenant],
    )
    expect(rows).toEqual([{ initiated_from: 'system', requested_by: null }])
    expect(await waitingIn(first)).toEqual([])
  })

  it('needs no approval and no delay of a trial tenant, but waits for the holds there', async () => {
    const email = newAddress()
    const [at, strict, holding] = [await place(kind), await place('trial'), await place('trial')]
    await test.owner.query('update tenants set approval_required = true, cooling_off_hours = 24 where id = $1', [
      strict.tenant,
    ])
    const jane = await person(at, email, { confirmed: true, deleted: true })
    const there = await person(strict, email, { confirmed: true })
    const held = await person(holding, email, { confirmed: true })
    const { id: hold } = await test.inTenant(holding.tenant, (tx) =>
      placeHold(tx, { reason: 'legal_claim', userIds: [held] }),
    )
    await inTenant(test.database, at.tenant, (tx) => requestErasure(tx, { operation: 'purge', userIds: [jane] }), {
      initiator: { from: 'console', userId: at.administrator },
    })
    const gone = async () => [await exists(jane), await exists(there), await exists(held)]
    await expect.poll(gone, { timeout: 30_000 }).toEqual([false, false, true])
    await expect
      .poll(async () => (await test.owner.query('select state from erasure_subjects where user_id = $1', [held])).rows)
      .toEqual([{ state: 'held' }])
    await test.inTenant(holding.tenant, (tx) => releaseHold(tx, hold))
    await expect.poll(gone, { timeout: 30_000 }).toEqual([false, false, false])
    await settle()
  })

  it('waits for the operator where an address was not confirmed, and purges there after a yes', async () => {
    const email = newAddress()
    const [at, trial] = [await place(kind), await place('trial')]
    const jane = await person(at, email, { confirmed: true, deleted: true })
    const [yes, no] = [await person(trial, email, { confirmed: false }), await place('trial')]
    const other = await person(no, email, { confirmed: false })
    const request = await purge(at, jane)
    expect([await exists(yes), await exists(other)]).toEqual([true, true])
    const [match] = await waitingIn(trial)
    expect(match).toMatchObject({ what: 'user', user_id: yes, source_tenant_id: at.tenant, source_request_id: request })
    const [refused] = await waitingIn(no)
    await decideAsOperator(test.database, match?.id ?? '', { accept: true })
    await decideAsOperator(test.database, refused?.id ?? '', { accept: false, reason: 'Another person' })
    await settle()
    expect([await exists(yes), await exists(other)]).toEqual([false, true])
    expect((await test.inTenant(at.tenant, (tx) => showErasure(tx, request))).trialsReached).toBe(1)
  })

  it('keeps the other users of trial tenants that the person created', async () => {
    const email = newAddress()
    const [at, created] = [await place(kind), await place('trial')]
    const jane = await person(at, email, { confirmed: true, deleted: true })
    const there = await person(created, email, { confirmed: true })
    await test.inTenant(created.tenant, (tx) => setTenantCreator(tx, there))
    await purge(at, jane)
    expect(await exists(there)).toBe(false)
    expect([await exists(created.administrator), await exists(created.bystander)]).toEqual([true, true])
  })

  it('takes the address out of the other fields of the own tenant and of all trial tenants', async () => {
    const email = newAddress()
    const [at, trial, withUser, enterprise] = [
      await place(kind, email),
      await place('trial', email),
      await place('trial', email),
      await place('enterprise', email),
    ]
    const jane = await person(at, email, { confirmed: true, deleted: true })
    await person(withUser, email, { confirmed: true })
    await purge(at, jane)
    for (const one of [at, trial, withUser]) expect(await addressesIn(one)).toEqual(['other@else.example'])
    expect(await addressesIn(enterprise)).toContain(email)
  })

  it('notifies the requester of the end', async () => {
    const email = newAddress()
    const [at, trial] = [await place(kind), await place('trial')]
    const jane = await person(at, email, { confirmed: true, deleted: true })
    await person(trial, email, { confirmed: true })
    await purge(at, jane)
    expect(await notificationsOf(at.administrator)).toEqual(
      expect.arrayContaining(['erasure_done', 'erasure_reached_trials']),
    )
    expect(await notificationsOf(trial.administrator)).toEqual([])
  })

  it('never reaches another enterprise', async () => {
    const email = newAddress()
    const [at, enterprise] = [await place(kind), await place('enterprise', email)]
    const jane = await person(at, email, { confirmed: true, deleted: true })
    const there = await person(enterprise, email, { confirmed: true })
    await purge(at, jane)
    expect(await exists(there)).toBe(true)
    expect(await notificationsOf(enterprise.administrator)).toEqual([])
  })
})

describe.each(['enterprise', 'trial'] as const)('the purge of a contact in a tenant of the kind %s', (kind) => {
  it('takes the address out of the own fields at once, and out of those of all trials after a yes of the operator', async () => {
    const email = newAddress()
    const [at, yes, no, enterprise] = [
      await place(kind, email),
      await place('trial', email),
      await place('trial', email),
      await place('enterprise', email),
    ]
    const request = await purgeContact(at, email)
    expect(await addressesIn(at)).toEqual(['other@else.example'])
    for (const one of [yes, no, enterprise]) expect(await addressesIn(one)).toContain(email)
    const [match] = await waitingIn(yes)
    expect(match).toMatchObject({ what: 'contact', user_id: null, users: 0, source_request_id: request })
    const [refused] = await waitingIn(no)
    await decideAsOperator(test.database, match?.id ?? '', { accept: true })
    await decideAsOperator(test.database, refused?.id ?? '', { accept: false })
    await settle()
    expect(await addressesIn(yes)).toEqual(['other@else.example'])
    for (const one of [no, enterprise]) expect(await addressesIn(one)).toContain(email)
    const { rows } = await test.owner.query('select sealed_address from reach_matches where state <> $1', ['waiting'])
    expect(rows.every(({ sealed_address }) => sealed_address === null)).toBe(true)
  })

  it('deletes no user, here or in a trial', async () => {
    const email = newAddress()
    const [at, trial] = [await place(kind, email), await place('trial')]
    const there = await person(trial, email, { confirmed: true })
    const before = await users(at)
    await purgeContact(at, email)
    expect(await users(at)).toBe(before)
    expect(await exists(there)).toBe(true)
    expect((await waitingIn(trial)).map(({ what }) => what)).not.toContain('user')
  })

  it('notifies the requester of the end', async () => {
    const email = newAddress()
    const at = await place(kind, email)
    await purgeContact(at, email)
    expect(await notificationsOf(at.administrator)).toContain('erasure_done')
  })
})

describe('a request of an identity provider', () => {
  it('only notifies the administrators of an enterprise, who accept it or refuse it', async () => {
    const email = newAddress()
    const at = await place('enterprise')
    const [jane, john] = [
      await person(at, email, { confirmed: false }),
      await person(at, newAddress(), { confirmed: false, subject: 'sub-john' }),
    ]
    await askByProvider({ sub: 'sub-jane', email, email_verified: true })
    await askByProvider({ sub: 'sub-john' })
    expect([await exists(jane), await exists(john)]).toEqual([true, true])
    expect(await notificationsOf(at.administrator)).toEqual(['erasure_proposed', 'erasure_proposed'])
    const { proposals } = await test.inTenant(at.tenant, (tx) => listProposals(tx))
    expect(proposals.map(({ user_id }) => user_id).sort()).toEqual([jane, john].sort())
    const idOf = (user: string) => proposals.find(({ user_id }) => user_id === user)?.id ?? ''
    const decide = (user: string, accept: boolean) =>
      inTenant(
        test.database,
        at.tenant,
        (tx) => decideProposal(tx, idOf(user), accept ? { accept } : { accept, reason: 'Needed' }),
        {
          initiator: { from: 'console', userId: at.administrator },
        },
      )
    await decide(john, false)
    const { request } = await decide(jane, true)
    await waitForErasure(test.database, at.tenant, request ?? '', { until: 'ended' })
    expect([await exists(jane), await exists(john)]).toEqual([false, true])
    await expect(decide(john, true)).rejects.toMatchObject({ code: 'match.decided' })
    expect((await test.inTenant(at.tenant, (tx) => listProposals(tx))).proposals).toEqual([])
  })

  it('does not look into the other fields of an enterprise', async () => {
    const email = newAddress()
    const at = await place('enterprise', email)
    await askByProvider({ sub: randomUUID(), email, email_verified: true })
    expect(await addressesIn(at)).toContain(email)
    expect(await notificationsOf(at.administrator)).toEqual([])
    expect((await test.inTenant(at.tenant, (tx) => listProposals(tx))).proposals).toEqual([])
  })

  it('purges the person in all trial tenants, by the id at the provider or by the address', async () => {
    const [email, subject] = [newAddress(), randomUUID()]
    const [byAddress, byId, byChance] = [await place('trial'), await place('trial'), await place('trial')]
    const jane = await person(byAddress, email, { confirmed: true })
    const janeToo = await person(byId, newAddress(), { confirmed: false, subject })
    const hash = identityHash(test.database.masterKey, {
      kind: 'external_identity_id',
      value: subject,
      issuer: provider.issuer,
    })
    await test.inTenant(byId.tenant, (tx) =>
      confirmIdentity(tx, { userId: janeToo, kind: 'external_identity_id', hash, method: 'identity_provider' }),
    )
    const unconfirmed = await person(byChance, newAddress(), { confirmed: false, subject })
    await askByProvider({ sub: subject, email, email_verified: true })
    expect([await exists(jane), await exists(janeToo), await exists(unconfirmed)]).toEqual([false, false, true])
    const [match] = await waitingIn(byChance)
    expect(match).toMatchObject({ what: 'user', user_id: unconfirmed, source_tenant_id: null })
    await decideAsOperator(test.database, match?.id ?? '', { accept: true })
    await settle()
    expect(await exists(unconfirmed)).toBe(false)
  })

  it('purges all users of a trial tenant that the person created, and keeps the tenant, which is flagged', async () => {
    const email = newAddress()
    const [created, maybe] = [await place('trial'), await place('trial')]
    const jane = await person(created, email, { confirmed: true })
    await test.inTenant(created.tenant, (tx) => setTenantCreator(tx, jane))
    const janeToo = await person(maybe, email, { confirmed: false })
    await test.inTenant(maybe.tenant, (tx) => setTenantCreator(tx, janeToo))
    await askByProvider({ sub: randomUUID(), email, email_verified: true })
    expect(await users(created)).toBe(0)
    expect(await users(maybe)).toBe(3)
    const { rows } = await test.owner.query(
      'select administrators_gone_at is not null as flagged from tenants where id = $1',
      [created.tenant],
    )
    expect(rows).toEqual([{ flagged: true }])
    const [match] = await waitingIn(maybe)
    expect(match).toMatchObject({ what: 'all_users', user_id: janeToo, users: 3 })
    await decideAsOperator(test.database, match?.id ?? '', { accept: true })
    await settle()
    expect(await users(maybe)).toBe(0)
  })

  it('takes the address out of the other fields of all trial tenants', async () => {
    const email = newAddress()
    const [first, second] = [await place('trial', email), await place('trial', email)]
    await askByProvider({ sub: randomUUID(), email, email_verified: true })
    for (const one of [first, second]) expect(await addressesIn(one)).toEqual(['other@else.example'])
  })

  it('does nothing by an address that the provider has not verified', async () => {
    const email = newAddress()
    const trial = await place('trial', email)
    const jane = await person(trial, email, { confirmed: true })
    await askByProvider({ sub: randomUUID(), email })
    await askByProvider({ sub: randomUUID(), email, email_verified: false })
    expect(await exists(jane)).toBe(true)
    expect(await waitingIn(trial)).toEqual([])
  })
})
