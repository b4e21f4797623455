import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openTestCommandLine, type TestCommandLine } from '../../../../test/command-line.ts'

let test: TestCommandLine
let officer: string
let number = 0
beforeAll(async () => {
  test = await openTestCommandLine()
  await test.json('tenant', 'create', 'Acme')
  officer = (await test.json('user', 'create', '--email', 'officer@example.org', '--role', 'administrator')).user.id
})
afterAll(() => test.close())

async function leaver(): Promise<string> {
  const { user } = await test.json('user', 'create', '--email', `leaver-${++number}@example.org`)
  return user.id
}
const hold = async (id: string) =>
  (await test.json('hold', 'place', '--reason', 'legal_claim', '--id', id)).hold.id as string

/** What a request waits for, how it comes to that, and what lets it go on. */
const waits = [
  {
    state: 'held',
    says: /A legal hold covers 1 person of it/,
    begin: hold,
    goOn: (_request: string, id: string) => test.json('hold', 'release', id, '--yes'),
  },
  {
    state: 'awaiting_approval',
    says: /It waits for an approval/,
    begin: () => test.json('tenant', 'update', '--approval-required'),
    goOn: async (request: string) => {
      await test.json('erasure', 'approve', request, '--as', officer)
      await test.json('tenant', 'update', '--no-approval-required')
    },
  },
  {
    state: 'scheduled',
    says: /It waits for the end of the cooling-off period, \d{4}-/,
    begin: () => test.json('tenant', 'update', '--cooling-off-hours', '5'),
    goOn: async (request: string) => {
      await test.json('tenant', 'update', '--cooling-off-hours', '0')
      await test.json('erasure', 'cancel', request)
    },
  },
]

describe('a command that ends with a request that waits', () => {
  it.each(waits)('ends with 10 and says why: $state', async ({ state, says, begin, goOn }) => {
    for (const operation of ['purge', 'anonymize']) {
      const id = await leaver()
      const begun = await begin(id)
      const failure = await test.failure(operation, '--id', id, '--delete-first', '--yes')
      expect([operation, failure]).toEqual([
        operation,
        expect.objectContaining({ exit: 10, code: 'erasure.waiting', details: expect.objectContaining({ state }) }),
      ])
      expect(failure.message).toMatch(says)
      const { request } = failure.details
      expect(await test.failure('erasure', 'follow', request)).toMatchObject({ exit: 10, code: 'erasure.waiting' })
      const shown = await test.run('erasure', 'show', request)
      expect([shown.code, shown.stdout]).toEqual([0, expect.stringContaining(state)])
      await goOn(request, String(begun))
    }
  })

  it('ends with 10 for a contact, and for people of whom some are erased', async () => {
    await test.json('tenant', 'update', '--cooling-off-hours', '5')
    const contact = await test.failure('purge', '--contact', 'supplier@example.net', '--yes')
    expect(contact).toMatchObject({ exit: 10, code: 'erasure.waiting', details: { state: 'scheduled' } })
    await test.json('tenant', 'update', '--cooling-off-hours', '0')
    const [one, other] = [await leaver(), await leaver()]
    await hold(one)
    const file = await test.file('leavers.csv', `id\n${one}\n${other}\n`)
    expect(await test.failure('purge', '--file', file, '--delete-first', '--yes')).toMatchObject({
      exit: 10,
      details: { state: 'partial', gone: 1, held: 1 },
    })
  })

  it('ends with 0 where it only makes the request, and shows the state', async () => {
    const id = await leaver()
    await hold(id)
    const made = await test.run('purge', '--id', id, '--delete-first', '--yes', '--no-wait')
    expect([made.code, made.stdout]).toEqual([0, expect.stringContaining('It is held.')])
  })
})
