import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openTestApplication, type TestApplication } from '../../../test/application.ts'
import { effort } from '../../../test/effort.ts'
import { newTenant, type TenantRows } from '../../../test/rows.ts'
import type { Operation } from '../../datamap/plan.ts'
import { setGroupMembers } from '../../directory/set-group-members.ts'
import { placeHold } from '../../holds/place-hold.ts'
import { releaseHold } from '../../holds/release-hold.ts'
import { deleteUsers } from '../../people/lifecycle/delete-users.ts'
import { restoreUsers } from '../../people/lifecycle/restore-users.ts'
import { inTenant, type TenantTransaction } from '../../platform/database/transaction.ts'
import { isLetheError } from '../../platform/errors.ts'
import { updateTenant } from '../../tenancy/update-tenant.ts'
import { verifyCertificate } from '../proof/certificate.ts'
import { readCertificate } from '../proof/read-certificate.ts'
import { cancelErasure } from '../requests/cancel-erasure.ts'
import { confirmErasure, listChanged } from '../requests/confirm-erasure.ts'
import { previewErasure } from '../requests/preview-erasure.ts'
import { requestErasure } from '../requests/request-erasure.ts'
import { retryErasure } from '../requests/retry-erasure.ts'
import { showErasure } from '../requests/show-request.ts'
import { approveErasure, rejectErasure } from './decide.ts'

let test: TestApplication
beforeAll(async () => {
  test = await openTestApplication()
  await test.startWorkers()
})
afterAll(() => test.close())

const acts = [
  'hold',
  'hold',
  'hold the group',
  'release',
  'release',
  'approve',
  'approve',
  'reject',
  'cancel',
  'retry',
  'restore',
  'delete',
  'confirm',
  'join',
  'leave',
  'request',
  'request with a plan',
  'change a row',
  'end the period',
] as const

/** `at`: chooses the person, the hold or the request. `pause`: milliseconds before it. */
const act = fc.record({ act: fc.constantFrom(...acts), at: fc.nat(11), pause: fc.nat(12) })

const scene = fc.record({
  people: fc.integer({ min: 2, max: 6 }),
  operation: fc.constantFrom<Operation>('purge', 'purge', 'anonymize'),
  approval: fc.boolean(),
  coolingOff: fc.constantFrom(0, 0, 1),
  actors: fc.array(fc.array(act, { minLength: 2, maxLength: 8 }), { minLength: 2, maxLength: 4 }),
})

type Scene = typeof scene extends fc.Arbitrary<infer S> ? S : never

/** A tenant in which several people act at once, and what must stay true of it. */
class World {
  readonly requests: string[] = []
  readonly holds: string[] = []
  /** By hold, the people that it covers for sure: from the commit of the hold to the beginning of its release. */
  readonly covered = new Map<string, Set<string>>()
  private readonly joined = new Set<string>()
  private readonly ofGroup = new Set<string>()

  private readonly rows: TenantRows
  private readonly given: Scene
  readonly ids: string[]
  private readonly group: string
  private readonly by: { boss: string; officer: string }

  constructor(of: {
    rows: TenantRows
    given: Scene
    ids: string[]
    group: string
    by: { boss: string; officer: string }
  }) {
    this.rows = of.rows
    this.given = of.given
    this.ids = of.ids
    this.group = of.group
    this.by = of.by
  }

  run<T>(work: (tx: TenantTransaction) => Promise<T>, userId = this.by.boss): Promise<T> {
    return inTenant(test.database, this.rows.tenant, work, { initiator: { from: 'api', userId } })
  }

  /** Everyone that a hold covers for sure is there, with the person's own data. */
  async checkCovered(): Promise<void> {
    const covered = [...new Set([...this.covered.values()].flatMap((people) => [...people]))].sort()
    const { rows } = await test.owner.query(
      `select id from users where id = any ($1) and state <> 'anonymized' order by id`,
      [covered],
    )
    expect(rows.map(({ id }) => id)).toEqual(covered)
  }

  async hold(people: string[], groups: string[]): Promise<void> {
    const { id, there } = await this.run(async (tx) => {
      const { id } = await placeHold(tx, { reason: 'legal_claim', userIds: people, groupIds: groups })
      const { rows } = await tx.query<{ user_id: string }>(
        `select user_id from group_members where tenant_id = $1 and group_id = any ($2)`,
        [tx.tenantId, groups],
      )
      return { id, there: rows.map(({ user_id }) => user_id) }
    })
    this.holds.push(id)
    if (groups.length > 0) this.ofGroup.add(id)
    this.covered.set(id, new Set([...people, ...there.filter((person) => this.joined.has(person))]))
  }

  async release(hold: string | undefined): Promise<void> {
    if (hold === undefined || !this.covered.has(hold)) return
    await this.checkCovered()
    const people = this.covered.get(hold)
    this.covered.delete(hold)
    this.ofGroup.delete(hold)
    try {
      await this.run((tx) => releaseHold(tx, hold))
    } catch (error) {
      if (people !== undefined) this.covered.set(hold, people)
      throw error
    }
  }

