import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/database.ts'
import { runCommand } from '../../test/run-command.ts'
import { startedTestServer } from '../../test/server.ts'

const pinnedNode = fileURLToPath(new URL('../../node_modules/node/bin/node', import.meta.url))
const lethe = fileURLToPath(new URL('../../bin/lethe.mjs', import.meta.url))

let test: TestDatabase
let folder: string
let environment: Record<string, string>
beforeAll(async () => {
  test = await createTestDatabase()
  folder = await mkdtemp(path.join(os.tmpdir(), 'lethe-cli-'))
  environment = {
    DATABASE_URL: test.appUrl,
    DATABASE_OWNER_URL: test.ownerUrl,
    LETHE_MASTER_KEY: test.database.masterKey.toString('base64'),
  }
  await json('tenant', 'create', 'Acme')
})
afterAll(async () => {
  await test.close()
  await rm(folder, { recursive: true, force: true })
})

function start(args: string[], env: Record<string, string> = {}): ChildProcessWithoutNullStreams {
  return spawn(pinnedNode, [lethe, ...args], { env: { ...environment, ...env } })
}

async function finish(child: ChildProcessWithoutNullStreams, input = '') {
  const text = { stdout: '', stderr: '' }
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].setEncoding('utf8').on('data', (chunk: string) => {
      text[stream] += chunk
    })
  }
  child.stdin.end(input)
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, ...text }
}

/** Runs a command in this process, which is faster than one of its own: for what the process itself is not the subject. */
const run = (...args: string[]) => runCommand(environment, args)

/** The document of a command that works. */
async function json(...args: string[]) {
  const { code, stdout, stderr } = await run(...args, '--json')
  if (code !== 0) throw new Error(stderr)
  return JSON.parse(stdout)
}

/** Exit code and error of a command that fails. */
async function failure(...args: string[]) {
  const { code: exit, stdout, stderr } = await runCommand(environment, ['--json', ...args])
  expect(stdout).toBe('')
  return { exit, ...JSON.parse(stderr.trim().split('\n').at(-1) ?? '').error }
}

async function file(name: string, content: string): Promise<string> {
  const target = path.join(folder, name)
  await writeFile(target, content)
  return target
}

