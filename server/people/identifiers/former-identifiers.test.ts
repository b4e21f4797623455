import { Readable } from 'node:stream'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../../test/database.ts'
import { createGroup } from '../../directory/create-group.ts'
import { syncGroup } from '../../directory/sync-group.ts'
import { previewErasure } from '../../erasure/requests/preview-erasure.ts'
import { importUsers } from '../../imports/users/import-users.ts'
import type { OutcomeOfRow } from '../../imports/users/outcomes.ts'
import { readSubjects } from '../../personal-data/subjects.ts'
import { inTenant, type TenantTransaction } from '../../platform/database/transaction.ts'
import { createTenant } from '../../tenancy/tenants.ts'
import { createUser } from '../accounts/create-user.ts'
import { findUser } from '../accounts/find-users.ts'
import { updateUser } from '../accounts/update-user.ts'
import { peopleError } from '../errors.ts'
import { deleteUsers } from '../lifecycle/delete-users.ts'
import { restoreUsers } from '../lifecycle/restore-users.ts'
import { readFormer } from './former-identifiers.ts'

let test: TestDatabase
let tenant: string
beforeAll(async () => {
  test = await createTestDatabase()
})
afterAll(() => test.close())

const within = <T>(work: (tx: TenantTransaction) => Promise<T>) => inTenant(test.database, tenant, work)

async function newTenant(): Promise<void> {
  tenant = (await createTenant(test.database, { name: `Tenant ${Math.random()}`, kind: 'enterprise' })).id
}

async function importCsv(text: string) {
  const outcomes: OutcomeOfRow[] = []
  const { counts } = await importUsers(test.database, tenant, {
    source: Readable.from([Buffer.from(text)]),
    file: 'users.csv',
    onOutcome: (outcome) => void outcomes.push(outcome),
  })
  return { counts, outcomes }
}

const all = {
  email: 'Before@Old.example',
  login_name: 'i:0#.f|membership|before-login',
  ref: 'Before-1',
  external_identity_id: 'idp|before-1',
  directory_object_id: '0190a0b1-7d2c-7c3e-8a54-1f2e3d4c5b01',
}
const now = {
  email: 'after@new.example',
  login_name: 'after-login',
  ref: 'After-1',
  external_identity_id: 'idp|after-1',
  directory_object_id: '0190a0b1-7d2c-7c3e-8a54-1f2e3d4c5b02',
}
const formerOfAll = [
  { kind: 'directory_object_id', value: all.directory_object_id },
  { kind: 'email', value: 'before@old.example' },
  { kind: 'external_identity_id', value: 'idp|before-1' },
  { kind: 'login_name', value: 'before-login' },
  { kind: 'ref', value: 'before-1' },
]

