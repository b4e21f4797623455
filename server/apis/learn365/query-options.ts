import { propertyOf } from './compile-filter.ts'
import type { EntitySet, Navigation } from './entity-model.ts'
import { entitySet } from './entity-sets.ts'
import { odataError } from './errors.ts'
import { type Expression, parseFilter } from './parse-filter.ts'

/** The query options of OData, as they come in an address. */
export type RawOptions = { [name: string]: string | undefined }

export type Expansion = { name: string; navigation: Navigation; target: EntitySet; select: string[] | undefined }

/** What is asked of a set, checked against what the set has. */
export type QueryOptions = {
  filter: Expression | undefined
  /** Undefined: all properties. */
  select: string[] | undefined
  orderBy: { name: string; descending: boolean }[]
  top: number | undefined
  skip: number
  count: boolean
  expand: Expansion[]
  skipToken: string | undefined
}

const mostSorts = 8

/** Reads the options for a set. Throws `odata.query`, which names the option. */
export function readOptions(set: EntitySet, raw: RawOptions): QueryOptions {
  const { $filter, $select, $orderby, $expand, $skiptoken } = raw
  return {
    filter: $filter === undefined ? undefined : parseFilter($filter),
    select: readSelect(set, $select, '$select'),
    orderBy: $orderby === undefined ? [] : readOrder(set, $orderby),
    top: readNumber('$top', raw.$top),
    skip: readNumber('$skip', raw.$skip) ?? 0,
    count: readBoolean('$count', raw.$count),
    expand: $expand === undefined ? [] : readExpand(set, $expand),
    skipToken: $skiptoken,
  }
}

function readSelect(set: EntitySet, text: string | undefined, option: string): string[] | undefined {
  const names = text?.split(',').map((name) => name.trim())
  if (names === undefined || names.includes('*')) return undefined
  for (const name of names) if (set.navigation?.[name] === undefined) propertyOf(set, name, option)
  return [...new Set(names)].filter((name) => name in set.properties)
}

function readOrder(set: EntitySet, text: string): QueryOptions['orderBy'] {
  const sorts = text.split(',').map((part) => {
    const [name = '', way = 'asc', ...rest] = part.trim().split(/[ \t]+/)
    if ((way !== 'asc' && way !== 'desc') || rest.length > 0) {
      throw odataError('odata.query', { option: '$orderby', reason: 'a property, and asc or desc, are expected' })
    }
    propertyOf(set, name, '$orderby')
    return { name, descending: way === 'desc' }
  })
  if (sorts.length > mostSorts) {
    throw odataError('odata.query', { option: '$orderby', reason: `at most ${mostSorts} properties are allowed` })
  }
  // A property that comes again changes nothing.
  return sorts.filter(({ name }, index) => sorts.findIndex((other) => other.name === name) === index)
}

function readExpand(set: EntitySet, text: string): Expansion[] {
  const pattern = /\s*([A-Za-z_]\w*)(?:\(\s*\$select=([\w,* ]+)\s*\))?\s*(?:,|$)/y
  const found = new Map<string, Expansion>()
  while (pattern.lastIndex < text.length) {
    const [whole, name = '', select] = pattern.exec(text) ?? []
    if (whole === undefined) {
      throw odataError('odata.query', {
        option: '$expand',
        reason: 'names of navigation properties are expected, one level deep; each may have a $select in parentheses',
      })
    }
    const navigation = Object.hasOwn(set.navigation ?? {}, name) ? set.navigation?.[name] : undefined
    if (navigation === undefined) {
      const known = Object.keys(set.navigation ?? {})
      throw odataError('odata.query', {
        option: '$expand',
        reason: known.length === 0 ? `${set.entityType} has none` : `${set.entityType} has ${known.join(', ')}`,
      })
    }
    const target = entitySet(navigation.target)
    found.set(name, { name, navigation, target, select: readSelect(target, select, '$expand') })
  }
  return [...found.values()]
}

function readNumber(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (!/^\d{1,9}$/.test(text.trim())) {
    throw odataError('odata.query', { option, reason: 'a number from 0 to 999999999 is expected' })
  }
  return Number(text)
}

function readBoolean(option: string, text: string | undefined): boolean {
  if (text === undefined || text === 'false') return false
  if (text === 'true') return true
  throw odataError('odata.query', { option, reason: 'true or false is expected' })
}
