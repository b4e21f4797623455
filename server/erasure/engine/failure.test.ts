import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { openTestApplication, type TestApplication } from '../../../test/application.ts'
import { dumpDatabase, newTenant, placesOf, type Row, type TenantRows } from '../../../test/rows.ts'
import { writeDownOnce } from '../../../test/write-down.ts'
import { keepFormer } from '../../people/identifiers/former-identifiers.ts'
import { verifyCertificate } from '../proof/certificate.ts'
import { readCertificate } from '../proof/read-certificate.ts'
import { previewErasure } from '../requests/preview-erasure.ts'
import { retryErasure } from '../requests/retry-erasure.ts'
import { showErasure } from '../requests/show-request.ts'
import { wayOut } from '../search/run-search.ts'

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
// Each test breaks the schema in a way of its own.
afterEach(async () => {
  await test.stopWorkers()
  await test.owner.query(`
    drop table if exists payroll;
    drop schema if exists crm cascade`)
})

const jane = { email: 'jane.doe@acme.example', login_name: 'jane.doe@acme.example', ref: 'emp-4711' }
const bob = { email: 'bob.roe@acme.example' }

async function retry(request: string) {
  await test.inTenant(rows.tenant, (tx) => retryErasure(tx, request))
  return test.ended(rows.tenant, request)
}

const certificate = async (request: string) => {
  const file = await test.inTenant(rows.tenant, (tx) => readCertificate(tx, request))
  return { file, ...(await verifyCertificate(file)) }
}

async function subjects(request: string): Promise<Row[]> {
  const { rows: found } = await test.owner.query(
    'select user_id, state, error_code, error_reason from erasure_subjects where request_id = $1 order by user_id',
    [request],
  )
  return found
}

/** A table that somebody made beside Lethe's own. */
const unmapped = (columns: string) => test.owner.query(`create table payroll (${columns})`)
const readableTable = () => test.owner.query('grant select on payroll to lethe_auditor')

describe('a table that the map does not know and that points to people', () => {
  beforeEach(async () => {
    await unmapped(
      `tenant_id uuid not null, user_id uuid not null, address text, foreign key (tenant_id, user_id) references users`,
    )
    await readableTable()
  })

  it('makes the person fail with its name and no value, and the others of the batch are done', async () => {
    const people = [await rows.deletedUser(bob), await rows.deletedUser(jane), await rows.deletedUser()]
    await rows.insert('payroll', { user_id: people[1], address: 'Privet Drive 4' })
    const { id, state, failures } = await test.purge(rows.tenant, people)
    expect(state).toBe('partial')
    expect(failures).toEqual([
      { userId: people[1], code: 'sqlstate.23503', reason: expect.stringContaining('table payroll') },
    ])
    expect(await subjects(id)).toMatchObject([{ state: 'done' }, { state: 'failed' }, { state: 'done' }])
    expect(JSON.stringify(failures)).not.toMatch(/Privet|jane|emp-4711/i)
    const left = await dumpDatabase(test.owner, { tenant: rows.tenant })
    expect([...(left.get('users')?.values() ?? [])]).toMatchObject([{ id: people[1], ...jane, state: 'deleted' }])
    expect((await certificate(id)).certificate.subjects).toMatchObject({ total: 3, done: 2, failed: 1 })
  })

  it('makes a request with only that person fail, and nothing of the person is touched', async () => {
    const id = await rows.deletedUser(jane)
    await rows.insert('payroll', { user_id: id })
    await rows.catalog({ contact_emails: [jane.email], description: jane.ref })
    await rows.insert('notifications', { user_id: id, kind: 'mail', subject: 'Hello' })
    const touched = ['users', 'catalogs', 'notifications', 'tombstones', 'erasure_ledger']
    const before = await dumpDatabase(test.owner, { tenant: rows.tenant })
    const details = await test.purge(rows.tenant, [id])
    expect(details).toMatchObject({ state: 'failed', certified: false, receipt: [] })
    const after = await dumpDatabase(test.owner, { tenant: rows.tenant })
    for (const table of touched) expect(after.get(table), table).toEqual(before.get(table))
  })

  it('lets the request go on to its end once it is out of the way, with a certificate of its own', async () => {
    const people = [await rows.deletedUser(bob), await rows.deletedUser(jane)]
    await rows.insert('payroll', { user_id: people[1] })
    const preview = await test.inTenant(rows.tenant, (tx) => previewErasure(tx, 'purge', people))
    const { id } = await test.purge(rows.tenant, people)
    expect((await retry(id)).state).toBe('partial')
    await test.owner.query('delete from payroll')
    const details = await retry(id)
    expect(details).toMatchObject({ state: 'completed', failures: [], subjects: { done: 2, failed: 0 } })
    expect(details.receipt).toEqual(preview.effects)
    const { file, certificate: last } = await certificate(id)
    expect(last.subjects).toMatchObject({ total: 2, done: 2, failed: 0 })
    // Of each of the three runs one certificate and one addendum.
    expect(file.certificates).toHaveLength(6)
    await expect(test.inTenant(rows.tenant, (tx) => retryErasure(tx, id))).rejects.toMatchObject({
      code: 'erasure.wrong_state',
    })
  })
})

