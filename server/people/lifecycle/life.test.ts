import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { effort } from '../../../test/effort.ts'
import { createPlaces, createTestTenant, type TestTenant } from '../../../test/people.ts'
import { enroll } from '../../learning/enrollments/enroll.ts'
import { inTenant } from '../../platform/database/transaction.ts'
import { showUser } from '../../views/user-details.ts'
import { createUser } from '../accounts/create-user.ts'
import { findUser } from '../accounts/find-users.ts'
import { updateUser } from '../accounts/update-user.ts'
import type { User } from '../accounts/user.ts'
import type { UserFields } from '../accounts/user-fields.ts'
import { checkUserFields } from '../accounts/user-fields.ts'
import { deleteUsers } from './delete-users.ts'
import { reactivateUser } from './reactivate-user.ts'
import { restoreUsers } from './restore-users.ts'
import { suspendUser } from './suspend-user.ts'

let test: TestTenant
beforeAll(async () => {
  test = await createTestTenant()
})
afterAll(() => test.close())

const create = (fields: object) => test.run((tx) => createUser(tx, fields as UserFields))
const update = (user: User, changes: object) => test.run((tx) => updateUser(tx, user.id, changes as UserFields))
const remove = (...users: User[]) => test.run((tx) => deleteUsers(tx, { userIds: users.map(({ id }) => id) }))
const restore = (user: User, withRoles = false) => test.run((tx) => restoreUsers(tx, { userIds: [user.id], withRoles }))
const read = (user: User) => test.run((tx) => findUser(tx, { by: 'id', value: user.id }))
const productsOf = async (user: User) =>
  (await test.run((tx) => showUser(tx, { by: 'id', value: user.id }))).product_accounts.map(
    ({ product, active }) => `${product}${active ? '' : ' (inactive)'}`,
  )
let numbers = 0
const directoryId = () => `e0000000-0000-4000-8000-${String(++numbers).padStart(12, '0')}`
const unknown = '0190a0b1-7d2c-7c3e-8a54-1f2e3d4c5b6a'

