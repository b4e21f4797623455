import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { CompactSign, compactVerify, createLocalJWKSet, exportJWK, generateKeyPair, importJWK } from 'jose'
import { v7 as newId } from 'uuid'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openTestApplication, type TestApplication } from '../../../test/application.ts'
import { effort } from '../../../test/effort.ts'
import { newTenant, type TenantRows } from '../../../test/rows.ts'
import { rotateSigningKey } from '../../access/rotate-signing-key.ts'
import { publicKeys } from '../../keyring/signing-keys.ts'
import { newKey } from '../../platform/crypto/seal.ts'
import { inTenant } from '../../platform/database/transaction.ts'
import { digestOfDone, factsFromRecord } from '../engine/certify.ts'
import { type CertificateClaims, type CertificateFile, verifyCertificate } from './certificate.ts'
import { readCertificate } from './read-certificate.ts'

let test: TestApplication
let rows: TenantRows
let request: string
/** As it would be read from the exported file. */
let file: CertificateFile

const jane = {
  email: 'jane.doe@acme.example',
  login_name: 'i:0#.f|membership|jane.login',
  ref: 'emp-4711',
  external_identity_id: 'idp|jane-4711',
  directory_object_id: 'd0000000-0000-4000-8000-00000000abcd',
  first_name: 'Janina',
  last_name: 'Doevsky',
}

beforeAll(async () => {
  test = await openTestApplication()
  await test.startWorkers()
  rows = await newTenant(test.owner, { name: 'Canary Corporation' })
  const people = [await rows.deletedUser(jane), await rows.deletedUser({ ref: 'emp-0002' }), await rows.deletedUser()]
  await rows.catalog({ contact_emails: [jane.email] })
  const requestedBy = await rows.administrator({ email: 'admin@acme.example' })
  const details = await test.purge(rows.tenant, people, requestedBy)
  expect(details.state).toBe('completed')
  request = details.id
  file = await exported()
})
afterAll(() => test.close())

async function exported(id = request): Promise<CertificateFile> {
  const read = await test.inTenant(rows.tenant, (tx) => readCertificate(tx, id))
  return JSON.parse(JSON.stringify(read))
}

const invalid = { name: 'LetheError', code: 'certificate.invalid' }

it('verifies, and says what was done to how many', async () => {
  const { certificate, addenda, kids } = await verifyCertificate(file)
  expect(certificate).toMatchObject({
    type: 'lethe.erasure_certificate',
    tenant: rows.tenant,
    request,
    operation: 'purge',
    subjects: { total: 3, done: 3, failed: 0 },
    verification: { method: 'data_map', rows_left: 0, mentions_left: 0 },
  })
  expect(certificate.effects).toContainEqual({ table: 'catalogs', effect: 'scrubbed contact_emails', rows: 1 })
  expect(certificate.effects).toContainEqual({ table: 'users', effect: 'deleted', rows: 3 })
  expect(addenda).toMatchObject([{ search: { findings: [], unreadable: [] } }])
  expect(new Set(kids)).toEqual(new Set(file.keys.keys.map(({ kid }) => kid)))
})

it('verifies with nothing but jose and SHA-256', async () => {
  const keys = createLocalJWKSet(file.keys)
  const payloads = []
  for (const jws of file.certificates) {
    const { payload, protectedHeader } = await compactVerify(jws, keys, { algorithms: ['EdDSA'] })
    expect(protectedHeader.alg).toBe('EdDSA')
    payloads.push(JSON.parse(new TextDecoder().decode(payload)))
  }
  const [certificate, addendum] = payloads
  const digest = createHash('sha256')
  for (const line of file.subjects) digest.update(`${line}\n`)
  expect(certificate.subjects).toMatchObject({ done: file.subjects.length, digest: digest.digest('hex') })
  expect(addendum.certificate).toBe(
    createHash('sha256')
      .update(file.certificates[0] ?? '')
      .digest('hex'),
  )
})

