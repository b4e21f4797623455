import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openTestCommandLine, type TestCommandLine } from '../../../../test/command-line.ts'
import { runCommand } from '../../../../test/run-command.ts'

let test: TestCommandLine
let certificate: string

const asOwner = (...args: string[]) => runCommand({ ...test.environment, DATABASE_OWNER_URL: test.ownerUrl }, args)

async function verified() {
  const { code, stdout } = await asOwner('certificate', 'verify', certificate)
  return { code, stdout }
}

beforeAll(async () => {
  test = await openTestCommandLine()
  await test.json('tenant', 'create', 'Acme')
  await test.json('user', 'create', '--email', 'ann@example.org')
  await test.json('user', 'delete', '--email', 'ann@example.org')
  await test.json('purge', '--email', 'ann@example.org', '--yes')
})
afterAll(() => test.close())

async function show(): Promise<void> {
  certificate = await test.file('certificate.json', (await test.run('certificate', 'show')).stdout)
}

describe('lethe db rewrite', () => {
  it('needs the owner of the tables, and asks before it locks them', async () => {
    const { code, stderr } = await test.run('db', 'rewrite', '--yes', '--json')
    expect(code).toBe(6)
    expect(JSON.parse(stderr.trim().split('\n').at(-1) ?? '').error.code).toBe('database.rewrite_owner_missing')
    const asked = await asOwner('db', 'rewrite')
    expect(asked.code).toBe(2)
    expect(asked.stderr).toMatch(/1 request waits for these tables/)
    expect(asked.stderr).toMatch(/^users +\d+ +\d+ s$/m)
    expect(asked.stderr).toMatch(/The disk needs \d+ MiB of space\./)
  })

  it('brings an erasure to level 3 without a question, and then as far as the log', async () => {
    expect((await asOwner('db', 'rewrite', '--level', '3')).stdout).toMatch(/^requests at level 3 +1$/m)
    await show()
    expect((await verified()).stdout).toMatch(/^on disk +level 3 since /m)
    expect((await asOwner('db', 'rewrite', '--yes')).stdout).toMatch(
      /^requests at level 4 +1\nrequests at level 5 +1$/m,
    )
    await show()
    const { code, stdout } = await verified()
    expect(code).toBe(0)
    expect(stdout).toMatch(/^on disk +level 5 since /m)
    expect(stdout).toMatch(/^outstanding +backups$/m)
    expect(stdout.trimEnd()).toMatch(/\nErased; no residual data found\.$/)
    expect(JSON.parse((await asOwner('db', 'rewrite', '--json')).stdout).rewrite.tables).toEqual([])
  })

  it('is told in db status, also to the login of the application', async () => {
    for (const { stdout } of [await asOwner('db', 'status'), await test.run('db', 'status')]) {
      expect(stdout).toMatch(/^erasures at level 5 +1$/m)
      expect(stdout).toMatch(/^oldest backup +not declared$/m)
    }
  })
})

describe('lethe db backups', () => {
  it('closes the certificate of what the backups are past', async () => {
    const early = await asOwner('db', 'backups', '--oldest', '2020-01-01', '--json')
    expect(JSON.parse(early.stdout).backups).toMatchObject({ kind: 'files', requests: 0 })
    const now = await asOwner('db', 'backups', '--oldest', new Date().toISOString())
    expect(now.stdout).toBe('No backup holds the people of 1 more erasure request.\n')
    await show()
    const { code, stdout } = await verified()
    expect(code).toBe(0)
    expect(stdout).toMatch(/^outstanding +nothing$/m)
    expect(stdout).toMatch(/no copy of the files from before .* is kept/)
  })

  it('refuses a time to come and what is no time', async () => {
    for (const oldest of ['2999-01-01', 'yesterday']) {
      expect((await asOwner('db', 'backups', '--oldest', oldest)).code).toBe(2)
    }
  })
})
