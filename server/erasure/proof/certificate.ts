import { createHash } from 'node:crypto'
import canonicalize from 'canonicalize'
import { calculateJwkThumbprint, compactVerify, createLocalJWKSet, errors, type JSONWebKeySet } from 'jose'
import type { Operation } from '../../datamap/plan.ts'
import type { Identifier } from '../../identifiers/identifier-key.ts'
import { hashesOfIdentifier, hashIdentifier } from '../../keyring/identifier-hash-key.ts'
import type { Effect } from '../../personal-data/affected-rows.ts'
import { certificateError } from './errors.ts'
import { MerkleRoot } from './merkle-tree.ts'

/**
 * What is outstanding after a statement: the search of the whole database, the higher levels on disk (docs/disk.md),
 * and the last backup that may hold the people.
 */
export type Outstanding = 'search' | 'disk' | 'backups'

/**
 * The level on disk that the erasure has reached, and since when (docs/disk.md). At level 1, the erasure is committed,
 * so no query returns the data. At level 2, the keys are destroyed. At level 3, no dead rows and no statistics are
 * left. At level 4, no file of the database holds the data, except the log. At level 5, the log does not either.
 */
export type DiskLevel = 1 | 2 | 3 | 4 | 5
export type OnDisk = { level: DiskLevel; reached_at: string }

/**
 * What every statement of a request says of its place: its number from 0 on, and the SHA-256 of the statement before it, as
 * text. Version 1 said neither, nor what was still to come.
 */
type Chained =
  | { version: 2; number: number; previous: string | null; outstanding: Outstanding[]; disk: OnDisk }
  | { version: 1; number?: never; previous?: never; outstanding?: never; disk?: never }

/** What a certificate states. Canonical JSON (RFC 8785) of this is what the signature covers. No personal data. */
export type CertificateClaims = Chained & {
  type: 'lethe.erasure_certificate'
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
    /** The root of the Merkle tree of these lines (merkle-tree.ts). Not in certificates from before there were proofs. */
    root?: string
  }
  /** What was done to which table, in rows. */
  effects: Effect[]
  /** Identifiers left alone because another living user of the tenant holds them too. */
  shared_identifiers: number
  /** The data map's own queries, run on what was left. */
  verification: { method: 'data_map'; rows_left: number; mentions_left: number }
}

/** What became known after the certificate; it names the certificate by the hash of its JWS. */
export type AddendumClaims = Chained & {
  type: 'lethe.erasure_addendum'
  tenant: string
  request: string
  certificate: string
  added_at: string
} & (
    | SearchAddendum
    | { search?: never; audit?: never; backups?: BackupsClaim; acknowledgements?: never }
    | { search?: never; audit?: never; backups?: never; acknowledgements: Acknowledgement[] }
  )

/**
 * A receiver of data acknowledged that the people are erased there too. `id`: of the external system in the register, or
 * of the endpoint of a webhook. Its name is not signed, because a name may mention a person and could not be scrubbed here.
 */
export type Acknowledgement = { receiver: 'external_system' | 'webhook'; id: string; acknowledged_at: string }

/** What the operator declared of the backups: every one that is kept was begun after the erasure was past what it copies. */
export type BackupsClaim = { oldest: string; kind: 'dump' | 'files'; declared_at: string }

type SearchAddendum = {
  backups?: never
  acknowledgements?: never
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
  /** Touched tables whose statistics could not be replaced yet: they may hold values of erased people until level 3. */
  statistics_left?: string[]
}

/** What `lethe certificate show` writes and `lethe certificate verify` reads: all that a check needs, offline. */
export type CertificateFile = {
  certificates: string[]
  /**
   * One line a subject, in order: the keyed hash of the internal id, then those of the identifiers; of anonymized people
   * only the latter, under the salt of the request.
   */
  subjects: string[]
  keys: JSONWebKeySet
}

/** One subject in the list that the digest covers. */
export function subjectLine(id: Buffer, identifiers: { kind: string; hash: Buffer }[]): string {
  const hashes = identifiers.map(({ kind, hash }) => `${kind}:${hash.toString('hex')}`).sort()
  return [`id:${id.toString('hex')}`, ...hashes].join(' ')
}

/** One subject of an anonymize request: hashes under the salt of the request, and nothing that leads to the kept history. */
export function saltedLine(salt: Buffer, identifiers: Identifier[]): string {
  return hashesOf(salt, identifiers).sort().join(' ')
}

/**
 * Whether a person is among the subjects of a list: a line has the hash of the identifier under this key or salt, by any
 * version of the fold. The identifier's value may be as it is written.
 */
export function includesSubject(subjects: string[], key: Buffer, identifier: Identifier): boolean {
  return subjects.some(lineMatcher(key, identifier))
}