describe('the life of a user at the command line', () => {
  it('goes from create to restore', async () => {
    const { user } = await json(
      ...[
        'user',
        'create',
        '--email',
        'ann@example.org',
        '--login-name',
        'x|Ann',
        '--ref',
        'A-1',
        '--first-name',
        'Ann',
      ],
      ...['--role', 'author', '--role', 'learner', '--product', 'flow', '--custom', 'shift=night', '--custom', 'a=b=c'],
      ...['--email-verified', 'yes'],
    )
    expect(user).toMatchObject({
      state: 'active',
      email: 'ann@example.org',
      email_verified: true,
      display_name: 'Ann',
      roles: ['author', 'learner'],
      custom_fields: { shift: 'night', a: 'b=c' },
    })
    const changed = await json(
      ...['user', 'update', '--login', 'ANN', '--new-email', 'ann2@example.org', '--custom', 'shift=day'],
      ...['--clear', 'first-name', '--city', 'Bern'],
    )
    expect(changed.user).toMatchObject({
      id: user.id,
      email: 'ann2@example.org',
      email_verified: false,
      first_name: null,
      city: 'Bern',
      custom_fields: { shift: 'day', a: 'b=c' },
    })
    expect((await json('user', 'suspend', '--ref', 'A-1')).user.state).toBe('suspended')
    expect((await json('user', 'reactivate', '--email', 'ANN2@example.org')).user.state).toBe('active')
    expect(await json('user', 'delete', '--id', user.id)).toMatchObject({
      user_ids: [user.id],
      inactive: { product_accounts: 1, group_members: 0, catalog_members: 0, enrollments: 0 },
    })
    const month = new Date().toISOString().slice(0, 7)
    expect((await json('user', 'list', '--deleted-in', month)).users).toMatchObject([
      { id: user.id, roles: ['learner'] },
    ])
    expect((await run('user', 'restore', '--id', user.id, '--with-roles')).stdout).toMatch(
      /^1 user restored, active again\. With the account came back: 1 product account, /,
    )
    expect(await json('user', 'show', '--id', user.id)).toMatchObject({
      user: { state: 'active', roles: ['author', 'learner'] },
      product_accounts: [{ product: 'flow', active: true }],
      groups: [],
      counts: { catalogs: 0, enrollments: 0 },
      pending_erasure: null,
    })
    await json('user', 'suspend', '--id', user.id)
    await json('user', 'delete', '--id', user.id)
    const restored = await run('user', 'restore', '--id', user.id)
    expect(restored.stdout).toMatch(
      /^1 user restored, suspended as before; "lethe user reactivate" ends the suspension\. /,
    )
    expect(restored.stdout).not.toContain('active again')
    await json('user', 'reactivate', '--id', user.id)
    const { stdout } = await run('user', 'show', '--id', user.id)
    expect(stdout).toMatch(/^state +active$/m)
    expect(stdout).toMatch(/^product accounts +flow$/m)
  })

  it('takes many users from a file or from standard input, all or none', async () => {
    await test.owner.query(
      `insert into users (tenant_id, ref, email) select id, 'many-' || n, 'many' || n || '@example.org' from tenants, generate_series(1, 30) n`,
    )
    const refs = Array.from({ length: 30 }, (_, n) => `many-${n + 1}`)
    const good = await file('good.csv', `\ufeffname,Ref\r\n${refs.map((ref) => `"A, B",${ref}`).join('\r\n')}\r\n\r\n`)
    const bad = await file('bad.csv', `ref\n${[...refs, 'nobody', 'many-1', 'no one'].join('\n')}\n`)
    expect(await failure('user', 'delete', '--file', bad)).toMatchObject({
      exit: 3,
      code: 'user.not_found',
      details: { rows: [31, 33] },
    })
    expect((await json('user', 'delete', '--file', good)).user_ids).toHaveLength(30)
    const emails = `email\n${refs.map((_, n) => `MANY${n + 1}@example.org`).join('\n')}`
    const restored = await finish(start(['user', 'restore', '--file', '-']), emails)
    expect(restored).toMatchObject({ code: 0, stderr: '' })
    expect(restored.stdout).toMatch(/^30 users restored, active again\. With them came back: /)
  })

  it('lists in pages', async () => {
    const first = await json('user', 'list', '--limit', '10', '--search', 'many', '--sort', 'created')
    expect(first.users).toHaveLength(10)
    const cursor = ['--after', first.next, '--search', 'many', '--sort', 'created']
    const second = await json('user', 'list', ...cursor)
    expect(second).toMatchObject({ next: null })
    expect(second.users).toHaveLength(20)
    const { stdout } = await run('user', 'list', '--limit', '1')
    expect(stdout).toMatch(/^id +name +known by\n/)
    expect(stdout).toMatch(/--after \S+\n$/)
  })
})

