import type { JSONWebKeySet } from 'jose'
import type { Identifier } from '../../identifiers/identifier-key.ts'
import { identifierHashKey } from '../../keyring/identifier-hash-key.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { includesSubject, lineMatcher, type VerifiedCertificate, verifyStatements } from './certificate.ts'
import { commitmentWord, openingOf } from './commitments.ts'
import { certificateError } from './errors.ts'
import { isInTree, merklePath } from './merkle-tree.ts'
import { readStatements } from './read-certificate.ts'
import { type ListedSubject, readListedSubjects } from './subject-list.ts'

/**
 * A proof that a certificate covers one person: the statements of the request, the person's line of the subject list, and
 * the path from the line to the signed root. It says nothing about other people but their number and hashes of their
 * lines. With the opening, the person can check that the line is about their own identifiers.
 */
export type SubjectProof = {
  type: 'lethe.subject_proof'
  certificates: string[]
  keys: JSONWebKeySet
  subject: {
    /** The place in the subject list, from 0 on. */
    index: number
    line: string
    /** Hashes in hexadecimal, the one beside the line first. */
    path: string[]
    /** What the line commits to, and the key of these hashes, in base64url. */
    commitments: string
    opening: string
  }
}

/** Who the proof is about: an internal id, or an identifier as it is written. */
export type ProvenPerson = { person: string } | { identifier: Identifier }

/**
 * Makes the proof about one person of a certified request. `salt`: of an anonymization. It changes nothing.
 *
 * Throws `input.invalid`, `erasure.not_found`, `certificate.not_found`, `certificate.not_covered`,
 * `certificate.several_covered`, `certificate.no_proofs`, `certificate.salt_needed`, `certificate.no_salt`,
 * `certificate.invalid`, `master_key.wrong`.
 */
export async function proveSubject(
  tx: TenantTransaction,
  { request, who, salt }: { request: string; who: ProvenPerson; salt?: Buffer | undefined },
): Promise<SubjectProof> {
  const statements = await readStatements(tx, request)
  const { certificate } = await verifyStatements(statements)
  if (certificate.subjects.root === undefined) throw certificateError('certificate.no_proofs', { request })
  const isPurge = certificate.operation === 'purge'
  if (isPurge && salt !== undefined) throw certificateError('certificate.no_salt', { request })
  if (!isPurge && salt === undefined) throw certificateError('certificate.salt_needed')
  const key = salt ?? (await identifierHashKey(tx))
  const isWanted = matcherOf(key, who)
  const lines: string[] = []
  const found: (ListedSubject & { index: number })[] = []
  for await (const subject of readListedSubjects(tx, request)) {
    if (isWanted(subject)) found.push({ ...subject, index: lines.length })
    lines.push(subject.line)
  }
  const [subject, another] = found
  if (subject === undefined) throw certificateError('certificate.not_covered', { request })
  if (another !== undefined) throw certificateError('certificate.several_covered', { request })
  const { index, line, commitments, person } = subject
  if (commitments === null) throw certificateError('certificate.no_proofs', { request })
  const opening = openingOf(key, person).toString('base64url')
  return {
    type: 'lethe.subject_proof',
    ...statements,
    subject: { index, line, path: merklePath(lines, index), commitments, opening },
  }
}

function matcherOf(key: Buffer, who: ProvenPerson): (subject: ListedSubject) => boolean {
  if ('person' in who) {
    const id = who.person.toLowerCase()
    return ({ person }) => person === id
  }
  const matches = lineMatcher(key, who.identifier)
  return ({ line }) => matches(line)
}

/** The file as a proof about one person; undefined where it is none, such as a certificate. */
export async function asSubjectProof(file: unknown): Promise<SubjectProof | undefined> {
  const { isSubjectProof } = await import('./shapes.ts')
  return isSubjectProof(file) ? (file as SubjectProof) : undefined
}

/**
 * Verifies a proof without a database: the statements as `verifyCertificate` does, and that the line of the person is one
 * of the lines that the newest certificate signs. `identifier`: whether the line is about a person with this identifier.
 *
 * Throws `certificate.invalid` with the first thing that does not hold.
 */
export async function verifySubjectProof(
  proof: SubjectProof,
  { trusted, identifier }: { trusted?: JSONWebKeySet | undefined; identifier?: Identifier | undefined } = {},
): Promise<VerifiedCertificate & { about?: boolean }> {
  const verified = await verifyStatements(proof, trusted)
  const { done, root } = verified.certificate.subjects
  const { index, line, path, commitments, opening } = proof.subject
  if (root === undefined || !isInTree(line, { index, size: done, path, root })) {
    throw certificateError('certificate.invalid', { reason: 'the line of the person is not one of the signed lines' })
  }
  if (!line.split(' ').includes(commitmentWord(commitments))) {
    throw certificateError('certificate.invalid', { reason: 'the line of the person does not name these commitments' })
  }
  if (identifier === undefined) return verified
  return { ...verified, about: includesSubject([commitments], Buffer.from(opening, 'base64url'), identifier) }
}
