import { randomUUID } from 'node:crypto'
import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { openTestApplication, type TestApplication } from '../../../test/application.ts'
import { differences, dumpDatabase, newTenant, placesOf, type TenantRows } from '../../../test/rows.ts'
import { compiledMap } from '../../datamap/compiled.ts'
import { placeHold } from '../../holds/place-hold.ts'
import { releaseHold } from '../../holds/release-hold.ts'
import { createUser } from '../../people/accounts/create-user.ts'
import { updateUser } from '../../people/accounts/update-user.ts'
import { updateTenant } from '../../tenancy/update-tenant.ts'
import { exportLedger } from '../ledger/export-ledger.ts'
import { replayLedger } from '../ledger/replay-ledger.ts'
import { verifyCertificate } from '../proof/certificate.ts'
import { readCertificate } from '../proof/read-certificate.ts'
import { showErasure } from '../requests/show-request.ts'
import { wayOut } from '../search/run-search.ts'
import { searchPeople } from '../search/search-people.ts'
import { type Finding, followUp, readReasons, settleFindings, sweep } from './sweep.ts'
import { sweepDatabase } from './sweep-database.ts'

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
afterEach(() => test.owner.query('drop schema if exists crm cascade'))

const jane = {
  email: 'Jane.Doe@acme.example',
  login_name: 'i:0#.f|membership|ACME\\jdoe',
  ref: 'emp-4711',
  directory_object_id: randomUUID(),
  external_identity_id: 'auth0|5f7c8ec7c33c6c00',
  first_name: 'Jane',
  last_name: 'Doe',
}

async function purged(values: Record<string, unknown> = jane, of = rows): Promise<string> {
  const id = await of.deletedUser(values)
  expect((await test.purge(of.tenant, [id])).state).toBe('completed')
  return id
}

const sweepTenant = (of = rows) => sweep(test.app.database, [of.tenant])
const places = (findings: Finding[]) =>
  findings.map(({ user, kind, table, column, rows: count, remedy }) => [
    user,
    kind,
    `${table}.${column}`,
    count,
    remedy,
  ])
const dump = (of = rows) => dumpDatabase(test.owner, { tenant: of.tenant })

/** Somebody else's table, which nobody told the data map of. */
async function unmapped(columns = 'id integer, note text'): Promise<void> {
  await test.owner.query(
    `create schema crm; create table crm.contacts (${columns}); grant usage on schema crm to lethe_auditor;
     grant select on crm.contacts to lethe_auditor`,
  )
}

/** What "lethe ledger export" prints of a tenant. */
async function ledgerOf(tenant: string): Promise<string> {
  const lines: string[] = []
  await exportLedger(test.app.database, [tenant], async (text) => void lines.push(text))
  return lines.join('')
}

async function fix(): Promise<{ request: string; open: Finding[]; reasons: string[] }> {
  const swept = await sweepTenant()
  const [one, ...others] = await followUp(test.app.database, swept)
  expect(others).toEqual([])
  if (one === undefined) throw new Error('there is no follow-up')
  await test.ended(rows.tenant, one.request)
  const { findings, reasons } = await settleFindings(test.app.database, [rows.tenant])
  return { request: one.request, open: findings, reasons }
}