describe('a table that the map does not know and that only holds an identifier in a text', () => {
  beforeEach(async () => {
    await unmapped('name text primary key, remark text')
    await readableTable()
  })

  it('is found by the search: the request does not complete, and the reason names table and column', async () => {
    const people = [await rows.deletedUser(bob), await rows.deletedUser(jane)]
    await test.owner.query(`insert into payroll values ('JANE.DOE@acme.example', 'pays emp-4711'), ('x', 'emp-4711')`)
    const { id, state, failures, steps } = await test.purge(rows.tenant, people)
    expect(state).toBe('partial')
    expect(failures).toEqual([
      { userId: people[1], code: 'erasure.residue', reason: `left in payroll.name, payroll.remark; ${wayOut}` },
    ])
    expect(steps).toContainEqual(expect.objectContaining({ step: 'search', state: 'failed', failed: 1 }))
    const { addenda } = await certificate(id)
    expect(addenda[0]?.search?.findings).toEqual(
      expect.arrayContaining([
        { table: 'payroll', column: 'name', rows: 1 },
        { table: 'payroll', column: 'remark', rows: 2 },
      ]),
    )
    expect(addenda[0]?.search?.findings).toHaveLength(2)
  })

  it('lets the request complete once it is cleaned, and then nothing can open the identifiers any more', async () => {
    const people = [await rows.deletedUser(bob), await rows.deletedUser(jane)]
    await test.owner.query(`insert into payroll values ('x', 'emp-4711')`)
    const { id } = await test.purge(rows.tenant, people)
    expect((await retry(id)).state).toBe('partial')
    await test.owner.query('delete from payroll')
    const details = await retry(id)
    expect(details).toMatchObject({ state: 'completed', failures: [] })
    const { certificate: last, addenda } = await certificate(id)
    expect(last.subjects).toMatchObject({ done: 2, failed: 0 })
    expect(addenda.at(-1)?.search?.findings).toEqual([])
    const { rows: sealed } = await test.owner.query(
      `select from erasure_requests where tenant_id = $1 and sealed_key is not null
       union all select from erasure_subjects where tenant_id = $1 and sealed_identifiers is not null`,
      [rows.tenant],
    )
    expect(sealed).toEqual([])
    const after = await dumpDatabase(test.owner, { tenant: rows.tenant })
    expect(after.get('erasure_ledger')?.size).toBe(2)
    expect(after.get('tombstones')?.size).toBe(4)
  })

  it('is found even where the identifier is escaped, encoded, in an array, in another schema', async () => {
    await test.owner.query(`
      create schema crm;
      create table crm.contacts (tenant_id text, mails text[], card jsonb, url varchar(200), note char(40));
      grant usage on schema crm to lethe_auditor;
      grant select on crm.contacts to lethe_auditor;
      insert into crm.contacts (mails) values ('{"Jane <jane.doe@acme.example>",x}');
      insert into crm.contacts (tenant_id, card) values ('not a uuid', '{"a":["mailto:JANE.DOE%40acme.example"]}');
      insert into crm.contacts (url) values ('https://acme.example/u?m=jane.doe%40acme.example');
      insert into crm.contacts (note) values ('emp-4711')`)
    const { state, failures } = await test.purge(rows.tenant, [await rows.deletedUser(jane)])
    expect(state).toBe('failed')
    expect(failures[0]?.reason.replace(`; ${wayOut}`, '').split(', ').sort()).toEqual([
      'crm.contacts.card',
      'crm.contacts.note',
      'crm.contacts.url',
      'left in crm.contacts.mails',
    ])
  })
})

