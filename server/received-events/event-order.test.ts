import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openTestApplication, type TestApplication } from '../../test/application.ts'
import { describedAccount } from '../../test/described-account.ts'
import { effort } from '../../test/effort.ts'
import { newTenant, type TenantRows } from '../../test/rows.ts'
import { type EventType, eventTypes, type ReceivedEvent } from './event.ts'
import { receiveEvent } from './receive-event.ts'

let test: TestApplication
let rows: TenantRows
beforeAll(async () => {
  test = await openTestApplication()
  rows = await newTenant(test.owner)
  await rows.administrator()
  await test.startWorkers()
})
afterAll(() => test.close())

const began = Date.now() - 3600_000
const columns = ['city', 'office'] as const
type Column = (typeof columns)[number]
type Given = { type: EventType; at: number; fields: { [Name in Column]?: string } }

/** What should be there, by the promises of applyEvent alone. */
type Model = {
  user?: {
    /** What the last event that applied said. */
    state: 'active' | 'suspended'
    joined: number
    suspended: number
    floor: number
    fields: { [Name in Column]?: { value: string; at: number } }
  }
  deletedAt: number
  suspendedAt: number
}

/** The model of a ref after an event, and what the event returns. */
function step(model: Model, { type, at, fields }: Given): { model: Model; outcome: string } {
  const { user } = model
  if (user === undefined) {
    if (type === 'user_deleted') return unknown({ ...model, deletedAt: Math.max(model.deletedAt, at) })
    if (type === 'user_suspended') return unknown({ ...model, suspendedAt: Math.max(model.suspendedAt, at) })
    if (type === 'user_updated') return unknown(model)
    if (at < model.deletedAt) return { model, outcome: 'ignored' }
    const suspended = model.suspendedAt > at ? model.suspendedAt : 0
    return done({
      ...model,
      user: {
        state: suspended > at ? 'suspended' : 'active',
        joined: at,
        suspended,
        floor: at,
        fields: written({}, fields, at),
      },
    })
  }
  if (type === 'user_deleted') {
    if (at < user.joined) return { model, outcome: 'ignored' }
    const { user: _, ...none } = model
    return done({ ...none, deletedAt: Math.max(model.deletedAt, at) })
  }
  if (type === 'user_suspended') {
    if (at < user.joined) return { model, outcome: 'ignored' }
    return done({ ...model, user: { ...user, state: 'suspended', suspended: Math.max(user.suspended, at) } })
  }
  const newer = Object.fromEntries(
    Object.entries(fields).filter(([name]) => at >= Math.max(user.fields[name as Column]?.at ?? 0, user.floor)),
  )
  const joins = type === 'user_joined' && at >= user.suspended
  const empty = type === 'user_updated' && Object.keys(fields).length === 0
  if (!joins && !empty && Object.keys(newer).length === 0) return { model, outcome: 'ignored' }
  const joined = joins ? Math.max(user.joined, at) : user.joined
  return done({
    ...model,
    user: { ...user, state: joins ? 'active' : user.state, joined, fields: written(user.fields, newer, at) },
  })
}

const unknown = (model: Model) => ({ model, outcome: 'unknown_user' })
const done = (model: Model) => ({ model, outcome: 'applied' })

function written(before: NonNullable<Model['user']>['fields'], given: object, at: number) {
  return { ...before, ...Object.fromEntries(Object.entries(given).map(([name, value]) => [name, { value, at }])) }
}

const event = fc.record({
  type: fc.constantFrom(...eventTypes, 'user_joined', 'user_updated', 'user_updated'),
  at: fc.integer({ min: 1, max: 12 }),
  fields: fc.record(
    { city: fc.constantFrom('Rome', 'Oslo', 'Bonn'), office: fc.constantFrom('A', 'B') },
    { requiredKeys: [] },
  ),
}) as fc.Arbitrary<Given>

/** Events in the order in which they come; each may come again. */
const delivery = fc
  .array(event, { minLength: 1, maxLength: 9 })
  .chain((events) =>
    fc.array(fc.nat(events.length - 1), { minLength: 1, maxLength: 14 }).map((order) => ({ events, order })),
  )

const send = (event: ReceivedEvent) =>
  receiveEvent(test.database, { tenant: rows.tenant, initiator: { from: 'api' }, event })

async function found(ref: string) {
  const { rows: users } = await test.owner.query(
    'select id, state, city, office from users where tenant_id = $1 and ref = $2',
    [rows.tenant, ref],
  )
  return users[0]
}