describe('the later sweep', () => {
  it('finds nothing after a purge, and reads more tables than mention people', async () => {
    await purged()
    const { findings, unreadable, tables, columns, tombstones, entries } = await sweepTenant()
    expect(findings).toEqual([])
    expect(unreadable).toEqual([])
    expect([tombstones, entries]).toEqual([5, 1])
    const mentioning = new Set(compiledMap.plans.purge.mentions.map(({ table }) => table))
    expect(tables).toBeGreaterThan(mentioning.size)
    expect(columns).toBeGreaterThan(tables)
  })

  it('reads nothing while nobody was purged', async () => {
    await rows.user(jane)
    expect(await sweepTenant()).toMatchObject({ tables: 0, bytes: 0, findings: [], unreadable: [] })
  })

  it.each([
    ['e-mail address', 'email', 'Ask JANE.DOE@acme.example.'],
    ['login name', 'login_name', 'by acme\\jdoe, on Monday'],
    ['ref', 'ref', 'see (EMP-4711)'],
    ['directory object id', 'directory_object_id', `{"by":"${jane.directory_object_id.toUpperCase()}"}`],
    ['external identity id', 'external_identity_id', 'sub=auth0|5f7c8ec7c33c6c00&x'],
  ])('finds the %s that somebody writes down after the purge', async (_, kind, text) => {
    const id = await purged()
    await rows.course({ description: text })
    expect(places((await sweepTenant()).findings)).toEqual([[id, kind, 'courses.description', 1, 'scrub']])
  })

  it('finds them in lists, JSON and tables that the data map does not know, and counts values', async () => {
    const id = await purged()
    await unmapped('id integer, note text, tags text[], data jsonb, "Odd ""name""" text')
    await test.owner.query(
      `insert into crm.contacts select n, case when n < 3 then 'jane.doe@acme.example and again jane.doe@acme.example' end,
         array['x', 'Jane.Doe@acme.example'], jsonb_build_object('a', 'line\nJane.Doe@acme.example'), 'emp-4711' from generate_series(1, 4) n`,
    )
    await rows.catalog({ contact_emails: ['jane.doe@acme.example'] })
    expect(places((await sweepTenant()).findings)).toEqual([
      [id, 'email', 'catalogs.contact_emails', 1, 'scrub'],
      [id, 'ref', 'crm.contacts.Odd "name"', 4, 'by hand'],
      [id, 'email', 'crm.contacts.data', 4, 'by hand'],
      [id, 'email', 'crm.contacts.note', 2, 'by hand'],
      [id, 'email', 'crm.contacts.tags', 4, 'by hand'],
    ])
  })

  it('finds the internal id of a purged person, but not in the record of the erasure', async () => {
    const id = await purged({})
    await unmapped('person uuid')
    await test.owner.query('insert into crm.contacts values ($1)', [id])
    await rows.course({ description: `photo_${id}.jpg` })
    await rows.insert('erasure_requests', {
      operation: 'purge',
      initiated_from: 'command_line',
      reason: `for ${id}`,
      finished_at: new Date(),
    })
    expect(places((await sweepTenant()).findings)).toEqual([
      [id, 'internal_id', 'courses.description', 1, 'scrub'],
      [id, 'internal_id', 'crm.contacts.person', 1, 'by hand'],
    ])
  })

  it('leaves alone what a living user of the tenant holds by now', async () => {
    await purged()
    await rows.course({ description: 'Ask jane.doe@acme.example or emp-4711' })
    await rows.user({ email: jane.email, login_name: jane.ref })
    expect((await sweepTenant()).findings).toEqual([])
  })

  it('leaves alone a longer identifier of a living user, wherever it stands', async () => {
    const id = await purged()
    await rows.user({ ref: 'copy of jane.doe@acme.example', login_name: 'i:0#.f|old emp-4711' })
    await rows.course({ description: 'See Copy of jane.doe@acme.example, or old emp-4711!' })
    expect((await sweepTenant()).findings).toEqual([])
    await rows.course({ description: 'See copy of jane.doe@acme.example, or jane.doe@acme.example' })
    expect(places((await sweepTenant()).findings)).toEqual([[id, 'email', 'courses.description', 1, 'scrub']])
    expect(await fix()).toMatchObject({ open: [], reasons: [] })
    const { rows: courses } = await test.owner.query<{ description: string }>(
      'select description from courses where tenant_id = $1 order by created_at',
      [rows.tenant],
    )
    expect(courses.map(({ description }) => description)).toEqual([
      'See Copy of jane.doe@acme.example, or old emp-4711!',
      'See copy of jane.doe@acme.example, or [erased]',
    ])
  })

  it('does not mix up tenants: each one is compared with its own tombstones, and what has no tenant with all', async () => {
    const other = await newTenant(test.owner)
    const id = await purged()
    const theirs = await purged({ email: 'rob@acme.example' }, other)
    await other.course({ description: 'Ask jane.doe@acme.example' })
    await rows.course({ description: 'Ask rob@acme.example' })
    await unmapped()
    await test.owner.query(`insert into crm.contacts values (1, 'jane.doe@acme.example, rob@acme.example')`)
    const { findings } = await sweep(test.app.database, [rows.tenant, other.tenant])
    expect(findings.map(({ tenant, user, table }) => [tenant, user, table])).toEqual([
      [rows.tenant, id, 'crm.contacts'],
      [other.tenant, theirs, 'crm.contacts'],
    ])
  })

  it('says that a purged person is there again, which a replay of the ledger deals with', async () => {
    const id = await purged()
    await rows.user({ id, ...jane })
    await rows.course({ description: `Ask ${jane.email}, ${id}` })
    const swept = await sweepTenant()
    expect(places(swept.findings)).toEqual([[id, 'internal_id', 'users.id', 1, 'replay']])
    expect(await followUp(test.app.database, swept)).toEqual([])
  })

  it('names a table that it may not read', async () => {
    await purged()
    await unmapped()
    await test.owner.query('revoke select on crm.contacts from lethe_auditor')
    expect(await sweepTenant()).toMatchObject({ unreadable: ['crm.contacts'] })
  })

  it('finds many people in one pass', async () => {
    const people: string[] = []
    for (let number = 0; number < 300; number++) {
      people.push(await rows.deletedUser({ email: `gone-${number}@acme.example` }))
    }
    await test.purge(rows.tenant, people)
    await rows.course({ description: people.map((_, number) => `x gone-${number}@acme.example y`).join(' ') })
    const { findings } = await sweepTenant()
    expect(new Set(findings.map(({ user }) => user))).toEqual(new Set(people))
  })

  it('does not write down what it found, and holds it only for the follow-up', async () => {
    await purged()
    await rows.course({ description: jane.email })
    const swept = await sweepTenant()
    const findings = (await dump()).get('erasure_findings')
    expect(findings?.size).toBe(1)
    expect(JSON.stringify([...(findings ?? [])])).not.toMatch(/jane/i)
    expect(JSON.stringify({ ...swept, found: undefined })).not.toMatch(/jane/i)
  })

  it('changes nothing but the findings and the record of it, keeps one finding for a place, and resolves what is gone', async () => {
    await purged()
    const course = await rows.course({ description: jane.email })
    const before = await dump()
    const [first] = (await sweepTenant()).findings
    expect(Object.keys(differences(before, await dump()))).toEqual(['audit_entries', 'erasure_findings'])
    expect((await sweepTenant()).findings).toMatchObject([{ id: first?.id, foundAt: first?.foundAt }])
    await test.owner.query(`update courses set description = null where id = $1`, [course])
    expect(await sweepTenant()).toMatchObject({ findings: [], resolved: 1 })
    await test.owner.query(`update courses set description = 'emp-4711' where id = $1`, [course])
    expect(await sweepTenant()).toMatchObject({ findings: [{ kind: 'ref' }], resolved: 0 })
  })

  it('keeps a finding open while its table cannot be read', async () => {
    await purged()
    await unmapped()
    await test.owner.query(`insert into crm.contacts values (1, 'emp-4711')`)
    expect((await sweepTenant()).findings).toHaveLength(1)
    await test.owner.query('revoke select on crm.contacts from lethe_auditor')
    expect(await sweepTenant()).toMatchObject({ findings: [{ table: 'crm.contacts' }], resolved: 0 })
  })

  it('refuses another master key than the one that the hashes were made under', async () => {
    await purged()
    const other = { ...test.app.database, masterKey: Buffer.alloc(32, 7) }
    await expect(sweepDatabase(other, [rows.tenant])).rejects.toMatchObject({ code: 'master_key.wrong' })
  })
})