describe('what goes wrong at the command line', () => {
  const unknown = '0190a0b1-7d2c-7c3e-8a54-1f2e3d4c5b6a'

  it.each([
    [2, 'subject.no_selector', ['user', 'show']],
    [2, 'subject.two_selectors', ['user', 'show', '--ref', 'a', '--login', 'b']],
    [2, 'subject.two_selectors', ['user', 'delete', '--ref', 'a', '--file', 'b.csv']],
    [2, 'input.invalid', ['user', 'show', '--id', 'x']],
    [2, 'input.invalid', ['user', 'create', '--email', 'x']],
    [2, 'input.invalid', ['user', 'list', '--limit', 'ten']],
    [2, 'input.unknown_field', ['user', 'update', '--ref', 'a', '--clear', 'state']],
    [2, 'input.usage', ['user', 'create']],
    [2, 'input.usage', ['user', 'list', '--nonsense']],
    [2, 'input.usage', ['user', 'vanish']],
    [2, 'input.usage', ['tenant', 'create']],
    [2, 'input.file_unreadable', ['user', 'delete', '--file', '/nowhere/x.csv']],
    [3, 'user.not_found', ['user', 'show', '--id', unknown]],
    [3, 'tenant.not_found', ['user', 'list', '--tenant', 'Nobody']],
    [5, 'tenant.name_taken', ['tenant', 'create', 'Acme']],
  ] as const)('exits %i for %s: %j', async (exit, code, args) => {
    expect(await failure(...args)).toMatchObject({ exit, code, message: expect.stringMatching(/\.$/) })
  })

  it('shows the candidates of an ambiguous name: who, in which state and department, when last seen', async () => {
    const twin = (...more: string[]) => json('user', 'create', '--login-name', 'two@example.org', ...more)
    const living = (await twin('--display-name', 'Two One', '--department', 'Sales')).user
    const deleted = (await twin('--display-name', 'Two Other', '--department', 'Garden')).user
    await json('user', 'delete', '--id', deleted.id)
    await test.owner.query(`update users set last_seen_at = '2026-03-04T05:06:07Z' where id = $1`, [deleted.id])
    // As an earlier version, or another program, may have stored it.
    await test.owner.query('update users set display_name = $2 where id = $1', [living.id, 'Tw\u001b[2Jo One'])
    const { code, stderr } = await run('preview', '--login', 'TWO@example.org')
    expect(code).toBe(4)
    expect(stderr).toMatch(/^name +state +department +login name +last seen +id$/m)
    expect(stderr).toMatch(/^Two Other +deleted +Garden +two@example.org +2026-03-04 /m)
    expect(stderr).toMatch(new RegExp(`Two Other .*2026-03-04 +${deleted.id}$`, 'm'))
    expect(stderr).toMatch(new RegExp(`Tw\ufffd\\[2Jo One +active +Sales .*never +${living.id}$`, 'm'))
    expect((await failure('preview', '--login', 'two@example.org')).candidates).toMatchObject([
      { id: living.id, state: 'active', department: 'Sales' },
      { id: deleted.id, state: 'deleted', display_name: 'Two Other', last_seen_at: '2026-03-04T05:06:07.000Z' },
    ])
    const rows = await file('twins.csv', 'login_name\ntwo@example.org\n')
    expect((await failure('purge', '--file', rows, '--yes')).candidates).toHaveLength(2)
    for (const { id } of [living, deleted])
      await test.owner.query('update users set login_name = null where id = $1', [id])
  })

  it('names the people who are meant beside what was typed, and says how to list all of many', async () => {
    const { user } = await json('user', 'create', '--ref', 'N-0', '--email', 'nora@example.org', '--first-name', 'Nora')
    const shown = await run('preview', '--ref', 'N-0')
    expect(shown.stdout).toMatch(
      /^1 person selected:\n\ntyped +ref N-0\nname +Nora\nstate +active\ne-mail +nora@example.org\n/,
    )
    expect(shown.stdout).toMatch(new RegExp(`^last seen +never\\nid +${user.id}$`, 'm'))
    for (let n = 1; n < 8; n++) await json('user', 'create', '--ref', `N-${n}`, '--display-name', `Person ${n}`)
    const list = await file('eight people.csv', `ref\n${Array.from({ length: 8 }, (_, n) => `N-${n}`).join('\n')}\n`)
    const many = await run('preview', '--file', list)
    expect(many.stdout).toMatch(/^8 people selected:\n/)
    expect(many.stdout).toContain('ref N-4  Person 4')
    expect(many.stdout).not.toContain('Person 5')
    const [, all = ''] =
      /^and 3 people more\. List all: npx --no-install lethe (preview --file '.*' --people)$/m.exec(many.stdout) ?? []
    expect(all).toBe(`preview --file '${list}' --people`)
    expect((await run('preview', '--file', list, '--people')).stdout).toContain('ref N-7  Person 7')
    expect((await json('preview', '--file', list)).who).toHaveLength(5)
    await json('user', 'delete', '--file', list)
    const purge = await run('purge', '--file', list, '--yes')
    expect(purge.stderr).toContain('Purging 8 people (Nora, Person 1, Person 2, 5 others).')
    expect(purge.stdout).toMatch(/^who +8 people \(Nora, Person 1, Person 2, 5 others\)$/m)
    // The record names nobody: who it was is known only where it was typed.
    for (const text of [JSON.stringify(await json('certificate', 'show')), (await run('erasure', 'show')).stdout]) {
      expect(text).not.toContain('Nora')
    }
  })

  it('exits 4 for two users of one login name and names them, 5 for a conflict', async () => {
    const twin = 'd0000000-0000-4000-8000-000000000001'
    await json('user', 'create', '--login-name', 'twin', '--directory-object-id', twin)
    const { user } = await json('user', 'create', '--login-name', 'a|TWIN')
    expect(await failure('user', 'delete', '--login', 'Twin')).toMatchObject({
      exit: 4,
      code: 'subject.ambiguous',
      details: { directoryObjectIds: [twin] },
    })
    expect(await failure('user', 'create', '--directory-object-id', twin)).toMatchObject({
      exit: 5,
      code: 'user.taken',
    })
    expect(await failure('user', 'restore', '--id', user.id)).toMatchObject({ exit: 5, code: 'user.wrong_state' })
  })

  it.each([
    ['no known column', 'name\nx\n', 'the header of the file'],
    ['two columns', 'ref,email\na,b@c\n', 'the header of the file'],
    ['a malformed id', `id\n${unknown}\nsecret\n`, 'id in line 3'],
    ['an empty cell', 'x,ref\n1,a\n2,\n', 'ref in line 3'],
    ['a broken quote', 'ref\n"a\n', undefined],
  ])('names the place in a file with %s, not the value', async (name, content, field) => {
    const error = await failure('user', 'delete', '--file', await file(`${name}.csv`, content))
    expect(error).toMatchObject({ exit: 2, code: 'input.invalid', ...(field && { details: { field } }) })
    expect(JSON.stringify(error)).not.toContain('secret')
  })

  it('says it in one sentence to people', async () => {
    const { code, stdout, stderr } = await run('user', 'show', '--ref', 'nobody')
    expect({ code, stdout }).toEqual({ code: 3, stdout: '' })
    expect(stderr).toBe(
      'lethe: No user of this tenant has this ref. Purged and anonymized people can no longer be found.\n',
    )
  })

  it('exits 6 where the server or the key is missing', async () => {
    const port = { DATABASE_URL: 'postgres://nobody@127.0.0.1:1/nothing' }
    expect(await runCommand({ ...environment, ...port }, ['user', 'list'])).toMatchObject({ code: 6 })
    expect(await finish(start(['user', 'list'], { LETHE_MASTER_KEY: '' }))).toMatchObject({ code: 6 })
  })

  it('explains itself: help exits 0 and has the exit codes, a missing command exits 2', async () => {
    const help = await finish(start(['--help']))
    expect(help).toMatchObject({ code: 0, stderr: '' })
    expect(help.stdout).toMatch(/Exit codes:/)
    expect(await run('user')).toMatchObject({ code: 2 })
    expect(await run('--version')).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) })
  })
})

