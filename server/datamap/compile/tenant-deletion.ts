import type { TableStatement, TenantDeletionPlan } from '../plan.ts'
import type { SchemaFacts } from '../vocabulary.ts'
import { named } from './named.ts'

/** The table of the tenants themselves. */
const tenantTable = 'tenants'

/**
 * Compiles how a tenant is deleted: everything in every table with a tenant, the tenant's own row last. Tables that point to
 * others come first. A column of the tenant's own row that points into the tenant is emptied before.
 */
export function compileTenantDeletion(facts: SchemaFacts): TenantDeletionPlan {
  const tables = Object.keys(facts).filter((table) => factsOf(facts, table).columns.tenant_id !== undefined)
  const own = facts[tenantTable]
  const links = (own?.foreignKeys ?? []).flatMap(({ columns }) => columns.filter((column) => column !== 'id'))
  const unlink = links.map((column) => ({
    table: tenantTable,
    ...named('unlink_tenant', `update ${tenantTable} set ${column} = null where id = $1`),
  }))
  const deletes = inDeletionOrder(facts, tables).map((table) => deletionOf(table, 'tenant_id'))
  const counts = named(
    'count_tenant',
    tables
      .sort()
      .map((table) => `select '${table}' as table_name, count(*) as row_count from ${table} where tenant_id = $1`)
      .join('\nunion all '),
  )
  return { counts, unlink, deletes, own: own && deletionOf(tenantTable, 'id') }
}

function deletionOf(table: string, column: string): TableStatement {
  return { table, ...named('delete_tenant', `delete from ${table} where ${column} = $1`) }
}

/** Each table before those that it points to. Throws where tables point to each other. */
function inDeletionOrder(facts: SchemaFacts, tables: readonly string[]): string[] {
  const left = new Set(tables)
  const ordered: string[] = []
  while (left.size > 0) {
    const pointedTo = new Set(
      [...left].flatMap((table) =>
        factsOf(facts, table).foreignKeys.flatMap(({ references }) => (references === table ? [] : [references])),
      ),
    )
    const free = [...left].filter((table) => !pointedTo.has(table)).sort()
    if (free.length === 0) throw new Error(`Foreign keys go round in a circle: ${[...left].join(', ')}`)
    for (const table of free) left.delete(table)
    ordered.push(...free)
  }
  return ordered
}

function factsOf(facts: SchemaFacts, table: string): SchemaFacts[string] {
  const known = facts[table]
  if (known === undefined) throw new Error(`the schema has no table ${table}`)
  return known
}
