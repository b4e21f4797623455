import { afterAll, beforeAll, expect, it } from 'vitest'
import { openTestCommandLine, type TestCommandLine } from '../../../../test/command-line.ts'

let test: TestCommandLine
beforeAll(async () => {
  test = await openTestCommandLine()
  await test.json('tenant', 'create', 'Acme')
})
afterAll(() => test.close())

let people = 0
async function leaver(): Promise<string> {
  const { user } = await test.json('user', 'create', '--email', `leaver-${++people}@example.org`)
  await test.json('user', 'delete', '--id', user.id)
  return user.id
}

it('creates, shows, changes, previews, enables, runs and deletes a policy', async () => {
  const ids = [await leaver(), await leaver(), await leaver()]
  expect((await test.run('retention', 'list')).stdout).toContain('"lethe retention create" makes one')
  const { policy } = await test.json('retention', 'create', '--name', 'Leavers', '--days', '90')
  expect(policy).toMatchObject({ name: 'Leavers', days: 90, daily_at: '03:00', enabled: false, excluded_group_ids: [] })
  const { group } = await test.json('group', 'create', 'Keep')
  const update = (...args: string[]) => test.json('retention', 'update', policy.id, ...args)
  expect((await update('--exclude-group', group.id)).policy.excluded_group_ids).toEqual([group.id])
  expect((await update('--days', '0')).policy).toMatchObject({ days: 0, excluded_group_ids: [group.id] })
  expect((await update('--no-exclude-group', '--at', '04:30')).policy).toMatchObject({
    excluded_group_ids: [],
    daily_at: '04:30',
  })
  expect((await test.run('retention', 'show', policy.id)).stdout).toMatch(/state +disabled/)

  const { preview } = await test.json('retention', 'preview', policy.id, '--limit', '2')
  expect(preview).toMatchObject({ people: 3, found: 3, next: expect.any(String) })
  const shown = await test.run('retention', 'preview', policy.id, '--after', preview.next)
  expect(shown.stdout).toContain('A run now would affect 3 people.')
  const listed = preview.subjects.map(({ id }: { id: string }) => id)
  for (const id of ids) expect(shown.stdout.includes(id)).toBe(!listed.includes(id))

  const wrong = await test.failure('retention', 'enable', policy.id, '--expect', '2', '--yes')
  expect(wrong).toMatchObject({ exit: 5, code: 'retention.other_people' })
  expect(await test.failure('retention', 'run', policy.id)).toMatchObject({ code: 'input.confirmation_needed' })
  const enabled = await test.json('retention', 'enable', policy.id, '--expect', '3', '--yes')
  expect(enabled.policy.enabled).toBe(true)
  expect((await test.json('retention', 'disable', policy.id)).policy.enabled).toBe(false)
  const { run } = await test.json('retention', 'run', policy.id, '--yes')
  expect(run).toMatchObject({ found: 3, requested: 3, held: 0, request_id: expect.any(String) })
  expect((await test.run('retention', 'run', policy.id, '--yes')).stdout).toContain('made no erasure request')
  await test.json('retention', 'delete', policy.id)
  expect((await test.json('retention', 'runs', policy.id)).runs.map((one: typeof run) => one.requested)).toEqual([0, 3])
  expect(await test.failure('retention', 'show', policy.id)).toMatchObject({ exit: 3, code: 'retention.not_found' })
})
