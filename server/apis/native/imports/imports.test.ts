import { randomUUID } from 'node:crypto'
import { Readable } from 'node:stream'
import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { effort } from '../../../../test/effort.ts'
import { type Credential, openTestHttp, type TestHttp } from '../../../../test/http.ts'
import { previewErasure } from '../../../erasure/requests/preview-erasure.ts'
import { cleanImportFiles } from '../../../import-runs/clean-files.ts'
import { openFile } from '../../../import-runs/open-file.ts'
import { startRun } from '../../../import-runs/record-run.ts'
import { type ImportUsersOptions, importUsers } from '../../../imports/users/import-users.ts'
import { createUser } from '../../../people/accounts/create-user.ts'
import type { UserFields } from '../../../people/accounts/user-fields.ts'
import { deleteUsers } from '../../../people/lifecycle/delete-users.ts'

let http: TestHttp
let tenant: string
let key: Credential
beforeAll(async () => {
  http = await openTestHttp()
  await http.startWorkers()
})
afterAll(() => http.close())
beforeEach(async () => {
  tenant = await http.tenant(`Tenant ${randomUUID()}`)
  key = await http.key(tenant)
})

const get = (address: string, as = key) => http.call('GET', `/api/v1${address}`, { as })
const user = (fields: UserFields) => http.inTenant(tenant, (tx) => createUser(tx, fields))

async function load(text: string | Buffer, options: Partial<ImportUsersOptions> = {}): Promise<string> {
  const { run } = await importUsers(http.database, tenant, {
    source: Readable.from([Buffer.from(text as string)]),
    file: 'people.csv',
    ...options,
  })
  if (run === null) throw new Error('no dry run was asked for')
  return run
}

async function purge(...ids: string[]): Promise<void> {
  await http.inTenant(tenant, (tx) => deleteUsers(tx, { userIds: ids }))
  await http.purge(tenant, ids)
}

async function fileOf(run: string): Promise<Buffer> {
  const pieces: Buffer[] = []
  for await (const piece of (await openFile(http.database, tenant, run)).content) pieces.push(piece)
  return Buffer.concat(pieces)
}

const stored = async (run: string) => {
  const { rows } = await http.owner.query(
    `select (select count(*)::int from import_run_chunks where run_id = $1) as chunks,
       sealed_key is not null as has_key, words is not null as has_words
     from import_runs where id = $1`,
    [run],
  )
  return rows[0]
}
const kept = { chunks: expect.any(Number), has_key: true, has_words: true }
const destroyed = { chunks: 0, has_key: false, has_words: false }

