import { readFile, stat } from 'node:fs/promises'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openTestCommandLine, type TestCommandLine } from '../../../../test/command-line.ts'
import { installUnzip, unzipIsThere, unzipped } from '../../../../test/unzip.ts'

let test: TestCommandLine
let person: string
beforeAll(async () => {
  test = await openTestCommandLine()
  await test.json('tenant', 'create', 'Acme')
  person = (await test.json('user', 'create', '--email', 'curious@example.org')).user.id
})
afterAll(() => test.close())

describe('lethe user export', () => {
  it('writes a folder, and refuses one that is in use', async () => {
    const out = path.join(test.folder, 'an export')
    const { export: index } = await test.json('user', 'export', '--email', 'curious@example.org', '--out', out)
    expect(index).toMatchObject({ person, files: [] })
    expect(JSON.parse(await readFile(path.join(out, 'index.json'), 'utf8'))).toEqual(index)
    const again = await test.failure('user', 'export', '--id', person, '--out', out)
    expect(again).toMatchObject({ exit: 2, code: 'export.folder_unusable' })
    const { stdout } = await test.run('user', 'export', '--id', person, '--out', `${out} 2`)
    expect(stdout).toMatch(/^11 rows, 0 files and 0 mentions exported\. Begin with .*index\.html\n$/)
  })

  it('writes an archive, and refuses a file that exists', async ({ skip }) => {
    skip(!unzipIsThere, installUnzip)
    const out = path.join(test.folder, 'an export.zip')
    const { export: index } = await test.json('user', 'export', '--email', 'curious@example.org', '--out', out)
    const files = await unzipped(out)
    expect(JSON.parse(files.get('index.json')?.toString() ?? '')).toEqual(index)
    const again = await test.failure('user', 'export', '--id', person, '--out', out)
    expect(again).toMatchObject({ exit: 2, code: 'export.file_unusable' })
  })

  it('wants to know where to, and only one place', async () => {
    expect(await test.failure('user', 'export', '--id', person)).toMatchObject({ exit: 2, code: 'input.usage' })
    const both = await test.failure('user', 'export', '--id', person, '--out', 'x.zip', '--keep')
    expect(both).toMatchObject({ exit: 2, code: 'input.usage' })
    for (const days of ['0', '31', 'long']) {
      const wrong = await test.failure('user', 'export', '--id', person, '--keep', days)
      expect(wrong).toMatchObject({ exit: 2, code: 'input.invalid' })
    }
    expect(await test.json('export', 'list')).toEqual({ exports: [] })
  })
})

describe('lethe export', () => {
  it('lists, fetches and deletes what was kept', async ({ skip }) => {
    skip(!unzipIsThere, installUnzip)
    const shown = await test.run('user', 'export', '--email', 'curious@example.org', '--keep')
    const [, id = '', until = '', fetching = ''] =
      /^Export ([0-9a-f-]{36}) is kept until (\S+)\. Download it with: npx --no-install lethe (.*)\n$/.exec(
        shown.stdout,
      ) ?? []
    expect(Date.parse(until) - Date.now()).toBeGreaterThan(6.9 * 86_400_000)
    const { exports } = await test.json('export', 'list')
    expect(exports).toMatchObject([{ id, user_id: person, state: 'ready', expires_at: until }])
    expect((await test.run('export', 'list')).stdout).toContain(id)

    const out = path.join(test.folder, 'fetched.zip')
    const fetched = await test.run(...fetching.replace('FILE.zip', out).split(' '))
    expect(fetched.stdout).toBe(`${(await stat(out)).size.toLocaleString('en-US')} bytes written to ${out}.\n`)
    expect((await stat(out)).mode & 0o077).toBe(0)
    expect((await unzipped(out)).has('index.html')).toBe(true)
    const again = await test.failure('export', 'fetch', id, '--out', out)
    expect(again).toMatchObject({ exit: 2, code: 'export.file_unusable' })

    expect(await test.json('export', 'delete', id)).toEqual({ deleted: id })
    const gone = await test.failure('export', 'fetch', id, '--out', `${out}.2`)
    expect(gone).toMatchObject({ exit: 3, code: 'export.not_found' })
    expect(await test.json('export', 'list')).toEqual({ exports: [] })
  })

  it('keeps as long as was said, and refuses what has expired', async () => {
    const { export: kept } = await test.json('user', 'export', '--email', 'curious@example.org', '--keep', '30')
    expect(Date.parse(kept.expires_at) - Date.parse(kept.created_at)).toBe(30 * 86_400_000)
    await test.owner.query('update exports set expires_at = now() where id = $1', [kept.id])
    const late = await test.failure('export', 'fetch', kept.id, '--out', path.join(test.folder, 'late.zip'))
    expect(late).toMatchObject({ exit: 3, code: 'export.expired' })
    expect(await test.json('export', 'list')).toMatchObject({ exports: [{ id: kept.id, state: 'expired' }] })
    await expect(stat(path.join(test.folder, 'late.zip'))).rejects.toMatchObject({ code: 'ENOENT' })
  })
})
