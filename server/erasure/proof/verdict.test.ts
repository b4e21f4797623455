import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import fc from 'fast-check'
import { decodeJwt } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openTestApplication, type TestApplication } from '../../../test/application.ts'
import { effort } from '../../../test/effort.ts'
import { newTenant, type TenantRows } from '../../../test/rows.ts'
import { runCommand } from '../../../test/run-command.ts'
import { sign } from '../../keyring/jws.ts'
import { activeSigningKey, publicKeys } from '../../keyring/signing-keys.ts'
import { retryErasure } from '../requests/retry-erasure.ts'
import {
  type CertificateClaims,
  type CertificateFile,
  type Claims,
  hashOf,
  type Verdict,
  verifyCertificate,
} from './certificate.ts'
import { readCertificate } from './read-certificate.ts'

let test: TestApplication
let rows: TenantRows
let elsewhere: TenantRows
/** What `certificate show` wrote of a request after each of its statements. */
let chains: { name: string; files: CertificateFile[] }[]
let folder: string

const jane = { email: 'jane.doe@acme.example', ref: 'emp-4711' }

beforeAll(async () => {
  test = await openTestApplication()
  await test.startWorkers()
  rows = await newTenant(test.owner)
  elsewhere = await newTenant(test.owner)
  folder = await mkdtemp(path.join(os.tmpdir(), 'lethe-verdict-'))
  await test.owner.query('create table payroll (remark text); grant select on payroll to lethe_auditor')

  const clean = await test.purge(rows.tenant, [await rows.deletedUser({ ref: 'emp-1000' })])
  const other = await test.purge(elsewhere.tenant, [await elsewhere.deletedUser({ ref: 'emp-2000' })])
  await test.owner.query(`insert into payroll values ('pays emp-4711'), ('and jane.doe@acme.example')`)
  const failed = await test.purge(rows.tenant, [await rows.deletedUser(jane), await rows.deletedUser()])
  expect(failed.state).toBe('partial')
  const states = [await read(rows, failed.id)]
  for (const left of [`remark like 'pays%'`, 'true']) {
    await test.owner.query(`delete from payroll where ${left}`)
    await test.inTenant(rows.tenant, (tx) => retryErasure(tx, failed.id))
    await test.ended(rows.tenant, failed.id)
    states.push(await read(rows, failed.id))
  }
  chains = [
    { name: 'clean', files: prefixes(await read(rows, clean.id)) },
    { name: 'of another tenant', files: prefixes(await read(elsewhere, other.id)) },
    // The list of subjects is the one of the newest certificate; each state has another one.
    { name: 'failed, then cleaned', files: states.flatMap((file, at) => prefixes(file).slice(at * 2)) },
  ]
})
afterAll(async () => {
  await rm(folder, { recursive: true, force: true })
  await test.close()
})

async function read(of: TenantRows, request: string): Promise<CertificateFile> {
  const { subjects, certificates } = await test.inTenant(of.tenant, (tx) => readCertificate(tx, request))
  return { subjects, certificates, keys: { keys: (await publicKeys(test.owner)).keys } }
}

function prefixes(file: CertificateFile): CertificateFile[] {
  return file.certificates.map((_, last) => ({ ...file, certificates: file.certificates.slice(0, last + 1) }))
}

const verdicts: Record<string, Verdict[]> = {
  clean: ['search_outstanding', 'clean'],
  'of another tenant': ['search_outstanding', 'clean'],
  'failed, then cleaned': ['search_outstanding', 'found', 'search_outstanding', 'found', 'search_outstanding', 'clean'],
}

const invalid = { code: 'certificate.invalid' }

it('says after each statement what is known by then, and what is still to come', async () => {
  for (const { name, files } of chains) {
    const verified = await Promise.all(files.map((file) => verifyCertificate(file)))
    expect(verified.map(({ verdict }) => verdict)).toEqual(verdicts[name])
    for (const { verdict, outstanding, disk } of verified) {
      expect(outstanding.includes('search')).toBe(verdict !== 'clean')
      expect(disk?.level).toBe(verdict === 'clean' ? 2 : 1)
    }
  }
})