describe('/api/v1/imports', () => {
  it('lists the runs with counts, and shows what became of each row with the fields that changed', async () => {
    const ann = await user({ ref: 'L-1', email: 'ann@example.org', city: 'Bern', department: 'Sales' })
    const same = await user({ ref: 'L-2', email: null, city: null, department: null })
    const text = [
      'ref,email,city,department',
      'L-1,Ann.New@example.org,Basel,Sales',
      'L-2,,,',
      'L-3,nonsense,,',
      'L-4,,,',
      '',
    ].join('\n')
    const first = await load(text)
    const second = await load('ref\nL-1\n', { file: 'again.csv' })
    const { imports, next } = (await get('/imports?limit=1')).json
    expect(imports).toMatchObject([{ id: second, file_name: 'again', rows_read: 1 }])
    const rest = (await get(`/imports?after=${next}`)).json
    expect(rest).toMatchObject({
      imports: [
        {
          id: first,
          format: 'users',
          state: 'finished',
          file: 'kept',
          file_size: text.length,
          counts: { read: 4, created: 1, updated: 1, unchanged: 1, rejected: 1 },
        },
      ],
      next: null,
    })
    const { rows } = (await get(`/imports/${first}/rows`)).json
    expect(rows).toEqual([
      { line: 2, outcome: 'updated', user_id: ann.id, reason: null, changed: ['email', 'city'] },
      { line: 3, outcome: 'unchanged', user_id: same.id, reason: null, changed: [] },
      { line: 4, outcome: 'rejected', user_id: null, reason: expect.stringContaining('email'), changed: [] },
      { line: 5, outcome: 'created', user_id: expect.any(String), reason: null, changed: [] },
    ])
    expect(JSON.stringify(rows)).not.toMatch(/nonsense|Basel/)
    const page = (await get(`/imports/${first}/rows?limit=1&after=2`)).json
    expect(page).toMatchObject({ rows: [{ line: 3 }], next: 3 })
    expect((await get(`/imports/${first}/rows?outcome=rejected`)).json.rows).toHaveLength(1)
  })

  it('gives administrators and officers the file as it was, and other roles nothing', async () => {
    const text = '\ufeffref,custom.note\nA,"Zürich\r\n""quoted"""\n'
    const run = await load(text)
    const officer = await http.person(tenant, 'privacy_officer')
    const response = await fetch(`${http.url}/api/v1/imports/${run}/file`, {
      headers: { cookie: officer.cookie ?? '' },
    })
    expect(response.headers.get('content-type')).toContain('text/csv')
    expect(Buffer.from(await response.arrayBuffer())).toEqual(Buffer.from(text))
    const learner = await http.person(tenant, 'learner')
    for (const address of ['', `/${run}`, `/${run}/rows`, `/${run}/file`]) {
      expect((await get(`/imports${address}`, learner)).status).toBe(403)
      const other = await http.key(await http.tenant(`Other ${randomUUID()}`))
      if (address !== '') expect((await get(`/imports${address}`, other)).status).toBe(404)
    }
  })

  it('keeps files of any size byte by byte, in pieces that say nothing without their key', async () => {
    const row = (index: number) => `big-${index}@example.org,${'x'.repeat(150)}\n`
    const text = `email,city\n${Array.from({ length: 4000 }, (_, index) => row(index)).join('')}`
    const run = await load(text)
    expect((await fileOf(run)).toString()).toBe(text)
    const { rows } = await http.owner.query('select content from import_run_chunks where run_id = $1', [run])
    expect(rows.length).toBeGreaterThan(2)
    for (const { content } of rows) expect(content.includes('example.org')).toBe(false)
  })

  it('says of a file that failed as a whole why, and keeps nothing of it', async () => {
    await expect(load('nonsense\nx\n')).rejects.toMatchObject({ code: 'input.invalid' })
    const { imports } = (await get('/imports')).json
    expect(imports).toMatchObject([{ state: 'failed', error_code: 'input.invalid', file: 'none', counts: null }])
    expect(await get(`/imports/${imports[0].id}/file`)).toMatchObject({
      status: 404,
      json: { code: 'import_run.file_not_kept' },
    })
  })
})

