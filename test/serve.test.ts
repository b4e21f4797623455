import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readdir, readFile, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { effort } from './effort.ts'
import { killWhileWorking, planKills, Victims } from './kills.ts'
import { ownerUrlOf, postmasterOf } from './serve-process.ts'

const kills = effort(4, 10)

let victims: Victims
beforeAll(async () => {
  victims = await Victims.start()
})
afterAll(() => victims?.stop())

/** Status 0: the connection was cut. The test asks at its end whether the same process still serves. */
const ready = async () => {
  const answer = await fetch(`${victims.url}/readyz`).catch((error: unknown) => {
    if (!(error instanceof TypeError)) throw error
  })
  if (answer === undefined) return { status: 0, detail: undefined }
  return { status: answer.status, detail: ((await answer.json()) as { detail?: string }).detail }
}

describe('a server whose database is killed', () => {
  it('says why it is not ready, starts it again, and goes on', async () => {
    await victims.work()
    const before = await postmasterOf(victims.folder)
    const { child } = victims.serve
    const seen = new Set<string>()
    await victims.kill({ victim: 'postmaster', after: 0 })
    for (;;) {
      const { status, detail } = await ready()
      seen.add(`${status} ${detail ?? ''}`)
      if (status === 200 && (await postmasterOf(victims.folder)) !== before) break
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    expect([...seen]).toContainEqual(expect.stringMatching(/^503 The database does not answer/))
    await victims.work()
    expect(victims.serve.child).toBe(child)
    expect(victims.serve.running()).toBe(true)
    expect(await victims.problems()).toEqual([])
  })

  it(`comes back from ${kills} random kills with nothing lost and nothing done twice`, async () => {
    const seed = Number(process.env.LETHE_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31))
    process.stderr.write(`kills: LETHE_TEST_SEED=${seed}\n`)
    const hits = await killWhileWorking(victims, planKills(seed, kills, 800))
    expect(hits).toBeGreaterThan(kills / 4)
    expect(await victims.problems()).toEqual([])
  })
})

it('keeps nothing readable of an export outside of the database when it is killed in the midst of sending it', async () => {
  const { body: user } = await victims.ask('POST', '/api/v1/users', {
    email: 'spooled@kills.example',
    first_name: 'Spooled-Canary',
  })
  const owner = new pg.Client({ connectionString: await ownerUrlOf(victims.folder) })
  await owner.connect()
  await owner.query(
    `insert into notifications (tenant_id, user_id, kind, subject, body)
     select $1, $2, 'message', 'A subject', md5(n::text) || md5((-n)::text) from generate_series(1, 20000) as n`,
    [victims.tenant, user.id],
  )
  await owner.end()
  const before = new Set(await readdir(os.tmpdir()))
  const asking = victims.askOnce('GET', `/api/v1/users/${user.id}/export`).catch(() => undefined)
  const spooled = async () => {
    const { stdout } = await promisify(execFile)('sh', [
      '-c',
      `ls -l /proc/[0-9]*/fd 2>/dev/null | grep -c ${victims.folder}/spool/ || true`,
    ])
    return Number(stdout) > 0
  }
  while (!(await spooled())) await new Promise((resolve) => setTimeout(resolve, 5))
  await victims.kill({ victim: 'serve', after: 0 })
  expect(await readdir(path.join(victims.folder, 'spool'))).toEqual([])
  const left = (await readdir(os.tmpdir())).filter((name) => !before.has(name) && name.startsWith('lethe-export'))
  expect(left).toEqual([])
  await asking
})

it('is ended at once by a second signal, which says so, and by a single one when what runs has ended', async () => {
  const owner = new pg.Client({ connectionString: await ownerUrlOf(victims.folder) })
  await owner.connect()
  const { body: user } = await victims.ask('POST', '/api/v1/users', { email: 'held@kills.example' })
  await owner.query('begin')
  await owner.query('select from users where id = $1 for update', [user.id])
  const { serve } = victims
  const waiting = fetch(`${victims.url}/healthz`).then(() =>
    victims.ask('PATCH', `/api/v1/users/${user.id}`, { first_name: 'Held' }).catch((error: unknown) => error),
  )
  await new Promise((resolve) => setTimeout(resolve, 500))
  const began = Date.now()
  serve.child.kill('SIGTERM')
  await new Promise((resolve) => setTimeout(resolve, 1000))
  expect(serve.running()).toBe(true)
  serve.child.kill('SIGTERM')
  expect(await serve.ended).toBe(143)
  expect(Date.now() - began).toBeLessThan(5000)
  expect(serve.said()).toMatch(/Stopped immediately\./)
  await owner.query('rollback')
  await owner.end()
  await victims.kill({ victim: 'connections', after: 0 })
  victims.deaths.length = 0
  await waiting
  expect(await victims.problems()).toEqual([])
})

describe('a disk that is full', () => {
  it('is named to whoever asks and by /readyz, and everything goes on once there is space', async () => {
    // Only root may mount a small file system.
    if (process.platform !== 'linux' || process.getuid?.() !== 0) return
    const small = await Victims.start({ mountOfMebibytes: 320 })
    try {
      await small.work()
      const filler = path.join(small.folder, 'filler')
      const statuses = async () => {
        const answer = await fetch(`${small.url}/readyz`)
        return `${answer.status} ${await answer.text()}`
      }
      expect(await statuses()).toMatch(/^200/)
      await promisify(execFile)('sh', ['-c', `dd if=/dev/zero of=${filler} bs=64k 2>/dev/null; true`])
      await new Promise((resolve) => setTimeout(resolve, 1100))
      expect(await statuses()).toMatch(/^503 .*The disk of the data folder is full: 0 MiB are left/)
      let refused: { status: number; text: string } | undefined
      for (let tries = 0; tries < 200 && refused === undefined; tries++) {
        const answer = await small.askOnce('POST', '/api/v1/users', {
          email: `full-${tries}@kills.example`,
          custom_fields: Object.fromEntries(
            Array.from({ length: 8 }, (_, n) => [`field ${n}`, randomBytes(200).toString('hex')]),
          ),
        })
        if (answer.status !== 201) refused = answer
      }
      expect(refused?.text).toContain('The disk of the database is full')
      expect(refused?.status).toBe(503)
      await rm(filler)
      await small.waitUntilReady()
      await small.work()
      expect(await small.problems()).toEqual([])
      expect(await readFile(path.join(small.folder, 'postgres.log'), 'utf8')).not.toContain('full-')
    } finally {
      await small.stop()
    }
  }, 180_000)
})
