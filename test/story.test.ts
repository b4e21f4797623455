import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from './database.ts'
import { type DataSet, writeDataSet } from './oulad-data-set.ts'

const pinnedNode = fileURLToPath(new URL('../node_modules/node/bin/node', import.meta.url))
const lethe = fileURLToPath(new URL('../bin/lethe.mjs', import.meta.url))
const oulad = process.env.LETHE_OULAD || fileURLToPath(new URL('../../shared/data/oulad', import.meta.url))
const there = existsSync(path.join(oulad, 'courses.csv'))

/** One presentation of the real data with its 383 learners and their first 20,000 clicks. */
function slice(): DataSet {
  const linesOf = (file: string) => {
    const raw = readFileSync(path.join(oulad, file))
    const text = (file.endsWith('.gz') ? gunzipSync(raw) : raw).toString('latin1')
    return text
      .split('\n')
      .slice(1)
      .map((line) => line.trimEnd())
  }
  const ofPresentation = (file: string) => linesOf(file).filter((line) => line.startsWith('AAA,2013J,'))
  const assessments = ofPresentation('assessments.csv')
  const ids = new Set(assessments.map((line) => line.split(',')[2]))
  const learners = new Set(ofPresentation('studentInfo.csv').map((line) => line.split(',')[2]))
  return {
    courses: ofPresentation('courses.csv'),
    studentInfo: ofPresentation('studentInfo.csv').map((line) => Buffer.from(line, 'latin1')),
    studentRegistration: ofPresentation('studentRegistration.csv'),
    assessments,
    studentAssessment: linesOf('studentAssessment.csv').filter((line) => {
      const [assessment, learner] = line.split(',')
      return ids.has(assessment) && learners.has(learner)
    }),
    vle: linesOf('vle.csv').filter((line) => line.split(',').slice(1, 3).join(',') === 'AAA,2013J'),
    studentVle: ofPresentation('studentVle-first-1048575.csv.gz').slice(0, 20_000),
  }
}

const title = there
  ? 'from the import of real learners to the proof that some are gone, and stay so'
  : `(skipped: the OULAD data set is not in ${oulad}; set LETHE_OULAD to its folder)`

describe.skipIf(!there)('the whole story', () => {
  let test: TestDatabase
  let folder: string
  let environment: Record<string, string>
  beforeAll(async () => {
    test = await createTestDatabase()
    folder = await writeDataSet(slice(), ['studentVle'])
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

  function run(...args: string[]) {
    const { status, stdout, stderr } = spawnSync(pinnedNode, [lethe, ...args, '--json'], {
      env: environment,
      encoding: 'utf8',
      maxBuffer: 2 ** 26,
    })
    if (status !== 0) throw new Error(`lethe ${args.join(' ')} exited ${status}: ${stderr}`)
    return JSON.parse(stdout)
  }

  const count = async (sql: string, values: unknown[] = []) =>
    Number((await test.owner.query<{ count: string }>(sql, values)).rows[0]?.count)

  it(title, async () => {
    run('tenant', 'create', 'Open University')
    const { files, rejected } = run('import', 'oulad', folder)
    expect(rejected).toEqual([])
    expect(files).toContainEqual(expect.objectContaining({ file: 'studentInfo.csv', written: 383 }))

    // One learner: the preview says what the receipt says.
    const [busiest] = (
      await test.owner.query<{ ref: string; id: string; email: string }>(
        `select u.ref, u.id, u.email from users u join record_actions r on r.tenant_id = u.tenant_id and r.user_id = u.id
         group by u.ref, u.id, u.email order by count(*) desc, u.ref limit 1`,
      )
    ).rows
    if (busiest === undefined) throw new Error('the slice has no clicks')
    run('user', 'delete', '--ref', busiest.ref)
    const { preview } = run('preview', '--email', busiest.email)
    const { erasure } = run('purge', '--email', busiest.email, '--yes', '--reason', 'asked in writing')
    expect(erasure).toMatchObject({ state: 'completed', subjects: { total: 1, done: 1 } })
    expect(erasure.receipt).toEqual(preview.effects)
    expect(erasure.receipt).toContainEqual(expect.objectContaining({ table: 'record_actions', effect: 'deleted' }))
    expect(await count('select count(*) from record_actions where user_id = $1', [busiest.id])).toBe(0)
    expect(await count('select count(*) from users where ref = $1', [busiest.ref])).toBe(0)

    // Two hundred at once, named in a file.
    const leavers = (await test.owner.query<{ ref: string }>('select ref from users order by ref limit 200')).rows
    const list = path.join(folder, 'leavers.csv')
    await writeFile(list, `ref\n${leavers.map(({ ref }) => ref).join('\n')}\n`)
    run('user', 'delete', '--file', list)
    const many = run('purge', '--file', list, '--yes').erasure
    expect(many).toMatchObject({ state: 'completed', subjects: { total: 200, done: 200, failed: 0 } })
    expect(await count('select count(*) from users')).toBe(383 - 201)

    // The proof needs no database.
    const certificate = path.join(folder, 'certificate.json')
    await writeFile(certificate, JSON.stringify(run('certificate', 'show', many.id)))
    const proof = run('certificate', 'verify', certificate)
    expect(proof).toMatchObject({
      verified: true,
      certificate: { request: many.id, subjects: { done: 200 }, verification: { rows_left: 0, mentions_left: 0 } },
    })
    expect(proof.addenda[0].search).toMatchObject({ findings: [], unreadable: [] })
    expect(readFileSync(certificate, 'utf8')).not.toContain('@')

    // Nobody comes back with the next import, and nobody else changes.
    const before = await count('select count(*) from record_actions')
    const again = run('import', 'oulad', folder)
    expect(again.files).toContainEqual(
      expect.objectContaining({ file: 'studentInfo.csv', written: 0, skippedFor: { deleted: 0, purged: 201 } }),
    )
    expect(await count('select count(*) from users')).toBe(383 - 201)
    expect(await count('select count(*) from record_actions')).toBe(before)
  })
})
