import { countSealedMentions } from '../../audit/reseal.ts'
import type { Operation } from '../../datamap/plan.ts'
import { countExportsToWithdraw } from '../../exports/withdraw-exports.ts'
import { type Identifier, identifierOf } from '../../identifiers/identifier-key.ts'
import { isSearchable } from '../../identifiers/texts/search-forms.ts'
import { countFilesToDestroy } from '../../import-runs/destroy-files.ts'
import { readFullNames } from '../../people/accounts/full-names.ts'
import { peopleError } from '../../people/errors.ts'
import { findHolders } from '../../people/identifiers/holders.ts'
import { countSingledOut } from '../../people/identifiers/singled-out.ts'
import {
  afterDelete,
  countPlannedRows,
  type Effect,
  type PlannedRows,
  sumEffects,
} from '../../personal-data/affected-rows.ts'
import { canLookUp, findMentions, type Mention, mentionEffects } from '../../personal-data/find-mentions.ts'
import { findLongerIdentifiers } from '../../personal-data/longer-identifiers.ts'
import { readSubjects } from '../../personal-data/subjects.ts'
import type { TenantTransaction } from '../../platform/database/transaction.ts'
import { countToDisable } from '../naming-rows.ts'
import { partsByPerson } from '../plans/plan-parts.ts'
import { storePlan } from '../plans/store-plan.ts'
import { searchTables } from '../search/search-database.ts'
import { notRewritten, readTextTables } from '../search/text-tables.ts'
import { wayOutOf } from '../search/ways-out.ts'
import { type Consequences, findConsequences } from './consequences.ts'
import { userIdsOf } from './request-erasure.ts'

const peopleAtATime = 1000

/** A place that no erasure rewrites. `command` and `route` change the value there; null: only SQL does. */
export type BlockingPlace = {
  table: string
  column: string
  rows: number
  command: string | null
  route: string | null
}

export type ErasurePreview = {
  people: number
  /** Those that must be deleted first, by internal id. */
  notDeleted: string[]
  /** What the operation would do to which table, in rows: exactly what its receipt will say. */
  effects: Effect[]
  /** Identifiers that another living user holds too; they would be left alone. */
  sharedIdentifiers: number
  /** Of these, the ones of which others hold only a similar one: easily confused with it. */
  similarIdentifiers: number
  /** Identifiers too short to be told apart from other text; they are not looked for inside texts. */
  shortIdentifiers: number
  /**
   * People that the custom fields that survive anonymizing single out: fewer users of the tenant than its limit, themselves
   * included, have the same values in them. 0 for a purge.
   */
  singledOut: number
  /**
   * Places with identifiers that the operation cannot rewrite. It would erase the people and then fail with these
   * places, until the values are changed there and the request is retried.
   */
  blockedBy: BlockingPlace[]
  /**
   * The digest of the plan: the sorted set of table, key and effect of every affected row, for each person. A request that
   * names it erases only those for which it still holds (`requestErasure`).
   */
  plan: string
  /** Until when a request may name the plan. */
  planExpiresAt: Date
  /** Whether the plan covers mentions too: it does unless they are too many to be looked up one by one. */
  planCoversMentions: boolean
  /** What it leaves behind for the people who stay to do. */
  consequences: Consequences
  /** Where their full names stand in texts that stay. Nobody can tell whose name it is, so it is shown, not rewritten. */
  names: { table: string; column: string; rows: number }[]
}

/**
 * Counts what the operation would do to these users, and makes the plan by which a request is bound to it. Changes nothing
 * else. `deleteFirst`: the request will delete those who are not deleted yet, and everything counts as after that.
 *
 * Throws `user.not_found`, `input.invalid`.
 */
