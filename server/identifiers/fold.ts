/**
 * When two texts are the same to us: canonical caseless matching of The Unicode Standard, chapter 3, D145. Full case
 * folding, no language, of the pinned version. It depends neither on Node's tables nor on the database's locale;
 * `lethe_fold` (fold-in-sql.ts) computes the same in PostgreSQL.
 *
 * `fold(text)` is NFC(case folding(NFD(text))). A reader of a stream gets there code point by code point:
 *
 * 1. `foldedDecomposition` of each code point, one after the other;
 * 2. sort every run of code points whose `combiningClass` is not 0 by that class, equals in their order;
 * 3. read U+0345 (`iotaSubscript`) as U+03B9 (`iota`), which it folds to: not before, because it sorts as a mark;
 *    step 2 has put it at the end of its run.
 *
 * That is `decomposedFold(text)`: two texts have the same one exactly if they have the same `fold`.
 */
import { canonicalDecompositions, caseFoldings, combiningClasses, compositionExclusions, marks } from './tables.ts'

/**
 * The version of our fold, stored with every hash of a folded value. Version 1 was NFC and lower case of the runtime.
 */
export const foldVersion = 2

/** U+0345, a mark that folds to the letter `iota`. See the head of this file for when. */
export const iotaSubscript = 0x345

/** U+03B9, what `iotaSubscript` folds to. */
export const iota = 0x3b9

// The Unicode Standard, chapter 3.12: Hangul syllables are computed.
const firstSyllable = 0xac00
const firstLead = 0x1100
const firstVowel = 0x1161
const firstTrail = 0x11a7
const vowels = 21
const trails = 28
const syllables = 19 * vowels * trails

const foldedDecompositions = new Map<number, readonly number[]>()
for (const codePoint of new Set([...canonicalDecompositions.keys(), ...caseFoldings.keys()])) {
  foldedDecompositions.set(
    codePoint,
    // A folding of a decomposed letter may decompose in its turn.
    decompositionOf(codePoint).flatMap((part) => (part === iotaSubscript ? [part] : foldOf(part))),
  )
}

function foldOf(codePoint: number): number[] {
  return (caseFoldings.get(codePoint) ?? [codePoint]).flatMap(decompositionOf)
}

/** Canonical decomposition of one code point, all steps. */
function decompositionOf(codePoint: number): number[] {
  const syllable = codePoint - firstSyllable
  if (syllable >= 0 && syllable < syllables) return decomposedSyllable(syllable)
  const parts = canonicalDecompositions.get(codePoint)
  return parts === undefined ? [codePoint] : parts.flatMap(decompositionOf)
}

function decomposedSyllable(syllable: number): number[] {
  const trail = syllable % trails
  const vowel = Math.floor(syllable / trails) % vowels
  const lead = Math.floor(syllable / (trails * vowels))
  return [firstLead + lead, firstVowel + vowel, ...(trail === 0 ? [] : [firstTrail + trail])]
}

const compositions = new Map<number, Map<number, number>>()
const composesBackwards = new Set<number>()
for (const [codePoint, [first = 0, second]] of canonicalDecompositions) {
  if (second === undefined || compositionExclusions.has(codePoint)) continue
  const seconds = compositions.get(first) ?? new Map<number, number>()
  compositions.set(first, seconds.set(second, codePoint))
  composesBackwards.add(second)
}

/**
 * What the code point becomes before marks are sorted: its canonical decomposition, case folded. U+0345 stays what it is
 * (see the head of this file).
 */
export function foldedDecomposition(codePoint: number): readonly number[] {
  return foldedDecompositions.get(codePoint) ?? decompositionOf(codePoint)
}

/** Canonical_Combining_Class: 0 for what starts a new unit, otherwise the order of marks behind the same letter. */
export function combiningClass(codePoint: number): number {
  return combiningClasses.get(codePoint) ?? 0
}

/** Whether the code point is a mark (General_Category M): it belongs to the character before it. */
export function isMark(codePoint: number): boolean {
  return marks.has(codePoint)
}

/**
 * Whether the code point may change the result for the previous one. It, or its decomposition, begins with a mark that
 * is sorted, or with a character that NFC may join to the previous one. Between two code points, of which the second
 * does not, a text can be cut: the folds of both parts, joined, are the fold of the whole.
 */
export function joinsBackwards(codePoint: number): boolean {
  const [first = codePoint] = decompositionOf(codePoint)
  return (
    combiningClass(first) !== 0 ||
    composesBackwards.has(first) ||
    (first >= firstVowel && first < firstVowel + vowels) ||
    (first > firstTrail && first < firstTrail + trails)
  )
}