it('is signed over canonical JSON', () => {
  for (const jws of file.certificates) {
    const payload = Buffer.from(jws.split('.')[1] ?? '', 'base64url').toString('utf8')
    const sorted = (value: unknown): unknown =>
      Array.isArray(value)
        ? value.map(sorted)
        : typeof value === 'object' && value !== null
          ? Object.fromEntries(
              Object.entries(value)
                .sort(([a], [b]) => (a < b ? -1 : 1))
                .map(([k, v]) => [k, sorted(v)]),
            )
          : value
    expect(payload).toBe(JSON.stringify(sorted(JSON.parse(payload))))
  }
})

it('holds no personal data, neither in what is signed nor beside it', async () => {
  const { rows: subjects } = await test.owner.query<{ user_id: string }>(
    'select user_id from erasure_subjects where request_id = $1',
    [request],
  )
  const opened = file.certificates.map((jws) => Buffer.from(jws.split('.')[1] ?? '', 'base64url').toString('utf8'))
  const all = [JSON.stringify(file), ...opened].join('\n').toLowerCase()
  const canaries = [
    ...Object.values(jane),
    'jane.login',
    'emp-0002',
    'admin@acme.example',
    'Canary Corporation',
    ...subjects.map(({ user_id }) => user_id),
  ]
  for (const canary of canaries) expect(all).not.toContain(canary.toLowerCase())
  expect(subjects).toHaveLength(3)
})

