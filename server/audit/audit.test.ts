import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openTestApplication, type TestApplication } from '../../test/application.ts'
import { newTenant, type TenantRows } from '../../test/rows.ts'
import { createUser } from '../people/accounts/create-user.ts'
import { updateUser } from '../people/accounts/update-user.ts'
import { deleteUsers } from '../people/lifecycle/delete-users.ts'
import { inTenant, type TenantTransaction } from '../platform/database/transaction.ts'
import type { Initiator } from '../platform/initiator.ts'
import { exportAudit } from './export-audit.ts'
import { type AuditFilter, listAudit } from './list-audit.ts'
import { type AuditRecord, record } from './record.ts'

let test: TestApplication
let rows: TenantRows
beforeAll(async () => {
  test = await openTestApplication()
  await test.startWorkers()
})
beforeAll(async () => {
  rows = await newTenant(test.owner)
})
afterAll(() => test.close())

const run = <T>(work: (tx: TenantTransaction) => Promise<T>, initiator?: Initiator) =>
  inTenant(test.database, rows.tenant, work, initiator && { initiator })
const list = async (filter?: AuditFilter) => (await run((tx) => listAudit(tx, filter))).entries
const course = '018f0000-0000-7000-8000-00000000000c'

describe('an entry', () => {
  it('says who acted: the user, else the credential, else the way by which it came', async () => {
    const user = await rows.user()
    const credential = { kind: 'api_key', id: '018f0000-0000-7000-8000-0000000000aa' } as const
    const cases: [Initiator | undefined, object][] = [
      [
        { from: 'console', userId: user },
        { kind: 'user', id: user, from: 'console' },
      ],
      [
        { from: 'command_line', userId: user },
        { kind: 'user', id: user, from: 'command_line' },
      ],
      [
        { from: 'api', credential },
        { kind: 'api_key', id: credential.id, from: 'api' },
      ],
      [{ from: 'identity_provider' }, { kind: 'identity_provider', id: null, from: 'identity_provider' }],
      [{ from: 'command_line' }, { kind: 'command_line', id: null, from: 'command_line' }],
      [undefined, { kind: 'system', id: null, from: 'system' }],
    ]
    for (const [initiator, actor] of cases) {
      await run((tx) => record(tx, { activity: 'CourseCreated', object: course }), initiator)
      expect((await list())[0]).toMatchObject({
        activity: 'CourseCreated',
        title: 'Course created',
        actor,
        object: { kind: 'course', id: course },
      })
    }
  })

  it('exists exactly when what it is about was done', async () => {
    const failing = run(async (tx) => {
      await createUser(tx, { email: 'nobody@example.org' })
      throw new Error('after the act')
    })
    await expect(failing).rejects.toThrow('after the act')
    expect((await list({ activity: 'UserCreated' })).map(({ values }) => values?.email)).not.toContain(
      'nobody@example.org',
    )
  })

  it('names what an update changed in clear, and the values before and after under the key of the person', async () => {
    const user = await run((tx) =>
      createUser(tx, { email: 'old@example.org', first_name: 'Ann', custom_fields: { note: 'ask bob@example.org' } }),
    )
    await run((tx) =>
      updateUser(tx, user.id, { email: 'new@example.org', custom_fields: { note: 'ask eve@example.org' } }),
    )
    const [updated, created] = await list({ subject: user.id })
    expect(updated).toMatchObject({
      activity: 'UserUpdated',
      object: { kind: 'user', id: user.id },
      details: { columns: ['email', 'custom_fields'] },
      values: { before: { email: 'old@example.org' }, after: { email: 'new@example.org' } },
      erased: false,
    })
    expect(created?.values).toMatchObject({ email: 'old@example.org', first_name: 'Ann' })
    // Somebody else's address in a custom field is not kept under this person's key.
    expect(JSON.stringify([updated, created])).not.toContain('bob@example.org')
    const { rows: stored } = await test.owner.query('select e::text as text from audit_entries e')
    expect(stored.map(({ text }) => text).join()).not.toMatch(/old@example|Ann/)
  })

  it('takes no free text in clear', async () => {
    const entry = (detail: string): AuditRecord => ({ activity: 'CourseCreated', details: { note: detail } })
    for (const text of ['ann@example.org', 'two words', 'Zoë', 'x'.repeat(65)]) {
      await expect(run((tx) => record(tx, entry(text)))).rejects.toThrow(TypeError)
    }
    await run((tx) => record(tx, entry('2026-01-01T00:00:00Z')))
  })

  it('can be neither changed nor removed by the application, nor be added as a sealed one', async () => {
    await run((tx) => record(tx, { activity: 'CourseCreated', object: course }))
    for (const statement of [
      `update audit_entries set activity = 'UserCreated'`,
      'delete from audit_entries',
      'truncate audit_entries',
      `insert into audit_entries select * from audit_entries`,
      `update audit_checkpoints set jws = ''`,
      'delete from audit_checkpoints',
    ]) {
      await expect(run((tx) => tx.query(statement))).rejects.toMatchObject({ code: '42501' })
    }
    await run((tx) =>
      tx.query(
        `update audit_entries set sequence = 1000, hash = '' where id = (select max(id::text)::uuid from audit_entries)`,
      ),
    )
    const unseal = 'update audit_entries set sequence = null, hash = null where sequence = 1000'
    await expect(run((tx) => tx.query(unseal))).rejects.toMatchObject({ code: '23001' })
    await test.owner.query(`set session_replication_role = replica; ${unseal}; set session_replication_role = origin`)
  })
})