it('names the statement before it, its number, and one request of one tenant in every statement', () => {
  for (const { files } of chains) {
    const whole = files.at(-1)?.certificates ?? []
    const claims = whole.map((jws) => decodeJwt<Claims>(jws))
    expect(new Set(claims.map(({ tenant, request }) => `${tenant} ${request}`)).size).toBe(1)
    for (const [number, { previous, ...said }] of claims.entries()) {
      expect(said).toMatchObject({ version: 2, number })
      expect(previous).toBe(number === 0 ? null : hashOf(whole[number - 1] ?? ''))
    }
  }
})

describe('statements put together from several files do not verify:', () => {
  const statement = (chain: number, at: number) => chains[chain]?.files.at(-1)?.certificates[at] ?? ''
  const subjectsOf = (chain: number) => chains[chain]?.files.at(-1)?.subjects ?? []

  it('the clean certificate and addendum of one request before the certificate of another', async () => {
    for (const other of [1, 2]) {
      const certificates = [statement(0, 0), statement(0, 1), statement(other, 0)]
      for (const subjects of [subjectsOf(0), subjectsOf(other)]) {
        const keys = await publicKeys(test.owner)
        await expect(verifyCertificate({ certificates, subjects, keys }, keys)).rejects.toMatchObject(invalid)
      }
    }
  })

  it('one left out, doubled, moved, or of another tenant', async () => {
    const keys = await publicKeys(test.owner)
    const whole = chains[2]?.files.at(-1)?.certificates ?? []
    const subjects = subjectsOf(2)
    const lists = [
      ...whole.slice(0, -1).map((_, at) => whole.toSpliced(at, 1)),
      ...whole.map((jws, at) => whole.toSpliced(at, 0, jws)),
      ...whole.slice(1).map((jws, at) => whole.toSpliced(at, 2, jws, whole[at] ?? '')),
      [...whole, statement(1, 1)],
      [statement(1, 0), ...whole.slice(1)],
    ]
    for (const certificates of lists) {
      await expect(verifyCertificate({ certificates, subjects, keys }, keys)).rejects.toMatchObject(invalid)
    }
  })

  it('anything but the statements of one request from the first on, with its own list of people', async () => {
    const keys = await publicKeys(test.owner)
    const whole = chains.map(({ files }) => files.at(-1)?.certificates ?? [])
    const all = whole.flat()
    const lists = chains.flatMap(({ files }) => files.map(({ subjects }) => subjects))
    const known = new Map(
      chains.flatMap(({ name, files }) =>
        files.map(({ certificates, subjects }, at) => [JSON.stringify([certificates, subjects]), verdicts[name]?.[at]]),
      ),
    )
    const piece = fc
      .record({ chain: fc.nat(whole.length - 1), from: fc.nat(6), to: fc.nat(7) })
      .map(({ chain, from, to }) => (whole[chain] ?? []).slice(from, to))
    const splice = fc.oneof(
      fc.array(fc.constantFrom(...all), { maxLength: 8 }),
      fc.array(piece, { minLength: 1, maxLength: 3 }).map((pieces) => pieces.flat()),
      piece.map((statements) => statements),
    )
    let valid = 0
    await fc.assert(
      fc.asyncProperty(splice, fc.constantFrom(...lists), async (certificates, subjects) => {
        const expected = known.get(JSON.stringify([certificates, subjects]))
        const verifying = verifyCertificate({ certificates, subjects, keys }, keys)
        if (expected === undefined) {
          await expect(verifying).rejects.toMatchObject(invalid)
        } else {
          valid++
          expect((await verifying).verdict).toBe(expected)
        }
      }),
      { numRuns: effort(100, 400) },
    )
    expect(valid).toBeGreaterThan(0)
  })
})

