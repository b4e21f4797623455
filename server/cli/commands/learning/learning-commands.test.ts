import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openTestCommandLine, type TestCommandLine } from '../../../../test/command-line.ts'

let test: TestCommandLine
beforeAll(async () => {
  test = await openTestCommandLine()
  await test.json('tenant', 'create', 'Acme')
})
afterAll(() => test.close())

const directoryId = 'd0000000-0000-4000-8000-000000000001'

describe('lethe catalog', () => {
  it('makes a catalog, and takes people in and out', async () => {
    const { catalog } = await test.json('catalog', 'create', 'Bakery', '--contact', 'bakery@example.org')
    await test.json('user', 'create', '--email', 'ann@example.org', '--display-name', 'Ann')
    const { id: group } = (await test.json('group', 'create', 'Bakers')).group
    expect(await test.json('catalog', 'add', catalog.id, '--email', 'ann@example.org')).toEqual({ added: 1 })
    await test.json('catalog', 'role', catalog.id, '--email', 'ann@example.org', '--role', 'administrator')
    expect((await test.json('catalog', 'list')).catalogs).toMatchObject([
      { id: catalog.id, title: 'Bakery', members: 1, administrators: 1 },
    ])
    const members = await test.file('bakers.csv', `directory_object_id,login_name,team\n${directoryId},bob,x\n`)
    expect((await test.json('group', 'sync', group, members)).sync).toMatchObject({ added: 1, reappeared: [] })
    await test.json('catalog', 'assign-group', catalog.id, group)
    const { stdout } = await test.run('catalog', 'members', catalog.id)
    expect(stdout).toMatch(/Ann .*administrator$/m)
    expect(stdout).toMatch(/bob .*not added to the catalog, through group Bakers$/m)
    const { users } = await test.json('catalog', 'remove', catalog.id, '--email', 'ann@example.org')
    expect(users).toMatchObject([{ removed: true, unenrolled: 0, still_through: [] }])
    expect(await test.failure('catalog', 'remove', catalog.id, '--email', 'ann@example.org')).toMatchObject({
      exit: 3,
      code: 'catalog.not_member',
    })
    await test.json('catalog', 'unassign-group', catalog.id, group)
    expect((await test.json('catalog', 'members', catalog.id)).members).toEqual([])
  })
})

describe('lethe preview', () => {
  it('says which groups bring the person back, or that the tenant keeps the person out', async () => {
    const { id: group } = (await test.json('group', 'create', 'Millers')).group
    const member = '0de0a0b1-7d2c-4c3e-8a54-1f2e3d4c5b6a'
    const members = await test.file('millers.csv', `directory_object_id\n${member}\n`)
    await test.json('group', 'sync', group, members)
    const of = ['--directory-object-id', member]
    expect((await test.run('preview', ...of)).stdout).toContain(
      'will come back at the next synchronization of group Millers',
    )
    await test.json('tenant', 'update', '--returning-members', 'block')
    expect((await test.json('preview', ...of)).preview.groups).toMatchObject([{ people: 1, at_next_sync: 'block' }])
    expect((await test.run('preview', ...of)).stdout).toContain('Group Millers still contains 1 person')
    await test.json('user', 'delete', ...of)
    await test.json('purge', ...of, '--yes')
    const { sync } = await test.json('group', 'sync', group, members)
    expect(sync).toMatchObject({ added: 0, blocked: [{ directory_object_id: member }] })
    await test.json('tenant', 'update', '--returning-members', 'create')
    const { stderr } = await test.run('group', 'sync', group, members)
    expect(stderr).toContain('1 purged person returned as a new user without records.')
    expect((await test.run('user', 'show', ...of)).stdout).toMatch(/^reappeared .*Millers/m)
  })
})

describe('lethe skill', () => {
  it('awards and revokes what was imported, and the transcript shows it', async () => {
    const csv =
      'concept_uri,preferred_label,alt_labels,description,status\nhttp://data.europa.eu/esco/skill/a,=knead,,,\n'
    await test.file('skills_en.csv', csv)
    expect((await test.json('import', 'esco', test.folder)).files).toMatchObject([
      { file: 'skills_en.csv', read: 1, written: 1 },
    ])
    expect((await test.run('import', 'esco', test.folder)).stdout).toMatch(/^skills_en\.csv +1 +0 +1 +0 +0$/m)
    const [skill] = (await test.json('skill', 'list', '--search', 'knead')).skills
    const [scale] = (await test.json('skill', 'scales')).scales
    await test.json('user', 'create', '--ref', 'S-1')
    const of = ['--ref', 'S-1', '--skill', skill.id, '--level', scale.levels[0].id]
    const { award } = await test.json('skill', 'award', ...of)
    expect(await test.failure('skill', 'award', ...of)).toMatchObject({ exit: 5, code: 'skill.held' })
    const revoked = await test.json('skill', 'revoke', ...of, '--reason', 'expired')
    expect(revoked.award.id).toBe(award.id)
    expect(await test.failure('skill', 'revoke', ...of)).toMatchObject({ exit: 5, code: 'skill.revoked' })
    const { transcript } = await test.json('user', 'transcript', '--ref', 'S-1')
    expect(transcript.skills).toMatchObject([{ id: award.id, state: 'revoked', ...revoked.award }])
    expect((await test.run('user', 'transcript', '--ref', 'S-1')).stdout).toMatch(
      /^=knead +Beginner +revoked .*expired$/m,
    )
    const asCsv = (await test.run('user', 'transcript', '--ref', 'S-1', '--csv')).stdout
    expect(asCsv.split('\r\n')[1]).toMatch(new RegExp(`^skill,${award.id},'=knead,,Beginner,revoked,`))
    expect(await test.failure('user', 'transcript', '--ref', 'S-1', '--csv')).toMatchObject({
      exit: 2,
      code: 'input.usage',
    })
  })
})

