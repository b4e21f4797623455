import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openTestApplication, type TestApplication } from '../../test/application.ts'
import { newTenant, type TenantRows } from '../../test/rows.ts'
import { createApiKey, revokeApiKey } from '../access/api-keys.ts'
import { createOAuthClient, revokeOAuthClient } from '../access/oauth-clients.ts'
import { type AnnouncedEvent, announceEvents } from './announce-events.ts'
import { openReference, sealReference } from './reference.ts'

let test: TestApplication
beforeAll(async () => {
  test = await openTestApplication()
})
afterAll(() => test.close())

async function endpoint(rows: TenantRows, kinds: string[], values: object = {}): Promise<string> {
  return await rows.insert('webhook_endpoints', {
    name: 'An endpoint',
    event_kinds: kinds,
    sealed_secret: Buffer.from('secret'),
    ...values,
  })
}

const announce = (tenant: string, events: AnnouncedEvent[]) =>
  test.inTenant(tenant, async (tx) => announceEvents(tx, events))

type Delivery = {
  endpoint_id: string
  event_id: string
  kind: string
  user_id: string | null
  erased_user_id: string | null
  request_id: string | null
  object_id: string | null
  sealed_reference: Buffer | null
  state: string
}

async function deliveries(tenant: string): Promise<Delivery[]> {
  const { rows } = await test.owner.query<Delivery>('select * from webhook_deliveries where tenant_id = $1', [tenant])
  return rows
}

describe('announced events', () => {
  it('become a delivery for each endpoint of the tenant that listens, and for no other', async () => {
    const [rows, other] = [await newTenant(test.owner), await newTenant(test.owner)]
    const both = await endpoint(rows, ['user.created', 'user.updated'])
    const created = await endpoint(rows, ['user.created'])
    await endpoint(rows, ['skill.awarded'])
    await endpoint(rows, ['user.created'], { enabled: false, disabled_because: 'administrator' })
    await endpoint(other, ['user.created'])
    const user = await rows.user()
    await announce(rows.tenant, [
      { kind: 'user.created', userId: user },
      { kind: 'user.updated', userId: user },
      { kind: 'skill.revoked', userId: user },
    ])
    const found = await deliveries(rows.tenant)
    const heard = found.map(({ endpoint_id, kind }) => `${endpoint_id} ${kind}`).sort()
    expect(heard).toEqual([`${both} user.created`, `${both} user.updated`, `${created} user.created`].sort())
    const ids = new Map(found.map(({ kind, event_id }) => [kind, event_id]))
    expect(ids.size).toBe(new Set(found.map(({ event_id }) => event_id)).size)
    expect(found.every(({ user_id, state }) => user_id === user && state === 'pending')).toBe(true)
    expect(await deliveries(other.tenant)).toEqual([])
  })

  it('are gone with a transaction that fails', async () => {
    const rows = await newTenant(test.owner)
    await endpoint(rows, ['erasure.completed'])
    const failing = test.inTenant(rows.tenant, async (tx) => {
      announceEvents(tx, [{ kind: 'erasure.completed', requestId: randomUUID() }])
      throw new Error('no')
    })
    await expect(failing).rejects.toThrow('no')
    expect(await deliveries(rows.tenant)).toEqual([])
  })

  it('carry a reference that opens in its tenant only', async () => {
    const [rows, other] = [await newTenant(test.owner), await newTenant(test.owner)]
    await endpoint(rows, ['user.anonymized'])
    await test.inTenant(rows.tenant, async (tx) =>
      announceEvents(tx, [
        { kind: 'user.anonymized', requestId: randomUUID(), sealedReference: sealReference(tx, 'ref-77') },
      ]),
    )
    const [{ sealed_reference: sealed }] = (await deliveries(rows.tenant)) as [Delivery]
    if (sealed === null) throw new Error('the delivery has no reference')
    expect(sealed.toString('latin1')).not.toContain('ref-77')
    expect(await test.inTenant(rows.tenant, async (tx) => openReference(tx, sealed))).toBe('ref-77')
    await expect(test.inTenant(other.tenant, async (tx) => openReference(tx, sealed))).rejects.toThrow()
  })

  it('never hold the internal id of an anonymized person', async () => {
    const rows = await newTenant(test.owner)
    await endpoint(rows, ['user.anonymized'])
    const user = await rows.user()
    for (const linking of [{ userId: user }, { erasedUserId: user }]) {
      await expect(announce(rows.tenant, [{ kind: 'user.anonymized', ...linking }])).rejects.toThrow('check constraint')
    }
  })

  it('are announced for any number of people at once', async () => {
    const rows = await newTenant(test.owner)
    await endpoint(rows, ['user.created'])
    const user = await rows.user()
    await announce(
      rows.tenant,
      Array.from({ length: 5000 }, () => ({ kind: 'user.created', userId: user }) as const),
    )
    expect(await deliveries(rows.tenant)).toHaveLength(5000)
  })
})

describe('the deliveries of a person', () => {
  it.each(['purge', 'anonymize'] as const)('go when a %s takes the person, and others stay', async (operation) => {
    const rows = await newTenant(test.owner)
    const administrator = await rows.administrator()
    await endpoint(rows, ['user.deleted'])
    const [person, other] = [await rows.deletedUser({ ref: 'a' }), await rows.deletedUser({ ref: 'b' })]
    await announce(rows.tenant, [
      { kind: 'user.deleted', userId: person },
      { kind: 'user.deleted', userId: other },
    ])
    await test.startWorkers()
    await test[operation](rows.tenant, [person], administrator)
    await test.stopWorkers()
    expect((await deliveries(rows.tenant)).map(({ user_id }) => user_id)).toEqual([other])
  })
})

describe('a subscription', () => {
  it('ends when the API key or the OAuth client that made it is revoked', async () => {
    const rows = await newTenant(test.owner)
    const { key, client } = await test.inTenant(rows.tenant, async (tx) => ({
      key: (await createApiKey(tx, { name: 'A key', access: 'full_control' })).key.id,
      client: (await createOAuthClient(tx, { name: 'A client', scopes: ['api/all'] })).client.id,
    }))
    const ofKey = await endpoint(rows, ['user.created'], { credential_id: key })
    const ofClient = await endpoint(rows, ['user.created'], { credential_id: client })
    const ofNone = await endpoint(rows, ['user.created'])
    const user = await rows.user()
    const heard = async () => {
      await test.owner.query('delete from webhook_deliveries where tenant_id = $1', [rows.tenant])
      await announce(rows.tenant, [{ kind: 'user.created', userId: user }])
      return new Set((await deliveries(rows.tenant)).map(({ endpoint_id }) => endpoint_id))
    }
    expect(await heard()).toEqual(new Set([ofKey, ofClient, ofNone]))
    await test.inTenant(rows.tenant, (tx) => revokeApiKey(tx, key))
    expect(await heard()).toEqual(new Set([ofClient, ofNone]))
    await test.inTenant(rows.tenant, (tx) => revokeOAuthClient(tx, client))
    expect(await heard()).toEqual(new Set([ofNone]))
  })

  it('ends when its API key expires', async () => {
    const rows = await newTenant(test.owner)
    const key = await rows.insert('api_keys', {
      name: 'A key',
      prefix: 'lethe_0',
      secret_hash: Buffer.from('hash'),
      access: 'full_control',
      expires_at: new Date(Date.now() - 1000),
    })
    await endpoint(rows, ['user.created'], { credential_id: key })
    await announce(rows.tenant, [{ kind: 'user.created', userId: await rows.user() }])
    expect(await deliveries(rows.tenant)).toEqual([])
  })
})
