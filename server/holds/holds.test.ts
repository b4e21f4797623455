import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openTestApplication, type TestApplication } from '../../test/application.ts'
import { effort } from '../../test/effort.ts'
import { newTenant, type TenantRows } from '../../test/rows.ts'
import { listAudit } from '../audit/list-audit.ts'
import { setGroupMembers } from '../directory/set-group-members.ts'
import { purgeEnrollment } from '../learning/enrollments/purge-enrollment.ts'
import { dpvTerm, holdReasonCodes, holdReasons, refusalReasonCodes } from '../people/lifecycle/justifications.ts'
import { inTenant } from '../platform/database/transaction.ts'
import { countHeldPeople, heldPeople } from './held-people.ts'
import { listCovered, listHolds, showHold } from './list-holds.ts'
import { placeHold } from './place-hold.ts'
import { releaseHold } from './release-hold.ts'
import { updateHold } from './update-hold.ts'

let test: TestApplication
let rows: TenantRows
beforeAll(async () => {
  test = await openTestApplication()
  rows = await newTenant(test.owner)
})
afterAll(() => test.close())

const run = <T>(work: Parameters<typeof test.inTenant<T>>[1], userId?: string) =>
  inTenant(test.database, rows.tenant, work, { initiator: { from: 'api', userId } })

const newGroup = () => rows.insert('directory_groups', { display_name: `Group ${randomUUID()}` })