  async join(person: string): Promise<void> {
    const { rows } = await test.owner.query(
      'select user_id from group_members where group_id = $1 and deletion_id is null',
      [this.group],
    )
    const userIds = [...new Set([...rows.map(({ user_id }) => user_id), person])]
    for (const one of this.joined) if (!userIds.includes(one)) this.free(one)
    await this.run((tx) => setGroupMembers(tx, { groupId: this.group, userIds }))
  }

  async leave(person: string): Promise<void> {
    this.free(person)
    const { rows } = await test.owner.query(
      'select user_id from group_members where group_id = $1 and deletion_id is null and user_id <> $2',
      [this.group, person],
    )
    const userIds = rows.map(({ user_id }) => user_id)
    for (const one of this.joined) if (!userIds.includes(one)) this.free(one)
    await this.run((tx) => setGroupMembers(tx, { groupId: this.group, userIds }))
  }

  /** Deleted users stay members, so those who were members as deleted users are covered for sure. */
  joinedAsDeleted(people: string[]): void {
    for (const person of people) this.joined.add(person)
  }

  private free(person: string): void {
    this.joined.delete(person)
    for (const hold of this.ofGroup) this.covered.get(hold)?.delete(person)
  }

  async request(people: string[], withPlan: boolean): Promise<void> {
    const { operation } = this.given
    const plan = withPlan ? (await this.run((tx) => previewErasure(tx, operation, people))).plan : undefined
    const { request } = await this.run((tx) => requestErasure(tx, { operation, userIds: people, plan }))
    this.requests.push(request)
  }

  async confirm(request: string): Promise<void> {
    const changed = await this.run((tx) => listChanged(tx, request))
    if (changed.length === 0) return
    const { plan } = await this.run((tx) => previewErasure(tx, this.given.operation, changed))
    await this.run((tx) => confirmErasure(tx, { request, plan: plan ?? '' }))
  }

  async endPeriod(request: string): Promise<void> {
    await test.owner.query(`update erasure_requests set run_at = now() where id = $1 and run_at > now()`, [request])
    await test.owner.query(
      `update graphile_worker._private_jobs j set run_at = now()
       from graphile_worker._private_tasks t
       where t.id = j.task_id and t.identifier = 'start_erasure' and j.payload->>'request' = $1 and j.locked_at is null`,
      [request],
    )
  }

  approve(request: string): Promise<void> {
    return this.run((tx) => approveErasure(tx, request), this.by.officer)
  }

  private async changeRow(person: string): Promise<void> {
    await test.owner.query(
      `insert into catalog_members (tenant_id, catalog_id, user_id)
       select u.tenant_id, c.id, u.id from users u join catalogs c on c.tenant_id = u.tenant_id where u.id = $1
       on conflict do nothing`,
      [person],
    )
  }

  async act({ act, at }: { act: (typeof acts)[number]; at: number }): Promise<void> {
    const person = this.ids[at % this.ids.length] ?? ''
    const request = this.requests[at % Math.max(1, this.requests.length)] ?? randomUUID()
    const outcome = {
      hold: () => this.hold([...new Set([person, this.ids[(at + 2) % this.ids.length] ?? person])], []),
      'hold the group': () => this.hold([], [this.group]),
      release: () => this.release(this.holds[at % Math.max(1, this.holds.length)]),
      approve: () => this.approve(request),
      reject: () => this.run((tx) => rejectErasure(tx, request, { reason: 'unfounded' }), this.by.officer),
      cancel: async () => void (await this.run((tx) => cancelErasure(tx, request))),
      retry: () => this.run((tx) => retryErasure(tx, request)),
      restore: async () => void (await this.run((tx) => restoreUsers(tx, { userIds: [person] }))),
      delete: async () => void (await this.run((tx) => deleteUsers(tx, { userIds: [person] }))),
      confirm: () => this.confirm(request),
      join: () => this.join(person),
      leave: () => this.leave(person),
      request: () => this.request([person], false),
      'request with a plan': () => this.request([person], true),
      'change a row': () => this.changeRow(person),
      'end the period': () => this.endPeriod(request),
    }[act]
    try {
      await outcome()
    } catch (error) {
      // The rules refuse many of these acts, and a person who is gone takes no row.
      if (!isLetheError(error) && (error as { code?: string }).code !== '23503') throw error
    }
  }

  /** Releases all holds, approves all requests and ends their periods; then each must come to its end by itself. */
  async settle(): Promise<void> {
    await this.checkCovered()
    for (const hold of [...this.covered.keys()]) await this.release(hold)
    for (const request of this.requests) {
      const { subjects } = await this.run((tx) => showErasure(tx, request))
      if (subjects.awaiting_approval > 0) await this.approve(request)
      await this.endPeriod(request)
    }
    const open = async () => {
      const { rows } = await test.owner.query(
        `select r.id, r.finished_at is null as open, array_agg(s.state order by s.state) as states,
           (select array_agg(t.step || ' ' || t.state) from erasure_steps t where t.request_id = r.id) as steps
         from erasure_requests r join erasure_subjects s on s.request_id = r.id
         where r.id = any ($1) group by r.id, r.finished_at`,
        [this.requests],
      )
      const over = ['done', 'cancelled', 'rejected', 'plan_changed']
      return rows.filter(({ open, states }) => open || states.some((state: string) => !over.includes(state)))
    }
    await expect.poll(open, { timeout: 15_000, interval: 20 }).toEqual([])
  }