describe('creating a user', () => {
  it('keeps every field, in the form that is documented', async () => {
    const manager = await create({ email: 'boss@example.org' })
    const fields = {
      kind: 'external',
      login_name: 'i:0#.f|membership|ann@example.org',
      directory_object_id: directoryId(),
      ref: 'A-1',
      email: 'Ann@Example.org',
      email_verified: true,
      external_identity_id: 'idp|1',
      first_name: 'Ann',
      last_name: 'Aster',
      display_name: 'Annie',
      title: 'Dr.',
      job_title: 'Nurse',
      department: 'Ward 3',
      office: '3.14',
      city: 'Zürich',
      country: 'Switzerland',
      locale: 'de-CH',
      time_zone: 'Europe/Zurich',
      manager_id: manager.id,
      custom_fields: { shift: 'night', nested: { list: [1, null, true] } },
      roles: ['author', 'learner'],
    }
    const user = await create({ ...fields, products: ['flow', 'learn'] })
    expect(user).toMatchObject({ ...fields, state: 'active', former_roles: [] })
    expect(await read(user)).toEqual(user)
    expect(await productsOf(user)).toEqual(['flow', 'learn'])
  })

  it('makes a learner with an account in Learn, whose display name is made of the names', async () => {
    const user = await create({
      first_name: ' Bo ',
      last_name: 'Berg',
      locale: 'DE-ch',
      directory_object_id: undefined,
    })
    expect(user).toMatchObject({ kind: 'internal', roles: ['learner'], display_name: 'Bo Berg', locale: 'de-CH' })
    expect(await productsOf(user)).toEqual(['learn'])
  })

  it('lets two people have one login name and one e-mail address', async () => {
    const one = await create({ login_name: 'same', email: 'same@example.org' })
    const two = await create({ login_name: 'same', email: 'same@example.org' })
    expect(two.id).not.toBe(one.id)
  })

  it.each([
    ['kind', 'alien'],
    ['login_name', 'claims|'],
    ['login_name', 'a\0b'],
    ['directory_object_id', 'secret'],
    ['ref', 'x'.repeat(257)],
    ['email', 'secret'],
    ['email', 'se cret@example.org'],
    ['email', 'a@b@c'],
    ['email', `${'x'.repeat(320)}@a`],
    ['email', 'secret\u0007@example.org'],
    ['email', '@example.org'],
    ['email_verified', 'yes'],
    ['first_name', ''],
    ['first_name', 7],
    ['last_name', 'a\nb'],
    ['city', '\udc00'],
    ['locale', 'not a locale'],
    ['time_zone', 'Mars/Olympus'],
    ['manager_id', 'secret'],
    ['manager_id', unknown],
    ['roles', ['learner', 'emperor']],
    ['roles', []],
    ['roles', 'learner'],
    ['products', ['learn', 'sing']],
    ['custom_fields', []],
    ['custom_fields', { a: 'null\0byte' }],
    ['custom_fields', { 'null\0byte': 1 }],
    ['custom_fields', { a: '\ud800' }],
    ['custom_fields', { a: Number.NaN }],
    ['custom_fields', { a: new Date() }],
    ['custom_fields', { a: 'x'.repeat(33_000) }],
    ['custom_fields', JSON.parse(`{"a":${'['.repeat(40)}${']'.repeat(40)}}`)],
  ])('refuses a bad %s and names the field, not the value: %j', async (field, value) => {
    const before = await test.owner.query('select count(*) from users')
    const error = await create({ [field]: value }).catch((caught: unknown) => caught)
    expect(error).toMatchObject({ code: 'input.invalid', details: { field } })
    expect(String(error)).not.toContain('secret')
    expect((await test.owner.query('select count(*) from users')).rows).toEqual(before.rows)
  })

  it.each(['state', 'tenant_id', 'login_key', 'constructor', '__proto__x'])(
    'refuses the unknown field %s',
    async (field) => {
      await expect(create({ [field]: 'x' })).rejects.toMatchObject({ code: 'input.unknown_field', details: { field } })
    },
  )

  it('stores whatever the check of the fields lets through', async () => {
    const text = fc.string({ unit: 'binary', maxLength: 12 })
    const names = fc.constantFrom('login_name', 'ref', 'first_name', 'country', 'locale', 'time_zone', 'custom_fields')
    const value = fc.oneof(text, fc.dictionary(text, fc.jsonValue()), fc.constant(null))
    await fc.assert(
      fc.asyncProperty(fc.dictionary(names, value, { maxKeys: 3 }), async (given) => {
        let fields: UserFields
        try {
          fields = checkUserFields(given)
        } catch (error) {
          expect(error).toMatchObject({ code: 'input.invalid' })
          return
        }
        const user = await create({ ...fields, ref: null })
        const kept = { ...fields, ref: null, custom_fields: fields.custom_fields ?? {} }
        expect(JSON.parse(JSON.stringify(user))).toMatchObject(JSON.parse(JSON.stringify(kept)))
      }),
      { numRuns: effort(25, 150) },
    )
  })

  it('reserves the unique ids, for deleted users too', async () => {
    const id = directoryId()
    const user = await create({ directory_object_id: id, ref: 'taken' })
    await expect(create({ directory_object_id: id.toUpperCase() })).rejects.toMatchObject({
      code: 'user.taken',
      details: { field: 'directory_object_id' },
    })
    await expect(create({ ref: 'taken' })).rejects.toMatchObject({ code: 'user.taken', details: { field: 'ref' } })
    await remove(user)
    await expect(create({ ref: 'taken' })).rejects.toMatchObject({
      code: 'user.taken_by_deleted',
      details: { field: 'ref', id: user.id },
    })
  })

  it('of two users created with one ref at once lets one in and tells the other', async () => {
    const results = await Promise.allSettled([create({ ref: 'race' }), create({ ref: 'race' })])
    expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    expect(results.find(({ status }) => status === 'rejected')).toMatchObject({ reason: { code: 'user.taken' } })
  })
})