/** Tells of a line whether it has the hash of the identifier under this key, by any version of the fold. */
export function lineMatcher(key: Buffer, identifier: Identifier): (line: string) => boolean {
  const wanted = new Set(
    hashesOfIdentifier(key, identifier).map((hash) => `${identifier.kind}:${hash.toString('hex')}`),
  )
  return (line) => line.split(' ').some((word) => wanted.has(word))
}

function hashesOf(key: Buffer, identifiers: Identifier[]): string[] {
  return identifiers.map((identifier) => `${identifier.kind}:${hashIdentifier(key, identifier).toString('hex')}`)
}

/** A running digest over the subject list, so that no list of any length has to be held. */
export function subjectDigest(): { add(line: string): void; hex(): string } {
  const hash = createHash('sha256')
  return {
    add: (line) => {
      hash.update(`${line}\n`)
    },
    hex: () => hash.digest('hex'),
  }
}

/** How a statement names another one. */
export function hashOf(jws: string): string {
  return createHash('sha256').update(jws).digest('hex')
}

/** The place of the statement that follows another one; null: of the first. */
export function placeAfter(before: { number: number; jws: string } | null): {
  number: number
  previous: string | null
} {
  return before === null ? { number: 0, previous: null } : { number: before.number + 1, previous: hashOf(before.jws) }
}

/**
 * The verdict of a certificate and its addenda. `clean`: all people are erased, and the search found no residual data.
 * `search_outstanding`: erased, but the search follows or could not read everything. `found`: residual data was found,
 * or a person could not be erased.
 */
export type Verdict = 'clean' | 'search_outstanding' | 'found'

export type VerifiedCertificate = {
  verdict: Verdict
  /** The newest one: a retry of the request brings another. */
  certificate: CertificateClaims
  /** What followed the newest certificate. */
  addenda: AddendumClaims[]
  /** All statements of the file, in order. */
  statements: Claims[]
  /** How far the erasure has got on disk; undefined for a certificate of version 1, which does not say. */
  disk: OnDisk | undefined
  /** What is still to come. */
  outstanding: Outstanding[]
  /** Whether every statement names the one before it, so that none can be missing before the last. */
  chained: boolean
  kids: string[]
}

/**
 * Verifies a certificate file without a database. Checks every signature against the given keys (by default those of
 * the file; compare them with the published ones), and that the name of each key follows from it. The file must be
 * about one request of one tenant, and each statement must follow the previous one. The digest of the subject list must
 * match, and other members must agree with the statements. Statements of version 1 do not name the previous one.
 *
 * Throws `certificate.invalid` with the first thing that does not hold.
 */
export async function verifyCertificate(file: unknown, trusted?: JSONWebKeySet): Promise<VerifiedCertificate> {
  const { subjects } = requireFile(file)
  const verified = await verifyStatements(file, trusted)
  const { done, digest, root } = verified.certificate.subjects
  const given = { digest: subjectDigest(), root: new MerkleRoot() }
  for (const line of subjects) {
    given.digest.add(line)
    given.root.add(line)
  }
  if (subjects.length !== done || given.digest.hex() !== digest || (root !== undefined && given.root.hex() !== root)) {
    throw certificateError('certificate.invalid', { reason: 'the subject list is not the signed one' })
  }
  return verified
}

/** Verifies the statements of a file, without a list of subjects. Throws `certificate.invalid`. */
export async function verifyStatements(file: unknown, trusted?: JSONWebKeySet): Promise<VerifiedCertificate> {
  const { certificates, keys } = requireStatements(file)
  const keySet = await openKeys(trusted ?? keys)
  const kids: string[] = []
  const statements: Claims[] = []
  let last: { claims: CertificateClaims; hash: string } | undefined
  let addenda: AddendumClaims[] = []
  for (const [index, jws] of certificates.entries()) {
    const { claims, kid } = await openJws(jws, keySet)
    requirePlace(claims, statements, certificates[index - 1])
    if (claims.type === 'lethe.erasure_certificate') {
      last = { claims, hash: hashOf(jws) }
      addenda = []
    } else {
      if (last === undefined || claims.certificate !== last.hash) {
        throw certificateError('certificate.invalid', { reason: 'an addendum belongs to another certificate' })
      }
      addenda.push(claims)
    }
    kids.push(kid)
    statements.push(claims)
  }
  if (last === undefined) throw certificateError('certificate.invalid', { reason: 'it holds no certificate' })
  const { disk, outstanding } = statements.at(-1) ?? last.claims
  const verdict = verdictOf(last.claims, addenda)
  const stillToCome: Outstanding[] = outstanding ?? (verdict === 'clean' ? [] : ['search'])
  requirePlainWords(file, { verdict, outstanding: stillToCome, disk: disk ?? null, claims: statements })
  return {
    verdict,
    certificate: last.claims,
    addenda,
    statements,
    disk,
    outstanding: stillToCome,
    chained: statements.every(({ version }) => version >= 2),
    kids,
  }
}