describe('a follow-up', () => {
  it('scrubs what was found wherever people are mentioned, verifies it, certifies it and resolves the finding', async () => {
    const id = await purged()
    await rows.course({ description: `Ask ${jane.email}, (emp-4711) or photo_${id}.jpg!` })
    const before = await dump()
    const { request, open } = await fix()
    expect(open).toEqual([])
    const after = await dump()
    for (const value of [jane.email, jane.ref]) expect(placesOf(after, value)).toEqual([])
    expect(placesOf(after, id)).toEqual([
      'audit_entries.subject_id',
      'erasure_findings.user_id',
      'erasure_ledger.user_id',
      'erasure_subjects.user_id',
      'tombstones.user_id',
    ])
    const [course] = [...(after.get('courses')?.values() ?? [])]
    expect(course?.description).toBe('Ask [erased], ([erased]) or photo_[erased].jpg!')
    // The first certificate keeps its tombstones, and the second one names the same people by the same hashes.
    const stones = [...(before.get('tombstones')?.keys() ?? [])]
    expect([...(after.get('tombstones')?.keys() ?? [])]).toEqual(expect.arrayContaining(stones))
    const hashes = (dump: typeof after) =>
      new Set([...(dump.get('tombstones')?.values() ?? [])].map(({ hash }) => hash))
    expect(hashes(after)).toEqual(hashes(before))
    expect([...(after.get('erasure_findings')?.values() ?? [])]).toMatchObject(
      Array.from({ length: 3 }, () => ({ request_id: request, resolved_at: expect.any(String) })),
    )
    const subjects = [...(after.get('erasure_subjects')?.values() ?? [])]
    expect(subjects.map(({ sealed_identifiers }) => sealed_identifiers)).toEqual([null, null])
    const file = await test.inTenant(rows.tenant, (tx) => readCertificate(tx, request))
    const { certificate, addenda } = await verifyCertificate(file)
    expect(certificate).toMatchObject({
      subjects: { total: 1, done: 1 },
      effects: [{ table: 'courses', effect: 'scrubbed description', rows: 3 }],
    })
    expect(addenda.map(({ search }) => search?.findings)).toEqual([[]])
    expect((await sweepTenant()).findings).toEqual([])
  })

  it('says what it cannot reach, and goes on in the same request once that is mended', async () => {
    await purged()
    await unmapped()
    await rows.course({ description: jane.email })
    await test.owner.query(`insert into crm.contacts values (1, 'jane.doe@acme.example')`)
    const first = await fix()
    expect(first.reasons).toEqual([`left in crm.contacts.note; ${wayOut}`])
    expect(first.open.map(({ table }) => table)).toEqual(['courses', 'crm.contacts'])
    expect(placesOf(await dump(), jane.email)).toEqual(['crm.contacts.note'])

    // Meanwhile the place is emptied, and something else of the person comes up.
    await test.owner.query('update crm.contacts set note = null')
    await rows.course({ description: jane.ref })
    const second = await fix()
    expect(second).toEqual({ request: first.request, open: [], reasons: [] })
    expect(placesOf(await dump(), jane.ref)).toEqual([])
  })

  it('is one request for everybody of whom something was found', async () => {
    const people = [await purged(), await purged({ email: 'rob@acme.example' })]
    await rows.course({ description: 'jane.doe@acme.example' })
    await rows.course({ description: 'rob@acme.example' })
    const { request } = await fix()
    expect((await test.ended(rows.tenant, request)).subjects).toMatchObject({ total: people.length, done: 2 })
  })
})

