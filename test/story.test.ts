import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from './database.ts'
import { effort, isThorough } from './effort.ts'
import { hasOulad, ouladFolder, sliceOfOulad, writeDataSet } from './oulad-data-set.ts'
import { runCommand } from './run-command.ts'

const pinnedNode = fileURLToPath(new URL('../node_modules/node/bin/node', import.meta.url))
const lethe = fileURLToPath(new URL('../bin/lethe.mjs', import.meta.url))

/** How many learners there are, and how many leave at once. */
const learners = effort(60, 383)
const leaving = effort(20, 200)

const title = hasOulad
  ? 'from the import of real learners to the proof that some are gone, and stay so'
  : `(skipped: the OULAD data set is not in ${ouladFolder}; set LETHE_OULAD to its folder)`

describe.skipIf(!hasOulad)('the whole story', () => {
  let test: TestDatabase
  let folder: string
  let environment: Record<string, string>
  beforeAll(async () => {
    test = await createTestDatabase()
    folder = await writeDataSet(sliceOfOulad({ learners, clicks: 20_000 }), ['studentVle'])
    environment = {
      DATABASE_URL: test.appUrl,
      DATABASE_OWNER_URL: test.ownerUrl,
      LETHE_MASTER_KEY: test.database.masterKey.toString('base64'),
    }
  })
  afterAll(async () => {
    await test.close()
    await rm(folder, { recursive: true, force: true })
  })

  /** At the full size in processes of their own, as a person types the commands. */
  async function execute(args: string[]) {
    if (!isThorough) return await runCommand(environment, args)
    const { status, stdout, stderr } = spawnSync(pinnedNode, [lethe, ...args], {
      env: environment,
      encoding: 'utf8',
      maxBuffer: 2 ** 26,
    })
    return { code: status, stdout, stderr }
  }

  async function run(...args: string[]) {
    const { code, stdout, stderr } = await execute([...args, '--json'])
    if (code !== 0) throw new Error(`lethe ${args.join(' ')} exited ${code}: ${stderr}`)
    return JSON.parse(stdout)
  }

  const count = async (sql: string, values: unknown[] = []) =>
    Number((await test.owner.query<{ count: string }>(sql, values)).rows[0]?.count)

  it(title, async () => {
    await run('tenant', 'create', 'Open University')
    const { files, rejected } = await run('import', 'oulad', folder)
    expect(rejected).toEqual([])
    expect(files).toContainEqual(expect.objectContaining({ file: 'studentInfo.csv', written: learners }))

    // One learner: the preview says what the receipt says.
    const [busiest] = (
      await test.owner.query<{ ref: string; id: string; email: string }>(
        `select u.ref, u.id, u.email from users u join record_actions r on r.tenant_id = u.tenant_id and r.user_id = u.id
         group by u.ref, u.id, u.email order by count(*) desc, u.ref limit 1`,
      )
    ).rows
    if (busiest === undefined) throw new Error('the slice has no clicks')
    await run('user', 'delete', '--ref', busiest.ref)
    const { preview } = await run('preview', '--email', busiest.email)
    const { erasure } = await run('purge', '--email', busiest.email, '--yes', '--reason', 'asked in writing')
    expect(erasure).toMatchObject({ state: 'completed', subjects: { total: 1, done: 1 } })
    expect(erasure.receipt).toEqual(preview.effects)
    expect(erasure.receipt).toContainEqual(expect.objectContaining({ table: 'record_actions', effect: 'deleted' }))
    expect(await count('select count(*) from record_actions where user_id = $1', [busiest.id])).toBe(0)
    expect(await count('select count(*) from users where ref = $1', [busiest.ref])).toBe(0)

    // Many at once, named in a file.
    const leavers = (await test.owner.query<{ ref: string }>('select ref from users order by ref limit $1', [leaving]))
      .rows
    const list = path.join(folder, 'leavers.csv')
    await writeFile(list, `ref\n${leavers.map(({ ref }) => ref).join('\n')}\n`)
    await run('user', 'delete', '--file', list)
    const many = (await run('purge', '--file', list, '--yes')).erasure
    expect(many).toMatchObject({ state: 'completed', subjects: { total: leaving, done: leaving, failed: 0 } })
    expect(await count('select count(*) from users')).toBe(learners - leaving - 1)

    // The proof needs no database.
    const certificate = path.join(folder, 'certificate.json')
    await writeFile(certificate, JSON.stringify(await run('certificate', 'show', many.id)))
    const proof = await run('certificate', 'verify', certificate)
    expect(proof).toMatchObject({
      verified: true,
      certificate: { request: many.id, subjects: { done: leaving }, verification: { rows_left: 0, mentions_left: 0 } },
    })
    expect(proof.addenda[0].search).toMatchObject({ findings: [], unreadable: [] })
    expect(readFileSync(certificate, 'utf8')).not.toContain('@')

    // Nobody comes back with the next import, and nobody else changes.
    const before = await count('select count(*) from record_actions')
    const again = await run('import', 'oulad', folder)
    expect(again.files).toContainEqual(
      expect.objectContaining({ file: 'studentInfo.csv', written: 0, skippedFor: { deleted: 0, purged: leaving + 1 } }),
    )
    expect(await count('select count(*) from users')).toBe(learners - leaving - 1)
    expect(await count('select count(*) from record_actions')).toBe(before)
  })
})
