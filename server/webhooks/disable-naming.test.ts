import { afterAll, beforeAll, expect, it } from 'vitest'
import { openTestApplication, type TestApplication } from '../../test/application.ts'
import { newTenant } from '../../test/rows.ts'
import { previewErasure } from '../erasure/requests/preview-erasure.ts'
import { changeEndpoint, createEndpoint, enableEndpoint, listEndpoints } from './endpoints.ts'
import type { WebhookSettings } from './settings.ts'

let test: TestApplication
beforeAll(async () => {
  test = await openTestApplication()
  await test.startWorkers()
})
afterAll(() => test.close())

const settings: WebhookSettings = { webhookNetworks: [], webhookPlainHttp: false }

it.each(['purge', 'anonymize'] as const)(
  'the %s of a person disables the endpoints whose address names the person, and destroys the address',
  async (operation) => {
    const rows = await newTenant(test.owner)
    const administrator = await rows.administrator()
    const person = await rows.deletedUser({ ref: 'jane-4711', email: 'jane.roe@acme.example' })
    const create = (name: string, url: string) =>
      test.inTenant(rows.tenant, (tx) => createEndpoint(tx, { name, url, events: ['user.created'] }, settings))
    await create('ref', 'https://hooks.example.org/of/jane-4711')
    await create('address', 'https://hooks.example.org/?for=jane.roe%40acme.example')
    await create('other', 'https://hooks.example.org/of/jane-4712')
    const preview = await test.inTenant(rows.tenant, (tx) => previewErasure(tx, operation, [person]))
    const disabled = { table: 'webhook_endpoints', effect: 'disabled', rows: 2 }
    expect(preview.effects).toContainEqual(expect.objectContaining(disabled))
    await test[operation](rows.tenant, [person], administrator)
    const endpoints = () => test.inTenant(rows.tenant, listEndpoints)
    expect((await endpoints()).map(({ name, url, disabled_because }) => [name, url, disabled_because])).toEqual([
      ['ref', null, 'names_purged_person'],
      ['address', null, 'names_purged_person'],
      ['other', 'https://hooks.example.org/of/jane-4712', null],
    ])
    const { id } = (await endpoints())[0] ?? { id: '' }
    const enable = () => test.inTenant(rows.tenant, (tx) => enableEndpoint(tx, id))
    await expect(enable()).rejects.toMatchObject({ code: 'webhook.needs_address' })
    await test.inTenant(rows.tenant, (tx) => changeEndpoint(tx, id, { url: 'https://hooks.example.org/new' }, settings))
    expect(await enable()).toMatchObject({ enabled: true, disabled_because: null })
  },
)
