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

it('binds a purge to the plan of an earlier preview, shows who changed, and confirms them', async () => {
  const [changed, other] = [await leaver(), await leaver()]
  const file = await test.file('people.csv', `id\n${changed}\n${other}\n`)
  const { preview } = await test.json('preview', '--file', file)
  expect(preview.plan).toMatch(/^[0-9a-f]{64}$/)
  await test.owner.query(`update users set former_roles = '{author}' where id = $1`, [changed])
  const partly = await test.failure('purge', '--file', file, '--plan', preview.plan, '--yes')
  expect(partly).toMatchObject({ exit: 1, code: 'erasure.incomplete', details: { state: 'partial', changed: 1 } })
  const { request } = partly.details as { request: string }
  const { erasure } = await test.json('erasure', 'show', request)
  expect(erasure.planChanged).toEqual([
    { userId: changed, changes: [{ table: 'users', effect: 'deleted', planned: 1, found: 1 }] },
  ])
  const shown = await test.run('erasure', 'show', request)
  expect(shown.stdout).toContain(`erasure confirm ${request}`)
  const confirmed = await test.json('erasure', 'confirm', request, '--yes')
  expect(confirmed.erasure).toMatchObject({ state: 'completed', subjects: { done: 2, plan_changed: 0 } })
  expect(await test.failure('erasure', 'confirm', request, '--yes')).toMatchObject({
    exit: 5,
    code: 'erasure.wrong_state',
  })
})

it('binds a purge by itself to the preview that it shows', async () => {
  const id = await leaver()
  const { erasure } = await test.json('purge', '--id', id, '--yes')
  expect(erasure.state).toBe('completed')
  const { rows } = await test.owner.query('select plan_id from erasure_subjects where user_id = $1', [id])
  expect(rows).toEqual([{ plan_id: expect.any(String) }])
})

it('deletes first where it is told so, and refuses a plan of a preview that was not', async () => {
  const { user } = await test.json('user', 'create', '--email', 'active@example.org')
  expect(await test.failure('purge', '--id', user.id, '--yes')).toMatchObject({ code: 'user.not_deleted' })
  const { preview } = await test.json('preview', '--id', user.id)
  expect(await test.failure('purge', '--id', user.id, '--delete-first', '--plan', preview.plan, '--yes')).toMatchObject(
    { exit: 5, code: 'plan.other_options' },
  )
  const { erasure } = await test.json('purge', '--id', user.id, '--delete-first', '--yes')
  expect(erasure.state).toBe('completed')
})
