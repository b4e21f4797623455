import { execFile } from 'node:child_process'
import os from 'node:os'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openTestCommandLine, type TestCommandLine } from '../../../../test/command-line.ts'
import { installationTrail } from '../../../audit/installation-trail.ts'
import { sealWaiting } from '../../../audit/seal-audit.ts'

const { username } = os.userInfo()

let test: TestCommandLine
let tenant: string
beforeAll(async () => {
  test = await openTestCommandLine()
  tenant = (await test.json('tenant', 'create', 'Acme')).tenant.id
  for (const name of ['ann', 'bob']) await test.json('user', 'create', '--email', `${name}@example.org`)
  await test.json('user', 'delete', '--email', 'ann@example.org')
  await test.json('purge', '--email', 'ann@example.org', '--yes', '--reason', 'asked in writing')
})
afterAll(() => test.close())

it('lists who did what, the newest first, with values while the people are there', async () => {
  const { entries, next } = await test.json('audit', 'list')
  const commandLine = { kind: 'command_line', id: null, from: 'command_line', system_account: username }
  const system = { kind: 'system', id: null, from: 'system', system_account: null }
  const shown = entries.map((one: { activity: string; actor: object; erased: boolean }) => [
    one.activity,
    one.actor,
    one.erased,
  ])
  expect(shown).toEqual([
    ['ErasureSearched', system, false],
    ['ErasureCertified', system, false],
    ['UserPurged', system, false],
    ['ErasureOrdered', commandLine, false],
    ['UserDeleted', commandLine, false],
    ['UserCreated', commandLine, false],
    ['UserCreated', commandLine, true],
    ['TenantCreated', commandLine, false],
  ])
  expect(next).toBeNull()
  expect(entries.map(({ reason }: { reason: string | null }) => reason)).toEqual([
    ...[null, null, null],
    'asked in writing',
    ...[null, null, null, null],
  ])
  expect(entries[3].details).toEqual({ operation: 'purge', people: 1 })
  expect(entries[5].values).toMatchObject({ email: 'bob@example.org' })
  expect(JSON.stringify(entries)).not.toContain('ann@')
  expect((await test.json('audit', 'list', '--subject', entries[6].subject)).entries).toHaveLength(3)
  expect((await test.json('audit', 'list', '--object', 'tenant', '--actor', 'command_line')).entries).toHaveLength(1)
  const page = await test.run('audit', 'list', '--limit', '2')
  expect(page.stdout).toMatch(
    /^at +actor +activity +object +subject +values\n.+Database searched.+\n.+Erasure certified.+\n\nThere are more\. Repeat the command with --after \S+\n$/s,
  )
  expect(await test.run('audit', 'list', '--activity', 'Nothing')).toMatchObject({ code: 2 })
  expect(await test.run('audit', 'list', '--from', 'yesterday')).toMatchObject({ code: 2 })
})

it('lists and verifies the trail of the installation, which is no trail of a tenant', async () => {
  expect((await test.json('audit', 'list', '--installation')).entries).toEqual([])
  const passwordFile = await test.file('password', 'correct horse battery')
  const { operator } = await test.json('operator', 'create', 'night-shift', '--password-file', passwordFile)
  const { entries } = await test.json('audit', 'list', '--installation')
  expect(entries).toMatchObject([
    { activity: 'OperatorCreated', object: { kind: 'operator', id: operator.id }, actor: { kind: 'command_line' } },
  ])
  expect((await test.json('audit', 'list', '--activity', 'OperatorCreated')).entries).toEqual([])
  await sealWaiting(test.database, { tenant: installationTrail })
  expect(await test.json('audit', 'verify', '--installation')).toMatchObject({ verified: true, sealed: 1, unsealed: 0 })
})

it('exports the trail as JSON lines and as CSV', async () => {
  const cli = fileURLToPath(new URL('../../../cli.ts', import.meta.url))
  const exported = async (...args: string[]) =>
    (
      await promisify(execFile)(process.execPath, [cli, 'audit', 'export', ...args], {
        env: { ...process.env, ...test.environment },
      })
    ).stdout
  const lines = (await exported()).trimEnd().split('\n')
  expect(lines.map((line) => JSON.parse(line))).toEqual((await test.json('audit', 'list')).entries)
  expect((await exported('--format', 'csv', '--activity', 'UserPurged')).split('\r\n')).toHaveLength(3)
})

it('verifies the trail, and ends with 1 and the name of what was altered', async () => {
  await sealWaiting(test.database, { tenant })
  const sound = await test.json('audit', 'verify')
  expect(sound).toMatchObject({ verified: true, sealed: 8, unsealed: 0, problems: [] })
  const noted = `${sound.head.sequence}:${sound.head.hash}`
  expect(await test.run('audit', 'verify', '--noted', noted)).toMatchObject({ code: 0 })

  await test.owner.query(
    `set session_replication_role = replica; update audit_entries set actor_kind = 'policy' where activity = 'ErasureOrdered'`,
  )
  const altered = await test.run('audit', 'verify', '--json')
  expect(altered.code).toBe(1)
  const [problem] = JSON.parse(altered.stdout).problems
  const ordered = (await test.json('audit', 'list', '--activity', 'ErasureOrdered')).entries[0]
  expect(problem).toEqual({ problem: 'altered', from: ordered.sequence, to: ordered.sequence, at: ordered.at })
  expect(JSON.parse(altered.stderr.trim().split('\n').at(-1) ?? '').error.code).toBe('audit.altered')
  await test.owner.query(`update audit_entries set actor_kind = 'command_line' where activity = 'ErasureOrdered'`)

  await test.owner.query('delete from audit_entries; delete from audit_checkpoints')
  expect(await test.run('audit', 'verify')).toMatchObject({ code: 0 })
  expect(await test.run('audit', 'verify', '--noted', noted)).toMatchObject({
    code: 1,
    stdout: expect.stringMatching(/removed +1 +8/),
  })
  expect(await test.run('audit', 'verify', '--noted', '8')).toMatchObject({ code: 2 })
})
