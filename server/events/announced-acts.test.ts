import { Readable } from 'node:stream'
import { v7 as newId } from 'uuid'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { openTestApplication, type TestApplication } from '../../test/application.ts'
import { newTenant, type TenantRows } from '../../test/rows.ts'
import { announcedActivities } from '../audit/announced-activities.ts'
import { requestContactErasure } from '../erasure/contacts/request-contact-erasure.ts'
import { retryErasure } from '../erasure/requests/retry-erasure.ts'
import { importUsers } from '../imports/users/import-users.ts'
import { createUser } from '../people/accounts/create-user.ts'
import { updateUser } from '../people/accounts/update-user.ts'
import { deleteUsers } from '../people/lifecycle/delete-users.ts'
import { reactivateUser } from '../people/lifecycle/reactivate-user.ts'
import { restoreUsers } from '../people/lifecycle/restore-users.ts'
import { suspendUser } from '../people/lifecycle/suspend-user.ts'
import type { TenantTransaction } from '../platform/database/transaction.ts'
import { awardSkill } from '../skills/award-skill.ts'
import { createScaleSet } from '../skills/create-scale-set.ts'
import { createSkill } from '../skills/create-skill.ts'
import { revokeSkill } from '../skills/revoke-skill.ts'
import { eventKinds } from './event-kinds.ts'
import { openReference, sealReference } from './reference.ts'

let test: TestApplication
let rows: TenantRows
let endpoint: string
beforeAll(async () => {
  test = await openTestApplication()
  await test.startWorkers()
})
afterAll(() => test.close())
beforeEach(async () => {
  rows = await newTenant(test.owner)
  endpoint = await newEndpoint()
})

const run = <T>(work: (tx: TenantTransaction) => Promise<T>) => test.inTenant(rows.tenant, work)

// Not enabled for workers: without an address nothing is sent, so that what is announced stays to be looked at.
const newEndpoint = (kinds: string[] = Object.keys(eventKinds)) =>
  rows.insert('webhook_endpoints', { name: 'An endpoint', event_kinds: kinds, sealed_secret: Buffer.from('secret') })

type Announced = {
  endpoint_id: string
  event_id: string
  kind: string
  user_id: string | null
  erased_user_id: string | null
  request_id: string | null
  object_id: string | null
  sealed_reference: Buffer | null
}

async function announced(of = endpoint): Promise<Announced[]> {
  const { rows: found } = await test.owner.query<Announced>(
    'select * from webhook_deliveries where endpoint_id = $1 order by occurred_at, id',
    [of],
  )
  return found
}
const kindsOf = async (of = endpoint) => (await announced(of)).map(({ kind }) => kind)
const referenceOf = ({ sealed_reference: sealed }: Announced) =>
  sealed === null ? null : run(async (tx) => openReference(tx, sealed))
const register = (endpointId: string, userId: string, reference: string) =>
  run(async (tx) => {
    const sealed = sealReference(tx, reference)
    await test.owner.query(
      'insert into webhook_references (tenant_id, endpoint_id, user_id, sealed_reference) values ($1, $2, $3, $4)',
      [rows.tenant, endpointId, userId, sealed],
    )
  })

async function load(content: string): Promise<void> {
  await importUsers(test.database, rows.tenant, { source: Readable.from([Buffer.from(content)]), file: 'users.csv' })
}

