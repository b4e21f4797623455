import { Readable } from 'node:stream'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { openTestApplication, type TestApplication } from '../../../test/application.ts'
import { newTenant, type TenantRows } from '../../../test/rows.ts'
import { setPassword } from '../../access/set-password.ts'
import { signIn } from '../../access/sign-in.ts'
import { destroyContactKeys, hashesOfContact, keyOfContact } from '../../audit/subject-keys.ts'
import { type IdentifierKind, identifierKey, identifierOf } from '../../identifiers/identifier-key.ts'
import { normalFormV1 } from '../../identifiers/normal-form-v1.ts'
import { importUsers } from '../../imports/users/import-users.ts'
import { hashIdentifier, identifierHashKey } from '../../keyring/identifier-hash-key.ts'
import { findUser } from '../../people/accounts/find-users.ts'
import { findAmbiguousIdentifiers } from '../../people/identifiers/ambiguous-identifiers.ts'
import { identifiersOf } from '../../people/identifiers/candidate-identifiers.ts'
import { findTombstones } from '../../tombstones/find-tombstones.ts'
import { checkMembership } from '../proof/check-membership.ts'
import { previewErasure } from '../requests/preview-erasure.ts'

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

const inTenant: TestApplication['inTenant'] = (tenant, work) => test.inTenant(tenant, work)

/** Pairs of spellings of one identifier, of many scripts. */
const spellings: [kind: 'login_name' | 'email', one: string, other: string][] = [
  ['login_name', 'ΔΟΚΙΜΗΣ.1', 'δοκιμης.1'],
  ['login_name', 'İZMİR.7', 'i̇zmi̇r.7'],
  ['login_name', 'GROẞ.4711', 'groß.4711'],
  ['login_name', '\u212aelvin.\u212b7', 'kelvin.å7'],
  ['login_name', '\uf900.4711', '豈.4711'],
  ['login_name', '\u0958.4711', 'क़.4711'],
  ['login_name', 'nguye\u0302\u0303n.4711', 'nguyễn.4711'],
  ['login_name', '\uab70\uab71.4711', 'ᎠᎡ.4711'],
  ['login_name', '\u{1e900}.4711', '\u{1e922}.4711'],
  ['email', 'ΔΟΚΙΜΗ.ΕΝΑΣ@corp.example', 'δοκιμη.ενας@corp.example'],
  ['email', 'ann@bücher.example', 'ann@xn--bcher-kva.example'],
  ['email', 'ANN@BÜCHER.EXAMPLE', 'ann@bu\u0308cher.example'],
]

describe('two spellings of one identifier', () => {
  it.each(spellings)('find the same person by the %s %s and %s', async (by, one, other) => {
    const id = await rows.user({ [by]: one })
    for (const value of [one, other, `\u00a0${other}\u2003`]) {
      expect(await inTenant(rows.tenant, (tx) => findUser(tx, { by, value }))).toMatchObject({ id })
    }
  })

  it.each(spellings)(
    'are shared by two living users with the %s %s and %s: the purge of one leaves the other as it is',
    async (by, one, other) => {
      const gone = await rows.deletedUser({ [by]: one })
      const stays = await rows.user({ [by]: other })
      const course = await rows.course({ description: `Ask ${other}, please.` })
      const preview = await inTenant(rows.tenant, (tx) => previewErasure(tx, 'purge', [gone]))
      expect(preview).toMatchObject({ sharedIdentifiers: 1, similarIdentifiers: 0 })
      expect(await test.purge(rows.tenant, [gone])).toMatchObject({ state: 'completed' })
      const left = await test.owner.query(`select ${by} from users where id = $1`, [stays])
      expect(left.rows).toEqual([{ [by]: other }])
      const text = await test.owner.query('select description from courses where id = $1', [course])
      expect(text.rows).toEqual([{ description: `Ask ${other}, please.` }])
    },
  )

  it.each(spellings)('are recognized after a purge by the %s %s when %s is imported', async (by, one, other) => {
    await test.purge(rows.tenant, [await rows.deletedUser({ [by]: one, ref: `ref-${one.length}-4711` })])
    await importUsers(test.database, rows.tenant, {
      source: Readable.from([Buffer.from(`${by}\n${other}\n`)]),
      file: 'users.csv',
    })
    const { rows: users } = await test.owner.query('select id from users where tenant_id = $1', [rows.tenant])
    expect(users).toEqual([])
  })
})

