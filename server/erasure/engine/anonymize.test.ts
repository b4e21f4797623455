import { spawn } from 'node:child_process'
import { createHash, createHmac } from 'node:crypto'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { openTestApplication, type TestApplication } from '../../../test/application.ts'
import { insertOneOfEverything } from '../../../test/one-of-everything.ts'
import { type Dump, dumpDatabase, newTenant, placesOf, type Row, type TenantRows } from '../../../test/rows.ts'
import { writeDownOnce } from '../../../test/write-down.ts'
import { dataMap } from '../../datamap/data-map.ts'
import type { AnyEntry } from '../../datamap/vocabulary.ts'
import { type Identifier, type IdentifierKind, identifierKey } from '../../identifiers/identifier-key.ts'
import { identifierHashKey } from '../../keyring/identifier-hash-key.ts'
import { enroll } from '../../learning/enrollments/enroll.ts'
import { createUser } from '../../people/accounts/create-user.ts'
import { findUser, type Selector } from '../../people/accounts/find-users.ts'
import { updateUser } from '../../people/accounts/update-user.ts'
import { deleteUsers } from '../../people/lifecycle/delete-users.ts'
import { restoreUsers } from '../../people/lifecycle/restore-users.ts'
import type { inTenant } from '../../platform/database/transaction.ts'
import { updateTenant } from '../../tenancy/update-tenant.ts'
import { showUser } from '../../views/user-details.ts'
import { includesSubject, verifyCertificate } from '../proof/certificate.ts'
import { checkMembership } from '../proof/check-membership.ts'
import { readCertificate } from '../proof/read-certificate.ts'
import { previewErasure } from '../requests/preview-erasure.ts'
import { requestErasure } from '../requests/request-erasure.ts'
import { retryErasure } from '../requests/retry-erasure.ts'

let test: TestApplication
let rows: TenantRows
beforeAll(async () => {
  test = await openTestApplication()
})
afterAll(() => test.close())
beforeEach(async () => {
  rows = await newTenant(test.owner)
  await test.startWorkers()
})

const jane = {
  email: 'jane.doe@acme.example',
  login_name: 'i:0#.f|membership|jane.login@acme.example',
  ref: 'emp-4711',
  directory_object_id: 'd0000000-0000-4000-8000-0000000047aa',
  external_identity_id: 'idp|jane-4711',
}
const identifiersOf = (person: Partial<typeof jane>): Identifier[] =>
  Object.entries(person).map(([kind, value]) => ({
    kind: kind as IdentifierKind,
    value: identifierKey(kind as IdentifierKind, value),
  }))

const dump = () => dumpDatabase(test.owner, { tenant: rows.tenant })
const rowsOf = (from: Dump, table: string): Row[] => [...(from.get(table)?.values() ?? [])]
const preview = (...ids: string[]) => test.inTenant(rows.tenant, (tx) => previewErasure(tx, 'anonymize', ids))

async function anonymize(...ids: string[]) {
  const details = await test.anonymize(rows.tenant, ids)
  expect(details.failures).toEqual([])
  expect(details.state).toBe('completed')
  return details
}

async function certificateOf(request: string) {
  const file = await test.inTenant(rows.tenant, (tx) => readCertificate(tx, request))
  return { file, ...(await verifyCertificate(file)) }
}

/** What reports are made of. Nothing of it depends on who the people are. */
async function reports() {
  const queries = [
    `select course_id, training_plan_id, state, result, registered_on::text, count(*), sum(credits), sum(previous_attempts)
     from enrollments where tenant_id = $1 group by 1, 2, 3, 4, 5`,
    'select assessment_id, score, banked, count(*) from assessment_attempts where tenant_id = $1 group by 1, 2, 3',
    'select module_id, happened_on::text, sum(clicks), count(distinct user_id) from record_actions where tenant_id = $1 group by 1, 2',
    'select module_id, percent, count(*) from progress where tenant_id = $1 group by 1, 2',
    'select course_id, stars, count(*) from ratings where tenant_id = $1 group by 1, 2',
    'select skill_id, level_id, revoked_at is null, count(*) from user_skills where tenant_id = $1 group by 1, 2, 3',
    'select course_id, training_plan_id, count(*) from issued_certificates where tenant_id = $1 group by 1, 2',
  ]
  const results = []
  for (const query of queries) {
    const { rows: found } = await test.owner.query(`select to_jsonb(t) as row from (${query}) t order by t::text`, [
      rows.tenant,
    ])
    expect(found, query).not.toEqual([])
    results.push(found)
  }
  return results
}