describe('certificates of version 1', () => {
  /** What an earlier version of the program signed: the same without place, outstanding and disk. */
  async function old(claims: Claims, change: object = {}): Promise<string> {
    const { number, previous, outstanding, disk, ...rest } = claims
    const key = await test.inTenant(rows.tenant, (tx) => activeSigningKey(tx))
    return sign(key, { ...rest, version: 1, ...change } as Claims)
  }

  async function oldFile(chain: number): Promise<CertificateFile> {
    const file = chains[chain]?.files[1]
    if (file === undefined) throw new Error('the chain has two statements')
    const [certificate, addendum] = file.certificates.map((jws) => decodeJwt<Claims>(jws))
    const first = await old(certificate as CertificateClaims)
    return { ...file, certificates: [first, await old(addendum as Claims, { certificate: hashOf(first) })] }
  }

  it('verify still, come to the same verdict, and say that a statement may be missing', async () => {
    for (const [chain, verdict] of [
      [0, 'clean'],
      [2, 'found'],
    ] as const) {
      const verified = await verifyCertificate(await oldFile(chain))
      expect(verified).toMatchObject({ verdict, chained: false, disk: undefined })
    }
  })

  it('cannot stand beside one of another request, nor after one of version 2', async () => {
    const [a, b] = [await oldFile(0), await oldFile(2)]
    for (const certificates of [
      [...a.certificates, b.certificates[0] ?? ''],
      [chains[2]?.files[0]?.certificates[0] ?? '', ...b.certificates],
    ]) {
      await expect(verifyCertificate({ ...b, certificates })).rejects.toMatchObject(invalid)
    }
  })
})

it('does not fall over what a foreign key signed, whatever that is', async () => {
  const keys = await publicKeys(test.owner)
  const key = await test.inTenant(rows.tenant, (tx) => activeSigningKey(tx))
  const [jws = ''] = chains[0]?.files[0]?.certificates ?? []
  const claims = decodeJwt<Claims>(jws)
  const names = Object.keys(claims) as (keyof Claims)[]
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...names),
      fc.oneof(fc.constant(undefined), fc.jsonValue({ maxDepth: 1 })),
      async (name, value) => {
        const forged = sign(key, JSON.parse(JSON.stringify({ ...claims, [name]: value })))
        const verifying = verifyCertificate({ certificates: [forged], subjects: [], keys })
        await expect(verifying).rejects.toMatchObject(invalid)
      },
    ),
    { numRuns: effort(50, 200) },
  )
})

describe('lethe certificate verify', () => {
  it('ends with one of three sentences, each with an exit code of its own', async () => {
    const sentences = {
      clean: [0, 'Erased; no residual data found.'],
      search_outstanding: [10, 'Erased; search outstanding.'],
      found: [11, 'Residual data found, or a person not erased.'],
    } as const
    const file = path.join(folder, 'certificate.json')
    for (const { name, files } of chains.slice(1)) {
      for (const [at, content] of files.entries()) {
        await writeFile(file, JSON.stringify(content))
        const [code, sentence] = sentences[verdicts[name]?.[at] ?? 'found']
        const said = await runCommand({}, ['certificate', 'verify', file])
        expect(said.code).toBe(code)
        expect(said.stdout.trimEnd().split('\n').at(-1)).toBe(sentence)
        if (code !== 0) expect(said.stdout).not.toMatch(/nothing found/i)
      }
    }
  })

  it('refuses a file that is spliced', async () => {
    const file = path.join(folder, 'spliced.json')
    const certificates = [...(chains[0]?.files[1]?.certificates ?? []), chains[2]?.files[0]?.certificates[0] ?? '']
    await writeFile(file, JSON.stringify({ ...chains[2]?.files[0], certificates }))
    expect((await runCommand({}, ['certificate', 'verify', file])).code).toBe(1)
  })
})
