import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openTestCommandLine, type TestCommandLine } from './command-line.ts'

const pinnedNode = fileURLToPath(new URL('../node_modules/node/bin/node', import.meta.url))
const lethe = fileURLToPath(new URL('../bin/lethe.mjs', import.meta.url))

let test: TestCommandLine
let tenant: string
beforeAll(async () => {
  test = await openTestCommandLine()
  tenant = (await test.json('tenant', 'create', 'Acme')).tenant.id
})
afterAll(() => test.close())

function start(...args: string[]) {
  const child = spawn(pinnedNode, [lethe, ...args], { env: test.environment })
  const text = { stdout: '', stderr: '' }
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].setEncoding('utf8').on('data', (chunk: string) => {
      text[stream] += chunk
    })
  }
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, ...text }))
  return { child, text, ended }
}

/** Waits until it is so; the test's own limit ends it. */
async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await setTimeout(20)
}

/** Deleted users, and a file that names them; the last one's product account can be held to stop a purge there. */
async function leavers(name: string, people: number) {
  await test.owner.query(
    `insert into users (tenant_id, state, deleted_at, deletion_id, ref, email)
     select $1, 'deleted', now(), gen_random_uuid(), $2 || n, $2 || n || '@leavers.example' from generate_series(1, $3) n`,
    [tenant, name, people],
  )
  const { rows } = await test.owner.query<{ id: string }>(
    `insert into product_accounts (tenant_id, user_id, product)
     select $1, id, 'learn' from users where tenant_id = $1 and ref like $2 || '%' order by id desc limit 1 returning user_id as id`,
    [tenant, name],
  )
  const file = path.join(test.folder, `${name}.csv`)
  await writeFile(file, `ref\n${Array.from({ length: people }, (_, n) => `${name}${n + 1}`).join('\n')}\n`)
  const last = rows[0]?.id ?? ''
  return {
    file,
    async hold() {
      await test.owner.query('begin')
      await test.owner.query('select from product_accounts where user_id = $1 for update', [last])
    },
    release: () => test.owner.query('rollback'),
    /** How many are not there any more, as the table itself says. */
    async gone() {
      const { rows } = await test.owner.query<{ left: number }>(
        `select count(*)::int as left from users where tenant_id = $1 and ref like $2 || '%'`,
        [tenant, name],
      )
      return people - (rows[0]?.left ?? 0)
    },
  }
}

/** More than the batches that two jobs can have done and under way. */
const count = 2_600

