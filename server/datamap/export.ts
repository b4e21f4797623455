import type { TenantTransaction } from '../platform/database/transaction.ts'
import { dataMap } from './data-map.ts'
import { schemaFacts } from './generated/schema-facts.gen.ts'
import type { AnyEntry, ColumnClass, SchemaFacts } from './vocabulary.ts'

/** Rows of one table that are exported whole. */
export type ExportedTable = {
  table: string
  /** What the table holds, as the map says it. */
  holds: string
  /** `about` the person, `written` by the person, or `on_record`: of an erasure of the person. */
  kind: 'about' | 'written' | 'on_record'
  columns: string[]
  /** Columns that the export opens, as it calls them: their ciphertext stands beside each row as (sealed), in this order. */
  opened: string[]
  /** Rows of (json): the row as JSON text. Parameters: tenant, id of the person. */
  json: string
  /** The same rows as (cells): the columns as texts. */
  cells: string
}

/** A part that the person had in rows of something or somebody else: only table, key and role are exported. */
export type ExportedPart = {
  table: string
  holds: string
  /** The column that the person stands in. */
  role: string
  /** Rows of (key), as JSON text. Parameters: tenant, id of the person. */
  text: string
}

/** Content that is exported as files: bytes in one or many rows. */
export type ExportedFiles = {
  table: string
  /** Rows of (file, content), the rows of one file in a row and in order. Parameters: tenant, id of the person. */
  text: string
}

export type CompiledExport = {
  tables: ExportedTable[]
  parts: ExportedPart[]
  files: ExportedFiles[]
  /** The columns of a row's key that may be shown: not those that name other people. By table. */
  publicKey: Map<string, string[]>
}

/**
 * Compiles from the data map what belongs into an export of everything that is held about a person. Pure. What is left
 * out of the rows: ciphertext, unless it is under the person's own key, keyed hashes, what the database derives from
 * another column, and ids of other people.
 */
