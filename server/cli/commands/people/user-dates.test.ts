import { afterAll, beforeAll, expect, it } from 'vitest'
import { openTestCommandLine, type TestCommandLine } from '../../../../test/command-line.ts'

let test: TestCommandLine
beforeAll(async () => {
  test = await openTestCommandLine()
  await test.json('tenant', 'create', 'Acme')
  await test.json('user', 'create', '--ref', 'A-17')
})
afterAll(() => test.close())

const dates = (...options: string[]) => test.json('user', 'dates', '--ref', 'A-17', ...options)

it('The command "user dates" sets and clears the start and the end, and suspends the account outside of them', async () => {
  expect(await dates('--ends', '2126-01-31T17:00:00Z')).toMatchObject({
    user: { state: 'active', starts_at: null, ends_at: '2126-01-31T17:00:00.000Z' },
  })
  expect((await dates('--starts', '2125-01-01')).user).toMatchObject({
    state: 'suspended',
    starts_at: '2125-01-01T00:00:00.000Z',
  })
  expect((await dates('--starts', 'none', '--ends', 'none')).user).toMatchObject({
    state: 'active',
    starts_at: null,
    ends_at: null,
  })
})

it('The command "user dates" refuses a time that is none, and to set nothing', async () => {
  for (const [option, time] of [
    ['--starts', 'soon'],
    ['--ends', '2021-13-01'],
  ] as const) {
    expect(await test.failure('user', 'dates', '--ref', 'A-17', option, time)).toMatchObject({
      exit: 2,
      details: { field: option },
    })
  }
  expect(await test.failure('user', 'dates', '--ref', 'A-17')).toMatchObject({ exit: 2, code: 'input.usage' })
})