describe('a person who is erased', () => {
  /** Ways in which a file may contain a person with these identifiers. */
  const places: [string, (person: { id: string; email: string; login: string; ref: string }) => string][] = [
    ['in the row by e-mail address', ({ email }) => `email,city\n${email},Bern\n`],
    ['in the row by address in other case', ({ email }) => `email\n${email.toUpperCase()}\n`],
    ['in the row by login name with claims', ({ login }) => `login_name\ni:0#.f|membership|${login}\n`],
    ['in the row by ref', ({ ref }) => `ref,city\n${ref},Basel\n`],
    ['in the row by internal id', ({ id }) => `id,city\n${id.toUpperCase()},Chur\n`],
    ['as the manager of another user', ({ email }) => `ref,manager_email\nother,${email}\n`],
    ['as the manager by id', ({ id }) => `ref,manager_id\nother,${id}\n`],
    ['in a text about another user', ({ email }) => `ref,custom.note\nother,"ask ""${email}"", please"\n`],
    ['in a row that was rejected', ({ email }) => `ref,email,kind\nother,${email},nonsense\n`],
    ['in a row whose quotes do not match', ({ email }) => `ref,city\n"x"y,${email}\nother,\n`],
    ['in a row that is no UTF-8', ({ email }) => `ref,email\n\u00e9,${email}\nother,\n`],
  ]

  it.each(places)('takes along the file that contains the person %s, for ever', async (place, text) => {
    const ann = { email: 'ann.stone@example.org', login: 'stone@corp.example.org', ref: 'K-77' }
    const { id } = await user({ email: ann.email, login_name: ann.login, ref: ann.ref })
    const other = await load('ref,city\nsomebody,Bern\n')
    const content = text({ id, ...ann })
    const run = await load(place.includes('UTF-8') ? Buffer.from(content, 'latin1') : content)
    expect(await stored(run)).toEqual(kept)
    await http.inTenant(tenant, (tx) => deleteUsers(tx, { userIds: [id] }))
    const preview = await http.inTenant(tenant, (tx) => previewErasure(tx, 'purge', [id]))
    expect(preview.effects).toContainEqual({ table: 'import_runs', effect: 'destroyed file', rows: 1 })
    await http.purge(tenant, [id])
    for (let again = 0; again < 2; again++) {
      expect(await get(`/imports/${run}/file`)).toMatchObject({
        status: 410,
        json: { code: 'import_run.file_gone', detail: expect.stringContaining('erased') },
      })
    }
    expect((await get(`/imports/${run}`)).json).toMatchObject({
      file: 'gone',
      file_gone_because: 'person_erased',
      file_gone_at: expect.any(String),
      file_size: 0,
    })
    expect(await stored(run)).toEqual(destroyed)
    expect(await stored(other)).toEqual(kept)
    const { rows } = await http.owner.query('select from import_run_rows where user_id = $1', [id])
    expect(rows).toEqual([])
    const { rows: receipt } = await http.owner.query(
      `select row_count::int as rows from erasure_receipts where tenant_id = $1 and table_name = 'import_runs'`,
      [tenant],
    )
    expect(receipt).toEqual([{ rows: 1 }])
  })

  it('by an anonymization takes the file along too', async () => {
    const { id } = await user({ email: 'anon@example.org', ref: 'anon-1' })
    const run = await load('email\nanon@example.org\n')
    await http.inTenant(tenant, (tx) => deleteUsers(tx, { userIds: [id] }))
    await http.anonymize(tenant, [id])
    expect((await get(`/imports/${run}/file`)).status).toBe(410)
    expect((await get(`/imports/${run}/rows`)).json.rows).toEqual([])
  })

  it('leaves files alone that hold only an identifier which another living user has too', async () => {
    const [ann, bob] = [
      await user({ ref: 'S-1', email: 'desk@example.org' }),
      await user({ ref: 'S-2', email: 'desk@example.org' }),
    ]
    const run = await load('ref,email\nS-2,desk@example.org\n')
    await purge(ann.id)
    expect(await stored(run)).toEqual(kept)
    await purge(bob.id)
    expect(await stored(run)).toEqual(destroyed)
  })

  it('is not brought back by an old file, which is not kept, in whatever row the person stands', async () => {
    const { id } = await user({ email: 'old@example.org', ref: 'old-1' })
    await purge(id)
    for (const text of [
      'email\nold@example.org\n',
      'email,kind\nold@example.org,nonsense\n',
      'ref,email,manager_ref\nnew-1,old@example.org,missing\n',
    ]) {
      const run = await load(text)
      expect((await get(`/imports/${run}`)).json).toMatchObject({ file: 'gone', file_gone_because: 'person_erased' })
      expect(await get(`/imports/${run}/file`)).toMatchObject({ status: 410 })
      expect(await stored(run)).toEqual(destroyed)
    }
    const back = await load('email\nold@example.org\n', { purged: 'create' })
    expect(await stored(back)).toEqual(kept)
  })

  it('while the import reads the file is noticed at its end', async () => {
    const { id } = await user({ email: 'meanwhile@example.org' })
    await http.inTenant(tenant, (tx) => deleteUsers(tx, { userIds: [id] }))
    const source = Readable.from(
      (async function* () {
        yield Buffer.from('ref,custom.note\nA,ask meanwhile@example.org\n')
        await http.purge(tenant, [id])
        yield Buffer.from('B,nothing\n')
      })(),
    )
    const run = await load('', { source })
    expect((await get(`/imports/${run}`)).json).toMatchObject({ counts: { created: 2 }, file: 'gone' })
    expect(await stored(run)).toEqual(destroyed)
  })

  it('is in no kept file that was imported before, whatever the order of imports and erasures', async () => {
    const name = fc.integer({ min: 0, max: 4 })
    const step = fc.record({
      does: fc.constantFrom('import', 'purge'),
      names: fc.uniqueArray(name, { minLength: 1, maxLength: 3 }),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 2, maxLength: 5 }), async (steps) => {
        tenant = await http.tenant(`Tenant ${randomUUID()}`)
        const email = (one: number) => `person-${one}@example.org`
        const living = new Map<number, string>()
        for (let one = 0; one < 5; one++) living.set(one, (await user({ email: email(one) })).id)
        const files: { run: string; names: number[] }[] = []
        for (const { does, names } of steps) {
          const theirs = names.filter((one) => living.has(one))
          if (theirs.length === 0) continue
          if (does === 'import') {
            const rows = theirs.map((one) => `row-${one},see ${email(one)}\n`)
            files.push({ run: await load(`ref,custom.note\n${rows.join('')}`), names: theirs })
          } else {
            await purge(...theirs.map((one) => living.get(one) ?? ''))
            for (const one of theirs) living.delete(one)
          }
        }
        for (const { run, names } of files) {
          expect((await stored(run)).has_key).toBe(names.every((one) => living.has(one)))
        }
      }),
      { numRuns: effort(5, 60) },
    )
  })
})

