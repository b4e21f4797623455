import { randomUUID } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { openTestApplication, type TestApplication, testApplicationOn } from '../../../test/application.ts'
import { openTestDatabase } from '../../../test/database.ts'
import {
  hasPostgresql15,
  installPostgresql15,
  type Postgresql15,
  startPostgresql15,
} from '../../../test/postgresql-15.ts'
import {
  differences,
  dumpDatabase,
  insertRow,
  newTenant,
  placesOf,
  type Row,
  type TenantRows,
} from '../../../test/rows.ts'
import { placeHold } from '../../holds/place-hold.ts'
import { releaseHold } from '../../holds/release-hold.ts'
import { deleteUsers } from '../../people/lifecycle/delete-users.ts'
import { newKey } from '../../platform/crypto/seal.ts'
import { migrate } from '../../platform/database/migrate.ts'
import { isLetheError } from '../../platform/errors.ts'
import { verifyCertificate } from '../proof/certificate.ts'
import { readCertificate } from '../proof/read-certificate.ts'
import { showErasure } from '../requests/show-request.ts'
import { exportLedger } from './export-ledger.ts'
import { readLedgerLines } from './ledger-file.ts'
import { planReplay, replayLedger } from './replay-ledger.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'lethe-ledger-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const newFile = () => path.join(folder, `${randomUUID()}.jsonl`)

async function exportTo(app: TestApplication['app'], tenants: string[], file = newFile()): Promise<string> {
  let text = ''
  await exportLedger(app.database, tenants, (lines) => {
    text += lines
    return Promise.resolve()
  })
  await writeFile(file, text)
  return file
}

const jane = { email: 'jane.doe@acme.example', login_name: 'acme\\jdoe', ref: 'emp-4711', first_name: 'Jane' }
const bob = { email: 'bob.roe@acme.example', ref: 'emp-4712', directory_object_id: randomUUID() }