/** The code points of which `joinsBackwards` is true, as ranges. */
export function joiningRanges(): [first: number, last: number][] {
  const candidates = [...combiningClasses.keys(), ...composesBackwards, ...canonicalDecompositions.keys()]
  for (let jamo = firstVowel; jamo < firstTrail + trails; jamo++) candidates.push(jamo)
  return rangesOf(candidates.filter(joinsBackwards))
}

/** Code points as ranges, in order. */
export function rangesOf(codePoints: Iterable<number>): [first: number, last: number][] {
  const ranges: [number, number][] = []
  for (const codePoint of [...new Set(codePoints)].sort((a, b) => a - b)) {
    const range = ranges.at(-1)
    if (range !== undefined && range[1] === codePoint - 1) range[1] = codePoint
    else ranges.push([codePoint, codePoint])
  }
  return ranges
}

const joining = new Set(joiningRanges().flatMap(([first, last]) => range(first, last)))

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index)
}

const asciiOnly = /^[\0-\x7f]*$/

/** What single code points fold to, where nothing joins them. */
const single = new Map<string, string>()

/** What the code point folds to where nothing beside it joins it. */
export function foldedAlone(character: string): string {
  let folded = single.get(character)
  if (folded === undefined) {
    folded = stringOf(composed(foldedCodePoints(character)))
    if (single.size < 4096) single.set(character, folded)
  }
  return folded
}

/**
 * The form that all spellings of a text share: letters in any case, composed or decomposed, singletons. NFC. Of ASCII it
 * is the lower case. Folding twice changes nothing.
 */
export function fold(text: string): string {
  if (asciiOnly.test(text)) return text.toLowerCase()
  let folded = ''
  for (const character of text) {
    if (joining.has(codePointOf(character))) return stringOf(composed(foldedCodePoints(text)))
    folded += foldedAlone(character)
  }
  return folded
}

/** The same as `fold`, decomposed (NFD): what a reader of a stream gets. */
export function decomposedFold(text: string): string {
  return asciiOnly.test(text) ? text.toLowerCase() : stringOf(foldedCodePoints(text))
}

/** NFC of the pinned version; case stays. */
export function compose(text: string): string {
  return asciiOnly.test(text)
    ? text
    : stringOf(composed(sortMarks(Array.from(text, codePointOf).flatMap(decompositionOf))))
}

function foldedCodePoints(text: string): number[] {
  const codePoints: number[] = []
  for (const character of text) {
    for (const part of foldedDecomposition(codePointOf(character))) codePoints.push(part)
  }
  sortMarks(codePoints)
  for (const [at, codePoint] of codePoints.entries()) if (codePoint === iotaSubscript) codePoints[at] = iota
  return codePoints
}

/** Canonical ordering (D109), in place. */
function sortMarks(codePoints: number[]): number[] {
  for (let start = 0; start < codePoints.length; start++) {
    if (combiningClass(codePoints[start] ?? 0) === 0) continue
    let end = start + 1
    while (end < codePoints.length && combiningClass(codePoints[end] ?? 0) !== 0) end++
    if (end - start > 1) {
      const run = codePoints.slice(start, end).sort((a, b) => combiningClass(a) - combiningClass(b))
      for (const [at, codePoint] of run.entries()) codePoints[start + at] = codePoint
    }
    start = end
  }
  return codePoints
}

/** Canonical composition (D117) of decomposed and sorted code points. */
function composed(codePoints: readonly number[]): number[] {
  const result: number[] = []
  let starter = -1
  let lastClass = 0
  for (const codePoint of codePoints) {
    const ofThis = combiningClass(codePoint)
    // Blocked (D115): something of the same or a higher class, or another starter, stands between.
    const adjacent = starter === result.length - 1
    const joined =
      starter >= 0 && (adjacent || (lastClass !== 0 && lastClass < ofThis))
        ? compositionOf(result[starter] ?? 0, codePoint)
        : undefined
    if (joined !== undefined) {
      result[starter] = joined
      continue
    }
    if (ofThis === 0) starter = result.length
    lastClass = ofThis
    result.push(codePoint)
  }
  return result
}

function compositionOf(first: number, second: number): number | undefined {
  const lead = first - firstLead
  const vowel = second - firstVowel
  if (lead >= 0 && lead < 19 && vowel >= 0 && vowel < vowels) return firstSyllable + (lead * vowels + vowel) * trails
  const syllable = first - firstSyllable
  const trail = second - firstTrail
  if (syllable >= 0 && syllable < syllables && syllable % trails === 0 && trail > 0 && trail < trails)
    return first + trail
  return compositions.get(first)?.get(second)
}

function codePointOf(character: string): number {
  return character.codePointAt(0) ?? 0
}

function stringOf(codePoints: readonly number[]): string {
  let text = ''
  // A call takes only so many arguments.
  for (let at = 0; at < codePoints.length; at += 4096) text += String.fromCodePoint(...codePoints.slice(at, at + 4096))
  return text
}
