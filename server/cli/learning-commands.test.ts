import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/database.ts'
import { runCommand } from '../../test/run-command.ts'

let test: TestDatabase
let environment: Record<string, string>
let folder: string
beforeAll(async () => {
  test = await createTestDatabase()
  environment = { DATABASE_URL: test.appUrl, LETHE_MASTER_KEY: randomBytes(32).toString('base64') }
  folder = await mkdtemp(path.join(os.tmpdir(), 'lethe-learning-'))
  await json('tenant', 'create', 'Acme')
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
  const { code, stderr } = await run(...args, '--json')
  const { error } = JSON.parse(stderr.trim().split('\n').at(-1) ?? '')
  return { exit: code, code: error.code }
}

async function file(name: string, content: string): Promise<string> {
  await writeFile(path.join(folder, name), content)
  return path.join(folder, name)
}

const directoryId = 'd0000000-0000-4000-8000-000000000001'

describe('lethe catalog', () => {
  it('makes a catalog, and takes people in and out', async () => {
    const { catalog } = await json('catalog', 'create', 'Bakery', '--contact', 'bakery@example.org')
    await json('user', 'create', '--email', 'ann@example.org', '--display-name', 'Ann')
    const { id: group } = (await json('group', 'create', 'Bakers')).group
    expect(await json('catalog', 'add', catalog.id, '--email', 'ann@example.org')).toEqual({ added: 1 })
    await json('catalog', 'role', catalog.id, '--email', 'ann@example.org', '--role', 'administrator')
    expect((await json('catalog', 'list')).catalogs).toMatchObject([
      { id: catalog.id, title: 'Bakery', members: 1, administrators: 1 },
    ])
    const members = await file('bakers.csv', `directory_object_id,login_name,team\n${directoryId},bob,x\n`)
    expect((await json('group', 'sync', group, members)).sync).toMatchObject({ added: 1, reappeared: [] })
    await json('catalog', 'assign-group', catalog.id, group)
    const { stdout } = await run('catalog', 'members', catalog.id)
    expect(stdout).toMatch(/Ann .*administrator$/m)
    expect(stdout).toMatch(/bob .*not added to the catalog, through group Bakers$/m)
    const { users } = await json('catalog', 'remove', catalog.id, '--email', 'ann@example.org')
    expect(users).toMatchObject([{ removed: true, unenrolled: 0, still_through: [] }])
    expect(await failure('catalog', 'remove', catalog.id, '--email', 'ann@example.org')).toEqual({
      exit: 3,
      code: 'catalog.not_member',
    })
    await json('catalog', 'unassign-group', catalog.id, group)
    expect((await json('catalog', 'members', catalog.id)).members).toEqual([])
  })
})

describe('lethe preview', () => {
  it('says which groups bring the person back, or that the tenant keeps the person out', async () => {
    const { id: group } = (await json('group', 'create', 'Millers')).group
    const member = '0de0a0b1-7d2c-4c3e-8a54-1f2e3d4c5b6a'
    const members = await file('millers.csv', `directory_object_id\n${member}\n`)
    await json('group', 'sync', group, members)
    const of = ['--directory-object-id', member]
    expect((await run('preview', ...of)).stdout).toContain(
      'will come back at the next synchronisation of group Millers',
    )
    await json('tenant', 'update', '--returning-members', 'block')
    expect((await json('preview', ...of)).preview.groups).toMatchObject([{ people: 1, at_next_sync: 'block' }])
    expect((await run('preview', ...of)).stdout).toContain('Group Millers still holds 1 person')
    await json('user', 'delete', ...of)
    await json('purge', ...of, '--yes')
    const { sync } = await json('group', 'sync', group, members)
    expect(sync).toMatchObject({ added: 0, blocked: [{ directory_object_id: member }] })
    await json('tenant', 'update', '--returning-members', 'create')
    const { stderr } = await run('group', 'sync', group, members)
    expect(stderr).toContain('1 purged person came back as new users without records.')
    expect((await run('user', 'show', ...of)).stdout).toMatch(/^reappeared .*Millers/m)
  })
})

describe('lethe skill', () => {
  it('awards and revokes what was imported, and the transcript shows it', async () => {
    const csv =
      'concept_uri,preferred_label,alt_labels,description,status\nhttp://data.europa.eu/esco/skill/a,=knead,,,\n'
    await file('skills_en.csv', csv)
    expect((await json('import', 'esco', folder)).files).toMatchObject([{ file: 'skills_en.csv', read: 1, written: 1 }])
    expect((await run('import', 'esco', folder)).stdout).toMatch(/^skills_en\.csv +1 +0 +1 +0 +0$/m)
    const [skill] = (await json('skill', 'list', '--search', 'knead')).skills
    const [scale] = (await json('skill', 'scales')).scales
    await json('user', 'create', '--ref', 'S-1')
    const of = ['--ref', 'S-1', '--skill', skill.id, '--level', scale.levels[0].id]
    const { award } = await json('skill', 'award', ...of)
    expect(await failure('skill', 'award', ...of)).toEqual({ exit: 5, code: 'skill.held' })
    const revoked = await json('skill', 'revoke', ...of, '--reason', 'expired')
    expect(revoked.award.id).toBe(award.id)
    expect(await failure('skill', 'revoke', ...of)).toEqual({ exit: 5, code: 'skill.revoked' })
    const { transcript } = await json('user', 'transcript', '--ref', 'S-1')
    expect(transcript.skills).toMatchObject([{ id: award.id, state: 'revoked', ...revoked.award }])
    expect((await run('user', 'transcript', '--ref', 'S-1')).stdout).toMatch(/^=knead +Beginner +revoked .*expired$/m)
    const asCsv = (await run('user', 'transcript', '--ref', 'S-1', '--csv')).stdout
    expect(asCsv.split('\r\n')[1]).toMatch(new RegExp(`^skill,${award.id},'=knead,,Beginner,revoked,`))
    expect(await failure('user', 'transcript', '--ref', 'S-1', '--csv')).toEqual({ exit: 2, code: 'input.usage' })
  })
})
