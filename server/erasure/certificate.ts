import { createHash, sign as signBytes } from 'node:crypto'
import canonicalize from 'canonicalize'
import { calculateJwkThumbprint, compactVerify, createLocalJWKSet, errors, type JSONWebKeySet } from 'jose'
import type { CheckpointClaims } from '../audit/checkpoint.ts'
import type { Operation } from '../datamap/compile.ts'
import type { Identifier } from '../datamap/identifiers.ts'
import type { Effect } from '../datamap/locate.ts'
import { LetheError } from '../platform/errors.ts'
import { hashesOfIdentifier, hashIdentifier } from './keys.ts'
import type { SigningKey } from './signing-keys.ts'

/** What a certificate states. Canonical JSON (RFC 8785) of this is what the signature covers. No personal data. */
export type CertificateClaims = {
  type: 'lethe.erasure_certificate'
  version: 1
  tenant: string
  request: string
  operation: Operation
  initiated_from: string
  requested_at: string
  started_at: string
  certified_at: string
  /** Hash of the data map that the erasure worked by. */
  data_map: string
  /**
   * The version of the fold when this was certified: hashes of the subject list are of this version or an older one. Not
   * in certificates of version 1 of the fold.
   */
  fold_version?: number
  subjects: {
    total: number
    done: number
    failed: number
    /** SHA-256 over the lines of the subject list, each ended by a line feed; see {@link subjectLine}. */
    digest: string
  }
  /** What was done to which table, in rows. */
  effects: Effect[]
  /** Identifiers left alone because another living user of the tenant holds them too. */
  shared_identifiers: number
  /** The data map's own queries, run on what was left. */
  verification: { method: 'data_map'; rows_left: number; mentions_left: number }
}

/** What became known after the certificate; it names the certificate by the hash of its JWS. */
export type AddendumClaims = {
  type: 'lethe.erasure_addendum'
  version: 1
  tenant: string
  request: string
  certificate: string
  added_at: string
  /** How far the audit trail of the tenant was sealed by then: the place and the hash of the last entry. */
  audit: { sequence: number; hash: string | null }
  /** The search of every text-like column of the whole database, mapped or not. */
  search: {
    tables: number
    columns: number
    bytes: number
    identifiers: number
    /** Identifiers too short to be told apart from other text; they are compared by the map only. */
    too_short: number
    /** Tables that could not be read; empty, or the request has failed. */
    unreadable: string[]
    findings: { table: string; column: string; rows: number }[]
  }
}

/** What `lethe certificate show` writes and `lethe certificate verify` reads: all that a check needs, offline. */
export type CertificateFile = {
  certificates: string[]
  /**
   * One line a subject, in order: the keyed hash of the internal id, then those of the identifiers; of anonymized people
   * only the latter, under the salt of the order.
   */
  subjects: string[]
  keys: JSONWebKeySet
}

/**
 * Signs claims as a compact JWS (RFC 7515) with EdDSA over their canonical JSON. Put together here: a certificate is signed
 * while its people are locked, and the way through WebCrypto and its threads takes ten times as long as the signature.
 */
export function sign(key: SigningKey, claims: CertificateClaims | AddendumClaims | CheckpointClaims): string {
  const payload = canonicalize(claims)
  if (payload === undefined) throw new TypeError('claims are JSON')
  const header = JSON.stringify({ alg: 'EdDSA', kid: key.kid, typ: 'application/json' })
  const signed = [header, payload].map((part) => Buffer.from(part).toString('base64url')).join('.')
  return `${signed}.${signBytes(null, Buffer.from(signed), key.privateKey).toString('base64url')}`
}

/** One subject in the list that the digest covers. */
export function subjectLine(id: Buffer, identifiers: { kind: string; hash: Buffer }[]): string {
  const hashes = identifiers.map(({ kind, hash }) => `${kind}:${hash.toString('hex')}`).sort()
  return [`id:${id.toString('hex')}`, ...hashes].join(' ')
}

/** One subject of an anonymize request: hashes under the salt of the order, and nothing that leads to the kept history. */
export function saltedLine(salt: Buffer, identifiers: Identifier[]): string {
  return hashesOf(salt, identifiers).sort().join(' ')
}

/**
 * Whether a person is among the subjects of a list: a line has the hash of the identifier under this key or salt, by any
 * version of the fold. The identifier's value may be as it is written.
 */
export function isAmong(subjects: string[], key: Buffer, identifier: Identifier): boolean {
  const wanted = new Set(
    hashesOfIdentifier(key, identifier).map((hash) => `${identifier.kind}:${hash.toString('hex')}`),
  )
  return subjects.some((line) => line.split(' ').some((word) => wanted.has(word)))
}

