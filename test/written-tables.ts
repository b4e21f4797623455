import { glob, readFile } from 'node:fs/promises'
import { parseSync } from 'oxc-parser'

/** A statement in a source that writes a table. */
export type Write = {
  /** The table in lower case; what stands in the source where only the running program knows it. */
  table: string
  does: 'inserts' | 'updates' | 'deletes' | 'truncates'
  /** The columns that it assigns to, as far as the source says them; a part that only the program knows is `?`. */
  columns: string[]
}

/** The SQL of a source, piece by piece: what only the running program knows stands in it as `⟨expression⟩`. */
function sqlPieces(program: Node, source: string): string[] {
  const constants = new Map<string, Node>()
  visit(program, (node) => {
    const { id, init } = node as { id?: Node; init?: Node }
    if (node.type === 'VariableDeclarator' && id?.type === 'Identifier' && init != null) {
      constants.set(String(id.name), init)
    }
    return true
  })
  const textOf = (node: Node, depth = 0): string => {
    const parts = node as unknown as { value?: unknown; left: Node; right: Node; quasis: Quasi[]; expressions: Node[] }
    if (node.type === 'Literal' && typeof parts.value === 'string') return parts.value
    if (node.type === 'TemplateLiteral') {
      return parts.quasis
        .map(({ value }, index) => {
          const hole = parts.expressions[index]
          return (value.cooked ?? '') + (hole === undefined ? '' : textOf(hole, depth + 1))
        })
        .join('')
    }
    if (isSum(node)) return textOf(parts.left, depth + 1) + textOf(parts.right, depth + 1)
    const constant = node.type === 'Identifier' && depth < 8 ? constants.get(String(node.name)) : undefined
    if (constant !== undefined && isText(constant)) return textOf(constant, depth + 1)
    return `⟨${source.slice(node.start, node.end)}⟩`
  }
  const pieces: string[] = []
  const collect = (node: Node): boolean => {
    if (!isText(node)) return true
    pieces.push(textOf(node))
    // What stands in the holes of a text may be texts of its own.
    for (const hole of holesOf(node)) visit(hole, collect)
    return false
  }
  visit(program, collect)
  return pieces
}

/** The statements of a source that write tables, in plain SQL and with the query builder. */
export function writesIn(file: string, source: string): Write[] {
  if (!/delete|insert|update|truncate|merge|replace/i.test(source)) return []
  const { program, errors } = parseSync(file, source)
  if (errors.length > 0) throw new Error(`${file}: ${errors[0]?.message}`)
  const tree = program as unknown as Node
  return [...sqlPieces(tree, source).flatMap(writesOf), ...builtWrites(tree, source)]
}

/** Every write of the program's own sources; what is generated, tests and the compiler of the data map aside. */
export async function readWrites(root: string): Promise<(Write & { file: string })[]> {
  const writes: (Write & { file: string })[] = []
  for await (const file of glob('server/**/*.ts', { cwd: root })) {
    if (/\.(test|gen)\.ts$/.test(file) || file.startsWith('server/datamap/compile/')) continue
    const source = await readFile(`${root}/${file}`, 'utf8')
    writes.push(...writesIn(file, source).map((write) => ({ file, ...write })))
  }
  return writes.sort((a, b) => (a.file < b.file ? -1 : a.file > b.file ? 1 : 0))
}

/** The writes of a piece of SQL, which may hold several statements, one in the other. */
export function writesOf(sql: string): Write[] {
  const text = sql
    .replaceAll(/--.*$/gm, ' ')
    .replaceAll(/\/\*.*?\*\//gs, ' ')
    .replaceAll(/\s+/g, ' ')
  const name = String.raw`(?:only )?((?:⟨[^⟩]*⟩|[\w."])+)`
  const found = (pattern: string) => [...text.matchAll(new RegExp(String.raw`\b${pattern}`, 'gi'))]
  const write = (does: Write['does'], table: string | undefined, columns: string[] = []): Write => ({
    does,
    table: tableName(table ?? '?'),
    columns,
  })
  return [
    ...found(`delete from(?: ${name}|\\s*$)`).map(([, table]) => write('deletes', table)),
    ...found(`truncate (?:table )?${name}`).map(([, table]) => write('truncates', table)),
    ...found(`merge into ${name}`).flatMap(([, table]) => [write('updates', table, ['?']), write('deletes', table)]),
    ...found(`update ${name}(?: (?:as )?(?:\\w+|⟨[^⟩]*⟩))? set (?=(.*))`).flatMap(([, table, rest]) =>
      // "for update" and "do update set" name no table.
      table === undefined || /^(of|set|skip|nowait)$/i.test(table) ? [] : [write('updates', table, assigned(rest))],
    ),
    ...found(`insert into ${name}(?=(.*))`).map(([, table, rest = '']) => {
      const [own = ''] = rest.split(/\binsert into\b/i)
      const [, , update] = /\bon conflict\b(.*?)\bdo update set (.*)/i.exec(own) ?? []
      return write('inserts', table, assigned(update))
    }),
  ]
}

/** What an update assigns to: the columns left of each equals sign, up to the end of its list. */
function assigned(rest: string | undefined): string[] {
  if (rest === undefined) return []
  const list = outside(rest, /^(?:where|from|returning)\b|^[;)]/i)[0] ?? ''
  return outside(list, /^,/, { every: true }).flatMap((assignment) => {
    const [, target] = /^\s*(\([^)]*\)|[\w.]+)\s*=/.exec(assignment) ?? []
    return target === undefined
      ? ['?']
      : target
          .replaceAll(/[()\s]/g, '')
          .toLowerCase()
          .split(',')
  })
}