describe('somebody who stands in every table and is anonymized', () => {
  it('leaves no identifier and nothing that describes the person, in any table or log, and reports count the same', async () => {
    const { columns } = dataMap.users
    const identity = Object.fromEntries(
      Object.entries(columns).flatMap(([column, { is }]) =>
        is === 'identity' ? [[column, `canary-${column}-value`]] : [],
      ),
    )
    const user = await rows.deletedUser({
      ...jane,
      ...identity,
      custom_fields: { 'canary-key': 'canary-custom-value', buddy: 'jane.doe@acme.example' },
      former_roles: ['author'],
      suspended_at: new Date(),
    })
    const otherUser = await rows.user({ email: 'other@acme.example' })
    await insertOneOfEverything(test.owner, {
      tenantId: rows.tenant,
      userId: user,
      otherUserId: otherUser,
      canary: (table, column) => {
        const entries: Record<string, AnyEntry> = dataMap
        const columnClass = entries[table]?.columns[column]
        if (columnClass?.is !== 'mention') return `${table} ${column}`
        return columnClass.as === 'addresses' ? jane.email : `Ask ${jane.email} or emp-4711`
      },
    })
    const before = await dump()
    const reported = await reports()
    const canaries = [
      ...Object.values(jane),
      'jane.login@acme.example',
      ...Object.values(identity),
      'canary-key',
      'canary-custom-value',
    ]
    for (const canary of canaries) expect(placesOf(before, canary), canary).not.toEqual([])
    const counted = await preview(user)
    const { receipt, salt } = await anonymize(user)
    expect(receipt).toEqual(counted.effects)

    const after = await dumpDatabase(test.owner)
    for (const canary of [...canaries, salt]) {
      expect(placesOf(after, canary), canary).toEqual([])
      expect(test.log().toLowerCase()).not.toContain(canary.toLowerCase())
    }
    expect(await reports()).toEqual(reported)
    for (const table of [
      'enrollments',
      'assessment_attempts',
      'record_actions',
      'progress',
      'ratings',
      'user_skills',
    ]) {
      const own = (from: Dump) => rowsOf(from, table).filter((row) => row.user_id === user).length
      expect(own(after), table).toBe(own(before))
      expect(own(after), table).toBeGreaterThan(0)
    }
  })
})