describe('an action on a user', () => {
  it('is announced once, by whatever operation does it', async () => {
    const { id } = await run((tx) => createUser(tx, { ref: 'emp-1', first_name: 'Ann' }))
    await run((tx) => updateUser(tx, id, { first_name: 'Anna' }))
    await run((tx) => suspendUser(tx, id))
    await run((tx) => reactivateUser(tx, id))
    await run((tx) => deleteUsers(tx, { userIds: [id] }))
    await run((tx) => restoreUsers(tx, { userIds: [id] }))
    const skill = await run(async (tx) => {
      const scale = await createScaleSet(tx, { title: 'Scale', levels: [{ title: 'Expert', value: 5 }] })
      const { id: skillId } = await createSkill(tx, { title: 'Juggling', scaleSetId: scale.id })
      return { skillId, levelId: scale.levelIds[0] ?? '' }
    })
    await run((tx) => awardSkill(tx, { userId: id, ...skill }))
    await run((tx) => revokeSkill(tx, { userId: id, ...skill }))
    const events = await announced()
    expect(events.map(({ kind }) => kind)).toEqual([
      'user.created',
      'user.updated',
      'user.deactivated',
      'user.activated',
      'user.deleted',
      'user.restored',
      'skill.awarded',
      'skill.revoked',
    ])
    expect(new Set(events.map(({ user_id }) => user_id))).toEqual(new Set([id]))
    expect(events.slice(-2).map(({ object_id }) => object_id)).toEqual([skill.skillId, skill.skillId])
    expect(events.slice(0, -2).every(({ object_id }) => object_id === null)).toBe(true)
    expect(new Set(events.map(({ event_id }) => event_id)).size).toBe(events.length)
  })

  it('is in the trail as often as in the announcements', async () => {
    const people = await Promise.all([1, 2, 3].map((n) => run((tx) => createUser(tx, { ref: `emp-${n}` }))))
    await run((tx) => deleteUsers(tx, { userIds: people.map(({ id }) => id) }))
    await run((tx) => restoreUsers(tx, { userIds: people.slice(1).map(({ id }) => id) }))
    const { rows: entries } = await test.owner.query<{ activity: keyof typeof announcedActivities; subject: string }>(
      `select activity, subject_id as subject from audit_entries where tenant_id = $1 and activity = any ($2)`,
      [rows.tenant, Object.keys(announcedActivities)],
    )
    const recorded = entries.map(({ activity, subject }) => `${announcedActivities[activity]} ${subject}`)
    const heard = (await announced()).map(({ kind, user_id }) => `${kind} ${user_id}`)
    expect(heard.sort()).toEqual(recorded.sort())
    expect(heard).toHaveLength(8)
  })

  it('is not announced if it fails, or where nobody listens to it', async () => {
    const skills = await newEndpoint(['skill.awarded'])
    await run((tx) => createUser(tx, { ref: 'emp-1' }))
    await expect(run((tx) => createUser(tx, { ref: 'emp-1' }))).rejects.toMatchObject({ code: 'user.taken' })
    expect(await kindsOf()).toEqual(['user.created'])
    expect(await kindsOf(skills)).toEqual([])
  })

  it('is announced for each new and each changed row of an import, with one id for all endpoints', async () => {
    const other = await newEndpoint(['user.created', 'user.updated'])
    await load('ref,first_name\nemp-1,Ann\nemp-2,Bob\nemp-3,Cid\n')
    expect(await kindsOf()).toEqual(['user.created', 'user.created', 'user.created'])
    await load('ref,first_name\nemp-1,Ann\nemp-2,Bert\nemp-4,Dan\n')
    const events = await announced()
    expect(events.map(({ kind }) => kind).sort()).toEqual([...Array(4).fill('user.created'), 'user.updated'])
    const { rows: users } = await test.owner.query<{ id: string; ref: string }>(
      'select id, ref from users where tenant_id = $1',
      [rows.tenant],
    )
    const refs = new Map(users.map(({ id, ref }) => [id, ref]))
    expect(events.filter(({ kind }) => kind === 'user.updated').map(({ user_id }) => refs.get(user_id ?? ''))).toEqual([
      'emp-2',
    ])
    const ids = (list: Announced[]) => list.map(({ event_id, user_id }) => `${event_id} ${user_id}`).sort()
    expect(ids(await announced(other))).toEqual(ids(events))
    expect(new Set(events.map(({ event_id }) => event_id)).size).toBe(5)
  })

  it('is not announced by a dry run of an import', async () => {
    await importUsers(test.database, rows.tenant, {
      source: Readable.from([Buffer.from('ref\nemp-1\n')]),
      file: 'users.csv',
      dryRun: true,
    })
    expect(await announced()).toEqual([])
  })
})