describe('a legal hold', () => {
  it('covers the users that it names and the members of its groups, deleted ones too, until its release', async () => {
    const officer = await rows.administrator()
    const [named, member, both, other] = [
      await rows.user(),
      await rows.user(),
      await rows.deletedUser(),
      await rows.user(),
    ]
    const group = await newGroup()
    await rows.insert('group_members', { group_id: group, user_id: member })
    await rows.insert('group_members', { group_id: group, user_id: both, deletion_id: randomUUID() })
    const { id, people } = await run(
      (tx) => placeHold(tx, { reason: 'legal_claim', note: 'Case 12', userIds: [named, both], groupIds: [group] }),
      officer,
    )
    expect(people).toBe(3)
    const all = [named, member, both, other]
    expect(await run((tx) => heldPeople(tx, all))).toEqual(new Set([named, member, both]))
    expect(await run(countHeldPeople)).toBe(3)
    expect(await run((tx) => showHold(tx, id))).toMatchObject({
      reason: 'legal_claim',
      dpv_reason: 'https://w3id.org/dpv/justifications#LegalClaimImpaired',
      note: 'Case 12',
      owner_id: officer,
      created_by: officer,
      released_at: null,
      users: 2,
      groups: 1,
      people: 3,
      group_ids: [group],
    })
    const covered = (await run((tx) => listCovered(tx, { holdId: id }))).people
    expect(new Map(covered.map((one) => [one.id, one.named]))).toEqual(
      new Map([
        [named, true],
        [both, true],
        [member, false],
      ]),
    )
    expect((await run((tx) => listHolds(tx, { userId: member }))).holds.map((one) => one.id)).toEqual([id])
    expect((await run((tx) => listHolds(tx, { userId: other }))).holds).toEqual([])

    await run((tx) => releaseHold(tx, id), officer)
    expect(await run((tx) => heldPeople(tx, all))).toEqual(new Set())
    expect((await run((tx) => listHolds(tx))).holds).toEqual([])
    expect((await run((tx) => listHolds(tx, { released: true }))).holds).toMatchObject([{ id, released_by: officer }])
    await expect(run((tx) => releaseHold(tx, id), officer)).rejects.toMatchObject({ code: 'hold.released' })
    await expect(run((tx) => updateHold(tx, id, { note: 'again' }))).rejects.toMatchObject({ code: 'hold.released' })
    const { entries } = await run((tx) => listAudit(tx, { subject: named }))
    expect(entries.map(({ activity }) => activity)).toEqual(
      expect.arrayContaining(['LegalHoldPlaced', 'LegalHoldReleased']),
    )
  })

  it('covers the members of a group by their membership of the moment', async () => {
    const [stays, leaves, comes] = [await rows.user(), await rows.user(), await rows.user()]
    const group = await newGroup()
    await run((tx) => setGroupMembers(tx, { groupId: group, userIds: [stays, leaves] }))
    await run((tx) => placeHold(tx, { reason: 'other', groupIds: [group] }))
    await run((tx) => setGroupMembers(tx, { groupId: group, userIds: [stays, comes] }))
    expect(await run((tx) => heldPeople(tx, [stays, leaves, comes]))).toEqual(new Set([stays, comes]))
  })

  it('keeps its people and changes its reason, note and owner', async () => {
    const [person, owner] = [await rows.user(), await rows.administrator()]
    const { id } = await run((tx) => placeHold(tx, { reason: 'other', note: 'first', userIds: [person] }))
    await run((tx) => updateHold(tx, id, { reason: 'court_proceedings', ownerId: owner }))
    expect(await run((tx) => showHold(tx, id))).toMatchObject({
      reason: 'court_proceedings',
      owner_id: owner,
      note: 'first',
    })
    await run((tx) => updateHold(tx, id, { note: null }))
    expect(await run((tx) => showHold(tx, id))).toMatchObject({ note: null, owner_id: owner, people: 1 })
  })

  it('is refused without people, with people or groups that are not there, and with a bad reason or note', async () => {
    const person = await rows.user()
    const gone = randomUUID()
    const place = (given: object) => run((tx) => placeHold(tx, { reason: 'other', ...given }))
    await expect(place({})).rejects.toMatchObject({ code: 'hold.empty' })
    await expect(place({ userIds: [person, gone] })).rejects.toMatchObject({ code: 'user.not_found' })
    await expect(place({ groupIds: [gone] })).rejects.toMatchObject({ code: 'group.not_found' })
    await expect(place({ userIds: ['x'] })).rejects.toMatchObject({ code: 'input.invalid' })
    await expect(place({ userIds: [person], reason: 'a whim' })).rejects.toMatchObject({ code: 'input.invalid' })
    await expect(place({ userIds: [person], note: 'x'.repeat(2001) })).rejects.toMatchObject({ code: 'input.invalid' })
    await expect(place({ userIds: [person], ownerId: gone })).rejects.toMatchObject({ code: 'input.invalid' })
    for (const act of [showHold, releaseHold]) {
      await expect(run((tx): Promise<unknown> => act(tx, gone))).rejects.toMatchObject({ code: 'hold.not_found' })
    }
    await expect(run((tx) => updateHold(tx, gone, {}))).rejects.toMatchObject({ code: 'hold.not_found' })
  })

  it('keeps records about its people from the purge of an enrollment', async () => {
    const person = await rows.user()
    const enrollment = await rows.insert('enrollments', {
      user_id: person,
      course_id: await rows.course(),
      unenrolled_at: new Date(),
    })
    const { id } = await run((tx) => placeHold(tx, { reason: 'legal_obligation', userIds: [person] }))
    await expect(run((tx) => purgeEnrollment(tx, enrollment))).rejects.toMatchObject({
      code: 'user.held',
      details: { ids: [person] },
    })
    await run((tx) => releaseHold(tx, id))
    expect(await run((tx) => purgeEnrollment(tx, enrollment))).toMatchObject({ userId: person })
  })

  it('covers exactly the people that its names and groups come to, whatever holds there are', async () => {
    const tenant = await newTenant(test.owner)
    const people = await Promise.all(Array.from({ length: 6 }, () => tenant.user()))
    const groups = await Promise.all(
      Array.from({ length: 3 }, () => tenant.insert('directory_groups', { display_name: randomUUID() })),
    )
    const pick = <T>(list: T[]) => fc.subarray(list)
    const hold = fc.record({ userIds: pick(people), groupIds: pick(groups), released: fc.boolean() })
    await fc.assert(
      fc.asyncProperty(
        fc.array(hold, { maxLength: 4 }),
        fc.array(fc.record({ group: fc.constantFrom(...groups), user: fc.constantFrom(...people) }), { maxLength: 8 }),
        async (holds, members) => {
          await test.owner.query('delete from group_members where tenant_id = $1', [tenant.tenant])
          await test.owner.query('delete from legal_hold_users where tenant_id = $1', [tenant.tenant])
          await test.owner.query('delete from legal_hold_groups where tenant_id = $1', [tenant.tenant])
          await test.owner.query('delete from legal_holds where tenant_id = $1', [tenant.tenant])
          for (const { group, user } of members) {
            await test.owner.query(
              'insert into group_members (tenant_id, group_id, user_id) values ($1, $2, $3) on conflict do nothing',
              [tenant.tenant, group, user],
            )
          }
          const expected = new Set<string>()
          for (const { userIds, groupIds, released } of holds) {
            if (userIds.length + groupIds.length === 0) continue
            const { id } = await test.inTenant(tenant.tenant, (tx) =>
              placeHold(tx, { reason: 'other', userIds, groupIds }),
            )
            if (released) await test.inTenant(tenant.tenant, (tx) => releaseHold(tx, id))
            else {
              for (const user of userIds) expected.add(user)
              for (const { group, user } of members) if (groupIds.includes(group)) expected.add(user)
            }
          }
          expect(await test.inTenant(tenant.tenant, (tx) => heldPeople(tx, people))).toEqual(expected)
          expect(await test.inTenant(tenant.tenant, countHeldPeople)).toBe(expected.size)
        },
      ),
      { numRuns: effort(25, 400) },
    )
  })
})

it.each([
  ['legal_holds', holdReasonCodes],
  ['erasure_decisions', refusalReasonCodes],
])('the database allows the reasons of %s that the code lists', async (table, codes) => {
  const { rows: constraints } = await test.owner.query<{ definition: string }>(
    `select pg_get_constraintdef(oid) as definition from pg_constraint
     where conrelid = $1::regclass and contype = 'c' and pg_get_constraintdef(oid) like '%reason_code%'`,
    [table],
  )
  const words = constraints.flatMap(({ definition }) =>
    [...definition.matchAll(/'([a-z_]+)'/g)].map(([, word]) => word),
  )
  expect(words.sort()).toEqual([...codes].sort())
  expect(dpvTerm(holdReasons.legal_claim)).toMatch(/^https:\/\/w3id\.org\/dpv\/justifications#/)
})
