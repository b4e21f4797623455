import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/database.ts'
import { insertRow } from '../../test/rows.ts'
import { runCommand } from '../../test/run-command.ts'

let test: TestDatabase
let folder: string
let environment: Record<string, string>
beforeAll(async () => {
  test = await createTestDatabase()
  folder = await mkdtemp(path.join(os.tmpdir(), 'lethe-ledger-commands-'))
  environment = { DATABASE_URL: test.appUrl, LETHE_MASTER_KEY: test.database.masterKey.toString('base64') }
})
afterAll(async () => {
  await test.close()
  await rm(folder, { recursive: true, force: true })
})

const run = (...args: string[]) => runCommand(environment, args)

async function json(...args: string[]) {
  const { code, stdout, stderr } = await run(...args, '--json')
  if (code !== 0) throw new Error(stderr)
  return JSON.parse(stdout)
}

describe('lethe ledger', () => {
  it('exports to standard output, asks before it replays, replays, and says which request it repeated', async () => {
    const { tenant } = await json('tenant', 'create', 'Acme')
    const { user } = await json('user', 'create', '--email', 'ann@example.org')
    await json('user', 'delete', '--email', 'ann@example.org')
    const { erasure } = await json('purge', '--email', 'ann@example.org', '--yes')
    const exported = await run('ledger', 'export')
    expect(exported).toMatchObject({ code: 0, stderr: 'Exported 1 entry and 1 tombstone of 1 tenant.\n' })
    const file = path.join(folder, 'ledger.jsonl')
    await writeFile(file, exported.stdout)
    await insertRow(test.owner, 'users', { tenant_id: tenant.id, id: user.id, email: 'ann@example.org' })

    const asked = await run('ledger', 'replay', file)
    expect(asked.code).toBe(2)
    expect(asked.stderr).toMatch(/1 person of the 1 entry is there again[\s\S]*needs a yes/)
    const replayed = await run('ledger', 'replay', file, '--yes')
    expect(replayed.code).toBe(0)
    expect(replayed.stdout).toMatch(/people purged again +1\n/)
    expect(replayed.stdout).toMatch(new RegExp(`${erasure.id}  [0-9a-f-]{36} +1  completed`))
    expect(await json('ledger', 'replay', file)).toMatchObject({ replayed: true, people: 0, nothingNeeded: 1, left: 0 })
    expect((await run('user', 'show', '--id', user.id)).code).toBe(3)
  })

  it('exports only the tenant that is named', async () => {
    const { tenant } = await json('tenant', 'create', 'Other')
    const { stdout } = await run('ledger', 'export', '--tenant', 'Other', '--quiet')
    expect(stdout.trimEnd().split('\n')).toEqual([
      JSON.stringify({ type: 'tenant', tenant: tenant.id, identifier_hash_key: null }),
      expect.stringContaining('"type":"end","lines":1,'),
    ])
  })

  it('ends with 1 and the way out where somebody is still there', async () => {
    const { tenant } = await json('tenant', 'create', 'Broken')
    const inTenant = ['--tenant', 'Broken']
    const { user } = await json('user', 'create', '--email', 'bob@example.org', ...inTenant)
    await json('user', 'delete', '--id', user.id, ...inTenant)
    await json('purge', '--id', user.id, '--yes', ...inTenant)
    const file = path.join(folder, 'broken.jsonl')
    await writeFile(file, (await run('ledger', 'export', ...inTenant)).stdout)
    await insertRow(test.owner, 'users', { tenant_id: tenant.id, id: user.id })
    await test.owner.query(
      'create table payroll (tenant_id uuid, user_id uuid, foreign key (tenant_id, user_id) references users)',
    )
    await test.owner.query('insert into payroll values ($1, $2)', [tenant.id, user.id])
    const { code, stderr } = await run('ledger', 'replay', file, '--yes', '--quiet')
    await test.owner.query('drop table payroll')
    expect(code).toBe(1)
    expect(stderr).toMatch(/^lethe: 1 person is still there after the replay \(request [0-9a-f-]{36}\)\. /)
    expect((await json('user', 'show', '--id', user.id, ...inTenant)).user.id).toBe(user.id)
  })
})
