import type { LetheError } from '../../platform/errors.ts'
import { odataError } from './errors.ts'

export type Literal =
  | { kind: 'null' }
  | { kind: 'boolean'; value: boolean }
  | { kind: 'string' | 'number' | 'guid' | 'date' | 'time'; value: string }

export const comparisons = ['eq', 'ne', 'gt', 'ge', 'lt', 'le'] as const
export type Comparison = (typeof comparisons)[number]

/** A filter as it is written, before anybody knows which properties there are. */
export type Expression =
  | { kind: 'literal'; literal: Literal }
  | { kind: 'property'; name: string }
  | { kind: 'call'; name: string; arguments: Expression[] }
  | { kind: 'not'; operand: Expression }
  | { kind: 'and' | 'or'; operands: Expression[] }
  | { kind: 'compare'; operator: Comparison; left: Expression; right: Expression }
  | { kind: 'in'; operand: Expression; values: Literal[] }

/** So deep may brackets, calls and `not` stand in each other. */
const mostLevels = 50
/** So many parts may a filter have; a longer list belongs into several requests. */
const mostTokens = 5000

const tokenPatterns = [
  ['string', /'(?:[^']|'')*'/y],
  ['guid', /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?![\w-])/iy],
  ['time', /\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,12})?)?(?:Z|[+-]\d{2}:\d{2})(?!\w)/iy],
  ['date', /\d{4}-\d{2}-\d{2}(?![\w-])/y],
  ['number', /-?\d{1,40}(?:\.\d{1,40})?(?:e[+-]?\d{1,3})?(?![\w.])/iy],
  ['name', /[A-Za-z_]\w{0,127}(?!\w)/y],
  ['sign', /[(),]/y],
] as const

type Token = { kind: (typeof tokenPatterns)[number][0] | 'end'; text: string; at: number }

/**
 * Reads a `$filter` of OData 4.01: comparisons, `in`, `and`, `or`, `not`, brackets, calls of functions, and the literals of
 * the types that occur here. `not` binds tighter than a comparison's neighbors `and` and `or`, `and` tighter than `or`.
 * Takes time in proportion to the length, whatever it is given.
 *
 * Throws `odata.query` with the position, counted from 1; never with what stood there.
 */
export function parseFilter(text: string): Expression {
  const tokens = tokensOf(text)
  let next = 0
  let level = 0
  const peek = (): Token => tokens[next] ?? { kind: 'end', text: '', at: text.length }
  const take = (): Token => {
    const token = peek()
    next++
    return token
  }
  const takesWord = (word: string): boolean => {
    const { kind, text: name } = peek()
    if (kind !== 'name' || name !== word) return false
    next++
    return true
  }
  const takesSign = (sign: string): boolean => {
    const { kind, text: found } = peek()
    if (kind !== 'sign' || found !== sign) return false
    next++
    return true
  }
  const expectSign = (sign: string): void => {
    const { at } = peek()
    if (!takesSign(sign)) throw refusal(at, `"${sign}" is expected`)
  }
  const deeper = <T>(read: () => T): T => {
    if (++level > mostLevels) throw refusal(peek().at, `at most ${mostLevels} levels of brackets are allowed`)
    const result = read()
    level--
    return result
  }
  const chain = (word: 'and' | 'or', operand: () => Expression): Expression => {
    const first = operand()
    const operands = [first]
    while (takesWord(word)) operands.push(operand())
    return operands.length === 1 ? first : { kind: word, operands }
  }
  const condition = (): Expression => chain('or', () => chain('and', negation))
  const negation = (): Expression => {
    const following = tokens[next + 1]
    if (peek().text === 'not' && peek().kind === 'name' && following !== undefined && !isOperator(following)) {
      next++
      return { kind: 'not', operand: deeper(negation) }
    }
    return comparison()
  }
  const comparison = (): Expression => {
    const left = operand()
    const operator = comparisons.find((name) => takesWord(name))
    if (operator !== undefined) return { kind: 'compare', operator, left, right: operand() }
    if (!takesWord('in')) return left
    expectSign('(')
    const values: Literal[] = []
    do values.push(literal(take()))
    while (takesSign(','))
    expectSign(')')
    return { kind: 'in', operand: left, values }
  }
  const operand = (): Expression => {
    if (takesSign('(')) {
      const inner = deeper(condition)
      expectSign(')')
      return inner
    }
    const token = take()
    if (token.kind !== 'name' || isWordLiteral(token.text)) return { kind: 'literal', literal: literal(token) }
    if (!takesSign('(')) return { kind: 'property', name: token.text }
    const given: Expression[] = []
    if (!takesSign(')')) {
      do given.push(deeper(condition))
      while (takesSign(','))
      expectSign(')')
    }
    return { kind: 'call', name: token.text, arguments: given }
  }
  const result = condition()
  const { kind, at } = peek()
  if (kind !== 'end') throw refusal(at, 'and, or, or the end is expected')
  return result
}

function tokensOf(text: string): Token[] {
  const tokens: Token[] = []
  const space = /[ \t]+/y
  let at = 0
  while (at < text.length) {
    space.lastIndex = at
    if (space.test(text)) {
      at = space.lastIndex
      continue
    }
    const token = tokenAt(text, at)
    if (token === undefined) throw refusal(at, 'this is no part of a filter')
    if (tokens.length >= mostTokens) throw refusal(at, `at most ${mostTokens} parts are allowed`)
    tokens.push(token)
    at += token.text.length
  }
  return tokens
}

function tokenAt(text: string, at: number): Token | undefined {
  for (const [kind, pattern] of tokenPatterns) {
    pattern.lastIndex = at
    const [found] = pattern.exec(text) ?? []
    if (found !== undefined) return { kind, text: found, at }
  }
  return undefined
}

function isOperator({ kind, text }: Token): boolean {
  return kind === 'name' && [...comparisons, 'in', 'and', 'or'].includes(text)
}

function isWordLiteral(text: string): boolean {
  return text === 'null' || text === 'true' || text === 'false'
}

function literal({ kind, text, at }: Token): Literal {
  switch (kind) {
    case 'string':
      return { kind, value: text.slice(1, -1).replaceAll("''", "'") }
    case 'guid':
      return { kind, value: text.toLowerCase() }
    case 'number':
      if (!Number.isFinite(Number(text))) throw refusal(at, 'the number is too large')
      return { kind, value: text }
    case 'date':
      return { kind, value: timeOf(`${text}T00:00:00Z`, at).slice(0, 10) }
    case 'time':
      return { kind, value: timeOf(text, at) }
    case 'name':
      if (text === 'null') return { kind: 'null' }
      if (text === 'true' || text === 'false') return { kind: 'boolean', value: text === 'true' }
  }
  throw refusal(at, 'a value or a property is expected')
}

/** In UTC, to the millisecond; there is no year 0 here, as in PostgreSQL. */
function timeOf(text: string, at: number): string {
  const time = new Date(text.toUpperCase())
  const year = time.getUTCFullYear()
  const isCalendarDay = new Date(`${text.slice(0, 10)}T00:00:00Z`).toJSON()?.startsWith(text.slice(0, 10)) === true
  if (Number.isNaN(year) || year < 1 || year > 9999 || !isCalendarDay) throw refusal(at, 'there is no such time')
  return time.toISOString()
}

function refusal(at: number, reason: string): LetheError {
  return odataError('odata.query', { option: '$filter', reason: `at position ${at + 1}, ${reason}` })
}