it('the search names the table and column where an identifier stands, however long it is', async () => {
  await unmapped('remark text')
  await readableTable()
  const ref = `https://identity.acme.example/${'very/'.repeat(40)}long`
  await test.owner.query('insert into payroll values ($1)', [`see ${ref}`])
  const { failures } = await test.purge(rows.tenant, [await rows.deletedUser({ ref })])
  expect(failures).toMatchObject([{ code: 'erasure.residue', reason: `left in payroll.remark; ${wayOut}` }])
})

it('a table that the search may not read makes the search incomplete, and the reason says what to grant', async () => {
  await unmapped('remark text')
  const id = await rows.deletedUser(jane)
  const { id: request, state, failures } = await test.purge(rows.tenant, [id])
  expect(state).toBe('failed')
  expect(failures).toEqual([
    {
      userId: id,
      code: 'erasure.search_incomplete',
      reason: expect.stringMatching(/may not read payroll; grant select to lethe_auditor/),
    },
  ])
  expect((await certificate(request)).addenda[0]?.search?.unreadable).toEqual(['payroll'])
  await readableTable()
  expect(await retry(request)).toMatchObject({ state: 'completed' })
})

it('a table whose rows the search may not see makes the search incomplete, too', async () => {
  await unmapped('owner text, remark text')
  await readableTable()
  await test.owner.query(`
    alter table payroll enable row level security;
    create policy own_rows on payroll using (owner = current_user)`)
  const { state, failures } = await test.purge(rows.tenant, [await rows.deletedUser(jane)])
  expect(state).toBe('failed')
  expect(failures).toMatchObject([{ code: 'erasure.search_incomplete', reason: expect.stringContaining('payroll') }])
})

it('rows without a tenant are searched, though the table has a column for one', async () => {
  await unmapped('tenant_id uuid, remark text')
  await readableTable()
  await test.owner.query(`insert into payroll (remark) values ('jane.doe@acme.example')`)
  const { failures } = await test.purge(rows.tenant, [await rows.deletedUser(jane)])
  expect(failures).toMatchObject([{ code: 'erasure.residue', reason: `left in payroll.remark; ${wayOut}` }])
})

it('what somebody writes down again while it is scrubbed is found by the map, and can be tried again', async () => {
  await writeDownOnce(test.owner, 'Ask jane.doe@acme.example')
  await rows.catalog({ description: 'Ask jane.doe@acme.example' })
  const id = await rows.deletedUser(jane)
  const { id: request, state, failures } = await test.purge(rows.tenant, [id])
  expect(state).toBe('failed')
  expect(failures).toEqual([{ userId: id, code: 'erasure.residue', reason: 'left in catalogs (scrubbed description)' }])
  const details = await retry(request)
  expect(details).toMatchObject({ state: 'completed' })
  expect(placesOf(await dumpDatabase(test.owner, { tenant: rows.tenant }), 'jane.doe@acme.example')).toEqual([])
})