describe('nothing leads from a person back to the history that was kept:', () => {
  it('no key, no hash, no tombstone, no sealed identifier, no job, no log', async () => {
    const user = await rows.deletedUser(jane)
    const course = await rows.course()
    await rows.insert('enrollments', { user_id: user, course_id: course })
    const { id: request, salt } = await anonymize(user)
    const after = await dump()
    const hashKey = await test.inTenant(rows.tenant, (tx) => identifierHashKey(tx))
    const everything = JSON.stringify([...after].map(([table, found]) => [table, [...found]])).toLowerCase()
    const log = test.log().toLowerCase()
    const values = identifiersOf(jane).flatMap(({ kind, value }) => [value, `${kind}\0${value}`, `${kind}:${value}`])
    for (const value of [...values, ...Object.values(jane)]) {
      const hashes = [
        ...['md5', 'sha1', 'sha256', 'sha512'].map((name) => createHash(name).update(value).digest()),
        ...[hashKey, test.app.masterKey].map((key) => createHmac('sha256', key).update(value).digest()),
      ]
      for (const hash of hashes) {
        for (const written of [hash.toString('hex'), hash.toString('base64'), hash.toString('base64url')]) {
          expect(everything).not.toContain(written.toLowerCase())
          expect(log).not.toContain(written.toLowerCase())
        }
      }
    }
    for (const written of [salt, Buffer.from(salt, 'base64url').toString('hex')]) {
      expect(everything).not.toContain(written.toLowerCase())
      expect(log).not.toContain(written.toLowerCase())
    }
    expect(rowsOf(after, 'tombstones')).toEqual([])
    expect(rowsOf(after, 'erasure_subjects')).toMatchObject([{ user_id: user, sealed_identifiers: null }])
    expect(rowsOf(after, 'erasure_requests')).toMatchObject([{ id: request, sealed_key: null }])
    expect(rowsOf(after, 'erasure_ledger')).toMatchObject([{ user_id: user, operation: 'anonymize' }])
  })

  it('a new account with the same identifiers is somebody else, without records, and can be anonymized too', async () => {
    const first = await rows.deletedUser(jane)
    const course = await rows.course()
    await rows.insert('enrollments', { user_id: first, course_id: course })
    await anonymize(first)
    const find = (selector: Selector) => test.inTenant(rows.tenant, (tx) => findUser(tx, selector))
    const selectors: Selector[] = [
      { by: 'email', value: jane.email },
      { by: 'ref', value: jane.ref },
      { by: 'login_name', value: jane.login_name },
      { by: 'directory_object_id', value: jane.directory_object_id },
    ]
    for (const selector of selectors) await expect(find(selector)).rejects.toMatchObject({ code: 'user.not_found' })
    const second = await test.inTenant(rows.tenant, (tx) => createUser(tx, jane))
    expect(second.id).not.toBe(first)
    for (const selector of selectors) expect((await find(selector)).id).toBe(second.id)
    const show = (id: string) => test.inTenant(rows.tenant, (tx) => showUser(tx, { by: 'id', value: id }))
    expect((await show(second.id)).counts).toMatchObject({ catalogs: 0, enrollments: 0 })
    expect((await show(first)).counts.enrollments).toBe(1)
    await test.inTenant(rows.tenant, (tx) => deleteUsers(tx, { userIds: [second.id] }))
    await anonymize(second.id)
    expect(placesOf(await dump(), jane.email)).toEqual([])
  })
})

it('an anonymized user can be shown by id, without identity, and nothing else can be done with that id', async () => {
  const id = await rows.deletedUser({ ...jane, first_name: 'Jane', roles: ['learner'], manager_id: await rows.user() })
  const course = await rows.course()
  await anonymize(id)
  const shown = await test.inTenant(rows.tenant, (tx) => showUser(tx, { by: 'id', value: id }))
  expect(shown).toMatchObject({
    user: { id, state: 'anonymized', email: null, first_name: null, login_name: null, ref: null, manager_id: null },
    product_accounts: [],
    groups: [],
    pending_erasure: null,
  })
  const refused = async (code: string, work: Parameters<typeof inTenant>[2]) =>
    expect(test.inTenant(rows.tenant, work)).rejects.toMatchObject({ code })
  await refused('user.wrong_state', (tx) => enroll(tx, { userId: id, courseId: course }))
  await refused('user.not_found', (tx) => updateUser(tx, id, { city: 'Bern' }))
  await refused('user.not_found', (tx) => restoreUsers(tx, { userIds: [id] }))
  await refused('user.not_found', (tx) => deleteUsers(tx, { userIds: [id] }))
  for (const operation of ['purge', 'anonymize'] as const) {
    await refused('user.not_found', (tx) => previewErasure(tx, operation, [id]))
    await refused('user.not_found', (tx) => requestErasure(tx, { operation, userIds: [id] }))
  }
})

it('only deleted users can be anonymized', async () => {
  const id = await rows.user(jane)
  await expect(test.orderToAnonymize(rows.tenant, [id])).rejects.toMatchObject({ code: 'user.not_deleted' })
})