describe('a similar identifier', () => {
  it.each([
    ['İnci.7@corp.example', 'inci.7@corp.example'],
    ['ＡＢＣ309', 'abc309'],
    ["o'brien@corp.example", 'o’brien@corp.example'],
    ['ann@bücһer.example', 'ann@bücher.example'],
    ['аnna.7@corp.example', 'anna.7@corp.example'],
  ])('protects a living user: %s is left alone while somebody has %s', async (one, other) => {
    for (const [purged, living] of [
      [one, other],
      [other, one],
    ]) {
      const tenant = await newTenant(test.owner)
      const gone = await tenant.deletedUser({ email: purged })
      const stays = await tenant.user({ email: living })
      const preview = await inTenant(tenant.tenant, (tx) => previewErasure(tx, 'purge', [gone]))
      expect(preview).toMatchObject({ sharedIdentifiers: 1, similarIdentifiers: 1 })
      expect(await test.purge(tenant.tenant, [gone])).toMatchObject({ state: 'completed' })
      const { rows: left } = await test.owner.query('select email from users where id = $1', [stays])
      expect(left).toEqual([{ email: living }])
    }
  })

  it.each([
    ['josé@corp.example', 'jose@corp.example'],
    ['żaneta.7@corp.example', 'zaneta.7@corp.example'],
    ['møller.7@corp.example', 'moller.7@corp.example'],
    ['किरण.7', 'करण.7'],
    ['ดี.4711', 'ดู.4711'],
    ['דָּג.7', 'דג.7'],
  ])('is not one that differs in a mark: %s is erased from texts while somebody has %s', async (purged, living) => {
    const gone = await rows.deletedUser({ email: purged })
    await rows.user({ email: living })
    const course = await rows.course({ description: `Ask ${purged} or ${living}, please.` })
    const preview = await inTenant(rows.tenant, (tx) => previewErasure(tx, 'purge', [gone]))
    expect(preview).toMatchObject({ sharedIdentifiers: 0, similarIdentifiers: 0 })
    expect(await test.purge(rows.tenant, [gone])).toMatchObject({ state: 'completed' })
    const { rows: left } = await test.owner.query('select description from courses where id = $1', [course])
    expect(left).toEqual([{ description: `Ask [erased] or ${living}, please.` }])
  })

  it('selects nobody, and is named by id where nothing else is found', async () => {
    const id = await rows.user({ email: 'аnn.miller@corp.example' })
    await expect(
      inTenant(rows.tenant, (tx) => findUser(tx, { by: 'email', value: 'ann.miller@corp.example' })),
    ).rejects.toMatchObject({ code: 'user.not_found', details: { similarIds: [id] } })
  })
})

describe('signing in', () => {
  it('takes the right password for a name in any spelling', async () => {
    const id = await rows.user({ login_name: 'İpek.Yılmaz', email: 'ΔΟΚΙΜΗΣ@corp.example' })
    const password = 'correct horse battery'
    await inTenant(rows.tenant, (tx) => setPassword(tx, { userId: id, password }))
    for (const login of ['İpek.Yılmaz', 'i̇pek.yılmaz', 'İPEK.Yılmaz', 'δοκιμης@corp.example']) {
      expect(await signIn(test.app.database, rows.tenant, { login, password })).toMatchObject({ userId: id })
    }
  })
})

describe('hashes of values that nobody has any more', () => {
  const purged: [IdentifierKind, string][] = [
    ['email', 'İPEK@corp.example'],
    ['login_name', 'straße.4711'],
    ['email', 'ann@bücher.example'],
  ]

  it.each(purged)(
    'are found when they were made by the first version of the fold, for the %s %s',
    async (kind, written) => {
      const gone = await rows.deletedUser({ ref: 'somebody-4711' })
      const { id: request } = await test.purge(rows.tenant, [gone])
      await inTenant(rows.tenant, async (tx) => {
        const hash = hashIdentifier(await identifierHashKey(tx), { kind, value: normalFormV1(kind, written) })
        await test.owner.query(
          `insert into tombstones (tenant_id, request_id, user_id, kind, hash, fold_version) values ($1, $2, $3, $4, $5, 1)`,
          [rows.tenant, request, gone, kind, hash],
        )
        const found = await findTombstones(tx, [{ [kind]: written }], identifiersOf)
        expect([...found.values()]).toEqual([request])
        const other = await findTombstones(tx, [{ [kind]: `other-${written}` }], identifiersOf)
        expect([...other.values()]).toEqual([])
      })
    },
  )

  it('have the version of their fold beside them, and a certificate says it', async () => {
    const gone = await rows.deletedUser({ email: 'ΔΟΚΙΜΗΣ@corp.example', ref: 'ref-4711' })
    const { id: request } = await test.purge(rows.tenant, [gone])
    const { rows: stones } = await test.owner.query(
      'select distinct fold_version from tombstones where tenant_id = $1',
      [rows.tenant],
    )
    expect(stones).toEqual([{ fold_version: 2 }])
    for (const value of ['δοκιμης@CORP.example', 'ΔΟΚΙΜΗΣ@corp.example ']) {
      const among = await inTenant(rows.tenant, (tx) =>
        checkMembership(tx, { request, identifier: { kind: 'email', value } }),
      )
      expect(among).toMatchObject({ among: true })
    }
  })

  it('lead to the keys of contacts of either version, which are destroyed with the person', async () => {
    await inTenant(rows.tenant, async (tx) => {
      const contact = identifierOf('email', 'Straße@corp.example')
      const hashes = await hashesOfContact(tx, contact)
      expect(hashes).toHaveLength(2)
      for (const hash of hashes) await keyOfContact(tx, hash)
      await destroyContactKeys(tx, [contact])
      const { rows: left } = await tx.query('select hash from contact_keys where tenant_id = $1', [tx.tenantId])
      expect(left).toEqual([])
    })
  })
})

describe('the list of people who share an identifier', () => {
  it('names them by id, and says whether they spell it differently', async () => {
    const [one, two] = [await rows.user({ login_name: 'ΔΟΚΙΜΗΣ.1' }), await rows.user({ login_name: 'x|δοκιμης.1' })]
    const [three, four] = [await rows.user({ email: 'A@x.example' }), await rows.deletedUser({ email: 'a@x.example' })]
    await rows.user({ email: 'b@x.example' })
    const found = await inTenant(rows.tenant, findAmbiguousIdentifiers)
    expect(found).toEqual([
      { kind: 'login_name', ids: [one, two].sort(), spelledDifferently: true },
      { kind: 'email', ids: [three, four].sort(), spelledDifferently: false },
    ])
    expect(identifierKey('login_name', 'ΔΟΚΙΜΗΣ.1')).toBe(identifierKey('login_name', 'x|δοκιμης.1'))
  })
})
