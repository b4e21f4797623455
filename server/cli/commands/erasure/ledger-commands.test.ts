import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openTestCommandLine, type TestCommandLine } from '../../../../test/command-line.ts'
import { insertRow } from '../../../../test/rows.ts'

let test: TestCommandLine
beforeAll(async () => {
  test = await openTestCommandLine()
})
afterAll(() => test.close())

describe('lethe ledger', () => {
  it('exports to standard output, asks before it replays, replays, and says which request it repeated', async () => {
    const { tenant } = await test.json('tenant', 'create', 'Acme')
    const { user } = await test.json('user', 'create', '--email', 'ann@example.org')
    await test.json('user', 'delete', '--email', 'ann@example.org')
    const { erasure } = await test.json('purge', '--email', 'ann@example.org', '--yes')
    const exported = await test.run('ledger', 'export')
    expect(exported).toMatchObject({ code: 0, stderr: 'Exported 1 entry and 1 tombstone of 1 tenant.\n' })
    const file = await test.file('ledger.jsonl', exported.stdout)
    await insertRow(test.owner, 'users', { tenant_id: tenant.id, id: user.id, email: 'ann@example.org' })

    const asked = await test.run('ledger', 'replay', file)
    expect(asked.code).toBe(2)
    expect(asked.stderr).toMatch(/1 person of the 1 entry exists again[\s\S]*needs your confirmation/)
    const replayed = await test.run('ledger', 'replay', file, '--yes')
    expect(replayed.code).toBe(0)
    expect(replayed.stdout).toMatch(/people purged again +1\n/)
    expect(replayed.stdout).toMatch(new RegExp(`${erasure.id}  [0-9a-f-]{36} +1  completed`))
    expect(await test.json('ledger', 'replay', file)).toMatchObject({
      replayed: true,
      people: 0,
      nothingNeeded: 1,
      left: 0,
    })
    expect((await test.run('user', 'show', '--id', user.id)).code).toBe(3)
  })

  it('exports only the tenant that is named', async () => {
    const { tenant } = await test.json('tenant', 'create', 'Other')
    const { stdout } = await test.run('ledger', 'export', '--tenant', 'Other', '--quiet')
    expect(stdout.trimEnd().split('\n')).toEqual([
      JSON.stringify({ type: 'tenant', tenant: tenant.id, identifier_hash_key: null }),
      expect.stringContaining('"type":"end","lines":1,'),
    ])
  })

  it('ends with 10 and names the hold where a hold covers all who are still there', async () => {
    const { tenant } = await test.json('tenant', 'create', 'Held')
    const inTenant = ['--tenant', 'Held']
    const { user } = await test.json('user', 'create', '--email', 'eve@example.org', ...inTenant)
    await test.json('user', 'delete', '--id', user.id, ...inTenant)
    await test.json('purge', '--id', user.id, '--yes', ...inTenant)
    const file = await test.file('held.jsonl', (await test.run('ledger', 'export', ...inTenant)).stdout)
    await insertRow(test.owner, 'users', { tenant_id: tenant.id, id: user.id })
    const { hold } = await test.json('hold', 'place', '--reason', 'legal_claim', '--id', user.id, ...inTenant)
    const failure = await test.failure('ledger', 'replay', file, '--yes', ...inTenant)
    expect(failure).toMatchObject({ exit: 10, code: 'ledger.held' })
    expect(failure.message).toContain(`${hold.id} (legal_claim)`)
  })

  it('ends with 1 and the way out where somebody is still there', async () => {
    const { tenant } = await test.json('tenant', 'create', 'Broken')
    const inTenant = ['--tenant', 'Broken']
    const { user } = await test.json('user', 'create', '--email', 'bob@example.org', ...inTenant)
    await test.json('user', 'delete', '--id', user.id, ...inTenant)
    await test.json('purge', '--id', user.id, '--yes', ...inTenant)
    const file = await test.file('broken.jsonl', (await test.run('ledger', 'export', ...inTenant)).stdout)
    await insertRow(test.owner, 'users', { tenant_id: tenant.id, id: user.id })
    await test.owner.query(
      'create table payroll (tenant_id uuid, user_id uuid, foreign key (tenant_id, user_id) references users)',
    )
    await test.owner.query('insert into payroll values ($1, $2)', [tenant.id, user.id])
    const { code, stderr } = await test.run('ledger', 'replay', file, '--yes', '--quiet')
    await test.owner.query('drop table payroll')
    expect(code).toBe(1)
    expect(stderr).toMatch(/^lethe: 1 person was not erased by the replay \(request [0-9a-f-]{36}\)\. /)
    expect((await test.json('user', 'show', '--id', user.id, ...inTenant)).user.id).toBe(user.id)
  })
})