describe('people who mention and manage each other', () => {
  it('are anonymized as the preview counted, whoever comes first', async () => {
    const people = [
      await rows.deletedUser({ email: 'one@acme.example', ref: 'emp-0001' }),
      await rows.deletedUser({
        email: 'two@acme.example',
        custom_fields: { team: 'one@acme.example', x: 'two@acme.example' },
      }),
      await rows.deletedUser({ email: 'shared@acme.example' }),
    ]
    await updateTenantSettings({ survivingFields: ['team'] })
    const living = await rows.user({
      email: 'SHARED@acme.example',
      manager_id: people[0],
      custom_fields: { a: 'emp-0001' },
    })
    await test.owner.query('update users set manager_id = $2, deleted_by = $2 where id = $1', [people[1], people[0]])
    const successor = await rows.administrator()
    const course = await rows.course({ contact_emails: ['one@acme.example', 'shared@acme.example'] })
    for (const [index, id] of people.entries()) {
      const words = 'one@acme.example, two@acme.example, shared@acme.example'
      await rows.insert('enrollments', { user_id: id, course_id: course, note: words, enrolled_by: people[index - 1] })
      await rows.insert('course_authors', { course_id: course, user_id: id })
      await rows.post(course, id, words)
      await rows.insert('notifications', { user_id: id, kind: 'x', subject: words })
    }
    await rows.insert('enrollments', {
      user_id: living,
      course_id: course,
      note: 'one@acme.example',
      enrolled_by: people[0],
    })
    const counted = await preview(...people)
    expect(counted).toMatchObject({ people: 3, sharedIdentifiers: 1 })
    const { receipt, steps } = await anonymize(...people)
    expect(receipt).toEqual(counted.effects)
    expect(steps).toContainEqual(expect.objectContaining({ step: 'erase', shared: 1 }))
    const after = await dump()
    for (const identifier of ['one@acme.example', 'two@acme.example', 'emp-0001']) {
      expect(placesOf(after, identifier), identifier).toEqual([])
    }
    // Who enrolled somebody stays as an id that leads to nobody; who manages somebody does not stay.
    const enrolled = rowsOf(after, 'enrollments').filter(({ user_id }) => user_id === living)
    expect(enrolled).toMatchObject([{ enrolled_by: people[0], note: '[erased]' }])
    expect(rowsOf(after, 'users').find(({ id }) => id === living)).toMatchObject({ manager_id: null })
    expect(rowsOf(after, 'users').find(({ id }) => id === people[1])).toMatchObject({
      custom_fields: { team: '[erased]' },
      manager_id: null,
      deleted_by: null,
    })
    expect(rowsOf(after, 'course_authors')).toMatchObject([{ user_id: successor }])
    expect(rowsOf(after, 'posts').map(({ author_id, body }) => [author_id, body])).toEqual(people.map(() => [null, '']))
  })
})

function updateTenantSettings(changes: Parameters<typeof updateTenant>[1]) {
  return test.inTenant(rows.tenant, (tx) => updateTenant(tx, changes))
}

describe('custom fields', () => {
  it('survive only where the tenant says so', async () => {
    const custom_fields = { division: 'North', shift: 'night', constructor: { a: [1.1] } }
    const [one, two] = [await rows.deletedUser({ custom_fields }), await rows.deletedUser({ custom_fields })]
    await anonymize(one)
    await updateTenantSettings({ survivingFields: ['division', 'constructor', 'absent'] })
    await anonymize(two)
    const users = rowsOf(await dump(), 'users')
    expect(users.find(({ id }) => id === one)?.custom_fields).toEqual({})
    expect(users.find(({ id }) => id === two)?.custom_fields).toEqual({ division: 'North', constructor: { a: [1.1] } })
  })

  it('that single people out are counted in the preview: fewer alike than the limit, themselves included', async () => {
    const user = (custom_fields: Row) => rows.deletedUser({ custom_fields })
    const four: string[] = []
    for (const shift of ['a', 'b', 'c', 'd']) four.push(await user({ division: 'North', shift }))
    const lonely = await user({ division: 'South' })
    const nothing = await user({ shift: 'a' })
    const singledOut = async (...ids: string[]) => (await preview(...ids)).singledOut
    const all = [...four, lonely, nothing]
    expect(await singledOut(...all)).toBe(0)
    await updateTenantSettings({ survivingFields: ['division'] })
    expect(await singledOut(...all)).toBe(5)
    expect(await singledOut(four[0] ?? '')).toBe(1)
    // A living user with the same value makes them five.
    await rows.user({ custom_fields: { division: 'North' } })
    expect(await singledOut(...all)).toBe(1)
    await updateTenantSettings({ singledOutBelow: 1 })
    expect(await singledOut(...all)).toBe(0)
    await updateTenantSettings({ singledOutBelow: 6, survivingFields: ['division', 'shift'] })
    expect(await singledOut(...all)).toBe(6)
    // Another tenant's people hide nobody.
    await updateTenantSettings({ singledOutBelow: 2, survivingFields: ['division'] })
    const elsewhere = await newTenant(test.owner)
    await elsewhere.user({ custom_fields: { division: 'South' } })
    expect(await singledOut(lonely)).toBe(1)
    expect((await test.inTenant(rows.tenant, (tx) => previewErasure(tx, 'purge', [lonely]))).singledOut).toBe(0)
  })
})