describe('updating a user', () => {
  it('changes what is given, clears what is null and moves updated_at', async () => {
    const user = await create({ first_name: 'Cy', last_name: 'Old', city: 'Bern', custom_fields: { a: 1 } })
    const changed = await update(user, { last_name: 'New', city: null, custom_fields: { b: 2 }, products: ['flow'] })
    expect(changed).toMatchObject({
      first_name: 'Cy',
      last_name: 'New',
      display_name: 'Cy New',
      city: null,
      custom_fields: { b: 2 },
    })
    expect(changed.updated_at.getTime()).toBeGreaterThan(user.updated_at.getTime())
    expect(await productsOf(user)).toEqual(['flow'])
    expect(await update(await update(user, { display_name: 'Own' }), { first_name: 'Cyd' })).toMatchObject({
      display_name: 'Own',
    })
  })

  it('takes a new address as unverified until somebody verified it', async () => {
    const user = await create({ email: 'dee@example.org', email_verified: true })
    expect(await update(user, { email: 'Dee@example.org' })).toMatchObject({ email_verified: true })
    expect(await update(user, { email: 'dee2@example.org' })).toMatchObject({ email_verified: false })
    expect(await update(user, { email: 'dee3@example.org', email_verified: true })).toMatchObject({
      email_verified: true,
    })
  })

  it('refuses ids of others, oneself as manager, unknown fields and unknown users', async () => {
    const other = await create({ ref: 'others', directory_object_id: directoryId() })
    const user = await create({ ref: 'own' })
    expect(await update(user, { ref: 'own' })).toMatchObject({ ref: 'own' })
    await expect(update(user, { ref: 'others' })).rejects.toMatchObject({ code: 'user.taken' })
    await expect(update(user, { directory_object_id: other.directory_object_id })).rejects.toMatchObject({
      code: 'user.taken',
    })
    await expect(update(user, { manager_id: user.id })).rejects.toMatchObject({ details: { field: 'manager_id' } })
    await expect(update(user, { state: 'deleted' })).rejects.toMatchObject({ code: 'input.unknown_field' })
    await expect(update({ ...user, id: unknown }, { city: 'x' })).rejects.toMatchObject({ code: 'user.not_found' })
    await expect(update({ ...user, id: 'x' }, { city: 'x' })).rejects.toMatchObject({ code: 'input.invalid' })
    await remove(other)
    await expect(update(user, { ref: 'others' })).rejects.toMatchObject({ code: 'user.taken_by_deleted' })
    await expect(update(other, { city: 'x' })).rejects.toMatchObject({ code: 'user.wrong_state' })
  })
})

