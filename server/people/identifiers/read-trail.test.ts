import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openTestApplication, type TestApplication } from '../../../test/application.ts'
import { listAudit } from '../../audit/list-audit.ts'
import { createTenant } from '../../tenancy/tenants.ts'
import { createUser } from '../accounts/create-user.ts'
import { updateUser } from '../accounts/update-user.ts'
import type { UserFields } from '../accounts/user-fields.ts'
import { deleteUsers } from '../lifecycle/delete-users.ts'
import { readFormer } from './former-identifiers.ts'
import { readTrail, readTrails } from './read-trail.ts'

let test: TestApplication
let tenant: string
let tenants = 0
beforeAll(async () => {
  test = await openTestApplication()
  await test.startWorkers()
})
afterAll(() => test.close())

const create = async (fields: UserFields) => (await test.inTenant(tenant, (tx) => createUser(tx, fields))).id
const change = (id: string, fields: UserFields) => test.inTenant(tenant, (tx) => updateUser(tx, id, fields))
const formerOf = async (id: string) =>
  ((await test.inTenant(tenant, (tx) => readFormer(tx, [id]))).get(id) ?? []).map(({ value }) => value).sort()

const log: object[] = []
const logger = { info: (entry: object) => void log.push(entry) }

/** A tenant whose trail was recorded before there were former identifiers and words. */
async function earlierTenant() {
  tenants++
  tenant = (await createTenant(test.database, { name: `Tenant ${tenants}`, kind: 'enterprise' })).id
  const ann = await create({ email: 'maiden@corp.example', ref: 'OLD-4711' })
  await change(ann, { email: 'second@corp.example' })
  await change(ann, { email: 'third@corp.example', ref: null })
  // An import says nothing of single users: only what came before it is known.
  await test.owner.query(`update users set email = 'fourth@corp.example' where id = $1`, [ann])
  const bob = await create({ email: 'bob@corp.example', job_title: 'Assistant to maiden@corp.example' })
  await change(bob, { job_title: null })
  await test.owner.query('delete from former_identifiers where tenant_id = $1', [tenant])
  await test.owner.query('delete from sealed_words where tenant_id = $1', [tenant])
  await test.owner.query('delete from audit_readings where tenant_id = $1', [tenant])
  return { ann, bob }
}

const all = ['maiden@corp.example', 'old-4711', 'second@corp.example', 'third@corp.example']

describe('a trail from before there were former identifiers', () => {
  it('is read once for what users were known by, and then written down as read', async () => {
    const { ann, bob } = await earlierTenant()
    expect(await formerOf(ann)).toEqual([])
    await readTrails(test.app.database, logger)
    expect(await formerOf(ann)).toEqual(all)
    expect(await formerOf(bob)).toEqual([])
    expect(log).toContainEqual({ tenant, entries: 5, done: true })
    const { rows } = await test.owner.query('select entries, finished_at from audit_readings where tenant_id = $1', [
      tenant,
    ])
    expect(rows).toEqual([{ entries: '5', finished_at: expect.any(Date) }])
    const said = log.length
    await readTrails(test.app.database, logger)
    expect(log.length).toBe(said)
  })

  it('is read on from where a killed process came to', async () => {
    const { ann } = await earlierTenant()
    const { rows } = await test.owner.query<{ id: string }>(
      'select id from audit_entries where tenant_id = $1 and subject_id = $2 order by id',
      [tenant, ann],
    )
    await test.owner.query(
      'insert into audit_readings (tenant_id, version, last_entry, entries) values ($1, 1, $2, 2)',
      [tenant, rows[1]?.id],
    )
    await readTrail(test.app.database, tenant, logger)
    // The first two entries count as read: what only those say is not there.
    expect(await formerOf(ann)).toEqual(['old-4711', 'second@corp.example', 'third@corp.example'])
    expect(log).toContainEqual({ tenant, entries: 5, done: true })
  })

  it('is read before an erasure, which so reaches the texts and what is recorded of others', async () => {
    const { ann, bob } = await earlierTenant()
    const { rows } = await test.owner.query<{ id: string }>(
      `insert into catalogs (tenant_id, title) values ($1, 'Catalog') returning id`,
      [tenant],
    )
    await test.owner.query(
      `insert into courses (tenant_id, catalog_id, title, description) values ($1, $2, 'Course', 'Ask Maiden@corp.example or third@corp.example')`,
      [tenant, rows[0]?.id],
    )
    await test.inTenant(tenant, (tx) => deleteUsers(tx, { userIds: [ann] }))
    const done = await test.purge(tenant, [ann])
    expect(done).toMatchObject({ state: 'completed', failures: [] })
    const courses = await test.owner.query('select description from courses where tenant_id = $1', [tenant])
    expect(courses.rows).toEqual([{ description: 'Ask [erased] or [erased]' }])
    const { entries } = await test.inTenant(tenant, (tx) => listAudit(tx, { subject: bob }))
    expect(JSON.stringify(entries)).not.toContain('maiden')
    expect(JSON.stringify(entries)).toContain('bob@corp.example')
  })
})