describe('a sweep with a legal hold that came after the purge', () => {
  const hold = (userIds: string[]) =>
    test.inTenant(rows.tenant, (tx) => placeHold(tx, { reason: 'court_proceedings', userIds }))
  const reasons = () => readReasons(test.app.database, [rows.tenant])

  it('scrubs nothing of a person whom a backup brought back under a hold, and goes on after replay and release', async () => {
    const id = await purged()
    const file = path.join(await mkdtemp(path.join(tmpdir(), 'lethe-sweep-')), 'ledger.jsonl')
    await writeFile(file, await ledgerOf(rows.tenant))
    await rows.administrator()
    await rows.user({ id, ...jane })
    const course = await rows.course({ description: `Ask ${jane.email}, ${jane.ref}` })
    const { id: holdId } = await hold([id])
    const swept = await sweepTenant()
    expect(places(swept.findings)).toEqual([[id, 'internal_id', 'users.id', 1, 'replay']])
    expect(await followUp(test.app.database, swept)).toEqual([])
    expect(await reasons()).toEqual([`the legal hold ${holdId} (court_proceedings) covers people of the findings`])

    const replayed = await replayLedger(test.app.database, { file, tenant: rows.tenant })
    expect(replayed).toMatchObject({ left: 1, held: 1, holds: [{ id: holdId, reason: 'court_proceedings' }] })
    const before = await dump()
    expect(await followUp(test.app.database, await sweepTenant())).toEqual([])
    expect(placesOf(await dump(), jane.email)).toEqual(placesOf(before, jane.email))

    await test.inTenant(rows.tenant, (tx) => releaseHold(tx, holdId))
    await test.ended(rows.tenant, replayed.repeated[0]?.repeatedBy ?? '')
    const { rows: left } = await test.owner.query('select description from courses where id = $1', [course])
    expect(left[0].description).not.toMatch(/jane|4711/i)
    expect((await sweepTenant()).findings).toEqual([])
    expect(await reasons()).toEqual([])
  })

  it('lets a follow-up wait where the person came back under a hold after the search, and go on after the release', async () => {
    const id = await purged()
    const course = await rows.course({ description: `Ask ${jane.email}` })
    const swept = await sweepTenant()
    await rows.administrator()
    await rows.deletedUser({ id, ref: jane.ref })
    const { id: holdId } = await hold([id])
    const [one] = await followUp(test.app.database, swept)
    const request = one?.request ?? ''
    expect(await test.ended(rows.tenant, request)).toMatchObject({ state: 'held', subjects: { held: 1 } })
    const text = async () =>
      (await test.owner.query('select description from courses where id = $1', [course])).rows[0].description
    expect(await text()).toBe(`Ask ${jane.email}`)
    expect(await settleFindings(test.app.database, [rows.tenant])).toMatchObject({
      findings: [{ user: id, table: 'courses' }],
      reasons: [`the legal hold ${holdId} (court_proceedings) covers people of the findings`],
    })

    await test.inTenant(rows.tenant, (tx) => releaseHold(tx, holdId))
    await expect
      .poll(async () => (await test.inTenant(rows.tenant, (tx) => showErasure(tx, request))).state, { timeout: 20_000 })
      .toBe('completed')
    expect(await text()).not.toContain(jane.email)
    expect(await settleFindings(test.app.database, [rows.tenant])).toEqual({ findings: [], reasons: [] })
  })

  it('leaves alone what a new user of the same person has or had, whom a hold covers', async () => {
    await purged()
    const { id } = await test.inTenant(rows.tenant, (tx) => createUser(tx, { email: jane.email }))
    await test.inTenant(rows.tenant, (tx) => updateUser(tx, id, { email: 'married@acme.example' }))
    const { id: holdId } = await hold([id])
    await rows.course({ description: `Ask ${jane.email}` })
    const swept = await sweepTenant()
    expect(places(swept.findings)).toMatchObject([[expect.any(String), 'email', 'courses.description', 1, 'scrub']])
    expect(await followUp(test.app.database, swept)).toEqual([])
    expect(placesOf(await dump(), jane.email)).toEqual(['courses.description'])
    const covered = [`the legal hold ${holdId} (court_proceedings) covers people of the findings`]
    expect(await readReasons(test.app.database, [rows.tenant], swept.found)).toEqual(covered)
    await test.inTenant(rows.tenant, (tx) => releaseHold(tx, holdId))
    expect((await fix()).open).toEqual([])
    expect(placesOf(await dump(), jane.email)).toEqual([])
  })

  it('says apart what waits for a hold, for an approval and for a date', async () => {
    const [approval, date] = [await purged(), await purged({ email: 'rob@acme.example' })]
    await rows.administrator()
    await rows.deletedUser({ id: approval, ...jane })
    await rows.deletedUser({ id: date, email: 'rob@acme.example' })
    await test.inTenant(rows.tenant, (tx) => updateTenant(tx, { approvalRequired: true }))
    const first = await test.order(rows.tenant, [approval])
    await test.inTenant(rows.tenant, (tx) => updateTenant(tx, { approvalRequired: false, coolingOffHours: 5 }))
    const second = await test.order(rows.tenant, [date])
    await sweepTenant()
    expect((await reasons()).sort()).toEqual(
      [
        `erasure request ${first} waits for an approval`,
        `erasure request ${second} waits for the end of its cooling-off period`,
      ].sort(),
    )
  })
})