describe('suspending, deleting and restoring', () => {
  it('goes from each state only where it may', async () => {
    const user = await create({})
    const suspend = () => test.run((tx) => suspendUser(tx, user.id))
    const reactivate = () => test.run((tx) => reactivateUser(tx, user.id))
    await expect(reactivate()).rejects.toMatchObject({ code: 'user.wrong_state' })
    await expect(restore(user)).rejects.toMatchObject({ code: 'user.wrong_state' })
    expect(await suspend()).toMatchObject({ state: 'suspended', suspended_at: expect.any(Date) })
    await expect(suspend()).rejects.toMatchObject({ code: 'user.wrong_state', details: { ids: [user.id] } })
    expect(await reactivate()).toMatchObject({ state: 'active', suspended_at: null })
    await suspend()
    await remove(user)
    await expect(remove(user)).rejects.toMatchObject({ code: 'user.wrong_state' })
    await expect(suspend()).rejects.toMatchObject({ code: 'user.wrong_state' })
    await restore(user)
    expect(await read(user)).toMatchObject({ state: 'suspended', deleted_at: null, deletion_id: null })
  })

  it('takes privileged roles away at the delete and gives them back only when asked to', async () => {
    const user = await create({ roles: ['author', 'manager', 'learner'] })
    const actor = await create({})
    await inTenant(test.database, test.tenantId, (tx) => deleteUsers(tx, { userIds: [user.id] }), {
      initiator: { from: 'console', userId: actor.id },
    })
    expect(await read(user)).toMatchObject({
      state: 'deleted',
      deleted_by: actor.id,
      roles: ['learner'],
      former_roles: ['author', 'manager'],
    })
    await restore(user)
    expect(await read(user)).toMatchObject({
      roles: ['learner'],
      former_roles: ['author', 'manager'],
      deleted_by: null,
    })
    const second = await create({ roles: ['author'] })
    await remove(second)
    await restore(second, true)
    expect(await read(second)).toMatchObject({ roles: ['author', 'learner'], former_roles: [] })
  })

  it('brings back exactly what this delete of this user took away', async () => {
    const places = await test.run(createPlaces)
    const [user, other] = [await create({ products: ['learn', 'flow'] }), await create({})]
    const earlier = '11111111-1111-4111-8111-111111111111'
    await test.run(async (tx) => {
      await enroll(tx, { userId: user.id, courseId: places.course, sessionId: places.session })
      await enroll(tx, { userId: user.id, trainingPlanId: places.plan, enrolledBy: other.id })
      await enroll(tx, { userId: other.id, courseId: places.course })
      for (const { id } of [user, other]) {
        await tx.query('insert into group_members (tenant_id, group_id, user_id) values ($1, $2, $3)', [
          tx.tenantId,
          places.group,
          id,
        ])
      }
      await tx.query('insert into catalog_members (tenant_id, catalog_id, user_id) values ($1, $2, $3)', [
        tx.tenantId,
        places.catalog,
        user.id,
      ])
      await tx.query('insert into catalog_groups (tenant_id, catalog_id, group_id) values ($1, $2, $3)', [
        tx.tenantId,
        places.catalog,
        places.group,
      ])
      // What an earlier delete took away is not this one's to bring back.
      await tx.query(`update product_accounts set deletion_id = $2 where user_id = $1 and product = 'flow'`, [
        user.id,
        earlier,
      ])
    })
    const show = (one: User) => test.run((tx) => showUser(tx, { by: 'id', value: one.id }))
    const before = await show(user)
    expect(before).toMatchObject({ counts: { catalogs: 1, active_enrollments: 2 }, groups: [{ active: true }] })

    const deletion = await remove(user, other, user)
    expect(deletion).toMatchObject({
      userIds: [user.id, other.id].sort(),
      inactive: { product_accounts: 2, group_members: 2, catalog_members: 1, enrollments: 3 },
    })
    expect(await show(user)).toMatchObject({
      user: { state: 'deleted', deletion_id: deletion.deletionId },
      // What a preview counts does not change with the delete.
      counts: { ...before.counts, catalogs: 0, active_enrollments: 0 },
      groups: [{ active: false }],
    })

    const restored = await restore(user)
    expect(restored.active).toEqual({ product_accounts: 1, group_members: 1, catalog_members: 1, enrollments: 2 })
    const after = await show(user)
    expect({ ...after, user: undefined }).toEqual({ ...before, user: undefined })
    expect(await productsOf(user)).toEqual(['flow (inactive)', 'learn'])
    expect(await show(other)).toMatchObject({ user: { state: 'deleted' }, counts: { active_enrollments: 0 } })
  })

  it('deletes all of the named users or none', async () => {
    const [one, two] = [await create({}), await create({})]
    await remove(two)
    await expect(remove(one, two)).rejects.toMatchObject({ code: 'user.wrong_state', details: { ids: [two.id] } })
    await expect(remove(one, { ...two, id: unknown })).rejects.toMatchObject({ code: 'user.not_found' })
    expect(await read(one)).toMatchObject({ state: 'active' })
    expect((await test.run((tx) => deleteUsers(tx, { userIds: [] }))).userIds).toEqual([])
  })

  it('refuses every change while an erasure of the user is pending', async () => {
    const user = await create({})
    const { rows } = await test.owner.query<{ id: string }>(
      `insert into erasure_requests (tenant_id, operation, initiated_from) values ($1, 'purge', 'command_line') returning id`,
      [test.tenantId],
    )
    const request = rows[0]?.id
    for (const state of ['queued', 'awaiting_approval', 'scheduled', 'held', 'running', 'failed', 'cancelled']) {
      await test.owner.query(
        `insert into erasure_subjects (tenant_id, request_id, user_id, state) values ($1, $2, $3, $4)
         on conflict (tenant_id, request_id, user_id) do update set state = excluded.state`,
        [test.tenantId, request, user.id, state],
      )
      const changes = [
        () => update(user, { city: 'x' }),
        () => test.run((tx) => suspendUser(tx, user.id)),
        () => test.run((tx) => reactivateUser(tx, user.id)),
        () => remove(user),
        () => restore(user),
      ]
      if (state === 'cancelled') {
        await remove(user)
        continue
      }
      for (const change of changes) {
        await expect(change()).rejects.toMatchObject({ code: 'user.erasure_pending', details: { request } })
      }
      expect(await test.run((tx) => showUser(tx, { by: 'id', value: user.id }))).toMatchObject({
        pending_erasure: { request_id: request, state },
      })
    }
  })
})