function hashesOf(key: Buffer, identifiers: Identifier[]): string[] {
  return identifiers.map((identifier) => `${identifier.kind}:${hashIdentifier(key, identifier).toString('hex')}`)
}

/** A running digest over subject lines, so that no list of any length has to be held. */
export function subjectDigest(): { add(line: string): void; hex(): string } {
  const hash = createHash('sha256')
  return {
    add: (line) => {
      hash.update(`${line}\n`)
    },
    hex: () => hash.digest('hex'),
  }
}

/** How an addendum names its certificate. */
export function hashOf(jws: string): string {
  return createHash('sha256').update(jws).digest('hex')
}

export type VerifiedCertificate = { certificate: CertificateClaims; addenda: AddendumClaims[]; kids: string[] }

/**
 * Checks a certificate file without any database: every signature against the keys given (the file's own by default; the
 * checker should compare them with the published ones), that each key has the name that follows from it, the digest of the
 * subject list, and that addenda belong to their certificate.
 *
 * Throws `certificate.invalid` with the first thing that does not hold.
 */
export async function verifyCertificate(file: unknown, trusted?: JSONWebKeySet): Promise<VerifiedCertificate> {
  const { certificates, subjects, keys } = requireFile(file)
  const keySet = await openKeys(trusted ?? keys)
  const kids: string[] = []
  let last: { claims: CertificateClaims; hash: string } | undefined
  const addenda: AddendumClaims[] = []
  for (const jws of certificates) {
    const { claims, kid } = await openJws(jws, keySet)
    kids.push(kid)
    if (claims.type === 'lethe.erasure_certificate') {
      last = { claims, hash: hashOf(jws) }
    } else {
      if (last === undefined || claims.certificate !== last.hash || claims.request !== last.claims.request) {
        throw new LetheError('certificate.invalid', { reason: 'an addendum belongs to another certificate' })
      }
      addenda.push(claims)
    }
  }
  if (last === undefined) throw new LetheError('certificate.invalid', { reason: 'it holds no certificate' })
  const digest = subjectDigest()
  for (const line of subjects) digest.add(line)
  if (subjects.length !== last.claims.subjects.done || digest.hex() !== last.claims.subjects.digest) {
    throw new LetheError('certificate.invalid', { reason: 'the list of subjects is not the one that was signed' })
  }
  return { certificate: last.claims, addenda, kids }
}

type Claims = CertificateClaims | AddendumClaims
type KeySet = ReturnType<typeof createLocalJWKSet>

/** A key is named by its thumbprint: whoever knows the name of the right key cannot be given another one under it. */
async function openKeys(keys: JSONWebKeySet): Promise<KeySet> {
  try {
    for (const key of keys.keys) {
      if (key.kid !== (await calculateJwkThumbprint(key))) throw new TypeError('the name does not follow from the key')
    }
    return createLocalJWKSet(keys)
  } catch (error) {
    throw new LetheError('certificate.invalid', { reason: 'a key is not the one that its name says' }, error)
  }
}

async function openJws(jws: string, keySet: KeySet): Promise<{ claims: Claims; kid: string }> {
  try {
    // A lax decoder ignores the last bits of a text: two texts would be one statement, and addenda name it by its text.
    const parts = jws.split('.')
    if (parts.some((part) => Buffer.from(part, 'base64url').toString('base64url') !== part)) {
      throw new TypeError('not in base64url')
    }
    const { payload, protectedHeader } = await compactVerify(jws, keySet, { algorithms: ['EdDSA'] })
    return { claims: JSON.parse(Buffer.from(payload).toString('utf8')) as Claims, kid: protectedHeader.kid ?? '' }
  } catch (error) {
    // Whatever a key or a statement is made of, it does not verify.
    const reason =
      error instanceof errors.JWKSNoMatchingKey ? 'no key given made its signature' : 'the signature is wrong'
    throw new LetheError('certificate.invalid', { reason }, error)
  }
}

function requireFile(file: unknown): CertificateFile {
  const given = file as Partial<CertificateFile> | null
  const strings = (list: unknown): list is string[] =>
    Array.isArray(list) && list.every((item) => typeof item === 'string')
  if (
    typeof given !== 'object' ||
    given === null ||
    !strings(given.certificates) ||
    !strings(given.subjects) ||
    !Array.isArray(given.keys?.keys)
  ) {
    throw new LetheError('certificate.invalid', { reason: 'the file is not one that "lethe certificate show" wrote' })
  }
  return given as CertificateFile
}
