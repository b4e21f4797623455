import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openTestApplication, type TestApplication } from '../../../test/application.ts'
import { dumpDatabase, newTenant, type Row, type TenantRows } from '../../../test/rows.ts'
import { verifyCertificate } from '../proof/certificate.ts'
import { readCertificate } from '../proof/read-certificate.ts'
import { previewErasure } from '../requests/preview-erasure.ts'

let test: TestApplication
beforeAll(async () => {
  test = await openTestApplication()
  await test.startWorkers()
})
afterAll(() => test.close())

const shared = { login_name: 'i:0#.f|membership|Twin@acme.example', email: 'TWIN@acme.example' }

async function twins(): Promise<{ rows: TenantRows; one: string; other: string }> {
  const rows = await newTenant(test.owner)
  const one = await rows.deletedUser({ ...shared, ref: 'twin-0001' })
  const other = await rows.user({ ...shared, ref: 'twin-0002', custom_fields: { mail: 'twin@acme.example' } })
  await rows.catalog({ contact_emails: ['twin@acme.example'], description: 'twin@acme.example, twin-0001, twin-0002' })
  await rows.insert('enrollments', { user_id: other, course_id: await rows.course(), note: 'Twin@acme.example' })
  return { rows, one, other }
}

async function tombstones(tenant: string): Promise<Row[]> {
  const { rows } = await test.owner.query(`select kind, user_id from tombstones where tenant_id = $1 order by kind`, [
    tenant,
  ])
  return rows
}

describe('of two users with one login name and one e-mail address, the purge of one', () => {
  it('leaves the other and every mention of what they share untouched', async () => {
    const { rows, one, other } = await twins()
    const before = await dumpDatabase(test.owner, { tenant: rows.tenant })
    const preview = await test.inTenant(rows.tenant, (tx) => previewErasure(tx, 'purge', [one]))
    const { state, receipt } = await test.purge(rows.tenant, [one])
    expect(state).toBe('completed')
    expect(receipt).toEqual(preview.effects)
    const after = await dumpDatabase(test.owner, { tenant: rows.tenant })
    expect([...(after.get('users')?.values() ?? [])]).toEqual(
      [...(before.get('users')?.values() ?? [])].filter(({ id }) => id === other),
    )
    expect(after.get('enrollments')).toEqual(before.get('enrollments'))
    expect([...(after.get('catalogs')?.values() ?? [])]).toContainEqual(
      expect.objectContaining({
        contact_emails: ['twin@acme.example'],
        description: 'twin@acme.example, [erased], twin-0002',
      }),
    )
  })

  it('counts what they share as shared, in the preview, the step and the certificate', async () => {
    const { rows, one } = await twins()
    const preview = await test.inTenant(rows.tenant, (tx) => previewErasure(tx, 'purge', [one]))
    expect(preview.sharedIdentifiers).toBe(2)
    const { id, steps } = await test.purge(rows.tenant, [one])
    expect(steps).toContainEqual(expect.objectContaining({ step: 'erase', shared: 2 }))
    const file = await test.inTenant(rows.tenant, (tx) => readCertificate(tx, id))
    const { certificate, addenda } = await verifyCertificate(file)
    expect(certificate.shared_identifiers).toBe(2)
    expect(addenda[0]?.search).toMatchObject({ identifiers: 1, findings: [] })
  })

  it('sets no tombstone for what they share, which would turn the other one away', async () => {
    const { rows, one } = await twins()
    await test.purge(rows.tenant, [one])
    expect(await tombstones(rows.tenant)).toEqual([{ kind: 'ref', user_id: one }])
  })

  it('counts an identifier as shared where the other one is deleted, too, and can be restored', async () => {
    const { rows, one, other } = await twins()
    await test.owner.query(
      `update users set state = 'deleted', deleted_at = now(), deletion_id = gen_random_uuid() where id = $1`,
      [other],
    )
    const { steps } = await test.purge(rows.tenant, [one])
    expect(steps).toContainEqual(expect.objectContaining({ step: 'erase', shared: 2 }))
  })

  it('shares nothing with an anonymized user, nor with one of another tenant', async () => {
    const { rows, one, other } = await twins()
    await (await newTenant(test.owner)).user(shared)
    await test.owner.query(
      `update users set state = 'anonymized', anonymized_at = now(), custom_fields = '{}' where id = $1`,
      [other],
    )
    // The engine that anonymizes takes these away; here only the state is of interest.
    await test.owner.query(`update users set email = null, login_name = null where id = $1`, [other])
    await test.owner.query('delete from enrollments where user_id = $1', [other])
    const { state, steps } = await test.purge(rows.tenant, [one])
    expect(state).toBe('completed')
    expect(steps).toContainEqual(expect.objectContaining({ step: 'erase', shared: 0 }))
    expect((await tombstones(rows.tenant)).map(({ kind }) => kind)).toEqual(['email', 'login_name', 'ref'])
  })
})

describe('twins who are purged by one request', () => {
  it('do not keep what they share for each other', async () => {
    const { rows, one, other } = await twins()
    await test.owner.query(
      `update users set state = 'deleted', deleted_at = now(), deletion_id = gen_random_uuid() where id = $1`,
      [other],
    )
    const preview = await test.inTenant(rows.tenant, (tx) => previewErasure(tx, 'purge', [one, other]))
    expect(preview.sharedIdentifiers).toBe(0)
    const { state, receipt } = await test.purge(rows.tenant, [one, other])
    expect(state).toBe('completed')
    expect(receipt).toEqual(preview.effects)
    expect(await tombstones(rows.tenant)).toHaveLength(6)
    const catalogs = (await dumpDatabase(test.owner, { tenant: rows.tenant })).get('catalogs')
    expect([...(catalogs?.values() ?? [])]).toContainEqual(
      expect.objectContaining({ contact_emails: [], description: '[erased], [erased], [erased]' }),
    )
  })

  it('keep it for a third one', async () => {
    const { rows, one, other } = await twins()
    await rows.user({ external_identity_id: 'twin@ACME.example' })
    await test.owner.query(
      `update users set state = 'deleted', deleted_at = now(), deletion_id = gen_random_uuid() where id = $1`,
      [other],
    )
    const { state, steps } = await test.purge(rows.tenant, [one, other])
    expect(state).toBe('completed')
    expect(steps).toContainEqual(expect.objectContaining({ step: 'erase', shared: 4 }))
  })
})