describe('values about people', () => {
  it('are written for many people by a handful of statements', async () => {
    const people: string[] = []
    while (people.length < 50) people.push(await rows.user())
    let statements = 0
    await run(async (tx) => {
      const counting: TenantTransaction = Object.create(tx, {
        query: {
          value: (...given: Parameters<typeof tx.query>) => {
            statements++
            return tx.query(...given)
          },
        },
      })
      await record(
        counting,
        people.map((object, index) => ({ activity: 'UserUpdated', object, values: { index } })),
      )
    })
    expect(statements).toBeLessThanOrEqual(4)
    for (const [index, subject] of people.entries()) expect((await list({ subject }))[0]?.values).toEqual({ index })
  })

  it('get one key of a person, however many transactions need the first one at once', async () => {
    const user = await rows.user()
    await Promise.all(
      Array.from({ length: 8 }, (_, index) =>
        run((tx) => record(tx, { activity: 'UserUpdated', object: user, values: { index } })),
      ),
    )
    const seen = (await list({ subject: user })).map(({ values }) => values?.index)
    expect(seen.sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
  })

  it.each(['purge', 'anonymize'] as const)('are unreadable after a %s; the entries stay', async (operation) => {
    const person = await run((tx) =>
      createUser(tx, { email: `gone-${operation}@example.org`, ref: `gone-${operation}` }),
    )
    await run((tx) => deleteUsers(tx, { userIds: [person.id] }))
    const before = await list({ subject: person.id })
    expect(before.map(({ erased }) => erased)).toEqual([false, false])
    expect((await test[operation](rows.tenant, [person.id])).state).toBe('completed')

    const after = await list({ subject: person.id })
    expect(after.map(({ activity }) => activity)).toEqual([
      operation === 'purge' ? 'UserPurged' : 'UserAnonymized',
      'UserDeleted',
      'UserCreated',
    ])
    expect(after.at(-1)).toMatchObject({ values: null, erased: true, details: before.at(-1)?.details })
    const { rows: keys } = await test.owner.query('select from person_keys where user_id = $1', [person.id])
    expect(keys).toEqual([])
    // Nothing can be recorded about the person any more that somebody could read.
    await run((tx) => record(tx, { activity: 'UserUpdated', object: person.id, values: { email: 'back@example.org' } }))
    expect((await list({ subject: person.id }))[0]).toMatchObject({ values: null, erased: false })
  })

  it('of contacts have a key too, which goes when a person with that address is purged', async () => {
    const contact = { kind: 'email', value: 'contact@example.org' } as const
    await run((tx) =>
      record(tx, { activity: 'CourseCreated', object: course, contact, values: { email: contact.value } }),
    )
    const [entry] = await list({ contact })
    expect(entry).toMatchObject({ contact: true, subject: null, values: { email: contact.value } })
    const user = await rows.deletedUser({ email: 'Contact@example.org' })
    await test.purge(rows.tenant, [user])
    const [after] = await run(async (tx) =>
      (await listAudit(tx, { activity: 'CourseCreated' })).entries.filter((one) => one.id === entry?.id),
    )
    expect(after).toMatchObject({ contact: true, values: null, erased: true })
  })
})

describe('the list', () => {
  let other: TenantRows
  const actor = '018f0000-0000-7000-8000-0000000000ac'
  const at = (filter?: AuditFilter, page?: { limit?: number; after?: string }) =>
    inTenant(test.database, other.tenant, (tx) => listAudit(tx, filter, page))
  const activityOf = (number: number) => (number % 2 === 0 ? 'CourseCreated' : 'SkillCreated')
  const userOf = (number: number) => `018f0000-0000-7000-8000-0000000001${String(number % 5).padStart(2, '0')}`
  let middle: Date

  beforeAll(async () => {
    other = await newTenant(test.owner)
    for (let number = 0; number < 40; number++) {
      const initiator: Initiator = number % 4 === 0 ? { from: 'console', userId: actor } : { from: 'policy' }
      if (number === 20) middle = await momentOfServer()
      await inTenant(
        test.database,
        other.tenant,
        (tx) =>
          record(tx, { activity: activityOf(number), object: course, subject: userOf(number), details: { number } }),
        { initiator },
      )
    }
  })
  const momentOfServer = async () => {
    // A whole millisecond between what was before and what comes after.
    const { rows } = await test.owner.query<{ at: Date }>(`select pg_sleep(0.002), clock_timestamp() as at`)
    await test.owner.query('select pg_sleep(0.002)')
    return rows[0]?.at ?? new Date()
  }
  const numbersOf = (entries: { details: Record<string, unknown> }[]) => entries.map(({ details }) => details.number)
  const all = Array.from({ length: 40 }, (_, index) => 39 - index)

  it('is newest first, and its pages meet without gap or overlap', async () => {
    const seen: unknown[] = []
    let after: string | undefined
    do {
      const page = await at({}, { limit: 7, ...(after !== undefined && { after }) })
      expect(page.entries.length).toBeLessThanOrEqual(7)
      seen.push(...numbersOf(page.entries))
      after = page.next ?? undefined
    } while (after !== undefined)
    expect(seen).toEqual(all)
  })

  it('is filtered by time, activity, actor, object and subject, and by several of them', async () => {
    const numbers = async (filter: AuditFilter) => numbersOf((await at(filter)).entries)
    expect(await numbers({ from: middle })).toEqual(all.filter((number) => number >= 20))
    expect(await numbers({ until: middle })).toEqual(all.filter((number) => number < 20))
    expect(await numbers({ activity: 'SkillCreated' })).toEqual(all.filter((number) => number % 2 === 1))
    expect(await numbers({ actor: { id: actor } })).toEqual(all.filter((number) => number % 4 === 0))
    expect(await numbers({ actor: { kind: 'policy' } })).toEqual(all.filter((number) => number % 4 !== 0))
    expect(await numbers({ object: { kind: 'skill' } })).toEqual(all.filter((number) => number % 2 === 1))
    expect(await numbers({ object: { id: course } })).toEqual(all)
    expect(await numbers({ object: { kind: 'skill', id: course }, from: middle, subject: userOf(3) })).toEqual(
      all.filter((number) => number % 2 === 1 && number >= 20 && number % 5 === 3),
    )
  })

  it('refuses a filter that is none, naming it', async () => {
    const refused: [AuditFilter, string][] = [
      [{ activity: 'Nothing' }, 'activity'],
      [{ subject: 'nobody' }, 'subject'],
      [{ actor: { kind: 'somebody' } }, 'actor'],
      [{ object: { kind: 'thing' } }, 'object'],
      [{ from: new Date(Number.NaN) }, 'from'],
    ]
    for (const [filter, field] of refused) {
      await expect(at(filter)).rejects.toMatchObject({ code: 'input.invalid', details: { field } })
    }
    await expect(at({}, { limit: 0 })).rejects.toMatchObject({ code: 'input.invalid' })
    await expect(at({}, { after: 'x' })).rejects.toMatchObject({ code: 'input.invalid' })
  })

  it('is exported whole, as JSON lines and as CSV whose cells no spreadsheet runs', async () => {
    const user = await inTenant(test.database, other.tenant, (tx) => createUser(tx, { first_name: '=1+1' }))
    const exported = async (format: 'csv' | 'jsonl') => {
      let text = ''
      const read = <T>(work: (tx: TenantTransaction) => Promise<T>) => inTenant(test.database, other.tenant, work)
      const count = await exportAudit(read, {}, format, (piece) => {
        text += piece
        return Promise.resolve()
      })
      expect(count).toBe(41)
      return text
    }
    const lines = (await exported('jsonl')).trimEnd().split('\n')
    expect(lines.map((line) => JSON.parse(line))).toEqual((await at({}, { limit: 100 })).entries)
    const csv = (await exported('csv')).trimEnd().split('\r\n')
    expect(csv).toHaveLength(42)
    expect(csv[0]).toBe(
      '\ufeffat,activity,title,actor_kind,actor_id,from,system_account,object_kind,object_id,subject,details,reason,values,sequence,hash,id',
    )
    expect(csv[1]).toContain(user.id)
    expect(csv.flatMap((line) => line.split(',')).filter((cell) => /^[=+@-]/.test(cell))).toEqual([])
  })
})
