import { type Identifier, type IdentifierKind, identifierOf } from '../../identifiers/identifier-key.ts'
import { isSearchable } from '../../identifiers/texts/search-forms.ts'
import { findUser, resolveUsers, type Selector } from '../../people/accounts/find-users.ts'
import { findLongerIdentifiers } from '../../personal-data/longer-identifiers.ts'
import { readSubjects } from '../../personal-data/subjects.ts'
import type { Database } from '../../platform/database/pool.ts'
import { inTenant, type TenantTransaction } from '../../platform/database/transaction.ts'
import { searchDatabase } from './search-database.ts'

/** Where an identifier of somebody stands. */
export type Place = {
  /** The number of the selector, from 1. */
  subject: number
  kind: IdentifierKind
  table: string
  column: string
  /** Values of the column in which it stands. */
  rows: number
}

export type PeopleSearch = {
  tables: number
  columns: number
  bytes: number
  places: Place[]
  /** How many of the selectors name a user; of the others only what they say themselves was looked for. */
  users: number
  /** Identifiers that cannot be told apart from ordinary text; they were compared with whole values only. */
  shortIdentifiers: number
  /** Tables that could not be read: the search is not complete. */
  unreadable: string[]
}

const kindOf: Record<Selector['by'], IdentifierKind> = {
  // Whatever the kind, a UUID is found wherever it stands.
  id: 'directory_object_id',
  directory_object_id: 'directory_object_id',
  ref: 'ref',
  login_name: 'login_name',
  email: 'email',
}

/**
 * Searches the whole database for people who are known: all identifiers of whom a selector names, and what the selector
 * itself says where it names nobody (any more). Tells the places, table by table; changes nothing.
 *
 * Throws `input.invalid`, `subject.ambiguous`.
 */
export async function searchPeople(
  database: Database,
  tenant: string,
  selectors: readonly Selector[],
): Promise<PeopleSearch> {
  const { wanted, users, longer } = await inTenant(database, tenant, (tx) => identifiersOf(tx, selectors))
  const { findings, ...searched } = await searchDatabase(
    database,
    tenant,
    wanted.map(({ identifier }) => identifier),
    longer,
  )
  return {
    ...searched,
    users,
    shortIdentifiers: wanted.filter(({ identifier }) => !isSearchable(identifier)).length,
    places: findings
      .flatMap(({ identifier: index, ...place }) => {
        const found = wanted[index]
        return found === undefined ? [] : [{ subject: found.subject, kind: found.identifier.kind, ...place }]
      })
      .sort((a, b) => a.subject - b.subject || (`${a.table} ${a.column}` < `${b.table} ${b.column}` ? -1 : 1)),
  }
}

async function identifiersOf(tx: TenantTransaction, selectors: readonly Selector[]) {
  const resolutions = await resolveUsers(tx, selectors)
  const ids = resolutions.flatMap((resolution) => (resolution.outcome === 'found' ? [resolution.id] : []))
  const people = new Map((await readSubjects(tx, ids)).map((person) => [person.id, person]))
  const wanted: { subject: number; identifier: Identifier }[] = []
  for (const [index, selector] of selectors.entries()) {
    const resolution = resolutions[index]
    // Says who the candidates are.
    if (resolution?.outcome === 'ambiguous') await findUser(tx, selector)
    const kind = kindOf[selector.by]
    const named = identifierOf(kind, selector.value)
    const known = resolution?.outcome === 'found' ? (people.get(resolution.id)?.identifiers ?? []) : []
    // A login name is often the e-mail address again.
    for (const identifier of new Map([named, ...known].map((one) => [one.value, one])).values()) {
      wanted.push({ subject: index + 1, identifier })
    }
  }
  const longer = await findLongerIdentifiers(
    tx,
    wanted.map(({ identifier }) => identifier),
    ids,
  )
  return { wanted, users: ids.length, longer }
}