it('starts a command without the packages that most commands do not need', async () => {
  const report = `import { registerHooks } from 'node:module'
    const urls = new Set()
    registerHooks({ load: (url, context, next) => { urls.add(url); return next(url, context) } })
    process.on('exit', () => process.stderr.write(JSON.stringify([...urls])))`
  const args = ['--import', `data:text/javascript,${encodeURIComponent(report)}`, lethe, 'tenant', 'list', '--quiet']
  const { code, stdout, stderr } = await finish(spawn(pinnedNode, args, { env: environment }))
  expect({ code, stdout }).toMatchObject({ code: 0, stdout: expect.stringContaining('Acme') })
  const loaded = JSON.parse(stderr).flatMap((url: string) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1] ?? [])
  expect(loaded).toContain('pg')
  for (const name of ['typebox', 'kysely', 'graphile-worker', 'fastify']) expect(loaded).not.toContain(name)
})

describe('lethe anonymize', () => {
  it('shows the salt once, keeps what was learned, and lets anybody who has both tell who was among the people', async () => {
    const { user } = await json('user', 'create', '--email', 'quiet@example.org', '--ref', 'quiet-1', '--custom', 'a=b')
    expect(await failure('anonymize', '--ref', 'quiet-1', '--yes')).toMatchObject({ exit: 5, code: 'user.not_deleted' })
    await json('user', 'delete', '--id', user.id)
    const { preview } = await json('preview', '--id', user.id, '--anonymize')
    expect(preview).toMatchObject({ people: 1, singledOut: 0 })
    const { code, stdout } = await run('anonymize', '--email', 'quiet@example.org', '--yes')
    expect(code).toBe(0)
    expect(stdout).toMatch(/shown only now and stored nowhere:\n[\w-]{43}\n/)
    const salt = /nowhere:\n(\S+)/.exec(stdout)?.[1] ?? ''
    const certificate = await file('anonymized.json', JSON.stringify(await json('certificate', 'show')))
    const { erasures } = await json('erasure', 'list', '--limit', '1')
    const request = erasures[0].id
    expect(await json('erasure', 'show', request)).toMatchObject({
      erasure: { operation: 'anonymize', state: 'completed', receipt: preview.effects },
    })
    const salted = ['--salt', salt]
    for (const [among, ...option] of [
      [true, '--email', 'QUIET@example.org'],
      [true, '--ref', 'quiet-1'],
      [false, '--email', 'loud@example.org'],
      [false, '--login', 'quiet@example.org'],
    ] as const) {
      const verified = await json('certificate', 'verify', certificate, ...salted, ...option)
      expect(verified).toMatchObject({ verified: true, among })
      expect(await json('certificate', 'check', request, ...salted, ...option)).toEqual({
        request,
        among,
        verdict: 'clean',
      })
    }
    const made = await json('certificate', 'prove', request, ...salted, '--email', 'quiet@example.org')
    const proof = await file('proof.json', JSON.stringify(made))
    expect(await json('certificate', 'verify', proof, '--ref', 'quiet-1')).toMatchObject({
      verified: true,
      about: true,
    })
    expect(await failure('certificate', 'verify', proof, '--email', 'loud@example.org')).toMatchObject({
      exit: 1,
      code: 'certificate.about_another',
    })
    expect(await failure('certificate', 'verify', certificate, '--email', 'quiet@example.org')).toMatchObject({
      exit: 2,
      code: 'certificate.salt_needed',
    })
    expect(await failure('certificate', 'verify', certificate, '--salt', 'x', '--ref', 'a')).toMatchObject({
      code: 'input.invalid',
      details: { field: 'salt' },
    })
    const shown = await json('user', 'show', '--id', user.id)
    expect(shown.user).toMatchObject({ id: user.id, state: 'anonymized', email: null, custom_fields: {} })
  })

  it('shows the salt with the order where other workers do the work', async () => {
    const { user } = await json('user', 'create', '--ref', 'quiet-2')
    await json('user', 'delete', '--id', user.id)
    const ordered = await json('anonymize', '--ref', 'quiet-2', '--yes', '--no-wait')
    expect(ordered).toEqual({
      request: expect.any(String),
      state: 'queued',
      runAt: null,
      salt: expect.stringMatching(/^[\w-]{43}$/),
      who: [expect.objectContaining({ ref: 'quiet-2', given: { by: 'ref', value: 'quiet-2' } })],
    })
    await json('erasure', 'cancel', ordered.request)
    await json('user', 'restore', '--id', user.id)
  })

  it('leaves the custom fields that the tenant lets survive', async () => {
    expect((await json('tenant', 'update')).tenant).toMatchObject({ surviving_fields: [], singled_out_below: 5 })
    const changed = await json('tenant', 'update', '--surviving-field', 'shift', 'division', '--singled-out-below', '3')
    expect(changed.tenant).toMatchObject({ surviving_fields: ['shift', 'division'], singled_out_below: 3 })
    const { user } = await json('user', 'create', '--ref', 'quiet-3', '--custom', 'shift=night', '--custom', 'a=b')
    await json('user', 'delete', '--id', user.id)
    expect((await json('preview', '--id', user.id, '--anonymize')).preview.singledOut).toBe(1)
    const { stdout } = await run('preview', '--id', user.id, '--anonymize')
    expect(stdout).toMatch(/^An anonymization of 1 person would change/m)
    expect(stdout).toMatch(/^The custom fields that survive single out 1 person:/m)
    await json('anonymize', '--id', user.id, '--yes')
    expect((await json('user', 'show', '--id', user.id)).user.custom_fields).toEqual({ shift: 'night' })
    const reset = await json('tenant', 'update', '--no-surviving-field')
    expect(reset.tenant).toMatchObject({ surviving_fields: [], singled_out_below: 3 })
    expect(await failure('tenant', 'update', '--singled-out-below', '0')).toMatchObject({ code: 'input.invalid' })
  })
})

