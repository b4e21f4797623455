import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openTestCommandLine, type TestCommandLine } from '../../../../test/command-line.ts'
import { insertRow } from '../../../../test/rows.ts'

let test: TestCommandLine
let tenant: string
beforeAll(async () => {
  test = await openTestCommandLine()
  tenant = (await test.json('tenant', 'create', 'Acme')).tenant.id
  for (const name of ['ann', 'bob']) await test.json('user', 'create', '--email', `${name}@example.org`)
  await test.json('user', 'delete', '--email', 'ann@example.org')
  await test.json('purge', '--email', 'ann@example.org', '--yes')
})
afterAll(() => test.close())

async function writeDown(text: string): Promise<void> {
  const catalog = await insertRow(test.owner, 'catalogs', { tenant_id: tenant, title: 'Catalog' })
  await insertRow(test.owner, 'courses', {
    tenant_id: tenant,
    catalog_id: catalog.id,
    title: 'Course',
    description: text,
  })
}

describe('lethe sweep', () => {
  it('ends with 0 while nothing is found, 1 while a finding is open, and 0 after --fix', async () => {
    expect((await test.json('sweep')).sweep).toMatchObject({ findings: [], tombstones: 1, entries: 1 })
    await writeDown('Ask Ann@example.org')
    const found = await test.run('sweep', '--json')
    expect(found.code).toBe(1)
    expect(JSON.parse(found.stdout).sweep.findings).toMatchObject([
      { kind: 'email', table: 'courses', column: 'description', rows: 1, remedy: 'scrub', request: null },
    ])
    expect(JSON.parse(found.stderr.trim().split('\n').at(-1) ?? '').error.code).toBe('sweep.open_findings')
    expect(found.stdout + found.stderr).not.toMatch(/ann@/i)
    const text = await test.run('sweep')
    expect(text.stdout).toMatch(/open findings +1\n/)
    expect(text.stderr).toBe('lethe: 1 finding is open. "lethe sweep --fix" erases what the data map covers.\n')

    expect(await test.run('sweep', '--fix')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('needs your confirmation'),
    })
    const { sweep } = await test.json('sweep', '--fix', '--yes')
    expect(sweep).toMatchObject({ findings: [], fixed: 1, reasons: [] })
    expect((await test.json('sweep')).sweep.findings).toEqual([])
    const { erasures } = await test.json('erasure', 'list', '--limit', '1')
    expect(erasures).toMatchObject([{ state: 'completed', certified: true }])
  })

  it('says what a follow-up could not reach', async () => {
    await test.owner.query(
      `create table payroll (note text); grant select on payroll to lethe_auditor; insert into payroll values ('ann@example.org')`,
    )
    const { code, stdout } = await test.run('sweep', '--fix', '--yes', '--quiet')
    await test.owner.query('drop table payroll')
    expect(code).toBe(1)
    expect(stdout).toContain(
      'Why they are open: left in payroll.note; take it out there, then run "lethe erasure retry".',
    )
    expect(stdout).toMatch(/payroll +note +1 +by hand +[0-9a-f-]{36}/)
    // Nothing is left of it now, and the request that failed can end.
    await test.json('sweep')
  })

  it('names a table that may not be read, and ends with 1', async () => {
    await test.owner.query('create table hidden (note text)')
    const { code, stderr } = await test.run('sweep', '--quiet')
    expect([code, stderr]).toEqual([1, expect.stringContaining('may not read hidden. Grant select to lethe_auditor')])
    expect((await test.run('sweep', '--email', 'bob@example.org')).code).toBe(1)
    await test.owner.query('drop table hidden')
  })

  it('lists the places of people who are named, users or not', async () => {
    const { search } = await test.json('sweep', '--email', 'BOB@example.org')
    expect(search).toMatchObject({ users: 1, unreadable: [] })
    expect(search.places).toContainEqual({ subject: 1, kind: 'email', table: 'users', column: 'email', rows: 1 })
    const gone = await test.run('sweep', '--email', 'ann@example.org')
    expect(gone).toMatchObject({ code: 0, stdout: expect.stringMatching(/are users +0\n[\s\S]*\nnone\n$/) })
  })

  it('refuses --fix for people who are named', async () => {
    expect(await test.run('sweep', '--fix', '--email', 'bob@example.org')).toMatchObject({ code: 2 })
  })
})
