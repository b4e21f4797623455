import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/database.ts'
import type { Application } from '../application.ts'
import { readConfig } from '../config.ts'
import { newKey } from '../platform/crypto/seal.ts'
import { inTenant } from '../platform/database/transaction.ts'
import type { Workers } from '../platform/jobs/work.ts'
import { startWorkers } from '../workers.ts'
import { verifyCertificate } from './certificate.ts'
import { previewErasure } from './preview-erasure.ts'
import { requestErasure } from './request-erasure.ts'
import { readCertificate, showErasure } from './show-erasures.ts'

describe('a purge', () => {
  let test: TestDatabase
  let app: Application
  let workers: Workers
  const tenant = '018f0000-0000-7000-8000-000000000001'
  beforeAll(async () => {
    test = await createTestDatabase()
    app = { config: readConfig({}), database: test.database, masterKey: newKey(), close: () => Promise.resolve() }
    workers = await startWorkers(app, pino({ level: 'info' }))
    await inTenant(test.database, tenant, async (tx) => {
      await tx.query(`insert into tenants (id, name, kind) values ($1, 'Acme', 'enterprise')`, [tenant])
    })
  })
  afterAll(async () => {
    await workers.stop()
    await test.close()
  })

  it('removes what the preview counted, and proves it', async () => {
    const id = await inTenant(test.database, tenant, async (tx) => {
      const { rows } = await tx.query<{ id: string }>(
        `insert into users (tenant_id, state, deleted_at, deletion_id, login_name, email, ref, first_name)
         values ($1, 'deleted', now(), gen_random_uuid(), 'i:0#.f|membership|jane.doe@x.example', 'Jane.Doe@x.example', 'emp-0001', 'Jane') returning id`,
        [tenant],
      )
      const id = rows[0]?.id ?? ''
      const catalog = await tx.query<{ id: string }>(
        `insert into catalogs (tenant_id, title, description, contact_emails) values ($1, 'C', 'Ask Jane.Doe@x.example.', '{jane.doe@x.example,bob@x.example}') returning id`,
        [tenant],
      )
      await tx.query(`insert into catalog_members (tenant_id, catalog_id, user_id) values ($1, $2, $3)`, [
        tenant,
        catalog.rows[0]?.id,
        id,
      ])
      return id
    })
    const preview = await inTenant(test.database, tenant, (tx) => previewErasure(tx, [id]))
    const request = await inTenant(test.database, tenant, (tx) =>
      requestErasure(tx, app.masterKey, { operation: 'purge', userIds: [id], initiator: { from: 'command_line' } }),
    )
    let details = await inTenant(test.database, tenant, (tx) => showErasure(tx, request))
    for (let i = 0; i < 100 && details.finishedAt === null; i++) {
      await new Promise((r) => setTimeout(r, 50))
      details = await inTenant(test.database, tenant, (tx) => showErasure(tx, request))
    }
    expect(details.state).toBe('completed')
    expect(details.receipt).toEqual(preview.effects)
    const file = await inTenant(test.database, tenant, (tx) => readCertificate(tx, app.masterKey, request))
    expect((await verifyCertificate(file)).addenda[0]?.search.findings).toEqual([])
    const { rows } = await test.owner.query('select description, contact_emails from catalogs')
    expect(rows).toEqual([{ description: 'Ask [erased].', contact_emails: ['bob@x.example'] }])
  })
})
