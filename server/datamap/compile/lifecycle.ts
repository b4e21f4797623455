import { type CompiledMap, type LifecyclePlan, peopleTable, type TableStatement } from '../plan.ts'
import type { AnyEntry, SchemaFacts } from '../vocabulary.ts'
import { named } from './named.ts'
import { assignments, columnsWhere, entryOf, ownRows, subjectOf, tenantColumnOf } from './schema.ts'

/** Compiles how a delete makes inactive what people take part in, what it ends, and how a restore undoes it. */
export function compileLifecycle(
  map: Record<string, AnyEntry>,
  facts: SchemaFacts,
): Pick<CompiledMap, 'deactivate' | 'end' | 'reactivate'> {
  const own = entryOf(map, peopleTable)
  const compiled = {
    deactivate: planOf('deactivate', own.whenDeleted ?? {}, deletionsOf(own, '$3::uuid')),
    end: [] as TableStatement[],
    reactivate: planOf('reactivate', own.whenRestored ?? {}, deletionsOf(own, 'null')),
  }
  for (const table of Object.keys(map).sort()) {
    const entry = entryOf(map, table)
    if (entry.about !== 'person' || entry.onDelete === 'keep') continue
    const [tenant, owner] = [tenantColumnOf(facts, table), subjectOf(entry)]
    const where = `${tenant} = $1 and ${owner} = any($2::uuid[])`
    if (entry.onDelete === 'end') compiled.end.push({ table, ...named('end', `delete from ${table} where ${where}`) })
    for (const column of deletionColumns(entry)) {
      const deactivate = `update ${table} set ${column} = $3::uuid where ${where} and ${column} is null`
      compiled.deactivate.acts.push({ table, ...named('deactivate', deactivate) })
      // Each person's own delete, and no other: an earlier one of the same person is not this restore's to undo.
      const reactivate =
        `update ${table} set ${column} = null from unnest($2::uuid[], $3::uuid[]) as restored (person, deletion) ` +
        `where ${table}.${tenant} = $1 and ${table}.${owner} = restored.person and ${table}.${column} = restored.deletion`
      compiled.reactivate.acts.push({ table, ...named('reactivate', reactivate) })
    }
  }
  return compiled
}

function planOf(kind: string, said: Record<string, string>, deletion: Record<string, string>): LifecyclePlan {
  const text = `update ${peopleTable} set ${assignments({ ...deletion, ...said })} where ${ownRows} returning id, state`
  return { own: named(kind, text), acts: [] }
}

function deletionsOf(entry: AnyEntry, value: string): Record<string, string> {
  return Object.fromEntries(deletionColumns(entry).map((column) => [column, value]))
}

function deletionColumns(entry: AnyEntry): string[] {
  return columnsWhere(entry, ({ is }) => is === 'deletion')
}