describe('a search for people who are named', () => {
  it('lists the places of all identifiers of a user, and changes nothing', async () => {
    await rows.user(jane)
    await rows.course({ description: 'Ask jane.doe@acme.example or emp-4711' })
    const before = await dump()
    const search = await searchPeople(test.app.database, rows.tenant, [{ by: 'ref', value: jane.ref }])
    expect(differences(before, await dump())).toEqual({})
    expect(search).toMatchObject({ users: 1, unreadable: [] })
    const found = search.places.map(({ kind, table, column, rows: count }) => [kind, `${table}.${column}`, count])
    expect(found).toContainEqual(['email', 'courses.description', 1])
    expect(found).toContainEqual(['ref', 'courses.description', 1])
    expect(found).toContainEqual(['email', 'users.email', 1])
    expect(found).toContainEqual(['external_identity_id', 'users.external_identity_id', 1])
  })

  it('looks for what the selector says of somebody who is purged, one list for many', async () => {
    const id = await purged()
    await rows.course({ description: `Ask jane.doe@acme.example, ${id}` })
    const { places: found, users } = await searchPeople(test.app.database, rows.tenant, [
      { by: 'login_name', value: jane.login_name },
      { by: 'email', value: jane.email },
      { by: 'id', value: id },
    ])
    expect(users).toBe(0)
    expect(found.map(({ subject, table, column }) => [subject, `${table}.${column}`])).toEqual([
      [2, 'courses.description'],
      [3, 'courses.description'],
    ])
  })

  it('never guesses whom an ambiguous login name means', async () => {
    await rows.user({ login_name: 'same' })
    await rows.user({ login_name: 'same' })
    await expect(
      searchPeople(test.app.database, rows.tenant, [{ by: 'login_name', value: 'same' }]),
    ).rejects.toMatchObject({
      code: 'subject.ambiguous',
    })
  })
})
