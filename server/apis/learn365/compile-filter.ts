import { isUuid } from '../../platform/database/transaction.ts'
import type { LetheError } from '../../platform/errors.ts'
import type { EdmType, EntitySet, Property } from './entity-model.ts'
import { odataError } from './errors.ts'
import type { Comparison, Expression, Literal } from './parse-filter.ts'

/** Puts a value into the parameters and answers its place, `$3`. */
export type Bind = (value: unknown) => string

type Type = 'string' | 'guid' | 'boolean' | 'number' | 'time' | 'date'

const typeOf: Record<EdmType, Type> = {
  'Edm.String': 'string',
  'Edm.Guid': 'guid',
  'Edm.Boolean': 'boolean',
  'Edm.Int32': 'number',
  'Edm.DateTimeOffset': 'time',
  // Refused where a property is looked up.
  'Collection(Edm.String)': 'string',
}

/** The type of a parameter, by what a value is compared with. */
const casts: Record<Type, string> = {
  string: 'text',
  guid: 'uuid',
  boolean: 'boolean',
  number: 'numeric',
  time: 'timestamptz',
  date: 'date',
}

/** Something that has a value: a literal is bound only once it is known what it is compared with. */
type Operand = SqlOperand | { kind: 'literal'; literal: Literal }
type SqlOperand = { kind: 'sql'; sql: string; type: Type; property?: Property }

type Signature = { parameters: Type[]; optional?: Type[]; result: Type; sql: (...operands: string[]) => string }

const part = (name: string): Signature => ({
  parameters: ['time'],
  result: 'number',
  sql: (time) => `floor(extract(${name} from ${time} at time zone 'utc'))::int`,
})

/** The functions of OData that there are, in its names. */
const functions: Record<string, Signature> = {
  contains: { parameters: ['string', 'string'], result: 'boolean', sql: (a, b) => `(strpos(${a}, ${b}) > 0)` },
  startswith: { parameters: ['string', 'string'], result: 'boolean', sql: (a, b) => `starts_with(${a}, ${b})` },
  endswith: {
    parameters: ['string', 'string'],
    result: 'boolean',
    sql: (a, b) => `(right(${a}, char_length(${b})) = ${b})`,
  },
  tolower: { parameters: ['string'], result: 'string', sql: (a) => `lower(${a})` },
  toupper: { parameters: ['string'], result: 'string', sql: (a) => `upper(${a})` },
  trim: { parameters: ['string'], result: 'string', sql: (a) => `btrim(${a})` },
  length: { parameters: ['string'], result: 'number', sql: (a) => `char_length(${a})` },
  indexof: { parameters: ['string', 'string'], result: 'number', sql: (a, b) => `(strpos(${a}, ${b}) - 1)` },
  concat: { parameters: ['string', 'string'], result: 'string', sql: (a, b) => `(${a} || ${b})` },
  year: part('year'),
  month: part('month'),
  day: part('day'),
  hour: part('hour'),
  minute: part('minute'),
  second: part('second'),
  date: { parameters: ['time'], result: 'date', sql: (time) => `(${time} at time zone 'utc')::date` },
  now: { parameters: [], result: 'time', sql: () => 'now()' },
}

const operators: Record<Comparison, string> = { eq: '=', ne: '<>', gt: '>', ge: '>=', lt: '<', le: '<=' }

/**
 * Compiles a filter to a condition in SQL. Every value goes through `bind`; names of properties and functions are looked up
 * in what is declared, so that nothing of the text itself becomes SQL.
 *
 * OData's comparisons are true or false, also with null: what is compared with null is equal to null only. In the condition
 * false may be null, as far as no `not` can tell.
 *
 * Throws `odata.query`.
 */