describe('the last administrator', () => {
  it('can neither be deleted, nor suspended, nor demoted, while two can do without one', async () => {
    const one = await create({ roles: ['administrator', 'learner'] })
    const blocked = { code: 'user.last_administrator' }
    const suspend = (user: User) => test.run((tx) => suspendUser(tx, user.id))
    await expect(remove(one)).rejects.toMatchObject(blocked)
    await expect(suspend(one)).rejects.toMatchObject(blocked)
    await expect(update(one, { roles: ['learner'] })).rejects.toMatchObject(blocked)
    expect(await update(one, { roles: ['administrator'] })).toMatchObject({ roles: ['administrator'] })
    const two = await create({ roles: ['administrator'] })
    await expect(remove(one, two)).rejects.toMatchObject(blocked)
    await suspend(two)
    // A suspended administrator administers nothing.
    await expect(remove(one)).rejects.toMatchObject(blocked)
    await test.run((tx) => reactivateUser(tx, two.id))
    await remove(one)
    await expect(remove(two)).rejects.toMatchObject(blocked)
    await restore(one, true)
    expect(await update(two, { roles: ['learner'] })).toMatchObject({ roles: ['learner'] })
    await test.owner.query(`update users set roles = '{learner}' where id = $1`, [one.id])
  })

  it('stays when the last two are deleted, suspended or demoted at the same time', async () => {
    for (let round = 0; round < 6; round++) {
      const one = await create({ roles: ['administrator'] })
      const two = await create({ roles: ['administrator'] })
      const acts = [
        (user: User) => remove(user),
        (user: User) => test.run((tx) => suspendUser(tx, user.id)),
        (user: User) => update(user, { roles: ['learner'] }),
      ]
      const act = (index: number) => acts[index % acts.length] ?? remove
      const results = await Promise.allSettled([act(round)(one), act(round + 1)(two)])
      expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
      expect(results.find(({ status }) => status === 'rejected')).toMatchObject({
        reason: { code: 'user.last_administrator' },
      })
      await test.owner.query(`update users set roles = '{learner}', former_roles = '{}'`)
    }
  })
})

describe('enrolling', () => {
  it('takes active users only, each once, in places that exist', async () => {
    const places = await test.run(createPlaces)
    const elsewhere = await test.run(createPlaces)
    const user = await create({})
    const to = (place: object) => test.run((tx) => enroll(tx, { userId: user.id, ...place }))
    expect(await to({ courseId: places.course })).toMatchObject({ id: expect.any(String) })
    await expect(to({ courseId: places.course })).rejects.toMatchObject({ code: 'enrollment.exists' })
    await expect(to({})).rejects.toMatchObject({ code: 'input.invalid' })
    await expect(to({ courseId: places.course, trainingPlanId: places.plan })).rejects.toMatchObject({
      code: 'input.invalid',
    })
    await expect(to({ courseId: unknown })).rejects.toMatchObject({ code: 'course.not_found' })
    await expect(to({ courseId: 'x' })).rejects.toMatchObject({ code: 'input.invalid' })
    await expect(to({ trainingPlanId: unknown })).rejects.toMatchObject({ code: 'training_plan.not_found' })
    await expect(to({ courseId: places.course, sessionId: elsewhere.session })).rejects.toMatchObject({
      code: 'session.not_found',
    })
    await expect(to({ userId: unknown, courseId: places.course })).rejects.toMatchObject({ code: 'user.not_found' })
    await test.run((tx) => suspendUser(tx, user.id))
    const refused = (state: string) => ({ code: 'user.wrong_state', details: { act: 'enrolled', state } })
    await expect(to({ trainingPlanId: places.plan })).rejects.toMatchObject(refused('suspended'))
    await remove(user)
    await expect(to({ trainingPlanId: places.plan })).rejects.toMatchObject(refused('deleted'))
  })

  it('never leaves an active enrollment behind when the user is deleted at the same time', async () => {
    const places = await test.run(createPlaces)
    const user = await create({})
    let enrolled: (() => void) | undefined
    const inserted = new Promise<void>((resolve) => {
      enrolled = resolve
    })
    const enrolling = test.run(async (tx) => {
      await enroll(tx, { userId: user.id, courseId: places.course })
      enrolled?.()
      // The delete has to wait for this transaction, so that it sees the enrollment.
      await new Promise((resolve) => setTimeout(resolve, 50))
    })
    await inserted
    const deletion = await remove(user)
    await enrolling
    expect(deletion.inactive.enrollments).toBe(1)
  })
})