describe('Ctrl-C in a purge of many', () => {
  it('says which request goes on, how many are gone, how to follow and to cancel; a second one ends at once', async () => {
    const people = await leavers('many-', 1500)
    await people.hold()
    const purge = start('purge', '--file', people.file, '--yes')
    await until(async () => (await people.gone()) === 1000)
    const [{ id: request }] = (await test.json('erasure', 'list', '--limit', '1')).erasures
    // Between two batches, in another process: what is gone is counted from what is committed.
    const { erasure } = await test.json('erasure', 'show', request)
    expect(erasure).toMatchObject({ state: 'running', subjects: { total: 1500, gone: 1000, done: 0, waiting: 500 } })
    expect((await test.run('erasure', 'show', request)).stdout).toMatch(
      /^people +1,000 of 1,500 gone, 1,000 of them not verified yet, 500 waiting$/m,
    )
    // The command looks every half second.
    await setTimeout(1000)
    purge.child.kill('SIGINT')
    const said = [
      `Erasure request ${request}: 1,000 of 1,500 people are gone.`,
      /^The other 500 will follow: .*"lethe serve".*$/m,
      `npx --no-install lethe erasure show ${request}`,
      `npx --no-install lethe erasure cancel ${request}`,
    ]
    await until(() => purge.text.stderr.includes(`erasure cancel ${request}`))
    for (const part of said) expect(purge.text.stderr).toMatch(part)
    const first = purge.text.stderr.length
    purge.child.kill('SIGINT')
    const { code, stdout, stderr } = await purge.ended
    expect({ code, stdout }).toEqual({ code: 130, stdout: '' })
    expect(stderr.slice(first)).toContain('Stopped immediately.')
    for (const part of said) expect(stderr.slice(first)).toMatch(part)
    expect(await people.gone()).toBe(1000)

    await people.release()
    const followed = await test.json('erasure', 'follow', request)
    expect(followed.erasure).toMatchObject({ state: 'completed', subjects: { total: 1500, gone: 1500, done: 1500 } })
    expect(await people.gone()).toBe(1500)
  }, 120_000)

  it('ends after the batch under way at the first one, and its commands follow and cancel as they stand', async () => {
    const people = await leavers('rest-', count)
    await people.hold()
    const purge = start('anonymize', '--file', people.file, '--yes', '--json')
    const anonymized = async () => {
      const { rows } = await test.owner.query<{ count: number }>(
        `select count(*)::int as count from users where tenant_id = $1 and state = 'anonymized'`,
        [tenant],
      )
      return rows[0]?.count ?? 0
    }
    await until(async () => (await anonymized()) >= 500)
    purge.child.kill('SIGINT')
    await until(() => purge.text.stderr.includes('Cancel the rest'))
    await people.release()
    const { code, stdout, stderr } = await purge.ended
    expect(code).toBe(130)
    // The salt is shown however the work ends.
    expect(JSON.parse(stdout)).toMatchObject({ salt: expect.stringMatching(/^[\w-]{43}$/) })
    const { message, code: word } = JSON.parse(stderr.trim().split('\n').at(-1) ?? '').error
    expect(word).toBe('interrupted')
    const [, request = '', gone = ''] =
      new RegExp(`Erasure request (\\S+): ([\\d,]+) of ${count.toLocaleString('en')} people are anonymized`).exec(
        message,
      ) ?? []
    expect(Number(gone.replace(',', ''))).toBe(await anonymized())
    expect(message).toContain('as soon as workers run again')
    const cancel = /^Cancel the rest: npx --no-install lethe (.*)$/m.exec(message)?.[1]?.split(' ') ?? []
    const cancelled = await test.json(...cancel)
    expect(cancelled).toEqual({ request, cancelled: count - cancelled.gone, gone: await anonymized() })
    const followed = await test.failure('erasure', 'follow', request)
    expect(followed).toMatchObject({ exit: 1, code: 'erasure.incomplete', details: { state: 'partial' } })
  }, 120_000)
})

describe('Ctrl-C in a command of another kind', () => {
  it('says of an import that nothing was changed, and of a command that was done that it was', async () => {
    const pipe = start('import', 'users', '-')
    pipe.child.stdin.write('ref\nA-1\n')
    await until(async () => {
      const { rows } = await test.owner.query(
        `select from pg_stat_activity where datname = current_database() and query ilike 'copy staged_users%'`,
      )
      return rows.length > 0
    })
    pipe.child.kill('SIGINT')
    expect(await pipe.ended).toMatchObject({
      code: 130,
      stderr: expect.stringMatching(/^Stopping after .*\nlethe: Stopped\. Nothing was changed\.\n$/),
    })
    expect(await test.run('user', 'show', '--ref', 'A-1')).toMatchObject({ code: 3 })

    const people = await leavers('back-', 3)
    await people.hold()
    await test.owner.query(
      `update users set deletion_id = gen_random_uuid() where tenant_id = $1 and ref like 'back-%'`,
      [tenant],
    )
    await test.owner.query(`select from users where tenant_id = $1 and ref like 'back-%' for update`, [tenant])
    const restore = start('user', 'restore', '--file', people.file)
    await until(async () => {
      await test.owner.query('select pg_stat_clear_snapshot()')
      const { rows } = await test.owner.query(
        `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
      )
      return rows.length > 0
    })
    restore.child.kill('SIGINT')
    await until(() => restore.text.stderr.startsWith('Stopping after '))
    await people.release()
    expect(await restore.ended).toMatchObject({
      code: 130,
      stdout: expect.stringMatching(/^3 users restored, active again\./),
      stderr: expect.stringMatching(/\nlethe: Stopped, but the work was already done; see above\.\n$/),
    })
  }, 60_000)
})