it('a person whose row somebody took away meanwhile fails and does not keep the request from its end', async () => {
  await test.stopWorkers()
  const people = [await rows.deletedUser(jane), await rows.deletedUser(bob)]
  const request = await test.order(rows.tenant, people)
  await test.owner.query('delete from users where id = $1', [people[0]])
  await test.startWorkers()
  const { state, failures } = await test.ended(rows.tenant, request)
  expect(state).toBe('partial')
  expect(failures).toMatchObject([{ userId: people[0], code: 'user.not_found' }])
})

it('a person who is no longer deleted when the turn comes is not erased', async () => {
  await test.stopWorkers()
  const people = [await rows.deletedUser(jane), await rows.deletedUser(bob)]
  const request = await test.order(rows.tenant, people)
  await test.owner.query(`update users set state = 'active', deleted_at = null, deletion_id = null where id = $1`, [
    people[0],
  ])
  await test.startWorkers()
  const { state, failures } = await test.ended(rows.tenant, request)
  expect(state).toBe('partial')
  expect(failures).toMatchObject([{ userId: people[0], code: 'user.not_deleted' }])
  const users = (await dumpDatabase(test.owner, { tenant: rows.tenant })).get('users')
  expect([...(users?.values() ?? [])]).toMatchObject([{ id: people[0], ...jane }])
})

it('a request that failed on one thing counts shared identifiers once, however often it is tried', async () => {
  await unmapped('remark text')
  await readableTable()
  await test.owner.query(`insert into payroll values ('emp-4711')`)
  await rows.user({ email: jane.email })
  const { id } = await test.purge(rows.tenant, [await rows.deletedUser(jane)])
  await retry(id)
  await test.owner.query('delete from payroll')
  const { state, steps } = await retry(id)
  expect(state).toBe('completed')
  expect(steps).toContainEqual(expect.objectContaining({ step: 'erase', shared: 2 }))
  expect((await certificate(id)).certificate.shared_identifiers).toBe(2)
})

it('a wrong master key fails the people with a code that says so, and with the right one they are erased', async () => {
  await test.stopWorkers()
  const request = await test.order(rows.tenant, [await rows.deletedUser(jane)])
  const right = Buffer.from(test.app.masterKey)
  test.app.masterKey.fill(7)
  await test.startWorkers()
  const failed = await test.ended(rows.tenant, request)
  expect(failed).toMatchObject({ state: 'failed', failures: [{ code: 'master_key.wrong' }] })
  right.copy(test.app.masterKey)
  expect(await retry(request)).toMatchObject({ state: 'completed' })
})

it('a wrong master key fails a renamed person too, whose former identifiers it cannot open', async () => {
  await test.stopWorkers()
  const person = await rows.deletedUser(jane)
  const former = { userId: person, kind: 'email', value: 'before@acme.example', until: new Date() } as const
  await test.inTenant(rows.tenant, async (tx) => {
    await tx.query(`set local lethe_test.fixture = 'yes'`)
    await keepFormer(tx, [former])
  })
  const request = await test.order(rows.tenant, [person])
  const right = Buffer.from(test.app.masterKey)
  test.app.masterKey.fill(7)
  await test.startWorkers()
  const failed = await test.ended(rows.tenant, request)
  expect(failed).toMatchObject({ state: 'failed', failures: [{ code: 'master_key.wrong' }] })
  right.copy(test.app.masterKey)
  expect(await retry(request)).toMatchObject({ state: 'completed' })
})

it('shows a certificate that verifies, whatever became of the request since', async () => {
  await unmapped('remark text')
  await readableTable()
  await test.owner.query(`insert into payroll values ('emp-4711')`)
  const people = [await rows.deletedUser(jane), await rows.deletedUser(bob)]
  const { id } = await test.purge(rows.tenant, people)
  // The search found something after it was signed.
  expect((await certificate(id)).certificate.subjects).toMatchObject({ done: 2 })
  await test.stopWorkers()
  await test.inTenant(rows.tenant, (tx) => retryErasure(tx, id))
  expect(await test.inTenant(rows.tenant, (tx) => showErasure(tx, id))).toMatchObject({ state: 'running' })
  expect((await certificate(id)).certificate.subjects).toMatchObject({ done: 2 })
})