describe('a command that is cut off', () => {
  it('ends quietly when nobody reads any more', async () => {
    const child = start(['user', 'list'])
    child.stdout.destroy()
    let stderr = ''
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk.toString()
    })
    const [code] = await once(child, 'exit')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  })

  it('ends its transaction at Ctrl-C, or at once at the second, and exits 130', async () => {
    const { user } = await json('user', 'create', '--ref', 'interrupted')
    for (const signals of [1, 2]) {
      await test.owner.query('begin')
      await test.owner.query('select from users where id = $1 for update', [user.id])
      const child = start(['user', 'suspend', '--id', user.id])
      const stopping = once(child.stderr, 'data')
      const finished = finish(child)
      await waitingForLock()
      child.kill('SIGINT')
      expect(String((await stopping)[0])).toMatch(/^Stopping/)
      if (signals === 2) {
        child.kill('SIGINT')
        expect(await finished).toMatchObject({ code: 130, stdout: '' })
      }
      await test.owner.query('rollback')
      expect(await finished).toMatchObject({ code: 130 })
      const expected = signals === 1 ? 'suspended' : 'active'
      expect((await json('user', 'show', '--id', user.id)).user.state).toBe(expected)
      if (signals === 1) await json('user', 'reactivate', '--id', user.id)
    }
  })

  it('lets the work that runs come to its end at Ctrl-C before it closes what the work needs', async () => {
    const { user } = await json('user', 'create', '--ref', 'blocked')
    await json('user', 'delete', '--id', user.id)
    await test.owner.query('begin')
    await test.owner.query('select from product_accounts where user_id = $1 for update', [user.id])
    const child = start(['purge', '--id', user.id, '--yes'])
    const stopping = once(child.stderr, 'data')
    const finished = finish(child)
    await waitingForLock()
    child.kill('SIGINT')
    await stopping
    await test.owner.query('rollback')
    const { code, stdout, stderr } = await finished
    expect({ code, stdout }).toEqual({ code: 130, stdout: '' })
    // While it runs nothing is committed; when it has ended, one person is gone.
    expect(stderr).toMatch(
      /^Purging ref blocked\.\nStopping after [^\n]*\nErasure request [\w-]{36}: 0 of 1 person is gone\.\n/,
    )
    expect(stderr).toMatch(/^lethe: Stopped\. Erasure request [\w-]{36}: 1 of 1 person is gone\.\n/m)
    expect(await failure('user', 'show', '--id', user.id)).toMatchObject({ code: 'user.not_found' })
  })

  async function waitingForLock(): Promise<void> {
    for (;;) {
      // Within a transaction the list of activities stays as it was first seen, unless it is told not to.
      await test.owner.query('select pg_stat_clear_snapshot()')
      const { rows } = await test.owner.query(
        `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
      )
      if (rows.length > 0) return
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
})

describe('lethe db', () => {
  it('migrates a server of your own, once, and shows what is applied', async () => {
    const server = startedTestServer()
    const name = `lethe_cli_${randomBytes(6).toString('hex')}`
    const env = { ...environment, DATABASE_URL: server.appUrlOf(name), DATABASE_OWNER_URL: server.ownerUrlOf(name) }
    const command = async (...args: string[]) => {
      const result = await runCommand(env, [...args, '--json', '--quiet'])
      return { ...result, document: result.code === 0 ? JSON.parse(result.stdout) : undefined }
    }
    try {
      expect(await command('db', 'status')).toMatchObject({ code: 6 })
      const { document } = await command('db', 'migrate')
      expect(document.applied.length).toBeGreaterThan(0)
      expect((await command('db', 'migrate')).document).toEqual({
        applied: [],
        addresses: { counts: [], findings: [] },
      })
      const status = (await command('db', 'status')).document
      expect(status.pending).toBe(0)
      expect(status.migrations.map((migration: { name: string }) => migration.name)).toEqual(document.applied)
      expect(await runCommand({ ...env, DATABASE_OWNER_URL: '' }, ['db', 'status'])).toMatchObject({ code: 0 })
      expect(await runCommand({ ...env, DATABASE_OWNER_URL: '' }, ['db', 'migrate'])).toMatchObject({ code: 6 })
    } finally {
      await server.dropDatabase(name)
    }
  })
})