describe('an erasure', () => {
  it('is announced with internal id and ref for a purge, and with the reference alone for an anonymization', async () => {
    const [purged, anonymized] = [await rows.deletedUser({ ref: 'Emp-1' }), await rows.deletedUser({ ref: 'Emp-2' })]
    const { id: purge } = await test.purge(rows.tenant, [purged])
    const { id: anonymization } = await test.anonymize(rows.tenant, [anonymized])
    const events = await announced()
    expect(events).toMatchObject([
      { kind: 'user.purged', user_id: null, erased_user_id: purged, request_id: purge },
      { kind: 'erasure.completed', user_id: null, erased_user_id: null, request_id: purge, sealed_reference: null },
      { kind: 'user.anonymized', user_id: null, erased_user_id: null, request_id: anonymization },
      { kind: 'erasure.completed', request_id: anonymization },
    ])
    const [first, , third] = events as [Announced, Announced, Announced]
    expect([await referenceOf(first), await referenceOf(third)]).toEqual(['Emp-1', 'Emp-2'])
    expect(JSON.stringify(events.slice(2))).not.toContain(anonymized)
  })

  it('carries what each endpoint has registered for the person instead of the ref', async () => {
    const other = await newEndpoint(['user.purged', 'user.anonymized'])
    for (const operation of ['purge', 'anonymize'] as const) {
      const [known, unknown] = [await rows.deletedUser({ ref: `k-${operation}` }), await rows.deletedUser()]
      await register(other, known, `theirs-${operation}`)
      await register(endpoint, unknown, `ours-${operation}`)
      await test[operation](rows.tenant, [known, unknown])
      const kind = operation === 'purge' ? 'user.purged' : 'user.anonymized'
      const references = async (of: string) =>
        (await Promise.all((await announced(of)).filter((event) => event.kind === kind).map(referenceOf))).sort()
      expect(await references(endpoint)).toEqual([`k-${operation}`, `ours-${operation}`])
      expect(await references(other)).toEqual([`theirs-${operation}`, null].sort())
    }
    const { rows: left } = await test.owner.query('select from webhook_references where tenant_id = $1', [rows.tenant])
    expect(left).toEqual([])
  })

  it('never carries a former ref, which may be of another user by now', async () => {
    const { id } = await run((tx) => createUser(tx, { ref: 'old-1' }))
    await run((tx) => updateUser(tx, id, { ref: null }))
    await run((tx) => createUser(tx, { ref: 'old-1' }, { anotherPerson: true }))
    await run((tx) => deleteUsers(tx, { userIds: [id] }))
    await test.purge(rows.tenant, [id])
    const [event] = (await announced()).filter(({ kind }) => kind === 'user.purged')
    expect(event).toMatchObject({ erased_user_id: id, sealed_reference: null })
  })

  it('takes what was announced of the person before, and nothing of others', async () => {
    for (const operation of ['purge', 'anonymize'] as const) {
      const [gone, stays] = [
        await run((tx) => createUser(tx, { ref: `gone-${operation}` })),
        await run((tx) => createUser(tx, { ref: `stays-${operation}` })),
      ]
      await run((tx) => updateUser(tx, gone.id, { first_name: 'Ann' }))
      await run((tx) => deleteUsers(tx, { userIds: [gone.id] }))
      await test[operation](rows.tenant, [gone.id])
      const events = await announced()
      expect(events.filter(({ user_id }) => user_id === gone.id)).toEqual([])
      expect(events.filter(({ user_id }) => user_id === stays.id)).toHaveLength(1)
    }
  })

  it('is announced once for a person who is tried again, and completed when no person is left', async () => {
    await test.owner.query('create table payroll (remark text); grant select on payroll to lethe_auditor')
    await test.owner.query(`insert into payroll values ('pays emp-4711')`)
    const people = [await rows.deletedUser({ ref: 'emp-4711' }), await rows.deletedUser({ ref: 'emp-4712' })]
    const { id, state } = await test.purge(rows.tenant, people)
    expect(state).toBe('partial')
    expect(await kindsOf()).toEqual(['user.purged', 'user.purged'])
    await test.owner.query('drop table payroll')
    await run((tx) => retryErasure(tx, id))
    await test.ended(rows.tenant, id)
    expect(await kindsOf()).toEqual(['user.purged', 'user.purged', 'erasure.completed'])
  })

  it('of a contact is announced as completed, and not as the purge of a user', async () => {
    await rows.catalog({ contact_emails: ['supplier@example.net'] })
    const { request } = await run((tx) => requestContactErasure(tx, { address: 'supplier@example.net' }))
    await test.ended(rows.tenant, request)
    expect(await kindsOf()).toEqual(['erasure.completed'])
  })

  it('of many people is announced for each of them', async () => {
    const people: string[] = []
    for (let n = 0; n < 520; n++) people.push(newId())
    await test.owner.query(
      `insert into users (tenant_id, id, ref, state, deleted_at, deletion_id)
       select $1, id, 'many-' || id, 'deleted', now(), $3 from unnest($2::uuid[]) as id`,
      [rows.tenant, people, newId()],
    )
    await test.purge(rows.tenant, people)
    const events = await announced()
    const purged = events.filter(({ kind }) => kind === 'user.purged')
    expect(new Set(purged.map(({ erased_user_id }) => erased_user_id))).toEqual(new Set(people))
    expect(purged).toHaveLength(people.length)
    expect(new Set(purged.map(({ event_id }) => event_id)).size).toBe(people.length)
    expect(events.at(-1)?.kind).toBe('erasure.completed')
  })
})