describe('a change of what was exported does not verify:', () => {
  /** Another text of the same length that differs in one place. */
  const oneChanged = (text: string, at: number, by: number) => {
    const index = at % text.length
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    const old = alphabet.indexOf(text.charAt(index))
    const other = old === -1 ? 'A' : alphabet.charAt((old + 1 + (by % 63)) % 64)
    return text.slice(0, index) + other + text.slice(index + 1)
  }

  it('any one character of a signed statement', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(1), fc.nat(), fc.nat(), async (which, at, by) => {
        const certificates = file.certificates.map((jws, index) => (index === which ? oneChanged(jws, at, by) : jws))
        await expect(verifyCertificate({ ...file, certificates })).rejects.toMatchObject(invalid)
      }),
      { numRuns: effort(50, 200) },
    )
  })

  it('the last characters, whose last bits a lax decoder ignores', async () => {
    for (const [which, jws] of file.certificates.entries()) {
      for (let by = 0; by < 63; by++) {
        const certificates = file.certificates.with(which, oneChanged(jws, jws.length - 1, by))
        await expect(verifyCertificate({ ...file, certificates })).rejects.toMatchObject(invalid)
      }
    }
  })

  it('any claim, signed anew by another key', async () => {
    const { privateKey, publicKey } = await generateKeyPair('EdDSA', { extractable: true })
    const [jws = ''] = file.certificates
    const claims = JSON.parse(Buffer.from(jws.split('.')[1] ?? '', 'base64url').toString('utf8'))
    const [key] = file.keys.keys
    const forged = await new CompactSign(Buffer.from(JSON.stringify({ ...claims, shared_identifiers: 9 })))
      .setProtectedHeader({ alg: 'EdDSA', kid: key?.kid ?? '' })
      .sign(privateKey)
    await expect(verifyCertificate({ ...file, certificates: [forged] })).rejects.toMatchObject(invalid)
    // Nor where the file brings the other key under the name of the right one.
    const keys = { keys: [{ ...(await exportJWK(publicKey)), kid: key?.kid ?? '', alg: 'EdDSA', use: 'sig' }] }
    await expect(verifyCertificate({ ...file, certificates: [forged], keys })).rejects.toMatchObject(invalid)
    // Nor where it brings the other key honestly, and the checker knows the published ones.
    await expect(verifyCertificate({ ...file, certificates: [forged], keys }, file.keys)).rejects.toMatchObject(invalid)
  })

  it('any line of the list of subjects: changed, added, left out, moved', async () => {
    const [first = '', second = ''] = file.subjects
    const lists = [
      file.subjects.slice(1),
      [...file.subjects, first],
      [second, first, ...file.subjects.slice(2)],
      [`${first}\n${second}`, ...file.subjects.slice(2)],
      [`${first} `, ...file.subjects.slice(1)],
      [],
    ]
    for (const subjects of lists) await expect(verifyCertificate({ ...file, subjects })).rejects.toMatchObject(invalid)
    await fc.assert(
      fc.asyncProperty(fc.nat(2), fc.nat(), fc.nat(), async (which, at, by) => {
        const subjects = file.subjects.with(which, oneChanged(file.subjects[which] ?? '', at, by))
        await expect(verifyCertificate({ ...file, subjects })).rejects.toMatchObject(invalid)
      }),
      { numRuns: 100 },
    )
  })

  it('the key: any character of it, its name, its kind', async () => {
    const [key] = file.keys.keys
    if (key === undefined) throw new Error('the file has no key')
    const verify = (changed: object) => verifyCertificate({ ...file, keys: { keys: [changed] } })
    await fc.assert(
      fc.asyncProperty(fc.constantFrom('x', 'kid'), fc.nat(), fc.nat(), async (name, at, by) => {
        await expect(verify({ ...key, [name]: oneChanged(String(key[name]), at, by) })).rejects.toMatchObject(invalid)
      }),
      { numRuns: effort(50, 200) },
    )
    for (const wrong of [{ kty: 'EC' }, { crv: 'Ed448' }, { alg: 'ES256' }, { use: 'enc' }, { x: 'AA' }, { x: 7 }]) {
      await expect(verify({ ...key, ...wrong }), JSON.stringify(wrong)).rejects.toMatchObject(invalid)
    }
    await expect(verifyCertificate({ ...file, keys: { keys: [] } })).rejects.toMatchObject(invalid)
  })

  it('statements that belong to another request, or in another order, or none', async () => {
    const { id } = await test.purge(rows.tenant, [await rows.deletedUser()])
    const other = await exported(id)
    const [certificate = '', addendum = ''] = file.certificates
    const [otherCertificate = '', otherAddendum = ''] = other.certificates
    for (const certificates of [
      [certificate, otherAddendum],
      [otherCertificate, addendum],
      [addendum, certificate],
      [addendum],
      [],
    ]) {
      await expect(verifyCertificate({ ...file, certificates })).rejects.toMatchObject(invalid)
    }
    await expect(verifyCertificate({ ...file, certificates: other.certificates })).rejects.toMatchObject(invalid)
  })

  it('what an answer of the API says beside the statements, where that is something else', async () => {
    const { verdict, outstanding, disk, statements } = await verifyCertificate(file)
    const answer = { verdict, outstanding, disk, ...file, claims: statements }
    await expect(verifyCertificate(JSON.parse(JSON.stringify(answer)))).resolves.toMatchObject({ verdict: 'clean' })
    for (const change of [
      { verdict: 'found' },
      { outstanding: ['search'] },
      { disk: { level: 5, reached_at: '2026-01-01T00:00:00.000Z' } },
      { claims: statements.slice(1) },
      { claims: statements.map((claims) => ({ ...claims, request: newId() })) },
    ]) {
      await expect(verifyCertificate({ ...answer, ...change })).rejects.toMatchObject(invalid)
    }
  })

  it('something that is no such file at all', async () => {
    for (const nothing of [null, 7, 'text', [], {}, { ...file, subjects: 'a' }, { ...file, certificates: ['a.b.c'] }]) {
      await expect(verifyCertificate(nothing)).rejects.toMatchObject(invalid)
    }
  })
})