export function compileExport(map: Record<string, AnyEntry>, facts: SchemaFacts): CompiledExport {
  const compiled: CompiledExport = { tables: [], parts: [], files: [], publicKey: new Map() }
  for (const table of Object.keys(map).sort()) {
    const [entry, schema] = [map[table], facts[table]]
    if (entry === undefined || schema === undefined) throw new Error(`The map or the database has no table ${table}`)
    const tenant = 'tenant_id' in schema.columns ? 'tenant_id' : 'id'
    const order = schema.primaryKey.join(', ')
    const inOrder = order === '' ? '' : ` order by ${order}`
    const of = (is: ColumnClass['is']) =>
      Object.entries(entry.columns).flatMap(([column, columnClass]) => (columnClass.is === is ? [column] : []))
    const isBytes = (column: string) => schema.columns[column]?.type === 'bytea'
    const whole = (kind: ExportedTable['kind'], owners: string[]) => {
      const columns = Object.entries(entry.columns).flatMap(([column, { is }]) =>
        is === 'sealed' || is === 'derived' || isBytes(column) ? [] : [column],
      )
      const values = columns.map((column) => {
        const is = entry.columns[column]?.is
        const isPerson = is === 'subject' || is === 'actor' || is === 'erased_id'
        const isOwner = owners.length === 1 && owners.includes(column)
        return isPerson && !isOwner ? `case when ${column} = $2 then ${column} end` : column
      })
      const opened = Object.entries(entry.columns).flatMap(([column, columnClass]) =>
        columnClass.is === 'sealed' && columnClass.opensFor !== undefined
          ? [{ column, whose: columnClass.opensFor, current: currentOf(table, column, columnClass.again, schema) }]
          : [],
      )
      const ciphertext = opened.map(
        ({ column, whose, current }) => `case when ${whose} = $2 then ${current} end as ${column}`,
      )
      const from =
        ` from (select ${[...values.map((value, index) => `${value} as ${columns[index]}`), ...ciphertext].join(', ')} from ${table}` +
        ` where ${tenant} = $1 and ${anyIs(owners)}${inOrder}) t`
      const shown = columns.map((column) => `t.${column}`)
      const row = opened.length === 0 ? 't' : `(select row from (select ${shown.join(', ')}) row)`
      const sealed =
        opened.length === 0 ? '' : `, array[${opened.map(({ column }) => `t.${column}`).join(', ')}] as sealed`
      compiled.tables.push({
        table,
        holds: entry.holds,
        kind,
        columns,
        opened: opened.map(({ column }) => column.replace(/^sealed_/, '')),
        json: `select to_json(${row})::text as json${sealed}${from}`,
        cells: `select array[${shown.map((column) => `${column}::text`).join(', ')}] as cells${sealed}${from}`,
      })
    }
    const [subject] = of('subject')
    if (subject !== undefined) {
      whole('about', [subject])
      for (const column of of('fact').filter(isBytes)) {
        // The last column of the key is the place of the row within its file, where the key has several.
        const own = schema.primaryKey.filter((name) => name !== tenant && name !== subject)
        const file = own.length > 1 ? own.slice(0, -1) : own
        compiled.files.push({
          table,
          text: `select concat_ws('-', ${file.map((name) => `${name}::text`).join(', ')}) as file, ${column} as content from ${table} where ${tenant} = $1 and ${subject} = $2 and ${column} is not null${inOrder}`,
        })
      }
    }
    const onRecord = of('erased_id')
    if (onRecord.length > 0) whole('on_record', onRecord)
    compiled.publicKey.set(
      table,
      schema.primaryKey.filter(
        (name) => name !== tenant && !['subject', 'actor'].includes(entry.columns[name]?.is ?? ''),
      ),
    )
    for (const [role, columnClass] of Object.entries(entry.columns)) {
      if (columnClass.is !== 'actor') continue
      if (columnClass.purge === 'empty') {
        whole('written', [role])
        continue
      }
      const key = (compiled.publicKey.get(table) ?? []).flatMap((name) => [`'${name}'`, name])
      const others = subject === undefined ? '' : ` and ${subject} <> $2`
      compiled.parts.push({
        table,
        holds: entry.holds,
        role,
        text: `select json_build_object(${key.join(', ')})::text as key from ${table} where ${tenant} = $1 and ${role} = $2${others}${inOrder}`,
      })
    }
  }
  return compiled
}

/** The ciphertext that counts: what was sealed again, where there is such. */
function currentOf(
  table: string,
  column: string,
  again: { table: string; key: string } | undefined,
  { primaryKey }: SchemaFacts[string],
): string {
  if (again === undefined) return column
  const own = primaryKey.filter((name) => name !== 'tenant_id').join(', ')
  return `coalesce((select r.${column} from ${again.table} r where r.tenant_id = ${table}.tenant_id and r.${again.key} = ${table}.${own}), ${column})`
}

function anyIs(columns: string[]): string {
  const conditions = columns.map((column) => `${column} = $2`)
  return conditions.length === 1 ? conditions.join() : `(${conditions.join(' or ')})`
}

/** The export of this version's map, compiled once. */
export const compiledExport = compileExport(dataMap, schemaFacts)

/** Reads the rows of one statement of the export, a portion at a time, so that memory does not depend on their number. */
export async function* readExported<Row extends Record<string, unknown>>(
  tx: TenantTransaction,
  text: string,
  person: string,
  options: { portion?: number } = {},
): AsyncGenerator<Row[]> {
  const portion = options.portion ?? 500
  await tx.query(`declare exported no scroll cursor for ${text}`, [tx.tenantId, person])
  try {
    for (;;) {
      const { rows } = await tx.query<Row>(`fetch ${portion} from exported`)
      if (rows.length > 0) yield rows
      if (rows.length < portion) break
    }
  } finally {
    await tx.query('close exported')
  }
}
