import { requireAddress } from '../../identifiers/address.ts'
import { type Identifier, identifierOf } from '../../identifiers/identifier-key.ts'
import { isSearchable } from '../../identifiers/texts/search-forms.ts'
import { identifiersOf } from '../../people/identifiers/candidate-identifiers.ts'
import { findFormerHolders } from '../../people/identifiers/former-identifiers.ts'
import { findHolders, findSimilarHolders } from '../../people/identifiers/holders.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { inputError } from '../../platform/validation/errors.ts'
import { erasureError } from '../errors.ts'

/**
 * The identifiers that the address of a contact stands for: the address itself, and the same as a login name, which an
 * import or a directory may bring.
 *
 * Throws `input.invalid` for text that is no address, or that looks like ordinary text. Throws `contact.is_user` if a user
 * of the tenant has the same address or a similar one, as any kind of identifier, or had it before a change. A deleted
 * user counts. An anonymized one has no address.
 */
export async function requireContact(tx: TenantTransaction, given: string): Promise<Identifier[]> {
  const address = requireAddress('contact', given)
  const identifier = identifierOf('email', address)
  if (!isSearchable(identifier)) {
    throw inputError('input.invalid', { field: 'contact', expected: 'an address that looks like no ordinary text' })
  }
  const [held, former] = await Promise.all([
    findHolders(tx, [identifier.value], []),
    findFormerHolders(tx, [address], (email) => identifiersOf({ email })),
  ])
  const before = (former.get(address) ?? []).map(({ id }) => id)
  const now = held.size === 0 ? [] : await findSimilarHolders(tx, identifier.value)
  const ids = [...new Set([...now, ...before])]
  if (held.size > 0 || ids.length > 0) throw erasureError('contact.is_user', { ids })
  return [identifier, { ...identifier, kind: 'login_name' }]
}