describe('a ledger', () => {
  let test: TestApplication
  let rows: TenantRows
  beforeAll(async () => {
    test = await openTestApplication()
    await test.startWorkers()
  })
  afterAll(() => test.close())
  beforeEach(async () => {
    rows = await newTenant(test.owner)
  })

  /** Brings a purged person's row back, as a restored backup does. */
  const bringBack = (id: string, values: Row) => rows.user({ id, ...values })
  const replay = (file: string) => replayLedger(test.app.database, { file, tenant: rows.tenant })
  const dump = () => dumpDatabase(test.owner, { tenant: rows.tenant, without: ['graphile_worker._private_jobs'] })
  const ledger = async () =>
    [...((await dump()).get('erasure_ledger')?.values() ?? [])].map(({ request_id, user_id }) => [request_id, user_id])

  describe('export', () => {
    it('names who was erased, by internal ids, and tombstones by keyed hashes, and holds no personal data', async () => {
      const people = [await rows.deletedUser(jane), await rows.deletedUser(bob)]
      const { id } = await test.purge(rows.tenant, people)
      const file = await exportTo(test.app, [rows.tenant])
      const text = await readFile(file, 'utf8')
      expect(text).not.toMatch(/jane\.doe|@|emp-47/i)
      expect(text).not.toContain(bob.directory_object_id)
      const lines = text
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line))
      expect(lines.map(({ type }) => type)).toEqual([
        ...['tenant', 'erased', 'erased'],
        ...Array.from({ length: 6 }, () => 'tombstone'),
        'end',
      ])
      expect(lines.slice(1, 3)).toEqual(
        people.toSorted().map((user) => ({
          type: 'erased',
          tenant: rows.tenant,
          request: id,
          user,
          operation: 'purge',
          erased_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
          map_version: expect.stringMatching(/^[0-9a-f]{16}$/),
        })),
      )
      expect(lines.at(-1)).toMatchObject({ lines: 9, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) })
    })

    it('is written in pieces that do not grow with the ledger', async () => {
      await test.owner.query(
        `insert into erasure_ledger (tenant_id, request_id, user_id, operation, map_version)
         select $1, gen_random_uuid(), gen_random_uuid(), 'purge', '0123456789abcdef' from generate_series(1, 10000)`,
        [rows.tenant],
      )
      let longest = 0
      let written = 0
      const exported = await exportLedger(test.app.database, [rows.tenant], (lines) => {
        longest = Math.max(longest, lines.split('\n').length)
        written += lines.split('\n').length - 1
        return Promise.resolve()
      })
      expect(exported).toEqual({ tenants: 1, entries: 10000, tombstones: 0 })
      expect(written).toBe(10002)
      expect(longest).toBeLessThan(2500)
    })
  })

  describe('replay', () => {
    it('purges again whoever is there again, deletes them first, and leaves everybody else alone', async () => {
      const other = await rows.user({ email: 'other@acme.example' })
      const people = [await rows.deletedUser(jane), await rows.deletedUser(bob), await rows.deletedUser()]
      const [first = '', second = '', third = ''] = people
      const one = await test.purge(rows.tenant, [first, third])
      const two = await test.purge(rows.tenant, [second])
      const file = await exportTo(test.app, [rows.tenant])
      await bringBack(first, jane)
      await bringBack(second, { ...bob, state: 'suspended', suspended_at: new Date() })
      await rows.post(await rows.course(), other, `Ask ${jane.email} or ${bob.ref}`)
      expect(await planReplay(test.app.database, { file })).toMatchObject({ entries: 3, people: 2, unknownTenants: [] })

      const done = await replay(file)
      expect(done).toMatchObject({ entries: 3, people: 2, nothingNeeded: 1, left: 0, continued: [], otherHashKey: [] })
      expect(done.repeated).toEqual(
        [one.id, two.id].map((request) => ({
          tenant: rows.tenant,
          request,
          repeatedBy: expect.any(String),
          people: 1,
          state: 'completed',
        })),
      )
      const left = await dump()
      expect([...(left.get('users')?.values() ?? [])]).toMatchObject([{ id: other, email: 'other@acme.example' }])
      for (const value of [jane.email, jane.ref, bob.email, bob.ref]) expect(placesOf(left, value)).toEqual([])
      for (const { request, repeatedBy } of done.repeated) {
        const shown = await test.inTenant(rows.tenant, (tx) => showErasure(tx, repeatedBy))
        expect(shown).toMatchObject({ initiatedFrom: 'ledger', state: 'completed' })
        const order = [...(left.get('erasure_requests')?.values() ?? [])].find(({ id }) => id === repeatedBy)
        expect(order?.reason).toContain(request)
        const certificate = await test.inTenant(rows.tenant, (tx) => readCertificate(tx, repeatedBy))
        expect((await verifyCertificate(certificate)).certificate.subjects).toMatchObject({ done: 1, failed: 0 })
      }
    })

    it('changes nothing the second time', async () => {
      const id = await rows.deletedUser(jane)
      await test.purge(rows.tenant, [id])
      const file = await exportTo(test.app, [rows.tenant])
      await bringBack(id, jane)
      expect(await replay(file)).toMatchObject({ people: 1 })
      const before = await dump()
      expect(await replay(file)).toMatchObject({
        people: 0,
        repeated: [],
        nothingNeeded: 1,
        restored: { entries: 0, tombstones: 0 },
      })
      expect(differences(before, await dump())).toEqual({})
    })

    it('puts entries and tombstones back that the backup lacks, also of people who are not there', async () => {
      const people = [await rows.deletedUser(jane), await rows.deletedUser(bob)]
      const { id } = await test.purge(rows.tenant, people)
      const file = await exportTo(test.app, [rows.tenant])
      const before = await dump()
      await test.owner.query('delete from erasure_ledger where tenant_id = $1', [rows.tenant])
      await test.owner.query('delete from tombstones where tenant_id = $1', [rows.tenant])
      expect(await replay(file)).toMatchObject({
        people: 0,
        nothingNeeded: 2,
        restored: { entries: 2, tombstones: 6 },
      })
      expect(await ledger()).toEqual(people.toSorted().map((user) => [id, user]))
      expect(differences(before, await dump())).toEqual({})
    })

    it('brings the key of the tombstones along where the backup is older than the key', async () => {
      const id = await rows.deletedUser(jane)
      await test.purge(rows.tenant, [id])
      const file = await exportTo(test.app, [rows.tenant])
      const before = await dump()
      for (const table of ['tombstones', 'tenant_keys']) {
        await test.owner.query(`delete from ${table} where tenant_id = $1`, [rows.tenant])
      }
      expect(await replay(file)).toMatchObject({ otherHashKey: [], restored: { tombstones: 3 } })
      expect(differences(before, await dump())).toMatchObject({ tenant_keys: { come: [], gone: [] } })
      expect((await dump()).get('tombstones')).toEqual(before.get('tombstones'))
    })

    it('says so and restores no tombstone where the tenant has another key by now', async () => {
      const id = await rows.deletedUser(jane)
      await test.purge(rows.tenant, [id])
      const file = await exportTo(test.app, [rows.tenant])
      const other = await newTenant(test.owner)
      await test.purge(other.tenant, [await other.deletedUser(bob)])
      await test.owner.query('delete from tombstones where tenant_id = $1', [rows.tenant])
      await test.owner.query(
        `update tenant_keys set sealed_key = (select sealed_key from tenant_keys where tenant_id = $2) where tenant_id = $1`,
        [rows.tenant, other.tenant],
      )
      expect(await replay(file)).toMatchObject({ otherHashKey: [rows.tenant], restored: { tombstones: 0 }, left: 0 })
    })

    it('purges again the last administrator there is, and says that none is left', async () => {
      const id = await rows.deletedUser(jane)
      await test.purge(rows.tenant, [id])
      const file = await exportTo(test.app, [rows.tenant])
      await bringBack(id, { roles: ['learner', 'administrator'] })
      expect(await replay(file)).toMatchObject({ people: 1, left: 0, withoutAdministrator: [rows.tenant] })
    })

    it('lets a request go on that the backup itself had begun for the person, instead of a second one', async () => {
      const id = await rows.deletedUser(jane)
      await test.purge(rows.tenant, [id])
      const file = await exportTo(test.app, [rows.tenant])
      await test.stopWorkers()
      await bringBack(id, jane)
      await test.inTenant(rows.tenant, (tx) => deleteUsers(tx, { userIds: [id], lastAdministratorToo: true }))
      const request = await test.order(rows.tenant, [id])
      // The workers come only once the replay waits: sooner, they may have ended the request before it is looked for.
      let started: Promise<void> | undefined
      const onProgress = () => {
        started ??= test.startWorkers()
      }
      const replayed = await replayLedger(test.app.database, { file, onProgress })
      await started
      expect(replayed).toMatchObject({
        repeated: [],
        continued: [{ tenant: rows.tenant, request, state: 'completed' }],
        left: 0,
      })
    })

    it('deletes a person that a legal hold covers and erases nothing; the release lets the request go on', async () => {
      const [held, free] = [await rows.deletedUser(jane), await rows.deletedUser(bob)]
      await test.purge(rows.tenant, [held, free])
      const file = await exportTo(test.app, [rows.tenant])
      await rows.administrator()
      await bringBack(held, jane)
      await bringBack(free, bob)
      const { id } = await test.inTenant(rows.tenant, (tx) =>
        placeHold(tx, { reason: 'court_proceedings', userIds: [held] }),
      )
      const replayed = await replay(file)
      expect(replayed).toMatchObject({
        people: 2,
        left: 1,
        held: 1,
        holds: [{ id, reason: 'court_proceedings' }],
        repeated: [{ state: 'partial' }],
      })
      const { rows: users } = await test.owner.query('select id, state, email from users where id = any ($1)', [
        [held, free],
      ])
      expect(users).toEqual([{ id: held, state: 'deleted', email: jane.email }])
      const request = replayed.repeated[0]?.repeatedBy ?? ''
      // Again, while the hold is there.
      expect(await replay(file)).toMatchObject({ repeated: [], continued: [{ request, state: 'partial' }], left: 1 })
      await test.inTenant(rows.tenant, (tx) => releaseHold(tx, id))
      await expect
        .poll(async () => (await test.inTenant(rows.tenant, (tx) => showErasure(tx, request))).state, {
          timeout: 20_000,
        })
        .toBe('completed')
      expect(await replay(file)).toMatchObject({ people: 0, left: 0 })
    })

    it('counts who could not be purged again', async () => {
      const id = await rows.deletedUser(jane)
      await test.purge(rows.tenant, [id])
      const file = await exportTo(test.app, [rows.tenant])
      await bringBack(id, jane)
      await test.owner.query(
        'create table payroll (tenant_id uuid, user_id uuid, foreign key (tenant_id, user_id) references users)',
      )
      await test.owner.query('grant select on payroll to lethe_auditor')
      await test.owner.query('insert into payroll values ($1, $2)', [rows.tenant, id])
      try {
        const failed = await replay(file)
        expect(failed).toMatchObject({ left: 1, repeated: [{ state: 'failed' }] })
        expect(await replay(file)).toMatchObject({ left: 1, repeated: [], continued: [{ state: 'failed' }] })
      } finally {
        await test.owner.query('drop table payroll')
      }
    })

    it('counts and reports entries of tenants that are not there, and does the others', async () => {
      const id = await rows.deletedUser(jane)
      await test.purge(rows.tenant, [id])
      const gone = await newTenant(test.owner)
      await test.purge(gone.tenant, [await gone.deletedUser(), await gone.deletedUser()])
      const file = await exportTo(test.app, [gone.tenant, rows.tenant])
      const { rows: tables } = await test.owner.query<{ name: string }>(
        `select c.relname as name from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id'
         where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace`,
      )
      await test.owner.query('begin; set local session_replication_role = replica')
      for (const { name } of tables) await test.owner.query(`delete from ${name} where tenant_id = $1`, [gone.tenant])
      await test.owner.query('delete from tenants where id = $1', [gone.tenant])
      await test.owner.query('commit')
      await bringBack(id, jane)
      expect(await replayLedger(test.app.database, { file })).toMatchObject({
        entries: 1,
        people: 1,
        unknownTenants: [{ tenant: gone.tenant, entries: 2 }],
        left: 0,
      })
    })
  })

  describe('a file that cannot be trusted', () => {
    let file: string
    let text: string
    beforeAll(async () => {
      const own = await newTenant(test.owner)
      const id = await own.deletedUser(jane)
      await test.purge(own.tenant, [id])
      file = await exportTo(test.app, [own.tenant])
      text = await readFile(file, 'utf8')
      // Whatever is wrong with the file, this person must stay.
      await insertRow(test.owner, 'users', { tenant_id: own.tenant, id })
    })

    const refusal = async (content: string) => {
      const changed = newFile()
      await writeFile(changed, content)
      const before = await dumpDatabase(test.owner)
      const error = await replayLedger(test.app.database, { file: changed }).then(
        () => undefined,
        (thrown: unknown) => thrown,
      )
      expect(differences(before, await dumpDatabase(test.owner))).toEqual({})
      return isLetheError(error) ? error.code : error
    }

    it.each([
      ['cut off before the last line', () => text.split('\n').slice(0, -2).join('\n')],
      ['without one of its lines', () => text.split('\n').toSpliced(1, 1).join('\n')],
      [
        'with a line twice',
        () =>
          text
            .split('\n')
            .toSpliced(1, 0, text.split('\n')[1] ?? '')
            .join('\n'),
      ],
      ['with another person in it', () => text.replace(/("user":")........-/, '$1ffffffff-')],
      ['empty', () => ''],
      ['that is something else', () => 'id,name\n1,Ann\n'],
      ['with something behind its end', () => `${text}{"type":"tenant"}\n`],
    ])('is refused before anything is done: one %s', async (_, content) => {
      expect(await refusal(content())).toBe('ledger.damaged')
    })

    it('is refused when written under another master key, with a digest that is right', async () => {
      const foreign = { ...test.app, database: { ...test.app.database, masterKey: newKey() } }
      await expect(planReplay(foreign.database, { file })).rejects.toMatchObject({ code: 'ledger.other_master_key' })
      const made = newFile()
      await exportTo(foreign, [], made)
      expect(await refusal(await readFile(made, 'utf8'))).toBe('ledger.other_master_key')
    })

    it('is refused when it is not there', async () => {
      await expect(planReplay(test.app.database, { file: newFile() })).rejects.toMatchObject({
        code: 'input.file_unreadable',
      })
    })

    it('is refused whatever character of it is changed', async () => {
      await fc.assert(
        fc.asyncProperty(fc.nat(text.length - 2), fc.constantFrom(...'0aF{" \n'), async (at, character) => {
          fc.pre(text[at] !== character)
          const changed = newFile()
          await writeFile(changed, text.slice(0, at) + character + text.slice(at + 1))
          const read = async () => {
            for await (const _ of readLedgerLines(changed, test.app.masterKey));
          }
          await expect(read()).rejects.toMatchObject({ code: expect.stringMatching(/^ledger\./) })
        }),
        { numRuns: 200 },
      )
    })
  })
})

describe('a database restored with pg_restore from a dump that is older than the purge', () => {
  let server: Postgresql15 | undefined
  const opened: TestApplication[] = []
  afterAll(async () => {
    for (const application of opened) await application.close()
    await server?.stop()
  })

  it('has the same people purged again by a replay, and nobody else', async ({ skip }) => {
    skip(!hasPostgresql15, `${installPostgresql15}, then: node scripts/with-postgresql-15.ts vitest run server/erasure`)
    const postgresql = await startPostgresql15()
    server = postgresql
    const masterKey = newKey()
    const open = async (name: string) => {
      const ownerUrl = postgresql.ownerUrlOf(name)
      const appUrl = ownerUrl.replace('postgres@', 'lethe_test:secret@')
      await migrate({ ownerUrl, appUrl })
      // Each application has its own key in memory, as another process has.
      const test = testApplicationOn(
        await openTestDatabase(ownerUrl, appUrl, () => Promise.resolve(), Buffer.from(masterKey)),
      )
      opened.push(test)
      await test.startWorkers()
      return test
    }

    const before = await open('before')
    const rows = await newTenant(before.owner)
    const administrator = await rows.administrator({ email: 'admin@acme.example' })
    const course = await rows.course({ title: 'First aid' })
    const people: string[] = []
    for (let number = 0; number < 20; number++) {
      people.push(
        await rows.user({ email: `person-${number}@acme.example`, ref: `emp-${4700 + number}`, first_name: 'A' }),
      )
    }
    for (const person of people) {
      await rows.insert('enrollments', { user_id: person, course_id: course })
      await rows.post(course, person, `I am ${person}`)
    }
    await rows.post(course, administrator, 'Ask person-3@acme.example, not person-12@acme.example')

    const file = path.join(folder, 'backup.dump')
    await before.stopWorkers()
    postgresql.run('pg_dump', ['--format=custom', `--file=${file}`, postgresql.ownerUrlOf('before')])
    await before.startWorkers()
    const purged = people.slice(0, 8)
    const remove = (userIds: string[]) => before.inTenant(rows.tenant, (tx) => deleteUsers(tx, { userIds }))
    await remove(purged)
    const requests = [
      await before.purge(rows.tenant, purged.slice(0, 5)),
      await before.purge(rows.tenant, purged.slice(5)),
    ]
    expect(requests.map(({ state }) => state)).toEqual(['completed', 'completed'])
    const ledger = await exportTo(before.app, [rows.tenant])
    const wanted = await dumpDatabase(before.owner, { tenant: rows.tenant })

    await before.owner.query('create database restored')
    postgresql.run('pg_restore', ['--exit-on-error', `--dbname=${postgresql.ownerUrlOf('restored')}`, file])
    const restored = await open('restored')
    const brought = await dumpDatabase(restored.owner, { tenant: rows.tenant })
    expect(placesOf(brought, 'person-3@acme.example')).toEqual(['posts.body', 'users.email', 'users.email_key'])

    const done = await replayLedger(restored.app.database, { file: ledger })
    expect(done).toMatchObject({ entries: 8, people: 8, nothingNeeded: 0, left: 0, otherHashKey: [] })
    expect(done.repeated.map(({ request, people, state }) => ({ request, people, state }))).toEqual(
      requests.map(({ id, subjects }) => ({ request: id, people: subjects.total, state: 'completed' })),
    )
    const now = await dumpDatabase(restored.owner, { tenant: rows.tenant })
    for (let number = 0; number < 8; number++) {
      expect(placesOf(now, `person-${number}@acme.example`)).toEqual([])
      expect(placesOf(now, `emp-${4700 + number}`)).toEqual([])
    }
    // Outside of the record of the erasure itself, the database is as the one where they were purged first.
    // The trail has what was done here; keys have another time or are new; the request that repeated theirs
    // has tombstones of its own.
    const same = Object.keys(differences(wanted, now)).filter((table) => !/^(erasure_|graphile_worker\.)/.test(table))
    expect(same).toEqual(['audit_entries', 'audit_readings', 'signing_keys', 'tenant_keys', 'tombstones'])
    const hashes = (dump: typeof now) =>
      new Set(
        [...(dump.get('tombstones')?.values() ?? [])].map(({ kind, hash, user_id }) => `${kind} ${hash} ${user_id}`),
      )
    expect(hashes(now)).toEqual(hashes(wanted))
    const entries = [...(now.get('erasure_ledger')?.keys() ?? [])]
    expect(entries).toEqual(expect.arrayContaining([...(wanted.get('erasure_ledger')?.keys() ?? [])]))
    for (const { repeatedBy, people } of done.repeated) {
      const certificate = await restored.inTenant(rows.tenant, (tx) => readCertificate(tx, repeatedBy))
      const { certificate: claims, addenda } = await verifyCertificate(certificate)
      expect(claims).toMatchObject({ initiated_from: 'ledger', subjects: { total: people, done: people } })
      expect(addenda.map(({ search }) => search?.findings)).toEqual([[]])
    }
    expect(await replayLedger(restored.app.database, { file: ledger })).toMatchObject({ people: 0, repeated: [] })
  })
})
