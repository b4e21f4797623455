import { type CompiledMap, type IdentifierColumn, peopleTable } from '../plan.ts'
import type { AnyEntry } from '../vocabulary.ts'
import { named } from './named.ts'
import { entryOf } from './schema.ts'

/** The columns that name a person to a machine, in the order of the map. */
export function identifiersOf(map: Record<string, AnyEntry>): IdentifierColumn[] {
  const columns = Object.entries(entryOf(map, peopleTable).columns)
  const derived = (from: string, as: 'key' | 'similar') =>
    columns.find(([, one]) => one.is === 'derived' && one.from === from && one.as === as)?.[0]
  return columns.flatMap(([column, columnClass]) => {
    if (columnClass.is !== 'identifier') return []
    const [key, similar] = [derived(column, 'key'), derived(column, 'similar')]
    return [
      { column, kind: columnClass.kind, ...(key !== undefined && { key }), ...(similar !== undefined && { similar }) },
    ]
  })
}

/** Compiles how an identifier is looked for among all people, each column through its own index. */
export function compileHolders(
  identifiers: readonly IdentifierColumn[],
): Pick<CompiledMap, 'findHolders' | 'findSimilarHolders'> {
  const keys = identifiers.flatMap(({ key }) => key ?? [])
  const similar = identifiers.flatMap((one) => one.similar ?? [])
  const whole = identifiers.filter(({ key }) => key === undefined).map(({ column }) => column)
  const branch = (held: string, byKey: boolean, condition: string) =>
    `select ${held} as held, ${byKey} as by_key, id, state from ${peopleTable} where tenant_id = $1 and ${condition}`
  const branches = [
    ...keys.map((key) => branch(key, true, `${key} = any($2)`)),
    ...whole.map((column) => branch(`${column}::text`, true, `${column} = any($4::uuid[])`)),
    // A partial index needs the null test in words.
    ...similar.map((column) => branch(column, false, `${column} = any($5) and ${column} is not null`)),
  ]
  const isSimilar = [...keys, ...similar].map((column) => `${column} = $2`)
  return {
    // Compared with many people one by one, the exceptions would cost more than the look-ups.
    findHolders: named(
      'find_holders',
      `select held, by_key from (\n${branches.join('\nunion all\n')}\n) holders where state <> 'anonymized' and id not in (select unnest($3::uuid[]))`,
    ),
    findSimilarHolders: named(
      'find_similar_holders',
      `select id from ${peopleTable} where tenant_id = $1 and state <> 'anonymized' and (${isSimilar.join(' or ')}) order by id limit $3`,
    ),
  }
}
