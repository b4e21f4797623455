import type { Identifier } from '../identifier-key.ts'
import { IdentifierScanner } from './identifier-scanner.ts'
import { copyText, readCopyText } from './search-form-stream.ts'

/** What replaces an identifier in a text. */
export const erasedMark = '[erased]'

/** A part of a text, in UTF-16 units. */
type Range = { from: number; to: number }

/**
 * The text without the identifiers: whatever the scanner finds is replaced, as it is written there, escapes included, and
 * nothing beside it. Identifiers that overlap are replaced by one mark. What is a part of an identifier in `protect` stays.
 */
export function scrubText(text: string, identifiers: readonly Identifier[], protect: readonly Identifier[]): string {
  return replaced(text, occurrencesIn(text, identifiers, protect))
}

/**
 * The list without the entries that name one of the identifiers, however they are written (`Jane <jane@x.org>`,
 * `mailto:jane@x.org`). An entry that holds another address besides keeps that one.
 */
export function scrubAddresses(
  addresses: readonly string[],
  identifiers: readonly Identifier[],
  protect: readonly Identifier[],
): string[] {
  return addresses.flatMap((address) => {
    const scrubbed = scrubText(address, identifiers, protect)
    return scrubbed === address || scrubbed.includes('@') ? [scrubbed] : []
  })
}

const stringOrNumber = /"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*/g
const jsonSign = /\\u[0-9a-fA-F]{4}|\\.|[^\\]/gsu

/**
 * JSON without the identifiers, in strings and names alike. The result is still JSON. An escape is replaced as a whole,
 * and a number by null. An identifier across several strings is removed from each of them. Every other byte stays as it
 * is.
 */
export function scrubJson(json: string, identifiers: readonly Identifier[], protect: readonly Identifier[]): string {
  const found = occurrencesIn(json, identifiers, protect)
  if (found.length === 0) return json
  return json.replace(stringOrNumber, (token, start: number) => {
    const inside = found
      .map(({ from, to }) => ({ from: from - start, to: to - start }))
      .filter(({ from, to }) => from < token.length && to > 0)
    if (inside.length === 0) return token
    if (!token.startsWith('"')) return 'null'
    const content = token.slice(1, -1)
    const ranges = inside.flatMap(({ from, to }) => wholeSigns(content, { from: from - 1, to: to - 1 }))
    return `"${replaced(content, ranges)}"`
  })
}

/** The signs of a JSON string that the range is in or touches a part of. */
function wholeSigns(content: string, { from, to }: Range): Range[] {
  const touched = [...content.matchAll(jsonSign)].filter(
    ({ index, 0: sign }) => index < to && index + sign.length > from,
  )
  const [first, last] = [touched[0], touched.at(-1)]
  return first === undefined || last === undefined ? [] : [{ from: first.index, to: last.index + last[0].length }]
}

function replaced(text: string, ranges: readonly Range[]): string {
  let result = ''
  let at = 0
  for (const { from, to } of merged(ranges)) {
    result += text.slice(at, from) + erasedMark
    at = to
  }
  return result + text.slice(at)
}

/** The ranges in order, those that overlap as one. */
function merged(ranges: readonly Range[]): Range[] {
  const result: Range[] = []
  for (const { from, to } of [...ranges].sort((a, b) => a.from - b.from)) {
    const last = result.at(-1)
    if (last !== undefined && from < last.to) last.to = Math.max(last.to, to)
    else result.push({ from, to })
  }
  return result
}

/** Every place in the text where one of the identifiers is written. */
function occurrencesIn(text: string, identifiers: readonly Identifier[], protect: readonly Identifier[]): Range[] {
  const value = Buffer.from(copyText(text))
  const found: Range[] = []
  const scanner = new IdentifierScanner(identifiers, ({ from, to }) => found.push({ from, to }), {
    protect,
    every: true,
    slice: 4096,
  })
  scanner.write(value)
  scanner.end()
  if (found.length === 0) return found
  // From bytes of the stream to units of the text, in one walk.
  const ends = [...new Set(found.flatMap(({ from, to }) => [from, to]))].sort((a, b) => a - b)
  const inText = new Map<number, number>()
  let byte = 0
  let unit = 0
  for (const end of ends) {
    unit += readCopyText(value.subarray(byte, end).toString('utf8')).length
    byte = end
    inText.set(end, unit)
  }
  return found.map(({ from, to }) => ({ from: inText.get(from) ?? 0, to: inText.get(to) ?? 0 }))
}