it('applies events that come in any order and repeatedly as the model does, and nobody who was erased is there again', async () => {
  await fc.assert(
    fc.asyncProperty(delivery, async ({ events, order }) => {
      const ref = `order-${randomUUID()}`
      const sent = events.map(({ type, at, fields }): ReceivedEvent => {
        const id = randomUUID()
        const content = type === 'user_joined' || type === 'user_updated' ? fields : {}
        return {
          id,
          ref,
          type,
          at: new Date(began + at * 1000),
          body: { id, at, type },
          account: describedAccount(ref, content),
        }
      })
      let model: Model = { deletedAt: 0, suspendedAt: 0 }
      const kept = new Map<number, string>()
      const erased = new Set<string>()
      for (const index of order) {
        const [given, one] = [events[index], sent[index]]
        if (given === undefined || one === undefined) throw new Error('no such event')
        const before = await found(ref)
        const expected =
          kept.get(index) ??
          (() => {
            const next = step(model, given)
            model = next.model
            if (next.outcome !== 'unknown_user') kept.set(index, next.outcome)
            return next.outcome
          })()
        const { outcome } = await send(one)
        expect(outcome).toBe(expected)
        const after = await found(ref)
        if (before !== undefined && before.id !== after?.id) erased.add(before.id)
        if (after !== undefined) expect(erased).not.toContain(after.id)
        const { user } = model
        expect(after === undefined).toBe(user === undefined)
        if (user === undefined) continue
        expect(after).toMatchObject({
          state: user.state,
          city: user.fields.city?.value ?? null,
          office: user.fields.office?.value ?? null,
        })
      }
    }),
    { numRuns: effort(25, 400) },
  )
}, 600_000)

it('comes to the same end in every order, where the user stays', async () => {
  const changes = fc.array(
    event.filter(({ type }) => type !== 'user_deleted'),
    { maxLength: 6 },
  )
  const order = fc.infiniteStream(fc.nat())
  await fc.assert(
    fc.asyncProperty(changes, order, async (later, shuffle) => {
      const ref = `end-${randomUUID()}`
      // No two at the same time: those apply in the order in which they come.
      const events = later.map((one, index) => ({ ...one, at: index + 2 }))
      const first: Given = { type: 'user_joined', at: 1, fields: { city: 'Rome', office: 'A' } }
      const all = [...events].sort(() => ((shuffle.next().value ?? 0) % 2 === 0 ? 1 : -1))
      const ids = new Map(all.map((one) => [one, randomUUID()]))
      const sendOne = (given: Given, id: string = randomUUID()) =>
        send({
          id,
          ref,
          type: given.type,
          at: new Date(began + given.at * 1000),
          body: { id },
          account: describedAccount(ref, given.type === 'user_suspended' ? {} : given.fields),
        })
      await sendOne(first)
      for (const one of all) await sendOne(one, ids.get(one))
      for (const one of all) await sendOne(one, ids.get(one))
      const newest = (name: Column) =>
        [first, ...events].filter(({ type, fields }) => type !== 'user_suspended' && fields[name] !== undefined).at(-1)
          ?.fields[name]
      const last = [first, ...events].filter(({ type }) => type !== 'user_updated').at(-1)?.type
      expect(await found(ref)).toMatchObject({
        state: last === 'user_suspended' ? 'suspended' : 'active',
        city: newest('city'),
        office: newest('office'),
      })
    }),
    { numRuns: effort(15, 200) },
  )
}, 600_000)

it('applies an event once that comes sixteen times at once', async () => {
  const ref = `at-once-${randomUUID()}`
  const once = (type: EventType, at: number): ReceivedEvent => ({
    id: randomUUID(),
    ref,
    type,
    at: new Date(began + at * 1000),
    body: { type, at },
    account: describedAccount(ref, { city: 'Rome' }),
  })
  const times = Array.from({ length: 16 })
  const join = once('user_joined', 1)
  expect(await Promise.all(times.map(() => send(join)))).toEqual(times.map(() => ({ outcome: 'applied' })))
  const created = await test.owner.query(
    `select count(*)::int as count from users u join audit_entries a on a.tenant_id = u.tenant_id and a.subject_id = u.id
     where u.ref = $1 and a.activity = 'UserCreated'`,
    [ref],
  )
  expect(created.rows).toEqual([{ count: 1 }])
  const deletion = once('user_deleted', 2)
  const { id } = await found(ref)
  expect(await Promise.all(times.map(() => send(deletion)))).toEqual(times.map(() => ({ outcome: 'applied' })))
  const requests = await test.owner.query('select request_id from erasure_subjects where user_id = $1', [id])
  expect(requests.rows).toHaveLength(1)
})

it('lets a delete and joins beside it end without the deleted user, in whatever order they come', async () => {
  for (let round = 0; round < effort(6, 40); round++) {
    const ref = `beside-${randomUUID()}`
    const one = (type: EventType, at: number): ReceivedEvent => ({
      id: randomUUID(),
      ref,
      type,
      at: new Date(began + at * 1000),
      body: { type, at },
      account: describedAccount(ref, {}),
    })
    await send(one('user_joined', 1))
    const { id } = await found(ref)
    const joins = [2, 3, 4, 6, 7].map((at) => one('user_joined', at))
    await Promise.allSettled([send(one('user_deleted', 5)), ...joins.map(send)])
    const after = await found(ref)
    // Joins that were newer came first and kept the user, or they came later and made another.
    const kept = after?.id === id
    const { rows: states } = await test.owner.query('select state from users where id = $1', [id])
    expect(states).toEqual([{ state: kept ? 'active' : 'anonymized' }])
  }
})