describe('lethe notification', () => {
  it('shows what a learner was told, and marks it as read', async () => {
    await test.json('user', 'create', '--email', 'eve@example.org')
    const of = ['--email', 'eve@example.org']
    expect((await test.run('notification', 'list', ...of)).stdout).toContain('0 unread.')
    const { rows } = await test.owner.query<{ id: string }>(
      `insert into notifications (tenant_id, user_id, kind, subject, body)
       select tenant_id, id, 'skill_revoked', 'Skill revoked', 'It stays ' || n
       from users, generate_series(1, 2) n where email = 'eve@example.org' order by n returning id`,
    )
    const listed = await test.run('notification', 'list', ...of, '--unread')
    expect(listed.stdout).toMatch(/no +Skill revoked +It stays 2.*no +Skill revoked +It stays 1.*\n2 unread\./s)
    const [older] = rows
    expect(await test.json('notification', 'read', ...of, '--notification', older?.id ?? '')).toEqual({
      marked: 1,
      unread: 1,
    })
    expect((await test.run('notification', 'read', ...of)).stdout).toContain('1 notification marked as read. 0 unread.')
    expect(await test.failure('notification', 'read', ...of, '--notification', directoryId)).toMatchObject({
      exit: 3,
      code: 'notification.not_found',
    })
  })
})

describe('lethe course, plan, session and post', () => {
  it('changes what may mention a person, reassigns, and deletes after a preview', async () => {
    const { catalog } = await test.json('catalog', 'create', 'Mill')
    await test.json('user', 'create', '--email', 'cid@example.org', '--display-name', 'Cid')
    const of = ['--catalog', catalog.id]
    const { course } = await test.json('course', 'create', 'Flour', ...of, '--contact', 'mill@example.org')
    const update = (...changes: string[]) => test.json('course', 'update', course.id, ...changes)
    expect((await update('--title', 'Rye', '--no-contact', '--author', 'cid@example.org')).course).toMatchObject({
      title: 'Rye',
      contact_emails: [],
      authors: [{ display_name: 'Cid' }],
    })
    expect((await update('--description', 'Milling', '--reply-to', 'a@example.org')).course.contact_emails).toEqual([])
    expect((await update('--no-reply-to')).course).toMatchObject({ description: 'Milling', reply_to_email: null })
    expect((await test.json('course', 'list', '--without-author')).courses).toEqual([])
    expect((await test.run('course', 'delete', course.id, '--preview')).stdout).toContain('completions that stay')
    expect(await test.failure('course', 'delete', course.id)).toMatchObject({ code: 'input.confirmation_needed' })
    expect(await test.failure('catalog', 'delete', catalog.id, '--yes')).toMatchObject({
      exit: 5,
      code: 'catalog.not_empty',
    })
    expect((await test.json('course', 'delete', course.id, '--yes')).deletion).toMatchObject({ unenrolled: 0 })
    expect((await test.json('course', 'list', ...of)).courses).toEqual([])
    expect((await test.json('catalog', 'update', catalog.id, '--title', 'Old mill')).catalog.title).toBe('Old mill')
    await test.json('catalog', 'delete', catalog.id, '--yes')
    expect((await test.json('catalog', 'list')).catalogs).not.toContainEqual(
      expect.objectContaining({ id: catalog.id }),
    )
    expect(await test.json('session', 'reassign', '--without-instructor', '--to', 'cid@example.org')).toEqual({
      sessions: [],
    })
    expect((await test.json('plan', 'list')).training_plans).toEqual([])
  })
})

describe('lethe system', () => {
  it('keeps a register that every preview names', async () => {
    const { system } = await test.json('system', 'create', 'Payroll', '--holds', 'salaries')
    await test.json('system', 'update', system.id, '--contact', 'payroll@example.org')
    expect((await test.json('system', 'list')).systems).toMatchObject([{ contact_emails: ['payroll@example.org'] }])
    const { user: boss } = await test.json('user', 'create', '--email', 'boss@example.org', '--display-name', 'Boss')
    await test.json('user', 'create', '--email', 'report@example.org', '--manager-id', boss.id)
    const { stdout } = await test.run('preview', '--email', 'boss@example.org')
    expect(stdout).toContain('1 person will have no manager.')
    expect(stdout).toContain('Payroll (payroll@example.org; salaries)')
    const managerless = (await test.json('user', 'list', '--without-manager')).users
    expect(managerless.map(({ email }: { email: string }) => email)).not.toContain('report@example.org')
    await test.json('system', 'delete', system.id)
    expect((await test.json('system', 'list')).systems).toEqual([])
  })
})

describe('the commands for places that no erasure rewrites', () => {
  it('change the name of a tenant, a group, a skill and a scale', async () => {
    const { id: group } = (await test.json('group', 'create', 'Old bakers', '--description', 'x')).group
    expect((await test.json('group', 'update', group, '--name', 'Bakers', '--no-description')).group).toMatchObject({
      display_name: 'Bakers',
      description: null,
    })
    await test.json('tenant', 'create', 'Other')
    expect(await test.failure('tenant', 'update', '--tenant', 'Acme', '--name', 'Other')).toMatchObject({
      exit: 5,
      code: 'tenant.name_taken',
    })
    expect((await test.json('tenant', 'update', '--tenant', 'Acme', '--name', 'Acme 2')).tenant.name).toBe('Acme 2')
    expect(await test.failure('import', 'forget', 'oulad', '--tenant', 'Acme 2')).toMatchObject({
      exit: 3,
      code: 'import.source_not_found',
    })
  })
})