describe('the certificate of an anonymization', () => {
  it('names people under a salt that is answered once: with it alone a known person can be told to be among them', async () => {
    const people = [
      await rows.deletedUser(jane),
      await rows.deletedUser({ email: 'bob@acme.example' }),
      await rows.deletedUser(),
    ]
    const { id: request, salt: text } = await anonymize(...people)
    const { file, certificate, addenda } = await certificateOf(request)
    expect(certificate).toMatchObject({
      operation: 'anonymize',
      subjects: { total: 3, done: 3 },
      verification: { rows_left: 0, mentions_left: 0 },
    })
    expect(certificate.effects).toContainEqual({ table: 'users', effect: 'anonymized', rows: 3 })
    expect(addenda).toMatchObject([{ search: { findings: [] } }])
    const salt = Buffer.from(text, 'base64url')
    expect(salt).toHaveLength(32)
    for (const identifier of identifiersOf(jane)) expect(includesSubject(file.subjects, salt, identifier)).toBe(true)
    const ann: Identifier = { kind: 'email', value: 'ann@acme.example' }
    expect(includesSubject(file.subjects, salt, ann)).toBe(false)
    const email: Identifier = { kind: 'email', value: jane.email }
    expect(includesSubject(file.subjects, Buffer.alloc(32), email)).toBe(false)
    const hashKey = await test.inTenant(rows.tenant, (tx) => identifierHashKey(tx))
    for (const identifier of identifiersOf(jane))
      expect(includesSubject(file.subjects, hashKey, identifier)).toBe(false)
    const check = (given?: Buffer) =>
      test.inTenant(rows.tenant, (tx) => checkMembership(tx, { request, identifier: email, salt: given }))
    expect(await check(salt)).toEqual({ among: true, verdict: 'clean' })
    await expect(check()).rejects.toMatchObject({ code: 'certificate.salt_needed' })
    // Each line is of hashes only, in an order of its own. A person without identifiers has only what a proof opens.
    const lines = file.subjects.map((line) => line.replaceAll(/:[0-9a-f]{64}/g, ''))
    // In the order of internal ids, which tell people of one millisecond apart by chance.
    const expected = [[...Object.keys(jane).sort(), 'commitments'], ['email', 'commitments'], ['commitments']].map(
      (parts, at) => ({ id: people[at] ?? '', line: parts.join(' ') }),
    )
    expected.sort((a, b) => (a.id < b.id ? -1 : 1))
    expect(lines).toEqual(expected.map(({ line }) => line))
  })

  it('of a purge is checked with the key of the tenant', async () => {
    const { id: request } = await test.purge(rows.tenant, [await rows.deletedUser(jane)])
    const check = (identifier: Identifier, salt?: Buffer) =>
      test.inTenant(rows.tenant, (tx) => checkMembership(tx, { request, identifier, salt }))
    for (const identifier of identifiersOf(jane))
      expect(await check(identifier)).toEqual({ among: true, verdict: 'clean' })
    expect(await check({ kind: 'email', value: 'ann@acme.example' })).toEqual({ among: false, verdict: 'clean' })
    const salted = check({ kind: 'email', value: jane.email }, Buffer.alloc(32))
    await expect(salted).rejects.toMatchObject({ code: 'certificate.no_salt' })
  })
})