it('lets the tenant decide about purged people in files, and shows who came back, with which import', async () => {
  const { id } = await user({ email: 'back@example.org', ref: 'back-1', first_name: 'Then' })
  await purge(id)
  const rows = async (run: string) => (await get(`/imports/${run}/rows`)).json.rows
  const skipped = await load('email\nback@example.org\n')
  expect(await rows(skipped)).toMatchObject([{ outcome: 'skipped', reason: expect.stringContaining('was purged') }])
  const admin = await http.person(tenant, 'administrator')
  const setting = (returning_rows: string) =>
    http.call('PATCH', '/api/v1/tenant', { as: admin, body: { returning_rows } })
  expect((await setting('perhaps')).status).toBe(422)
  expect((await setting('create')).json).toMatchObject({ returning_rows: 'create' })
  expect(await rows(await load('email\nback@example.org\n', { purged: 'skip' }))).toMatchObject([
    { outcome: 'skipped' },
  ])
  const run = await load('email,roles\nback@example.org,administrator\n', { withRoles: true })
  const [row] = await rows(run)
  expect(row).toMatchObject({ outcome: 'created', reason: expect.stringContaining('returns without records') })
  const back = (await get(`/users/${row.user_id}`)).json
  expect(back).toMatchObject({ roles: ['learner'], first_name: null })
  const { rows: marks } = await http.owner.query('select * from reappearances where user_id = $1', [row.user_id])
  expect(marks).toMatchObject([{ group_id: null, import_run_id: run, request_id: expect.any(String) }])
  const { rows: trail } = await http.owner.query(
    `select details from audit_entries where tenant_id = $1 and activity = 'UserReappeared'`,
    [tenant],
  )
  expect(trail.map(({ details }) => JSON.parse(details))).toEqual([{ import_run: run, request: marks[0].request_id }])
  await purge(row.user_id)
  const byId = await load(`id,ref\n${row.user_id},back-2\n`)
  const [again] = await rows(byId)
  expect(again).toMatchObject({ outcome: 'created' })
  const { rows: third } = await http.owner.query('select * from reappearances where user_id = $1', [again.user_id])
  expect(third).toMatchObject([{ import_run_id: byId, request_id: expect.any(String) }])
})

it('destroys files whose time is over, and marks runs whose process died as failed', async () => {
  const run = await load('ref\nA\n')
  await http.owner.query(`update import_runs set file_expires_at = now() where id = $1`, [run])
  expect(await get(`/imports/${run}/file`)).toMatchObject({ status: 410 })
  const killed = await http.inTenant(tenant, (tx) => startRun(tx, { format: 'users' }))
  await http.owner.query(`update import_runs set started_at = now() - interval '2 minutes' where id = $1`, [killed])
  const { promise: waits, resolve: release } = Promise.withResolvers<void>()
  const source = Readable.from(
    (async function* () {
      yield Buffer.from('ref\nB\n')
      await waits
    })(),
  )
  const living = load('', { source })
  for (;;) {
    const { rows } = await http.owner.query(
      `update import_runs set started_at = now() - interval '2 minutes'
       where tenant_id = $1 and finished_at is null and id <> $2 returning id`,
      [tenant, killed],
    )
    const { rows: locks } = await http.owner.query(`select from pg_locks where locktype = 'advisory'`)
    if (rows.length > 0 && locks.length > 0) break
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  await cleanImportFiles(http.database)
  expect((await get(`/imports/${run}`)).json).toMatchObject({ file: 'gone', file_gone_because: 'expired' })
  expect(await stored(run)).toEqual(destroyed)
  expect((await get(`/imports/${killed}`)).json).toMatchObject({
    state: 'failed',
    error_code: 'import_run.interrupted',
  })
  release()
  expect((await get(`/imports/${await living}`)).json).toMatchObject({ state: 'finished' })
})