it('survives the rotation of keys: old certificates verify, new ones carry the new name', async () => {
  const before = await exported()
  const [oldKid] = (await verifyCertificate(before)).kids
  const newKid = await rotateSigningKey(test.database)
  expect(newKid).not.toBe(oldKid)
  const { id } = await test.purge(rows.tenant, [await rows.deletedUser({ ref: 'emp-0003' })])
  expect((await verifyCertificate(await exported(id))).kids).toEqual([newKid, newKid])
  expect((await verifyCertificate(before)).kids).toEqual([oldKid, oldKid])
  expect((await verifyCertificate(await exported())).kids).toEqual([oldKid, oldKid])
  const published = await test.inTenant(rows.tenant, (tx) => publicKeys(tx))
  expect((await verifyCertificate(before, published)).kids).toEqual([oldKid, oldKid])
  for (const key of published.keys) {
    expect(Object.keys(key)).not.toContain('d')
    await importJWK(key, 'EdDSA')
  }
})

it('names the same person by the same hash in every certificate of the tenant, and by another one elsewhere', async () => {
  const elsewhere = await newTenant(test.owner)
  const lines = []
  for (const tenant of [rows, rows, elsewhere]) {
    const { id } = await test.purge(tenant.tenant, [await tenant.deletedUser({ email: 'again@acme.example' })])
    const { subjects } = await test.inTenant(tenant.tenant, (tx) => readCertificate(tx, id))
    lines.push(/email:([0-9a-f]{64})/.exec(subjects[0] ?? '')?.[1])
  }
  expect(lines[0]).toMatch(/^[0-9a-f]{64}$/)
  expect(lines[1]).toBe(lines[0])
  expect(lines[2]).not.toBe(lines[0])
})

it('says of a request of one batch what is recorded of it', async () => {
  const { id: purged } = await test.purge(
    rows.tenant,
    [await rows.deletedUser({ email: 'recorded@acme.example' }), await rows.deletedUser()],
    await rows.administrator(),
  )
  const { id: anonymized } = await test.anonymize(rows.tenant, [await rows.deletedUser({ ref: 'emp-0004' })])
  for (const id of [request, purged, anonymized]) {
    const [certificate = ''] = (await exported(id)).certificates
    const { certified_at, subjects, effects, shared_identifiers, ...said } = JSON.parse(
      Buffer.from(certificate.split('.')[1] ?? '', 'base64url').toString(),
    ) as CertificateClaims
    const facts = await test.inTenant(rows.tenant, (tx) => factsFromRecord(tx, id))
    expect(await test.inTenant(rows.tenant, (tx) => digestOfDone(tx, id))).toEqual({
      digest: subjects.digest,
      root: subjects.root,
    })
    expect(facts).toMatchObject({
      total: subjects.total,
      done: subjects.done,
      failed: subjects.failed,
      shared: shared_identifiers,
      effects,
    })
    expect(said).toMatchObject({
      operation: facts.operation,
      initiated_from: facts.initiatedFrom,
      requested_at: facts.createdAt.toISOString(),
      started_at: facts.startedAt.toISOString(),
      data_map: facts.mapVersion,
    })
    expect(certified_at <= facts.now.toISOString()).toBe(true)
  }
})

it('lists all identifiers of somebody whom a backup brought back and who was purged again', async () => {
  const person = { id: newId(), email: 'back@acme.example', ref: 'emp-0005' }
  const requests = []
  for (const once of ['once', 'again']) {
    const { id, state } = await test.purge(rows.tenant, [await rows.deletedUser(person)])
    expect([once, state]).toEqual([once, 'completed'])
    requests.push(id)
  }
  const lists = await Promise.all(
    requests.map(async (id) => {
      const file = await exported(id)
      await verifyCertificate(file)
      return file.subjects
    }),
  )
  expect(lists[0]?.[0]).toMatch(/^id:[0-9a-f]{64} email:[0-9a-f]{64} ref:[0-9a-f]{64} commitments:[0-9a-f]{64}$/)
  expect(lists[1]).toEqual(lists[0])
})

it('cannot be made or exported with another master key', async () => {
  const wrong = { ...test.database, masterKey: newKey() }
  const read = inTenant(wrong, rows.tenant, (tx) => readCertificate(tx, request))
  await expect(read).rejects.toMatchObject({ code: 'master_key.wrong' })
})
