import { createHash } from 'node:crypto'
import type { Identifier } from '../../identifiers/identifier-key.ts'
import type { PlannedRows } from '../../personal-data/affected-rows.ts'
import { type Mention, scrubEffect } from '../../personal-data/find-mentions.ts'

/** One effect on one table for one person: the number of rows, and a digest of their keys. */
export type PlanPart = { table: string; effect: string; rows: number; digest: string }

/** What differs between a plan and the rows that were found. Equal numbers: other rows, or other rights. */
export type PlanChange = { table: string; effect: string; planned: number; found: number }

/**
 * The parts of the plan of each person, sorted. A plan covers every row that the operation affects because of a foreign key
 * to the person: no transaction can add such a row while the person is locked. With `mentions` it also covers the texts of
 * others that hold an identifier of the person, as they are before the act.
 */
export function partsByPerson(
  people: readonly string[],
  rows: readonly PlannedRows[],
  mentions: { found: readonly Mention[]; identifiers: ReadonlyMap<string, readonly Identifier[]> } | undefined,
): Map<string, PlanPart[]> {
  const parts = new Map<string, PlanPart[]>(people.map((id) => [id, []]))
  for (const { person, table, effect, planned, digest } of rows) {
    if (digest !== null) parts.get(person)?.push({ table, effect, rows: planned, digest })
  }
  if (mentions !== undefined) addMentions(parts, mentions.found, mentions.identifiers)
  for (const ofPerson of parts.values()) ofPerson.sort((one, other) => compare(nameOf(one), nameOf(other)))
  return parts
}

/** The keys of the rows alone: a digest of an identifier could be guessed. */
function addMentions(
  parts: Map<string, PlanPart[]>,
  found: readonly Mention[],
  identifiers: ReadonlyMap<string, readonly Identifier[]>,
): void {
  const holders = new Map<string, string[]>()
  for (const [person, theirs] of identifiers) {
    for (const value of new Set(theirs.map((one) => one.value)))
      holders.set(value, [...(holders.get(value) ?? []), person])
  }
  const places = new Map<string, { person: string; table: string; effect: string; keys: string[] }>()
  for (const { column, key, identifiers: mentioned } of found) {
    const { table, effect } = scrubEffect(column)
    for (const { value } of mentioned) {
      for (const person of holders.get(value) ?? []) {
        const name = `${person} ${table} ${effect}`
        const place = places.get(name) ?? { person, table, effect, keys: [] }
        place.keys.push(JSON.stringify(key))
        places.set(name, place)
      }
    }
  }
  for (const { person, table, effect, keys } of places.values()) {
    const digest = createHash('sha256').update(keys.sort(compare).join('\n')).digest('hex')
    parts.get(person)?.push({ table, effect, rows: keys.length, digest })
  }
}

/** The digest of the parts of one person. */
export function digestOfParts(parts: readonly PlanPart[]): Buffer {
  const hash = createHash('sha256')
  for (const { table, effect, rows, digest } of parts) hash.update(`${table}\n${effect}\n${rows}\n${digest}\n`)
  return hash.digest()
}

/** A part as it is stored: the beginning of its digest is enough to tell which part differs. */
export type StoredPart = [table: string, effect: string, rows: number, digest: string]

/** What is stored of a part. */
export function storedPart({ table, effect, rows, digest }: PlanPart): StoredPart {
  return [table, effect, rows, digest.slice(0, 16)]
}

/** The parts that differ, with the numbers of rows in the plan and those that were found. */
export function changesOf(planned: readonly StoredPart[], found: readonly PlanPart[]): PlanChange[] {
  const sides = new Map<string, PlanChange & { digests: string[] }>()
  const side = (table: string, effect: string) => {
    const known = sides.get(`${table} ${effect}`)
    if (known !== undefined) return known
    const added = { table, effect, planned: 0, found: 0, digests: [] }
    sides.set(`${table} ${effect}`, added)
    return added
  }
  for (const [table, effect, rows, digest] of planned) {
    const one = side(table, effect)
    one.planned = rows
    one.digests.push(digest)
  }
  for (const part of found) {
    const [table, effect, rows, digest] = storedPart(part)
    const one = side(table, effect)
    one.found = rows
    one.digests.push(digest)
  }
  return [...sides.values()]
    .filter(({ digests: [one, other], planned: before, found: after }) => one !== other || before !== after)
    .map(({ digests: _, ...change }) => change)
    .sort((one, other) => compare(nameOf(one), nameOf(other)))
}

function nameOf({ table, effect }: { table: string; effect: string }): string {
  return `${table} ${effect}`
}

function compare(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0
}