  /** What must be true of each request that has ended. Answers how many people it erased. */
  async checkEnded(request: string): Promise<number> {
    const shown = await this.run((tx) => showErasure(tx, request))
    const { rows } = await test.owner.query(
      `select s.user_id, s.state, s.erased_at, r.sealed_key is null as keyless, s.sealed_identifiers is null as unsealed,
         not r.approval_required or exists (
           select from erasure_decisions d
           where d.request_id = r.id and d.decision = 'approved' and d.decided_at <= s.erased_at
         ) as approved,
         r.cooling_off_hours = 0 or r.run_at <= s.erased_at as cooled,
         exists (select from users u where u.id = s.user_id and u.state <> 'anonymized') as there
       from erasure_subjects s join erasure_requests r on r.id = s.request_id where s.request_id = $1`,
      [request],
    )
    const done = rows.filter(({ state }) => state === 'done')
    for (const { there, approved, cooled, unsealed } of done) {
      expect({ there, approved, cooled, unsealed }).toEqual({
        there: false,
        approved: true,
        cooled: true,
        unsealed: true,
      })
    }
    for (const { state, erased_at } of rows) if (state !== 'done') expect(erased_at).toBe(null)
    expect(rows.every(({ keyless }) => keyless)).toBe(done.length > 0 || rows.every(({ keyless }) => keyless))
    expect(shown.certified).toBe(done.length > 0)
    if (done.length > 0) {
      const file = await this.run((tx) => readCertificate(tx, request))
      const verified = await verifyCertificate(JSON.parse(JSON.stringify(file)))
      expect(verified.verdict).toBe('clean')
      expect(verified.certificate.subjects).toMatchObject({ done: done.length, failed: 0 })
    }
    return done.length
  }

  /** Nobody is erased twice, and each person who is gone is done in one request. */
  async checkErasedOnce(): Promise<void> {
    const { rows } = await test.owner.query(
      `select p.id, (select count(*)::int from erasure_subjects s where s.user_id = p.id and s.state = 'done') as done,
         (select count(*)::int from erasure_ledger l where l.user_id = p.id) as ledger,
         exists (select from users u where u.id = p.id and u.state <> 'anonymized') as there
       from unnest($1::uuid[]) as p (id)`,
      [this.ids],
    )
    for (const { done, ledger, there } of rows) {
      expect({ done, ledger }).toEqual(there ? { done: 0, ledger: 0 } : { done: 1, ledger: 1 })
    }
  }
}

async function newWorld(given: Scene): Promise<World> {
  const rows = await newTenant(test.owner)
  const boss = await rows.administrator()
  const officer = await rows.user({ roles: ['learner', 'privacy_officer'] })
  await rows.catalog()
  const group = await rows.insert('directory_groups', { display_name: 'A group' })
  const ids: string[] = []
  const asDeleted: string[] = []
  for (let at = 0; at < given.people; at++) {
    const id = await rows.deletedUser({ email: `r-${randomUUID()}@example.org` })
    ids.push(id)
    if (at % 3 !== 1) continue
    asDeleted.push(id)
    await test.owner.query(
      `insert into group_members (tenant_id, group_id, user_id, deletion_id)
       select tenant_id, $2, id, deletion_id from users where id = $1`,
      [id, group],
    )
  }
  const world = new World({ rows, given, ids, group, by: { boss, officer } })
  world.joinedAsDeleted(asDeleted)
  await world.run((tx) => updateTenant(tx, { approvalRequired: given.approval, coolingOffHours: given.coolingOff }))
  return world
}

it('erases nobody whom a hold covers or no second person approved, and ends each request once nothing stops it', {
  timeout: 3_600_000,
}, async () => {
  let [erased, left] = [0, 0]
  await fc.assert(
    fc.asyncProperty(scene, async (given) => {
      const world = await newWorld(given)
      await world.request(world.ids.slice(0, -1), given.people % 2 === 0)
      const play = async (script: Scene['actors'][number]) => {
        for (const step of script) {
          await new Promise((resolve) => setTimeout(resolve, step.pause))
          await world.act(step)
        }
      }
      await Promise.all(given.actors.map(play))
      await world.settle()
      for (const request of world.requests) {
        const done = await world.checkEnded(request)
        erased += done
      }
      await world.checkErasedOnce()
      left += world.ids.length
    }),
    { numRuns: effort(25, 400), endOnFailure: true },
  )
  expect(erased).toBeGreaterThan(effort(20, 300))
  expect(left).toBeGreaterThan(erased)
})
