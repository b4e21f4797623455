import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openTestCommandLine, type TestCommandLine } from '../../../../test/command-line.ts'

let test: TestCommandLine
beforeAll(async () => {
  test = await openTestCommandLine()
  await test.json('tenant', 'create', 'Acme')
})
afterAll(() => test.close())

const url = 'https://hr.example.org/lethe'
const create = async () =>
  (await test.json('webhook', 'create', '--name', 'HR', '--url', url, '--events', 'user.purged', 'user.deleted')) as {
    webhook: { id: string }
    secret: string
  }

describe('lethe webhook', () => {
  it('says how to go on where there is no endpoint', async () => {
    expect((await test.run('webhook', 'list')).stdout).toContain('"lethe webhook create"')
  })

  it('creates, shows, changes, tries, disables and deletes an endpoint', async () => {
    const { webhook, secret } = await create()
    expect(secret).toMatch(/^whsec_/)
    const shown = await test.run('webhook', 'show', webhook.id)
    expect(shown.stdout).toContain(url)
    expect(shown.stdout).not.toContain(secret)
    const changed = await test.json('webhook', 'change', webhook.id, '--events', 'user.created', '--thrive-signature')
    expect(changed.webhook).toMatchObject({ events: ['user.created'], thrive_signature: true })
    expect((await test.run('webhook', 'test', webhook.id)).code).toBe(0)
    const { deliveries } = await test.json('webhook', 'deliveries', webhook.id)
    expect(deliveries).toMatchObject([{ kind: 'webhook.test', state: 'pending' }])
    expect((await test.run('webhook', 'deliveries', webhook.id)).stdout).toMatch(/webhook\.test .*pending/)
    expect((await test.run('webhook', 'deliveries', webhook.id, '--state', 'dead')).stdout).toContain(
      'no such delivery',
    )
    expect((await test.run('webhook', 'replay', webhook.id, '--delivery', deliveries[0].id)).stdout).toBe(
      'Queued again: 1.\n',
    )
    expect((await test.run('webhook', 'replay', webhook.id, '--dead-since', '2026-01-01')).stdout).toBe(
      'Queued again: 0.\n',
    )
    expect((await test.run('webhook', 'replay', webhook.id)).code).toBe(2)
    expect((await test.run('webhook', 'disable', webhook.id)).code).toBe(0)
    const refused = await test.run('webhook', 'test', webhook.id)
    expect(refused).toMatchObject({ code: 5, stderr: expect.stringContaining('"lethe webhook enable"') })
    expect((await test.run('webhook', 'enable', webhook.id)).code).toBe(0)
    expect((await test.run('webhook', 'delete', webhook.id)).code).toBe(0)
    expect((await test.run('webhook', 'show', webhook.id)).code).toBe(3)
  })

  it('replaces a secret, and ends the one before', async () => {
    const { webhook, secret } = await create()
    const rotated = await test.json('webhook', 'rotate-secret', webhook.id)
    expect(rotated.secret).not.toBe(secret)
    expect(rotated.webhook.previous_secret_until).not.toBe(null)
    expect((await test.json('webhook', 'end-secret', webhook.id)).webhook.previous_secret_until).toBe(null)
  })
})
