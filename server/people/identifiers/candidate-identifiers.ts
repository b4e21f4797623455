import { type Identifier, type IdentifierKind, identifierOf } from '../../identifiers/identifier-key.ts'

/** What somebody is called somewhere else, as far as it is given. */
export type GivenIdentifiers = { [Kind in IdentifierKind]?: string | null | undefined }

/**
 * Every identifier that these values may be, as keys, with how they are written: an e-mail address may have been
 * somebody's login name, and the other way round.
 */
export function identifiersOf(values: GivenIdentifiers): Identifier[] {
  const { email, login_name, directory_object_id, ref, external_identity_id } = values
  const given: [IdentifierKind, string | null | undefined][] = [
    ['email', email],
    ['login_name', email],
    ['login_name', login_name],
    ['email', login_name],
    ['directory_object_id', directory_object_id],
    ['ref', ref],
    ['external_identity_id', external_identity_id],
  ]
  return given.flatMap(([kind, value]) => {
    if (value == null) return []
    // The claims in front of a login name are no part of an address.
    const plain = value === login_name ? value.slice(value.lastIndexOf('|') + 1) : value
    return [identifierOf(kind, plain)]
  })
}
