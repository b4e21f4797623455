import type pg from 'pg'

/** What the catalog of a database says about its tables; the same on PostgreSQL 15 and 18. */
export type Schema = {
  tables: TableSchema[]
  functions: string[]
}

export type TableSchema = {
  /** Without the schema for `public`, with it elsewhere. */
  name: string
  columns: {
    name: string
    type: string
    nullable: boolean
    default: string | undefined
    generated: 'stored' | 'identity' | undefined
  }[]
  primaryKey: string[]
  foreignKeys: { columns: string[]; references: string; referencedColumns: string[] }[]
  constraints: string[]
  indexes: { name: string; definition: string }[]
  policies: string[]
  /** Row level security: enabled, and forced for the owner too. */
  separated: boolean
}

/** Reads every table that is not PostgreSQL's own, the job queue's too, in the order of their names. */
export async function readSchema(client: pg.ClientBase): Promise<Schema> {
  const tables = await client.query<{
    name: string
    columns: TableSchema['columns']
    primary_key: string[] | null
    foreign_keys: TableSchema['foreignKeys']
    constraints: string[]
    indexes: TableSchema['indexes']
    policies: string[]
    separated: boolean
  }>(`
    with own as (
      select c.oid, c.relname,
        case n.nspname when 'public' then c.relname else n.nspname || '.' || c.relname end as name,
        c.relrowsecurity and c.relforcerowsecurity as separated
      from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where c.relkind in ('r', 'p') and c.relpersistence <> 't'
        and n.nspname <> 'information_schema' and n.nspname not like 'pg\\_%'
    )
    select own.name, own.separated,
      (select jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
          'name', a.attname,
          'type', format_type(a.atttypid, a.atttypmod),
          'nullable', not a.attnotnull,
          'generated', case when a.attgenerated = 's' then 'stored' when a.attidentity <> '' then 'identity' end,
          'default', pg_get_expr(d.adbin, d.adrelid))) order by a.attnum)
        from pg_attribute a left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
        where a.attrelid = own.oid and a.attnum > 0 and not a.attisdropped) as columns,
      (select array(
          select a.attname::text from unnest(k.conkey) with ordinality as u(attnum, position)
          join pg_attribute a on a.attrelid = k.conrelid and a.attnum = u.attnum order by u.position)
        from pg_constraint k where k.conrelid = own.oid and k.contype = 'p') as primary_key,
      coalesce((select jsonb_agg(jsonb_build_object(
          'columns', array(select a.attname from unnest(k.conkey) with ordinality as u(attnum, position)
            join pg_attribute a on a.attrelid = k.conrelid and a.attnum = u.attnum order by u.position),
          'references', k.confrelid::regclass::text,
          'referencedColumns', array(select a.attname from unnest(k.confkey) with ordinality as u(attnum, position)
            join pg_attribute a on a.attrelid = k.confrelid and a.attnum = u.attnum order by u.position)) order by k.conname)
        from pg_constraint k where k.conrelid = own.oid and k.contype = 'f'), '[]') as foreign_keys,
      array(select pg_get_constraintdef(k.oid) from pg_constraint k
        where k.conrelid = own.oid and k.contype in ('c', 'u', 'x') order by k.conname) as constraints,
      coalesce((select jsonb_agg(jsonb_build_object('name', i.relname, 'definition', pg_get_indexdef(x.indexrelid)) order by i.relname)
        from pg_index x join pg_class i on i.oid = x.indexrelid where x.indrelid = own.oid), '[]') as indexes,
      array(select format('%s for %s to %s using (%s)%s', p.policyname, lower(p.cmd), array_to_string(p.roles, ', '), p.qual,
            ' with check (' || p.with_check || ')')
        from pg_policies p where format('%I.%I', p.schemaname, p.tablename)::regclass = own.oid
          and p.policyname <> 'owner_lists' order by p.policyname) as policies
    from own order by own.name`)
  const functions = await client.query<{ signature: string }>(`
    select format('%s(%s)%s', p.proname, pg_get_function_identity_arguments(p.oid),
        case when p.prosecdef then ' security definer' else '' end) as signature
    from pg_proc p
    where p.pronamespace = 'public'::regnamespace
      and not exists (select from pg_depend d where d.objid = p.oid and d.deptype = 'e')
    order by 1`)
  return {
    tables: tables.rows.map((row) => ({
      name: row.name,
      columns: row.columns.map((column) => ({
        ...column,
        default: column.generated === 'stored' ? undefined : column.default,
        generated: column.generated,
      })),
      primaryKey: row.primary_key ?? [],
      foreignKeys: row.foreign_keys,
      constraints: row.constraints,
      indexes: row.indexes,
      policies: row.policies,
      separated: row.separated,
    })),
    functions: functions.rows.map(({ signature }) => signature),
  }
}

/** The listing for people: one block a table. Checked in, so that a migration's effect shows in its diff. */
export function schemaListing(schema: Schema): string {
  const lines = ['The tables of the migrated database. Written by "npm run generate"; do not edit.', '']
  for (const table of schema.tables.filter(({ name }) => !name.includes('.'))) {
    lines.push(table.name + (table.separated ? ' (separated by tenant)' : ''))
    for (const column of table.columns) {
      const rest = [
        column.type,
        column.nullable ? '' : 'not null',
        column.generated === undefined ? '' : `generated ${column.generated}`,
        column.default === undefined ? '' : `default ${column.default}`,
      ]
      lines.push(`  ${column.name} ${rest.filter((part) => part !== '').join(' ')}`)
    }
    lines.push(`  primary key (${table.primaryKey.join(', ')})`)
    for (const key of table.foreignKeys) {
      lines.push(
        `  foreign key (${key.columns.join(', ')}) references ${key.references} (${key.referencedColumns.join(', ')})`,
      )
    }
    for (const constraint of table.constraints) lines.push(`  ${constraint}`)
    for (const index of table.indexes)
      lines.push(`  ${index.definition.replace(' public.', ' ').replace(' ON ', ' on ')}`)
    for (const policy of table.policies) lines.push(`  policy ${policy}`)
    lines.push('')
  }
  lines.push('functions', ...schema.functions.map((signature) => `  ${signature}`), '')
  return lines.join('\n')
}

/** The facts that the data map is compiled with. */
export function schemaFactsOf(schema: Schema) {
  return Object.fromEntries(
    schema.tables.map((table) => [
      table.name,
      {
        columns: Object.fromEntries(
          table.columns.map((column) => [
            column.name,
            {
              type: column.type,
              nullable: column.nullable,
              ...(column.generated === undefined ? {} : { generated: column.generated }),
            },
          ]),
        ),
        primaryKey: table.primaryKey,
        foreignKeys: table.foreignKeys.map(({ columns, references }) => ({ columns, references })),
      },
    ]),
  )
}

/** The same facts as TypeScript. */
export function schemaConstants(schema: Schema): string {
  return [
    '// Written by "npm run generate" from the migrated database; do not edit.',
    "import type { SchemaFacts } from '../vocabulary.ts'",
    '',
    `export const schemaFacts: SchemaFacts = ${JSON.stringify(schemaFactsOf(schema), null, 2)}`,
    '',
  ].join('\n')
}
