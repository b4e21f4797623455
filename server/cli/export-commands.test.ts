import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/database.ts'
import { runCommand } from '../../test/run-command.ts'
import { installUnzip, unzipIsThere, unzipped } from '../../test/unzip.ts'

let test: TestDatabase
let folder: string
let environment: Record<string, string>
let person: string
beforeAll(async () => {
  test = await createTestDatabase()
  folder = await mkdtemp(path.join(os.tmpdir(), 'lethe-export-commands-'))
  environment = { DATABASE_URL: test.appUrl, LETHE_MASTER_KEY: randomBytes(32).toString('base64') }
  await json('tenant', 'create', 'Acme')
  person = (await json('user', 'create', '--email', 'curious@example.org')).user.id
})
afterAll(async () => {
  await test.close()
  await rm(folder, { recursive: true, force: true })
})

const run = (...args: string[]) => runCommand(environment, args)

async function json(...args: string[]) {
  const { code, stdout, stderr } = await run(...args, '--json')
  if (code !== 0) throw new Error(stderr)
  return JSON.parse(stdout)
}

async function failure(...args: string[]) {
  const { code: exit, stderr } = await run(...args, '--json')
  return { exit, ...JSON.parse(stderr.trim().split('\n').at(-1) ?? '').error }
}

describe('lethe user export', () => {
  it('writes a folder, and refuses one that is in use', async () => {
    const out = path.join(folder, 'an export')
    const { export: index } = await json('user', 'export', '--email', 'curious@example.org', '--out', out)
    expect(index).toMatchObject({ person, files: [] })
    expect(JSON.parse(await readFile(path.join(out, 'index.json'), 'utf8'))).toEqual(index)
    const again = await failure('user', 'export', '--id', person, '--out', out)
    expect(again).toMatchObject({ exit: 2, code: 'export.folder_unusable' })
    const { stdout } = await run('user', 'export', '--id', person, '--out', `${out} 2`)
    expect(stdout).toMatch(/^5 rows, 0 files and 0 mentions exported\. Begin with .*index\.html\n$/)
  })

  it('writes an archive, and refuses a file that exists', async ({ skip }) => {
    skip(!unzipIsThere, installUnzip)
    const out = path.join(folder, 'an export.zip')
    const { export: index } = await json('user', 'export', '--email', 'curious@example.org', '--out', out)
    const files = await unzipped(out)
    expect(JSON.parse(files.get('index.json')?.toString() ?? '')).toEqual(index)
    const again = await failure('user', 'export', '--id', person, '--out', out)
    expect(again).toMatchObject({ exit: 2, code: 'export.file_unusable' })
  })

  it('wants to know where to, and only one place', async () => {
    expect(await failure('user', 'export', '--id', person)).toMatchObject({ exit: 2, code: 'input.usage' })
    const both = await failure('user', 'export', '--id', person, '--out', 'x.zip', '--keep')
    expect(both).toMatchObject({ exit: 2, code: 'input.usage' })
    for (const days of ['0', '31', 'long']) {
      const wrong = await failure('user', 'export', '--id', person, '--keep', days)
      expect(wrong).toMatchObject({ exit: 2, code: 'input.invalid' })
    }
    expect(await json('export', 'list')).toEqual({ exports: [] })
  })
})

describe('lethe export', () => {
  it('lists, fetches and deletes what was kept', async ({ skip }) => {
    skip(!unzipIsThere, installUnzip)
    const shown = await run('user', 'export', '--email', 'curious@example.org', '--keep')
    const [, id = '', until = '', fetching = ''] =
      /^Export ([0-9a-f-]{36}) is kept until (\S+)\. Fetch it with: lethe (.*)\n$/.exec(shown.stdout) ?? []
    expect(Date.parse(until) - Date.now()).toBeGreaterThan(6.9 * 86_400_000)
    const { exports } = await json('export', 'list')
    expect(exports).toMatchObject([{ id, user_id: person, state: 'ready', expires_at: until }])
    expect((await run('export', 'list')).stdout).toContain(id)

    const out = path.join(folder, 'fetched.zip')
    const fetched = await run(...fetching.replace('FILE.zip', out).split(' '))
    expect(fetched.stdout).toBe(`${(await stat(out)).size.toLocaleString('en-US')} bytes written to ${out}.\n`)
    expect((await stat(out)).mode & 0o077).toBe(0)
    expect((await unzipped(out)).has('index.html')).toBe(true)
    const again = await failure('export', 'fetch', id, '--out', out)
    expect(again).toMatchObject({ exit: 2, code: 'export.file_unusable' })

    expect(await json('export', 'delete', id)).toEqual({ deleted: id })
    const gone = await failure('export', 'fetch', id, '--out', `${out}.2`)
    expect(gone).toMatchObject({ exit: 3, code: 'export.not_found' })
    expect(await json('export', 'list')).toEqual({ exports: [] })
  })

  it('keeps as long as was said, and refuses what has expired', async () => {
    const { export: kept } = await json('user', 'export', '--email', 'curious@example.org', '--keep', '30')
    expect(Date.parse(kept.expires_at) - Date.parse(kept.created_at)).toBe(30 * 86_400_000)
    await test.owner.query('update exports set expires_at = now() where id = $1', [kept.id])
    const late = await failure('export', 'fetch', kept.id, '--out', path.join(folder, 'late.zip'))
    expect(late).toMatchObject({ exit: 3, code: 'export.expired' })
    expect(await json('export', 'list')).toMatchObject({ exports: [{ id: kept.id, state: 'expired' }] })
    await expect(stat(path.join(folder, 'late.zip'))).rejects.toMatchObject({ code: 'ENOENT' })
  })
})
