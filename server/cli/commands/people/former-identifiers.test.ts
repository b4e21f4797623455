import { afterAll, beforeAll, expect, it } from 'vitest'
import { openTestCommandLine, type TestCommandLine } from '../../../../test/command-line.ts'

let test: TestCommandLine
beforeAll(async () => {
  test = await openTestCommandLine()
  await test.json('tenant', 'create', 'Acme')
})
afterAll(() => test.close())

it('A former address finds nobody on the command line, says whose it was, and makes nobody anew by itself', async () => {
  const { user } = await test.json('user', 'create', '--email', 'maiden@example.org', '--first-name', 'Ann')
  await test.json('user', 'update', '--email', 'maiden@example.org', '--new-email', 'married@example.org')
  const named = { formerly: [user.id] }
  const candidates = [expect.objectContaining({ id: user.id, display_name: 'Ann' })]
  const gone = { exit: 3, code: 'user.not_found', details: expect.objectContaining(named), candidates }
  expect(await test.failure('user', 'show', '--email', 'Maiden@example.org')).toMatchObject(gone)
  expect(await test.failure('purge', '--email', 'maiden@example.org', '--yes')).toMatchObject(gone)
  const text = await test.run('user', 'show', '--email', 'maiden@example.org')
  expect(text).toMatchObject({ code: 3, stderr: expect.stringContaining('had it before a change') })
  expect(text.stderr).toContain('Ann')

  expect(await test.failure('user', 'create', '--email', 'maiden@example.org')).toMatchObject({
    exit: 5,
    code: 'user.known_before',
    candidates,
  })
  const next = await test.json('user', 'create', '--email', 'maiden@example.org', '--another-person')
  expect((await test.json('user', 'show', '--email', 'maiden@example.org')).user.id).toBe(next.user.id)
})