it('who left something behind is tried again though the identity is gone, and is certified then', async () => {
  await writeDownOnce(test.owner, 'Ask jane.doe@acme.example')
  await rows.catalog({ description: 'Ask jane.doe@acme.example' })
  const people = [await rows.deletedUser(jane), await rows.deletedUser({ email: 'bob@acme.example' })]
  const { id: request, state, failures, salt } = await test.anonymize(rows.tenant, people)
  expect(state).toBe('partial')
  expect(failures).toMatchObject([{ userId: people[0], reason: 'left in catalogs (scrubbed description)' }])
  await test.inTenant(rows.tenant, (tx) => retryErasure(tx, request))
  expect(await test.ended(rows.tenant, request)).toMatchObject({ state: 'completed' })
  expect(placesOf(await dump(), jane.email)).toEqual([])
  const { file } = await certificateOf(request)
  const email: Identifier = { kind: 'email', value: jane.email }
  expect(includesSubject(file.subjects, Buffer.from(salt, 'base64url'), email)).toBe(true)
})

it('is finished by the next worker after kill -9, once, beside a purge', async () => {
  await test.stopWorkers()
  const course = await rows.course()
  const person = async (number: number) => {
    const id = await rows.deletedUser({ email: `person-${number}@acme.example`, first_name: `Person ${number}` })
    await rows.insert('enrollments', { user_id: id, course_id: course, note: 'x' })
    return id
  }
  const people: string[] = []
  for (let number = 0; number < 20; number++) people.push(await person(number))
  const [anonymized, purged] = [people.slice(0, 10), people.slice(10)]
  const { request } = await test.orderToAnonymize(rows.tenant, anonymized)
  const purge = await test.order(rows.tenant, purged)
  // Both batches come to a halt in the middle of their work.
  await test.owner.query('begin')
  await test.owner.query('select from enrollments where user_id = any ($1) for update', [[anonymized[9], purged[9]]])
  const child = spawn(
    fileURLToPath(new URL('../../../node_modules/node/bin/node', import.meta.url)),
    [fileURLToPath(new URL('../../../bin/lethe.mjs', import.meta.url)), 'serve', '--role', 'worker'],
    {
      stdio: 'ignore',
      env: {
        ...process.env,
        DATABASE_URL: test.appUrl,
        DATABASE_OWNER_URL: test.ownerUrl,
        LETHE_MASTER_KEY: test.app.masterKey.toString('base64'),
      },
    },
  )
  const ended = once(child, 'exit')
  try {
    for (let waiting = 0; waiting < 2; ) {
      await test.owner.query('select pg_stat_clear_snapshot()')
      const { rowCount } = await test.owner.query(
        `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
      )
      waiting = rowCount ?? 0
      if (child.exitCode !== null) throw new Error('lethe serve did not start')
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  } finally {
    child.kill('SIGKILL')
    await ended
    await test.owner.query('rollback')
  }
  await test.startWorkers()
  for (const [id, effect] of [
    [request, 'anonymized'],
    [purge, 'deleted'],
  ] as const) {
    const details = await test.ended(rows.tenant, id)
    expect(details).toMatchObject({ state: 'completed', failures: [], subjects: { done: 10 } })
    expect(details.receipt).toContainEqual({ table: 'users', effect, rows: 10 })
  }
  const after = await dump()
  const left = rowsOf(after, 'users').map(({ id, state, email, first_name }) => ({ id, state, email, first_name }))
  expect(left.sort((a, b) => (String(a.id) < String(b.id) ? -1 : 1))).toEqual(
    anonymized.sort().map((id) => ({ id, state: 'anonymized', email: null, first_name: null })),
  )
  expect(
    rowsOf(after, 'enrollments')
      .map(({ user_id, note }) => [user_id, note])
      .sort(),
  ).toEqual(anonymized.map((id) => [id, null]))
})