export async function previewErasure(
  tx: TenantTransaction,
  operation: Operation,
  userIds: string[],
  { deleteFirst = false }: { deleteFirst?: boolean } = {},
): Promise<ErasurePreview> {
  const ids = userIdsOf(userIds)
  const preview: Omit<ErasurePreview, 'plan' | 'planExpiresAt' | 'planCoversMentions'> = {
    people: 0,
    notDeleted: [],
    effects: [],
    sharedIdentifiers: 0,
    similarIdentifiers: 0,
    shortIdentifiers: 0,
    singledOut: operation === 'anonymize' ? await countSingledOut(tx, ids) : 0,
    blockedBy: [],
    consequences: await findConsequences(tx, ids),
    names: [],
  }
  const rows: PlannedRows[] = []
  const wanted = new Map<string, Identifier[]>()
  const names: Identifier[] = []
  for (let from = 0; from < ids.length; from += peopleAtATime) {
    const some = ids.slice(from, from + peopleAtATime)
    const people = await readSubjects(tx, some)
    if (people.length < some.length || people.some(({ state }) => state === 'anonymized'))
      throw peopleError('user.not_found', { selector: 'id' })
    const identifiers: Identifier[] = people.flatMap((person) => person.identifiers)
    const shared = await findHolders(
      tx,
      identifiers.map(({ value }) => value),
      ids,
    )
    const own = identifiers.filter(({ value }) => !shared.has(value))
    preview.people += people.length
    const notDeleted = people.filter(({ state }) => state !== 'deleted').map(({ id }) => id)
    if (!deleteFirst) preview.notDeleted.push(...notDeleted)
    preview.sharedIdentifiers += identifiers.length - own.length
    preview.similarIdentifiers += identifiers.filter(({ value }) => shared.get(value) === 'similar').length
    preview.shortIdentifiers += own.filter((identifier) => !isSearchable(identifier)).length
    for (const { id, identifiers } of people) {
      wanted.set(
        id,
        identifiers.filter(({ value }) => !shared.has(value)),
      )
    }
    // Looked for by the rules of a reference: as whole words, in any case.
    names.push(...(await readFullNames(tx, some)).map((name): Identifier => identifierOf('ref', name)))
    const counted = await countPlannedRows(tx, operation, { people: some, gone: ids, plan: null })
    rows.push(...(deleteFirst ? afterDelete(counted, notDeleted) : counted))
  }
  const identifiers = [...wanted.values()].flat()
  const mentions = await findMentions(tx, operation, identifiers, ids)
  preview.effects = sumEffects([...rows, ...mentionEffects(mentions), ...(await countElsewhere(tx, identifiers, ids))])
  preview.blockedBy = await findBlocking(tx, identifiers, ids)
  preview.names = placesOf(await findMentions(tx, operation, names, ids))
  const coversMentions = canLookUp(identifiers)
  const parts = partsByPerson(ids, rows, coversMentions ? { found: mentions, identifiers: wanted } : undefined)
  const { plan, expiresAt } = await storePlan(tx, { operation, deleteFirst, coversMentions, parts })
  return { ...preview, plan, planExpiresAt: expiresAt, planCoversMentions: coversMentions }
}

/** The columns of the mentions, each once, with the number of rows. */
function placesOf(mentions: readonly Mention[]): ErasurePreview['names'] {
  const places = new Map<string, ErasurePreview['names'][number]>()
  for (const { column } of mentions) {
    const place = places.get(`${column.table}.${column.column}`)
    if (place === undefined) {
      places.set(`${column.table}.${column.column}`, { table: column.table, column: column.column, rows: 1 })
    } else place.rows++
  }
  return [...places.values()]
}

/**
 * What an erasure does where the data map does not look: to values under keys of other people, kept exports, files of imports,
 * connectors and webhook endpoints.
 */
export async function countElsewhere(
  tx: TenantTransaction,
  identifiers: readonly Identifier[],
  people: readonly string[],
): Promise<Effect[]> {
  return [
    ...(await countSealedMentions(tx, identifiers, people)),
    ...(await countExportsToWithdraw(tx, identifiers, people)),
    ...(await countFilesToDestroy(tx, identifiers, people)),
    ...(await countToDisable(tx, identifiers, people)),
  ]
}

/** What the search after the erasure would find, because no erasure rewrites it. */
export async function findBlocking(
  tx: TenantTransaction,
  identifiers: readonly Identifier[],
  ids: readonly string[],
): Promise<ErasurePreview['blockedBy']> {
  const searched = identifiers.filter(isSearchable)
  if (searched.length === 0) return []
  const protect = await findLongerIdentifiers(tx, searched, ids)
  await tx.query('set local role lethe_auditor')
  const { findings } = await tx.copy(async (client) =>
    searchTables(client, notRewritten(await readTextTables(client)), {
      tenant: tx.tenantId,
      identifiers: [...new Map(searched.map((identifier) => [identifier.value, identifier])).values()],
      protect,
    }),
  )
  await tx.query('set local role lethe_app')
  const places = new Map<string, ErasurePreview['blockedBy'][number]>()
  for (const { table, column, rows } of findings) {
    const place = places.get(`${table}.${column}`)
    const { command = null, route = null } = wayOutOf(table, column) ?? {}
    if (place === undefined) places.set(`${table}.${column}`, { table, column, rows, command, route })
    else place.rows += rows
  }
  return [...places.values()]
}
