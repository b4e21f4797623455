import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../../../test/database.ts'
import { type DataSet, rewriteDataSet, writeDataSet } from '../../../../test/oulad-data-set.ts'
import { runCommand } from '../../../../test/run-command.ts'

const pinnedNode = fileURLToPath(new URL('../../../../node_modules/node/bin/node', import.meta.url))
const lethe = fileURLToPath(new URL('../../../../bin/lethe.mjs', import.meta.url))

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
    LETHE_MASTER_KEY: test.database.masterKey.toString('base64'),
  }
  await run('tenant', 'create', 'Acme')
})
afterAll(async () => {
  await test.close()
  await rm(folder, { recursive: true, force: true })
})

async function run(...args: string[]) {
  const { code: status, stdout, stderr } = await runCommand(environment, args)
  return { status, stdout, stderr }
}

/** In a process of its own, which reads this from standard input. */
function runWith(input: string, ...args: string[]) {
  const { status, stdout, stderr } = spawnSync(pinnedNode, [lethe, ...args], {
    env: environment,
    encoding: 'utf8',
    input,
  })
  return { status, stdout, stderr }
}

describe('lethe import oulad', () => {
  it('prints what became of each file, and each bad line on stderr', async () => {
    const { status, stdout, stderr } = await run('import', 'oulad', folder)
    expect(status).toBe(0)
    expect(stdout).toMatch(/^studentVle\.csv +3 +2 +0 +1 +0$/m)
    expect(stderr).toContain('studentVle.csv, line 4: id_student is no learner of studentInfo.csv.')
  })

  it('answers a folder without the files with the exit code of bad input', async () => {
    const { status, stderr } = await run('import', 'oulad', `${folder}/nowhere`, '--json')
    expect(status).toBe(2)
    expect(JSON.parse(stderr.trim().split('\n').at(-1) ?? '').error.code).toBe('input.file_unreadable')
  })

  it('does not bring back who was deleted or purged since', async () => {
    for (const ref of ['oulad-1', 'oulad-2'])
      expect(await run('user', 'delete', '--ref', ref)).toMatchObject({ status: 0 })
    expect(await run('purge', '--ref', 'oulad-1', '--yes')).toMatchObject({ status: 0 })
    await rewriteDataSet(folder, { ...data, studentVle: [...data.studentVle, ...data.studentVle.slice(0, 2)] })
    const { status, stdout, stderr } = await run('import', 'oulad', folder, '--json')
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

describe('lethe import users', () => {
  beforeAll(async () => {
    await run('tenant', 'create', 'People')
    environment.LETHE_TENANT = 'People'
  })

  const file = (name: string, ...lines: string[]) => {
    const target = path.join(folder, name)
    writeFileSync(target, `${lines.join('\n')}\n`)
    return target
  }
  const lastLine = (text: string) => JSON.parse(text.trim().split('\n').at(-1) ?? '')

  it('brings the good rows in, reports the bad ones and what became of each, and ends with 1', async () => {
    const people = file('people.csv', 'ref,first_name,email', 'P-1,Ann,ann@example.org', 'P-2,Bea,secret', 'P-3,Cleo,')
    const outcomes = path.join(folder, 'outcomes.csv')
    const { status, stdout, stderr } = await run('import', 'users', people, '--outcomes', outcomes)
    expect(status).toBe(1)
    expect(stdout).toMatch(/^ *3 +2 +0 +0 +0 +0 +1$/m)
    expect(stderr).toContain('Line 3: email is not valid: an address with one @ and without spaces is expected.')
    expect(stderr).toContain('lethe: 1 of 3 rows was rejected; the others were imported.')
    expect(stderr).not.toContain('secret')
    expect(readFileSync(outcomes, 'utf8').split('\r\n')).toEqual([
      'line,outcome,id,reason,changed',
      expect.stringMatching(/^2,created,[0-9a-f-]{36},,$/),
      '3,rejected,,email is not valid: an address with one @ and without spaces is expected,',
      expect.stringMatching(/^4,created,[0-9a-f-]{36},,$/),
      '',
    ])
    expect(readdirSync(folder)).not.toContain('outcomes.csv.part')
    const again = await run('import', 'users', people, '--json')
    expect(again.status).toBe(1)
    expect(JSON.parse(again.stdout)).toMatchObject({
      ...{ dry_run: false, read: 3, created: 0, unchanged: 2, rejected: 1 },
      rejected_rows: [{ line: 3, reason: expect.stringContaining('email') }],
    })
    expect(lastLine(again.stderr).error).toMatchObject({
      code: 'import.rejected_rows',
      details: { rejected: 1, read: 3 },
    })
  })

  it('changes nothing in a dry run', async () => {
    const { status, stdout, stderr } = runWith('ref\nP-9\n', 'import', 'users', '-', '--dry-run', '--json')
    expect(status).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ dry_run: true, run: null, created: 1 })
    expect(stderr).toContain('nothing was changed')
    expect((await run('user', 'show', '--ref', 'P-9')).status).toBe(3)
  })

  it('reads what "lethe user list --csv" writes, and finds nothing to change', async () => {
    await run(
      'user',
      'create',
      '--ref',
      '=P-4',
      '--first-name',
      '@Dora',
      '--custom',
      'shift=+night',
      '--role',
      'author',
    )
    const exported = await run('user', 'list', '--csv')
    expect(exported).toMatchObject({ status: 0, stderr: '' })
    expect(exported.stdout).toMatch(/^\ufeffid,/)
    expect(exported.stdout).toContain(",'=P-4,")
    const { status, stdout } = runWith(exported.stdout, 'import', 'users', '-', '--with-roles', '--json')
    expect(status).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ read: 3, unchanged: 3 })
  })

  it('leaves deleted and purged people out, and creates purged ones anew where told to', async () => {
    for (const ref of ['P-1', 'P-3']) await run('user', 'delete', '--ref', ref)
    expect((await run('purge', '--ref', 'P-1', '--yes')).status).toBe(0)
    const people = file('back.csv', 'ref', 'P-1', 'P-3')
    const { status, stdout, stderr } = await run('import', 'users', people, '--json')
    expect(status).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ skipped: 2, skipped_for: { deleted: 1, purged: 1, anonymized: 0 } })
    expect(stderr).toContain('Skipped 1 row of purged people')
    expect(JSON.parse((await run('import', 'users', people, '--purged', 'create', '--json')).stdout)).toMatchObject({
      ...{ created: 1, skipped: 1 },
    })
  })

  it('lists the imports, shows the rows of one, and writes its file until a person in it is purged', async () => {
    const people = file('log.csv', 'ref,city', 'log-1,Bern', 'log-1,Bern')
    const { run: id } = JSON.parse((await run('import', 'users', people, '--json')).stdout)
    expect(JSON.parse((await run('import', 'list', '--limit', '1', '--json')).stdout)).toMatchObject({
      imports: [{ id, file_name: 'log', file: 'kept', counts: { created: 1, rejected: 1 } }],
    })
    expect((await run('import', 'show', id)).stdout).toMatch(/rows_read +2/)
    expect((await run('import', 'rows', id, '--outcome', 'rejected')).stdout).toContain('line 2 has the same ref')
    const out = path.join(folder, 'fetched.csv')
    expect((await run('import', 'fetch', id, '--out', out)).status).toBe(0)
    expect(readFileSync(out)).toEqual(readFileSync(people))
    await run('user', 'delete', '--ref', 'log-1')
    await run('purge', '--ref', 'log-1', '--yes')
    const gone = await run('import', 'fetch', id, '--out', path.join(folder, 'gone.csv'))
    expect(gone.status).toBe(3)
    expect(gone.stderr).toContain('is destroyed: it may contain a person who was erased')
    expect(readdirSync(folder)).not.toContain('gone.csv')
  })

  it.each([
    [2, 'input.file_unreadable', ['import', 'users', 'nowhere.csv']],
    [2, 'output.file_unwritable', ['import', 'users', '-', '--outcomes', '/nowhere/outcomes.csv']],
    [2, 'input.invalid', ['import', 'users', '-']],
    [2, 'input.usage', ['import', 'users', '-', '--purged', 'perhaps']],
    [2, 'input.usage', ['user', 'list', '--csv']],
  ])('answers bad input with exit code %i and %s', (status, code, args) => {
    const answer = runWith('nonsense\n', ...args, '--json')
    expect(answer.status).toBe(status)
    expect(lastLine(answer.stderr).error.code).toBe(code)
  })

  it('stops at Ctrl-C although nobody ends its input, and leaves no outcomes behind', async () => {
    const outcomes = path.join(folder, 'stopped.csv')
    const child = spawn(pinnedNode, [lethe, 'import', 'users', '-', '--outcomes', outcomes], { env: environment })
    child.stdin.write('ref\nP-10\n')
    for (;;) {
      const { rows } = await test.owner.query(
        `select from pg_stat_activity where datname = current_database() and query ilike 'copy staged_users%'`,
      )
      if (rows.length > 0) break
    }
    child.kill('SIGINT')
    expect(await once(child, 'exit')).toEqual([130, null])
    expect(readdirSync(folder).filter((name) => name.startsWith('stopped.csv'))).toEqual([])
    expect((await run('user', 'show', '--ref', 'P-10')).status).toBe(3)
  })

  it('ends quietly when nobody reads the export to its end', async () => {
    const command = `"${pinnedNode}" "${lethe}" user list --csv | true`
    const { status, stderr } = spawnSync('bash', ['--norc', '-o', 'pipefail', '-c', command], {
      env: environment,
      encoding: 'utf8',
    })
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  })
})