/** Throws where a statement is about something else than those before it, or does not stand in its place. */
function requirePlace(claims: Claims, before: Claims[], previous: string | undefined): void {
  const [first] = before
  if (first !== undefined && (claims.tenant !== first.tenant || claims.request !== first.request)) {
    throw certificateError('certificate.invalid', { reason: 'its statements are not about one request of one tenant' })
  }
  if (claims.version === 2) {
    const { number } = claims
    if (number !== before.length || claims.previous !== (previous === undefined ? null : hashOf(previous))) {
      const reason = `a statement is missing, doubled or in the wrong place: number ${number} stands in place ${before.length}`
      throw certificateError('certificate.invalid', { reason })
    }
  } else if (claims.version !== 1) {
    throw certificateError('certificate.invalid', {
      reason: 'this program does not know the version of a statement',
    })
  } else if (before.some(({ version }) => version === 2)) {
    throw certificateError('certificate.invalid', { reason: 'a statement of version 1 follows one of version 2' })
  }
}

/** The answer of the API says beside the statements what they say. Throws where that is not what was signed. */
function requirePlainWords(file: unknown, signed: Record<string, unknown>): void {
  const given = file as Record<string, unknown>
  for (const [name, value] of Object.entries(signed)) {
    if (given[name] !== undefined && canonicalize(given[name]) !== canonicalize(value)) {
      throw certificateError('certificate.invalid', { reason: `its member ${name} differs from what was signed` })
    }
  }
}

/** What a certificate and what followed it come to. */
function verdictOf({ subjects }: CertificateClaims, addenda: AddendumClaims[]): Verdict {
  const searches = addenda.flatMap(({ search }) => (search === undefined ? [] : [search]))
  if (subjects.failed > 0 || searches.some(({ findings }) => findings.length > 0)) return 'found'
  return searches.some(isWholeSearch) ? 'clean' : 'search_outstanding'
}

/** Whether a search read all that it had to: where no identifier can be looked for, there is nothing to read. */
export function isWholeSearch({ identifiers, unreadable }: SearchAddendum['search']): boolean {
  return unreadable.length === 0 || identifiers === 0
}

export type Claims = CertificateClaims | AddendumClaims

type KeySet = ReturnType<typeof createLocalJWKSet>

/** A key is named by its thumbprint: whoever knows the name of the right key cannot be given another one under it. */
async function openKeys(keys: JSONWebKeySet): Promise<KeySet> {
  try {
    for (const key of keys.keys) {
      if (key.kid !== (await calculateJwkThumbprint(key))) throw new TypeError('the name does not follow from the key')
    }
    return createLocalJWKSet(keys)
  } catch (error) {
    throw certificateError('certificate.invalid', { reason: 'a key does not match its name' }, error)
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
    const claims: unknown = JSON.parse(Buffer.from(payload).toString('utf8'))
    const { isStatement } = await import('./shapes.ts')
    if (!isStatement(claims)) throw new TypeError('not a statement of an erasure')
    return { claims: claims as Claims, kid: protectedHeader.kid ?? '' }
  } catch (error) {
    // A malformed key or statement is a failed verification, too.
    const reason =
      error instanceof errors.JWKSNoMatchingKey ? 'none of the given keys made its signature' : 'the signature is wrong'
    throw certificateError('certificate.invalid', { reason }, error)
  }
}

function requireFile(file: unknown): CertificateFile {
  const { subjects, ...statements } = requireStatements(file)
  if (!isListOfStrings(subjects)) throw notBuiltLikeOne()
  return { ...statements, subjects }
}

/** What a certificate file and a proof have in common. */
type StatementsFile = Pick<CertificateFile, 'certificates' | 'keys'> & { subjects?: unknown }

function requireStatements(file: unknown): StatementsFile {
  const given = file as Partial<StatementsFile> | null
  if (
    typeof given !== 'object' ||
    given === null ||
    !isListOfStrings(given.certificates) ||
    !Array.isArray(given.keys?.keys)
  ) {
    throw notBuiltLikeOne()
  }
  return given as StatementsFile
}

function isListOfStrings(list: unknown): list is string[] {
  return Array.isArray(list) && list.every((item) => typeof item === 'string')
}

function notBuiltLikeOne(): Error {
  return certificateError('certificate.invalid', { reason: 'the file is not built like a certificate of Lethe' })
}
