import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openTestApplication, type TestApplication } from '../../../test/application.ts'
import { newTenant, type TenantRows } from '../../../test/rows.ts'
import type { Identifier } from '../../identifiers/identifier-key.ts'
import { requestErasure } from '../requests/request-erasure.ts'
import { waitForErasure } from '../requests/wait-for-erasure.ts'
import { readCertificate } from './read-certificate.ts'
import { proveSubject, type SubjectProof, verifySubjectProof } from './subject-proof.ts'

let test: TestApplication
let rows: TenantRows
beforeAll(async () => {
  test = await openTestApplication()
  await test.startWorkers()
  rows = await newTenant(test.owner, { name: 'Proofs' })
})
afterAll(() => test.close())

const crowd = (name: string, size = 9) =>
  Array.from({ length: size }, (_, n) => ({ email: `${name}${n}@proofs.example`, ref: `${name}-4711-${n}` }))

async function erased(operation: 'purge' | 'anonymize', people: { email: string; ref: string }[]) {
  const ids: string[] = []
  for (const person of people) ids.push(await rows.deletedUser(person))
  const { request, salt } = await test.inTenant(rows.tenant, (tx) => requestErasure(tx, { operation, userIds: ids }))
  await waitForErasure(test.database, rows.tenant, request, { until: 'ended' })
  return { request, ids, salt: salt === undefined ? undefined : Buffer.from(salt, 'base64url') }
}

const email = (value: string): Identifier => ({ kind: 'email', value })

async function prove(request: string, who: Identifier | string, salt?: Buffer): Promise<SubjectProof> {
  const proof = await test.inTenant(rows.tenant, (tx) =>
    proveSubject(tx, { request, who: typeof who === 'string' ? { person: who } : { identifier: who }, salt }),
  )
  // As it would be read from a file.
  return JSON.parse(JSON.stringify(proof))
}

const invalid = { code: 'certificate.invalid' }

describe.each(['purge', 'anonymize'] as const)('the proof about one person of a request (%s)', (operation) => {
  const people = crowd(operation)
  let request: string
  let ids: string[]
  let salt: Buffer | undefined
  beforeAll(async () => {
    ;({ request, ids, salt } = await erased(operation, people))
  })

  it('verifies for each of them, and says whom it is about and whom not', async () => {
    for (const [n, person] of people.entries()) {
      const proof = await prove(request, email(person.email.toUpperCase()), salt)
      expect(proof).toEqual(await prove(request, ids[n] ?? '', salt))
      const verified = await verifySubjectProof(proof, { identifier: email(person.email.toUpperCase()) })
      expect(verified).toMatchObject({ about: true, verdict: 'clean', certificate: { request } })
      expect(await verifySubjectProof(proof, { identifier: { kind: 'ref', value: person.ref } })).toMatchObject({
        about: true,
      })
      const other = people[(n + 1) % people.length]
      expect(await verifySubjectProof(proof, { identifier: email(other?.email ?? '') })).toMatchObject({ about: false })
    }
  })

  it('holds no line and no hash of an identifier of another person, and no identifier at all', async () => {
    const file = await test.inTenant(rows.tenant, (tx) => readCertificate(tx, request))
    const proof = await prove(request, email(people[4]?.email ?? ''), salt)
    const text = JSON.stringify(proof)
    const own = new Set(proof.subject.line.split(' '))
    const words = file.subjects.flatMap((line) => line.split(' ')).filter((word) => !own.has(word))
    expect(words.length).toBeGreaterThan(16)
    for (const word of words) expect(text).not.toContain(word)
    for (const person of people) {
      expect(text).not.toContain(person.email)
      expect(text).not.toContain(person.ref)
    }
  })

  it('does not verify with another line, place, path, opening or statement', async () => {
    const proof = await prove(request, email(people[2]?.email ?? ''), salt)
    const other = await prove(request, email(people[3]?.email ?? ''), salt)
    const { subject } = proof
    const damaged = [
      { ...subject, line: other.subject.line },
      { ...subject, index: other.subject.index },
      { ...subject, path: other.subject.path },
      { ...subject, path: subject.path.slice(1) },
      { ...subject, commitments: other.subject.commitments },
    ]
    for (const wrong of damaged) {
      await expect(verifySubjectProof({ ...proof, subject: wrong })).rejects.toMatchObject(invalid)
    }
    await expect(
      verifySubjectProof({ ...proof, certificates: proof.certificates.slice(0, 1).map((jws) => `${jws}A`) }),
    ).rejects.toMatchObject(invalid)
    const opened = { ...proof, subject: { ...subject, opening: other.subject.opening } }
    expect(await verifySubjectProof(opened, { identifier: email(people[2]?.email ?? '') })).toMatchObject({
      about: false,
    })
  })

  it('is refused for a person that the request does not cover', async () => {
    await expect(prove(request, email('stranger@proofs.example'), salt)).rejects.toMatchObject({
      code: 'certificate.not_covered',
    })
  })

  it(`needs ${operation === 'purge' ? 'no salt' : 'the salt'}`, async () => {
    const wrong = operation === 'purge' ? Buffer.alloc(32, 1) : undefined
    const code = operation === 'purge' ? 'certificate.no_salt' : 'certificate.salt_needed'
    await expect(prove(request, email(people[0]?.email ?? ''), wrong)).rejects.toMatchObject({ code })
  })
})

it('leaves no key in the database by which commitments of anonymized people can be compared with an identifier', async () => {
  const { request, ids, salt } = await erased('anonymize', crowd('kept', 2))
  const { subject } = await prove(request, ids[0] ?? '', salt)
  const { rows: stored } = await test.owner.query<{ text: string }>(
    `select r::text as text from erasure_requests r union all select s::text from erasure_subjects s
     union all select k::text from tenant_keys k`,
  )
  const all = stored.map(({ text }) => text).join('\n')
  expect(all).toContain(subject.commitments)
  for (const key of [subject.opening, salt?.toString('base64url') ?? '']) {
    expect(all).not.toContain(key)
    expect(all).not.toContain(Buffer.from(key, 'base64url').toString('hex'))
  }
})

it('asks for another name where two people of a request had the same login name', async () => {
  const ids = [await rows.deletedUser({ login_name: 'twin.4711' }), await rows.deletedUser({ login_name: 'twin.4711' })]
  const { request } = await test.inTenant(rows.tenant, (tx) => requestErasure(tx, { operation: 'purge', userIds: ids }))
  await waitForErasure(test.database, rows.tenant, request, { until: 'ended' })
  await expect(prove(request, { kind: 'login_name', value: 'twin.4711' })).rejects.toMatchObject({
    code: 'certificate.several_covered',
  })
  const [one, two] = [await prove(request, ids[0] ?? ''), await prove(request, ids[1] ?? '')]
  expect(one.subject.index).not.toBe(two.subject.index)
  expect(await verifySubjectProof(two, { identifier: { kind: 'login_name', value: 'TWIN.4711' } })).toMatchObject({
    about: true,
  })
})

it('is not made where the certificate is from before there were proofs', async () => {
  const { request, ids } = await erased('purge', crowd('old', 1))
  await test.owner.query('update erasure_subjects set commitments = null where request_id = $1', [request])
  await expect(prove(request, ids[0] ?? '')).rejects.toMatchObject({ code: 'certificate.no_proofs' })
})