export function compileFilter(filter: Expression, set: EntitySet, bind: Bind): string {
  return condition(filter, false)

  /** `exact`: null must not stand for false, because a `not` is around it. */
  function condition(expression: Expression, exact: boolean): string {
    switch (expression.kind) {
      case 'not':
        return `not (${condition(expression.operand, true)})`
      case 'and':
      case 'or':
        return `(${expression.operands.map((one) => condition(one, exact)).join(` ${expression.kind} `)})`
      case 'compare':
        return comparison(expression.operator, operand(expression.left), operand(expression.right), exact)
      case 'in':
        return membership(operand(expression.operand), expression.values, exact)
      default: {
        const value = operand(expression)
        if (value.kind === 'literal') {
          if (value.literal.kind === 'boolean') return String(value.literal.value)
          throw refusal('a condition is expected, such as a comparison')
        }
        if (value.type !== 'boolean') throw refusal('a condition is expected, such as a comparison')
        return value.sql
      }
    }
  }

  function operand(expression: Expression): Operand {
    switch (expression.kind) {
      case 'literal':
        return { kind: 'literal', literal: expression.literal }
      case 'property': {
        const property = propertyOf(set, expression.name, '$filter')
        return { kind: 'sql', sql: property.sql, type: typeOf[property.type], property }
      }
      case 'call':
        return call(expression.name, expression.arguments.map(operand))
      default:
        return { kind: 'sql', sql: `(${condition(expression, true)})`, type: 'boolean' }
    }
  }

  function call(name: string, given: Operand[]): Operand {
    const signature = Object.hasOwn(functions, name) ? functions[name] : undefined
    if (signature === undefined) {
      throw refusal(`there is no such function here; there are ${Object.keys(functions).join(', ')}`)
    }
    const { parameters, result, sql } = signature
    if (given.length !== parameters.length) throw refusal(`${name} takes ${parameters.length} values`)
    const values = parameters.map((type, index) => {
      const one = given[index]
      if (one === undefined) throw refusal(`${name} takes ${parameters.length} values`)
      if (one.kind === 'literal') return one.literal.kind === 'null' ? `null::${casts[type]}` : bound(one.literal, type)
      if (one.type !== type) throw refusal(`${name} does not take a value of this type`)
      return one.sql
    })
    return { kind: 'sql', sql: sql(...values), type: result }
  }

  function comparison(operator: Comparison, left: Operand, right: Operand, exact: boolean): string {
    if (left.kind === 'literal') {
      if (right.kind === 'literal') throw refusal('two values are compared, and neither is a property')
      return comparisonWith(right, mirrored[operator], left.literal, exact)
    }
    if (right.kind === 'literal') return comparisonWith(left, operator, right.literal, exact)
    const times = left.type !== right.type && isTemporal(left.type) && isTemporal(right.type)
    if (left.type !== right.type && !times) throw refusal('values of different types are compared')
    const [one, other] = times ? [asTime(left), asTime(right)] : [left.sql, right.sql]
    if (isEquality(operator)) return `(${one} is ${operator === 'eq' ? 'not ' : ''}distinct from ${other})`
    return relation(operator, one, other, left.type, exact)
  }

  function comparisonWith(left: SqlOperand, operator: Comparison, literal: Literal, exact: boolean): string {
    if (literal.kind === 'null') {
      // Nothing is greater or less than null.
      if (!isEquality(operator)) return 'false'
      return `${left.sql} is ${operator === 'eq' ? '' : 'not '}null`
    }
    if (isEquality(operator) && left.property?.equals !== undefined) {
      const equal = left.property.equals(bound(literal, left.type))
      if (operator === 'ne') return `(${equal}) is not true`
      return exact ? `(${equal}) is true` : `(${equal})`
    }
    const type = left.type === 'date' && literal.kind === 'time' ? 'time' : left.type
    const value = bound(literal, type)
    const sql = type === left.type ? left.sql : asTime(left)
    if (operator === 'ne') return `${sql} is distinct from ${value}`
    return relation(operator, sql, value, type, exact)
  }

  function relation(operator: Comparison, left: string, right: string, type: Type, exact: boolean): string {
    if (type === 'boolean' && operator !== 'eq') throw refusal('true and false have no order')
    // The order of the characters' numbers: the same on every server, whatever its language.
    const collation = type === 'string' && operator !== 'eq' ? ' collate "C"' : ''
    const sql = `${left}${collation} ${operators[operator]} ${right}`
    return exact ? `(${sql}) is true` : `(${sql})`
  }

  function membership(value: Operand, literals: Literal[], exact: boolean): string {
    if (value.kind === 'literal') throw refusal('a property is expected before in')
    const { equals } = value.property ?? {}
    const present = literals.filter((literal) => literal.kind !== 'null')
    const parts: string[] = []
    if (present.length < literals.length) parts.push(`${value.sql} is null`)
    if (equals !== undefined) parts.push(...present.map((literal) => equals(bound(literal, value.type))))
    else if (present.length > 0) {
      const values = present.map((literal) => literalValue(literal, value.type))
      parts.push(`${value.sql} = any (${bind(values)}::${casts[value.type]}[])`)
    }
    const sql = `(${parts.join(' or ')})`
    return exact ? `${sql} is true` : sql
  }

  function bound(literal: Literal, type: Type): string {
    return `${bind(literalValue(literal, type))}::${casts[type]}`
  }
}

const mirrored: Record<Comparison, Comparison> = { eq: 'eq', ne: 'ne', gt: 'lt', ge: 'le', lt: 'gt', le: 'ge' }

function isEquality(operator: Comparison): operator is 'eq' | 'ne' {
  return operator === 'eq' || operator === 'ne'
}

function isTemporal(type: Type): boolean {
  return type === 'time' || type === 'date'
}

function asTime({ sql, type }: { sql: string; type: Type }): string {
  return type === 'time' ? sql : `(${sql}::timestamp at time zone 'utc')`
}

/** What is bound for a literal, where a value of the type is expected; text, which the database reads. */
function literalValue(literal: Literal, type: Type): string | boolean {
  switch (literal.kind) {
    case 'boolean':
      if (type === 'boolean') return literal.value
      break
    case 'guid':
      if (type === 'guid' || type === 'string') return literal.value
      break
    case 'string':
      if (type === 'string') return literal.value
      // Clients of Learn365 write object ids as text.
      if (type === 'guid' && isUuid(literal.value)) return literal.value
      break
    case 'number':
      if (type === 'number') return literal.value
      break
    case 'time':
      if (type === 'time') return literal.value
      break
    case 'date':
      if (type === 'date') return literal.value
      if (type === 'time') return `${literal.value}T00:00:00Z`
      break
    case 'null':
      break
  }
  throw refusal('a value has another type than what it is compared with')
}

/** The property of this name. Throws `odata.query`, which says which ones there are. */
export function propertyOf(set: EntitySet, name: string, option: string): Property {
  const property = Object.hasOwn(set.properties, name) ? set.properties[name] : undefined
  if (property?.type.startsWith('Collection') && option !== '$select') {
    throw odataError('odata.query', { option, reason: `${name} is a list, and lists are only shown` })
  }
  if (property !== undefined) return property
  const known = Object.keys(set.properties).join(', ')
  throw odataError('odata.query', {
    option,
    reason: `${set.entityType} has only the properties ${known}`,
  })
}

function refusal(reason: string): LetheError {
  return odataError('odata.query', { option: '$filter', reason })
}
