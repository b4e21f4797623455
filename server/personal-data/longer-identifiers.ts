import { compiledMap } from '../datamap/compiled.ts'
import { type CompiledMap, type MentionColumn, peopleTable } from '../datamap/plan.ts'
import { type Identifier, type IdentifierKind, identifierKey } from '../identifiers/identifier-key.ts'
import { likePatterns } from '../identifiers/texts/like-patterns.ts'
import { isSearchable } from '../identifiers/texts/search-forms.ts'
import type { TenantTransaction } from '../platform/database/transaction.ts'
import { prefilterIdentifiers } from './prefilter-identifiers.ts'

/** So many identifiers are looked up in the indexes at once; of more, one pass over the people first tells which occur. */
const mostLookups = 200

/**
 * The identifiers of people of the tenant, other than `except`, in which one of these stands: `o'brien@x.org` of
 * `brien@x.org`, `auth0|jdoe` of `jdoe`. A text that holds the longer one says nothing about who has the shorter one,
 * and must not be rewritten for that person's sake. Those that are equal are shared, which is another matter
 * (people/identifiers/holders.ts). In order, each once.
 */
export async function findLongerIdentifiers(
  tx: TenantTransaction,
  identifiers: readonly Identifier[],
  except: readonly string[],
): Promise<Identifier[]> {
  const searchable = identifiers.filter(isSearchable)
  if (searchable.length === 0) return []
  const wanted = searchable.length <= mostLookups ? searchable : await scanForHeld(tx, searchable, except)
  const own = new Set(identifiers.map(({ value }) => value))
  const longer = new Map<string, Identifier>()
  for (let from = 0; from < wanted.length; from += mostLookups) {
    const { rows } = await tx.queryAsAuditor<{ values: (string | null)[] }>(
      longerStatement(compiledMap),
      [tx.tenantId, except, likePatterns(wanted.slice(from, from + mostLookups))],
      'longer_identifiers',
    )
    for (const { values } of rows) {
      for (const [index, { kind }] of textIdentifiers(compiledMap).entries()) {
        const value = values[index] ?? ''
        // A claims string stands in texts whole, too.
        for (const is of new Set<IdentifierKind>([kind, 'external_identity_id'])) {
          const key = identifierKey(is, value)
          if (key !== '' && !own.has(key)) longer.set(key, { kind: is, value: key })
        }
      }
    }
  }
  return [...longer.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, identifier]) => identifier)
}

function textIdentifiers({ identifiers }: Pick<CompiledMap, 'identifiers'>) {
  return identifiers.filter(({ kind }) => kind !== 'directory_object_id')
}

/** Rows of (values), in the order of the map. Parameters: tenant, ids of people who are left out, patterns. */
export function longerStatement(map: Pick<CompiledMap, 'identifiers'>): string {
  const values = `array[${textIdentifiers(map)
    .map(({ column }) => column)
    .join(', ')}]`
  return `select ${values} as values from ${peopleTable} where tenant_id = $1 and state <> 'anonymized' and id <> all ($2::uuid[]) and lethe_search_form(${values}) like any ($3::text[])`
}

async function scanForHeld(
  tx: TenantTransaction,
  identifiers: Identifier[],
  except: readonly string[],
): Promise<Identifier[]> {
  const columns = compiledMap.identifiers.map(
    ({ column }): MentionColumn => ({
      table: peopleTable,
      column,
      as: 'text',
      tenantColumn: 'tenant_id',
      primaryKey: ['tenant_id', 'id'],
      nullable: true,
      searched: column,
      ownedBy: ['id'],
    }),
  )
  await tx.query('set local role lethe_auditor')
  const held = await prefilterIdentifiers(tx, columns, identifiers, except)
  await tx.query('set local role lethe_app')
  return held
}
