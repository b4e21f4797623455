import { createHash } from 'node:crypto'
import type { Identifier } from '../../identifiers/identifier-key.ts'
import { hashIdentifier } from '../../keyring/identifier-hash-key.ts'

/**
 * What a proof about one person opens. The identifiers of the person are hashed under an opening that is this person's
 * alone, so a proof that gives it away says nothing of others. The opening follows from the key of the tenant or, for an
 * anonymization, from the salt of the request, and is stored nowhere.
 */
export function openingOf(key: Buffer, person: string): Buffer {
  // The internal id is hashed like an identifier, under a kind of its own.
  return hashIdentifier(key, { kind: 'ref', value: `proof:${person}` })
}

/** The commitments to identifiers, as they are stored and as a proof shows them: one word each, in order. */
export function commitTo(opening: Buffer, identifiers: readonly Pick<Identifier, 'kind' | 'value'>[]): string {
  return [...new Set(identifiers.map((one) => `${one.kind}:${hashIdentifier(opening, one).toString('hex')}`))]
    .sort()
    .join(' ')
}

/** The word of the subject list that stands for commitments. */
export function commitmentWord(commitments: string): string {
  return `commitments:${createHash('sha256').update(commitments).digest('hex')}`
}