/** Cuts a text where the pattern matches outside of parentheses, quotes and holes: at the first place, or at every one. */
function outside(text: string, at: RegExp, options: { every?: boolean } = {}): string[] {
  const parts: string[] = []
  let [depth, from] = [0, 0]
  for (let index = 0; index < text.length; index++) {
    const rest = text.slice(index)
    const [skipped] = /^(?:'[^']*'|"[^"]*"|⟨[^⟩]*⟩)/.exec(rest) ?? []
    const insideWord = /^\w/.test(rest) && /\w/.test(text[index - 1] ?? ' ')
    if (depth === 0 && !insideWord && at.test(rest)) {
      parts.push(text.slice(from, index))
      if (options.every !== true) return parts
      from = index + 1
    } else if (skipped !== undefined) index += skipped.length - 1
    else if (text[index] === '(') depth++
    else if (text[index] === ')') depth--
  }
  return [...parts, text.slice(from)]
}

const verbs = new Map<string, Write['does']>([
  ['deleteFrom', 'deletes'],
  ['insertInto', 'inserts'],
  ['mergeInto', 'deletes'],
  ['replaceInto', 'inserts'],
  ['updateTable', 'updates'],
])

/** Statements of the query builder; of the columns it says those that the source names anywhere. */
function builtWrites(program: Node, source: string): Write[] {
  const calls: Omit<Write, 'columns'>[] = []
  const columns = new Set<string>()
  visit(program, (node) => {
    const { callee, arguments: given = [], key, value } = node as Call
    if (node.type === 'Property' && key !== undefined) columns.add(String(key.name ?? key.value))
    if (node.type === 'Literal' && typeof value === 'string') columns.add(value)
    const does = node.type === 'CallExpression' ? verbs.get(String(callee?.property?.name)) : undefined
    if (does === undefined) return true
    const [table] = given
    const named = table?.type === 'Literal' ? String(table.value).split(' ')[0] : undefined
    calls.push({
      does,
      table: tableName(named ?? `⟨${table === undefined ? '' : source.slice(table.start, table.end)}⟩`),
    })
    return true
  })
  return calls.map((call) => ({ ...call, columns: call.does === 'deletes' ? [] : [...columns] }))
}

type Call = { callee?: { property?: Node }; arguments?: Node[]; key?: Node; value?: unknown }

function tableName(written: string): string {
  return written.startsWith('⟨')
    ? written
    : written
        .replaceAll('"', '')
        .replace(/^public\./i, '')
        .toLowerCase()
}

type Node = { type: string; start: number; end: number; name?: unknown; value?: unknown }
type Quasi = { value: { cooked: string | null } }

function isSum(node: Node): boolean {
  const { operator, left, right } = node as unknown as { operator?: string; left: Node; right: Node }
  return node.type === 'BinaryExpression' && operator === '+' && (isText(left) || isText(right))
}

function isText(node: Node): boolean {
  return node.type === 'TemplateLiteral' || (node.type === 'Literal' && typeof node.value === 'string') || isSum(node)
}

/** The expressions inside of a text, and of the texts that it is a sum of. */
function holesOf(node: Node): Node[] {
  const { expressions = [], left, right } = node as { expressions?: Node[]; left?: Node; right?: Node }
  const sides = [left, right].flatMap((side) => side ?? [])
  return [...expressions, ...sides.flatMap((side) => (isText(side) ? holesOf(side) : [side]))]
}

/** Visits a syntax tree; `enter` answers whether to go on below a node. */
function visit(node: Node, enter: (node: Node) => boolean): void {
  if (!enter(node)) return
  for (const child of Object.values(node)) {
    for (const one of Array.isArray(child) ? child : [child]) {
      if (typeof one === 'object' && one !== null && 'type' in one) visit(one as Node, enter)
    }
  }
}
