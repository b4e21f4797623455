import { randomUUID } from 'node:crypto'
import os from 'node:os'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openTestCommandLine, type TestCommandLine } from '../../../../test/command-line.ts'

const { username } = os.userInfo()

let test: TestCommandLine
let tenant: string
beforeAll(async () => {
  test = await openTestCommandLine()
  tenant = (await test.json('tenant', 'create', 'Acme')).tenant.id
})
afterAll(() => test.close())

it('says in the name of which person, by any identifier, and from which account of the system a command acted', async () => {
  const people = [
    { by: 'email', value: 'boss@example.org', as: 'BOSS@example.org' },
    { by: 'ref', value: 'R-1', as: 'R-1' },
    { by: 'login-name', value: 'ACME|the.boss', as: 'The.Boss' },
    { by: 'directory-object-id', value: randomUUID(), as: undefined },
  ]
  for (const { by, value, as = value } of people) {
    const { user } = await test.json('user', 'create', `--${by}`, value)
    const { tenant } = await test.json('tenant', 'update', '--singled-out-below', '7', '--as', as)
    expect(tenant.singled_out_below).toBe(7)
    const [entry] = (await test.json('audit', 'list', '--actor', user.id)).entries
    expect(entry).toMatchObject({
      activity: 'TenantUpdated',
      actor: { kind: 'user', id: user.id, from: 'command_line', system_account: username },
    })
    await test.json('tenant', 'update', '--singled-out-below', '5', '--as', user.id)
    await test.json('user', 'suspend', '--id', user.id)
    const refused = await test.failure('tenant', 'update', '--singled-out-below', '7', '--as', as)
    expect(refused).toMatchObject({ exit: 5, code: 'user.wrong_state', details: { state: 'suspended' } })
  }
  const unknown = await test.failure('tenant', 'update', '--singled-out-below', '7', '--as', 'nobody@example.org')
  expect(unknown).toMatchObject({ exit: 3, code: 'user.not_found' })
})

it('scrubs the name of an account that is an identifier of a purged person, and the trail still verifies', async () => {
  const { user } = await test.json('user', 'create', '--login-name', 'adm.operator7', '--ref', 'the-operator')
  await test.owner.query(`update system_accounts set name = 'adm.operator7' where tenant_id = $1`, [tenant])
  await test.json('user', 'delete', '--id', user.id)
  const { preview } = await test.json('preview', '--id', user.id)
  expect(preview.effects).toContainEqual({ table: 'system_accounts', effect: 'scrubbed name', rows: 1 })
  const { erasure } = await test.json('purge', '--id', user.id, '--yes')
  expect(erasure).toMatchObject({ state: 'completed', receipt: preview.effects })
  const { entries } = await test.json('audit', 'list', '--limit', '1000')
  expect(JSON.stringify(entries)).not.toContain('operator7')
  expect(entries.map(({ actor }: { actor: { system_account: string | null } }) => actor.system_account)).toContain(
    '[erased]',
  )
  expect(await test.json('audit', 'verify')).toMatchObject({ verified: true })
})

it('lets --as name an operator, and records both on what concerns the installation too', async () => {
  const passwordFile = await test.file('password-of-op', 'correct horse battery')
  const { operator } = await test.json('operator', 'create', 'first-op', '--password-file', passwordFile)
  await test.json('tenant', 'create', 'Made by an operator', '--as', 'first-op')
  await test.json('operator', 'remove', 'first-op', '--as', 'first-op')
  const [entry] = (await test.json('audit', 'list', '--installation', '--limit', '1')).entries
  expect(entry).toMatchObject({
    activity: 'OperatorRemoved',
    actor: { kind: 'operator', id: operator.id, from: 'command_line', system_account: username },
  })
  const { entries } = await test.json('audit', 'list', '--tenant', 'Made by an operator')
  expect(entries).toMatchObject([{ activity: 'TenantCreated', actor: { kind: 'operator', id: operator.id } }])
})