describe('a former identifier', () => {
  beforeAll(newTenant)

  it('of every kind stays with a user whose fields are changed one by one, and through a delete and a restore', async () => {
    const { id } = await within((tx) => createUser(tx, all))
    await within((tx) => updateUser(tx, id, now))
    await within((tx) => deleteUsers(tx, { userIds: [id] }))
    await within((tx) => restoreUsers(tx, { userIds: [id] }))
    const former = (await within((tx) => readFormer(tx, [id]))).get(id) ?? []
    expect(former.sort((a, b) => (a.kind < b.kind ? -1 : 1))).toEqual(formerOfAll)
    const [person] = await within((tx) => readSubjects(tx, [id]))
    expect(person?.identifiers).toHaveLength(10)
  })

  it('of every kind stays with a user who is renamed by an import', async () => {
    await newTenant()
    const { id } = await within((tx) => createUser(tx, all))
    const columns = Object.keys(now) as (keyof typeof now)[]
    const { counts } = await importCsv(
      `id,${columns.join(',')}\n${id},${columns.map((column) => now[column]).join(',')}\n`,
    )
    expect(counts.updated).toBe(1)
    const former = (await within((tx) => readFormer(tx, [id]))).get(id) ?? []
    expect(former.sort((a, b) => (a.kind < b.kind ? -1 : 1))).toEqual(formerOfAll)
  })

  it('is none where only the spelling changed, and stays where the field was cleared', async () => {
    const { id } = await within((tx) => createUser(tx, { email: 'Spelling@x.example', ref: 'Cleared-1' }))
    await within((tx) => updateUser(tx, id, { email: 'spelling@X.example', ref: null }))
    expect((await within((tx) => readFormer(tx, [id]))).get(id)).toEqual([{ kind: 'ref', value: 'cleared-1' }])
  })

  it('is kept once when the user goes back and forth, with the time of the last change', async () => {
    const { id } = await within((tx) => createUser(tx, { email: 'one@swing.example' }))
    for (const email of ['two@swing.example', 'one@swing.example', 'three@swing.example']) {
      await within((tx) => updateUser(tx, id, { email }))
    }
    const { rows } = await test.owner.query<{ since: Date; until: Date; sealed: string }>(
      `select since, until, encode(sealed_value, 'escape') as sealed from former_identifiers where user_id = $1 order by until`,
      [id],
    )
    expect(rows).toHaveLength(2)
    expect(rows.every(({ since, until }) => since <= until)).toBe(true)
    expect(rows.some(({ sealed }) => sealed.includes('swing'))).toBe(false)
    expect((await within((tx) => readFormer(tx, [id]))).get(id)?.map(({ value }) => value)).toEqual([
      'two@swing.example',
      'one@swing.example',
    ])
  })

  it('finds nobody by itself, and the error names whose it was', async () => {
    const { id } = await within((tx) => createUser(tx, { email: 'maiden@look.example' }))
    await within((tx) => updateUser(tx, id, { email: 'married@look.example' }))
    for (const selector of [
      { by: 'email', value: 'Maiden@look.example' },
      { by: 'login_name', value: 'maiden@look.example' },
    ] as const) {
      const error = await within((tx) => findUser(tx, selector)).catch((thrown: unknown) => thrown)
      expect(peopleError.is(error, 'user.not_found') && error.details).toMatchObject({ formerly: [id] })
      expect(String(error)).not.toContain('maiden')
    }
  })

  it('makes no second person unseen: not by a create, an import or a group', async () => {
    await newTenant()
    const { id } = await within((tx) => createUser(tx, { email: 'first@once.example' }))
    await within((tx) => updateUser(tx, id, { email: 'first@now.example' }))
    const again = { email: 'FIRST@once.example' }
    const refused = await within((tx) => createUser(tx, again)).catch((thrown: unknown) => thrown)
    expect(peopleError.is(refused, 'user.known_before') && refused.details).toEqual({ ids: [id] })

    const { counts, outcomes } = await importCsv(
      'login_name,email,ref\nfirst@once.example,x@y.example,\n,first@once.example,\n,new@once.example,N-1\n',
    )
    expect(counts).toMatchObject({ created: 1, rejected: 2 })
    expect(outcomes[0]?.reason).toContain('had one of these identifiers before a change')

    const groupId = (await within((tx) => createGroup(tx, { displayName: 'Bakers' }))).id
    const directory_object_id = '0190a0b1-7d2c-7c3e-8a54-1f2e3d4c5b11'
    const sync = await within((tx) => syncGroup(tx, { groupId, members: [{ ...again, directory_object_id }] }))
    expect(sync).toMatchObject({ created: [], known_before: [{ directory_object_id, user_ids: [id] }] })

    const other = await within((tx) => createUser(tx, again, { anotherPerson: true }))
    expect((await importCsv('email,first_name\nfirst@once.example,Ann\n')).counts.updated).toBe(1)
    expect((await within((tx) => findUser(tx, { by: 'email', value: 'first@once.example' }))).id).toBe(other.id)
  })

  it('does not stand in the way of somebody whom the directory knows as another person', async () => {
    await newTenant()
    const [one, two] = ['0190a0b1-7d2c-7c3e-8a54-1f2e3d4c5b21', '0190a0b1-7d2c-7c3e-8a54-1f2e3d4c5b22']
    const { id } = await within((tx) => createUser(tx, { email: 'desk@d.example', directory_object_id: one }))
    await within((tx) => updateUser(tx, id, { email: 'left@d.example' }))
    const next = await within((tx) => createUser(tx, { email: 'desk@d.example', directory_object_id: two }))
    expect(next.id).not.toBe(id)
  })

  it('counts as shared once another user has it, and is the own one of whoever had it otherwise', async () => {
    await newTenant()
    const { id } = await within((tx) => createUser(tx, { email: 'role@s.example' }))
    await within((tx) => updateUser(tx, id, { email: 'person@s.example' }))
    expect(await within((tx) => previewErasure(tx, 'purge', [id]))).toMatchObject({ sharedIdentifiers: 0 })
    await within((tx) => createUser(tx, { email: 'role@s.example' }, { anotherPerson: true }))
    expect(await within((tx) => previewErasure(tx, 'purge', [id]))).toMatchObject({ sharedIdentifiers: 1 })
  })
})
