import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openTestCommandLine, type TestCommandLine } from '../../../../test/command-line.ts'

let test: TestCommandLine
let tenant: string
beforeAll(async () => {
  test = await openTestCommandLine()
  tenant = (await test.json('tenant', 'create', 'Acme')).tenant.id
})
afterAll(() => test.close())

describe('an identifier on the command line', () => {
  it('is found with a no-break space at its end and in any capitals, as an option and in a file', async () => {
    const { user } = await test.json('user', 'create', '--ref', 'A-4711\u00a0', '--email', 'ΔΟΚΙΜΗΣ@corp.example')
    expect(user.ref).toBe('A-4711')
    for (const named of [
      ['--ref', 'A-4711\u00a0'],
      ['--ref', '\u3000a-4711'],
      ['--email', 'δοκιμης@CORP.example\u00a0'],
    ]) {
      expect((await test.json('user', 'show', ...named)).user.id).toBe(user.id)
    }
    const file = await test.file('refs.csv', 'ref\nA-4711\u00a0\n')
    expect((await test.json('preview', '--file', file)).preview).toMatchObject({ people: 1 })
  })

  it('that several people have is listed for the operator, by their ids', async () => {
    const ids = []
    for (const login of ['ΔΟΚΙΜΗΣ.1', 'δοκιμης.1']) {
      ids.push((await test.json('user', 'create', '--login-name', login)).user.id)
    }
    expect((await test.json('db', 'check-identifiers')).tenants).toEqual([
      { tenant, people: 2, shared: [{ kind: 'login_name', ids, spelled_differently: true }] },
    ])
    const { stdout } = await test.run('db', 'check-identifiers')
    expect(stdout).toContain(ids.join(' '))
    expect(stdout).not.toContain('δοκιμης')
  })
})
