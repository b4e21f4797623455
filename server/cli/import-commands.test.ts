import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/database.ts'
import { type DataSet, rewriteDataSet, writeDataSet } from '../../test/oulad-data-set.ts'

const pinnedNode = fileURLToPath(new URL('../../node_modules/node/bin/node', import.meta.url))
const lethe = fileURLToPath(new URL('../../bin/lethe.mjs', import.meta.url))

const data: DataSet = {
  courses: ['AAA,2013J,268'],
  studentInfo: [
    'AAA,2013J,1,M,Scotland,HE Qualification,90-100%,55<=,0,240,N,Pass',
    'AAA,2013J,2,F,Scotland,HE Qualification,20-30%,35-55,0,60,N,Pass',
  ],
  studentRegistration: ['AAA,2013J,1,-159,', 'AAA,2013J,2,-53,'],
  assessments: ['AAA,2013J,1752,TMA,19,10'],
  studentAssessment: ['1752,1,18,0,78', '1752,2,22,0,70'],
  vle: ['546943,AAA,2013J,resource,,'],
  studentVle: ['AAA,2013J,1,546943,-10,4', 'AAA,2013J,2,546943,-10,4', 'AAA,2013J,3,546943,-10,4'],
}

let test: TestDatabase
let folder: string
let environment: Record<string, string>
beforeAll(async () => {
  test = await createTestDatabase()
  folder = await writeDataSet(data)
  environment = {
    DATABASE_URL: test.appUrl,
    DATABASE_OWNER_URL: test.ownerUrl,
    LETHE_MASTER_KEY: randomBytes(32).toString('base64'),
  }
  run('tenant', 'create', 'Acme')
})
afterAll(async () => {
  await test.close()
  await rm(folder, { recursive: true, force: true })
})

function run(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(pinnedNode, [lethe, ...args], { env: environment, encoding: 'utf8' })
  return { status, stdout, stderr }
}

describe('lethe import oulad', () => {
  it('prints what became of each file, and each bad line on stderr', () => {
    const { status, stdout, stderr } = run('import', 'oulad', folder)
    expect(status).toBe(0)
    expect(stdout).toMatch(/^studentVle\.csv +3 +2 +0 +1 +0$/m)
    expect(stderr).toContain('studentVle.csv, line 4: id_student is no learner of studentInfo.csv.')
  })

  it('answers a folder without the files with the exit code of bad input', () => {
    const { status, stderr } = run('import', 'oulad', `${folder}/nowhere`, '--json')
    expect(status).toBe(2)
    expect(JSON.parse(stderr.trim().split('\n').at(-1) ?? '').error.code).toBe('input.file_unreadable')
  })

  it('does not bring back who was deleted or purged since', async () => {
    for (const ref of ['oulad-1', 'oulad-2']) expect(run('user', 'delete', '--ref', ref)).toMatchObject({ status: 0 })
    expect(run('purge', '--ref', 'oulad-1', '--yes')).toMatchObject({ status: 0 })
    await rewriteDataSet(folder, { ...data, studentVle: [...data.studentVle, ...data.studentVle.slice(0, 2)] })
    const { status, stdout, stderr } = run('import', 'oulad', folder, '--json')
    expect(status).toBe(0)
    const { files, rejected } = JSON.parse(stdout)
    expect(rejected).toEqual([])
    const skipped = { written: 0, rejected: 0, skipped: 2, skippedFor: { deleted: 1, purged: 1 } }
    for (const file of ['studentInfo.csv', 'studentRegistration.csv', 'studentAssessment.csv', 'studentVle.csv']) {
      expect(files).toContainEqual(expect.objectContaining({ file, ...skipped }))
    }
    expect(stderr).toContain('studentVle.csv: skipped 1 line of learners who are purged.')
    const { rows } = await test.owner.query('select ref, state from users')
    expect(rows).toEqual([{ ref: 'oulad-2', state: 'deleted' }])
  })
})
